"""How many requests a chat teacher has under way, and when the next one may go.

Few at the first contact: until it is known what the server takes, many are in vain. And what an
HTTP error says about trying again: whether, and when.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import mktime_tz, parsedate_tz

from aiolimiter import AsyncLimiter
from anyio import CapacityLimiter

from tracer_nb.teachers.chat.climb import Climb, Sent

__all__ = [
    "TIMING",
    "Halted",
    "Pace",
    "Scouts",
    "Timing",
    "Turn",
    "asked_pause",
    "asked_until",
    "is_passing",
]


_PASSING = frozenset({408, 409, 429})
_LONGEST_ASKED = 60.0
_DAY = 86_400.0
# Seconds after which another run finds out anew how many requests at a time a server takes.
_A_MOMENT = 60.0
_LONGEST_SAID = 400 * _DAY


def is_passing(error: Exception) -> bool:
    """Whether the same request may work a little later; the server may say so itself."""
    status = getattr(error, "status_code", None)
    if status is None:
        return not getattr(error, "for_good", False)
    said = _header(error, "x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return status in _PASSING or status >= 500


def asked_pause(error: Exception) -> float | None:
    """Seconds that the server asks to wait; None when it does not, or asks for too many."""
    asked = _asked(error)
    return asked if asked is not None and 0 < asked <= _LONGEST_ASKED else None


def asked_until(error: Exception, longest: float = _LONGEST_ASKED) -> str | None:
    """Until when the server asks to wait, where that is more than ``longest`` seconds; else None."""
    asked = _asked(error)
    if asked is None or asked <= longest:
        return None
    if asked > _LONGEST_SAID:
        return "for more than a year"
    then = datetime.fromtimestamp(time.time() + asked, timezone.utc).astimezone()
    return f"until {then:%H:%M:%S}" if asked < _DAY / 2 else f"until {then:%Y-%m-%d %H:%M}"


def _asked(error: Exception) -> float | None:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = _header(error, name)
        try:
            seconds = float(value) / unit
        except ValueError:
            seconds = _until(value)
        if math.isfinite(seconds):
            return seconds
    return None


def _until(date: str) -> float:
    """Seconds until a date; not a number for what is none."""
    try:
        parsed = parsedate_tz(date)
        return math.nan if parsed is None else mktime_tz(parsed) - time.time()
    except (ValueError, OverflowError, TypeError, IndexError):
        return math.nan


def _header(error: Exception, name: str) -> str:
    response = getattr(error, "response", None)
    return str(response.headers.get(name, "")) if response is not None else ""


_SECONDS = 60.0


class Halted(Exception):
    """A request was not sent, because the run is being stopped."""


@dataclass(slots=True)
class Timing:
    """When the first request about a text was sent, by the loop's clock.

    Until then it only waited in line, which says nothing about the teacher.
    """

    sent: float | None = None


TIMING: ContextVar[Timing | None] = ContextVar("TIMING", default=None)
"""Of the text that the current task asks about: requests are made deep below the code that
times them, by whatever exchange a text needs."""


@dataclass(slots=True, eq=False)
class Turn:
    """One request under way; it may report that the server had trouble with it."""

    overloaded: bool = False
    wait: float = 0.0

    def failed(self, *, overloaded: bool, wait: float | None) -> None:
        """Note that the server was ``overloaded``, or asks for a ``wait`` of so many seconds."""
        self.overloaded = overloaded
        self.wait = wait or 0.0


class Pace:
    """Lets requests go: as many at a time as the server takes, and no faster than allowed.

    How many that is, :class:`Climb` finds out. Trouble halves them, at most once per
    round-trip: what was sent before they were halved tells nothing new, however many such
    requests fail. A wait that the server asks for holds for all requests, not only for the one
    that heard of it.

    For one run in one event loop.

    Parameters
    ----------
    most : int
        Requests at a time at the very most.
    before : Pace, optional
        Of the run before: if it ended a moment ago, what it found out about the server holds on.
    requests_per_minute, tokens_per_minute : float, optional
        Limits of the account. They are kept second by second: what a second may bring, or one
        request at least, may go at once.

    Attributes
    ----------
    halted : bool
        Whether nothing more is sent.
    climb : Climb
        Finds out how many requests at a time the server takes.
    """

    def __init__(
        self,
        most: int,
        *,
        before: Pace | None = None,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self.halted = False
        self.climb: Climb = Climb(most) if before is None or before.is_stale else before.climb
        self._places = CapacityLimiter(self.limit)
        self._requests = None if requests_per_minute is None else _Rate(requests_per_minute)
        self._tokens = None if tokens_per_minute is None else _Rate(tokens_per_minute)
        self._until = 0.0
        self._last = time.monotonic()
        self._round = 0  # goes up when they are halved
        self._waiting: set[asyncio.Task[object]] = set()

    @property
    def limit(self) -> int:
        """Requests at a time, at present."""
        return self.climb.limit

    @property
    def is_stale(self) -> bool:
        """Whether the server may be another one by now."""
        return self.halted or time.monotonic() > self._last + _A_MOMENT

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a request takes."""
        return self._tokens is not None

    @asynccontextmanager
    async def turn(
        self, tokens: int = 0, admit: Callable[[], Awaitable[bool]] | None = None
    ) -> AsyncIterator[Turn]:
        """Wait for the turn of a request, which lasts until it is answered or failed.

        Parameters
        ----------
        tokens : int
            That it takes, by an estimate; see :meth:`correct`.
        admit : callable, optional
            Asked last: may it be sent? After a no, nothing is sent any more.

        Raises
        ------
        Halted
            It may not be sent any more.
        """
        turn = Turn()
        with self._in_line():
            await self._places.acquire_on_behalf_of(turn)
            try:
                await self._clearance(tokens)
            except BaseException:
                self._places.release_on_behalf_of(turn)
                raise
        if admit is not None:
            await self._admission(turn, admit)
        sent = asyncio.get_running_loop().time()
        request = self._round, self.climb.send(sent)
        timing = TIMING.get()
        if timing is not None and timing.sent is None:
            timing.sent = sent
        try:
            yield turn
        except BaseException:
            self._note(turn, *request, clean=False)
            raise
        else:
            self._note(turn, *request, clean=True)
        finally:
            self._last = time.monotonic()
            self._places.release_on_behalf_of(turn)

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless or until the run is being stopped.

        Raises
        ------
        Halted
            It is.
        """
        with self._in_line():
            await asyncio.sleep(seconds)

    async def wait(self, for_it: Awaitable[object]) -> None:
        """Wait for something, unless or until the run is being stopped.

        Raises
        ------
        Halted
            It is.
        """
        with self._in_line():
            await for_it

    def correct(self, tokens: int) -> None:
        """Count so many tokens more (or fewer, below 0) than was estimated for a request."""
        if self._tokens is not None:
            self._tokens.owed += tokens

    def halt(self) -> None:
        """Send nothing more: whoever waits, or asks for a turn, gets :class:`Halted`."""
        self.halted = True
        for task in tuple(self._waiting):
            task.cancel()

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        if self.halted:
            raise Halted
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  this is awaited in one
        self._waiting.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if self.halted:
                raise Halted from None
            raise
        finally:
            self._waiting.discard(task)

    async def _clearance(self, tokens: int) -> None:
        if self._requests is not None:
            await self._requests.take(1)
        if self._tokens is not None:
            await self._tokens.take(tokens)
        loop = asyncio.get_running_loop()
        # No event to wait for: it is a moment, which may move on meanwhile.
        while (left := self._until - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    async def _admission(self, turn: Turn, admit: Callable[[], Awaitable[bool]]) -> None:
        try:
            if await admit():
                return
        except BaseException:
            self._places.release_on_behalf_of(turn)
            raise
        self._places.release_on_behalf_of(turn)
        self.halt()
        raise Halted

    def _note(self, turn: Turn, round_: int, sent: Sent, *, clean: bool) -> None:
        now = asyncio.get_running_loop().time()
        if turn.wait:
            self._until = max(self._until, now + turn.wait)
        counts = round_ == self._round
        full = self._places.borrowed_tokens >= self._places.total_tokens
        self.climb.back(sent, now, clean=clean and counts and not turn.overloaded, full=full)
        if counts and turn.overloaded:
            self._round += 1
            self.climb.trouble()
        if self._places.total_tokens != self.climb.limit:
            self._places.total_tokens = self.climb.limit


class _Rate:
    """So many a minute, evenly, first come, first served."""

    def __init__(self, per_minute: float) -> None:
        burst = max(1.0, per_minute / _SECONDS)
        self._bucket = AsyncLimiter(burst, _SECONDS * burst / per_minute)
        self._turn = asyncio.Lock()  # the bucket alone serves the smallest first
        self.owed = 0.0

    async def take(self, amount: float) -> None:
        async with self._turn:
            amount += self.owed
            self.owed = min(amount, 0.0)
            while amount > 0:
                part = min(amount, self._bucket.max_rate)
                await self._bucket.acquire(part)
                amount -= part


# Not one: it may hang, and the others with it.
_FEW = 2


class Scouts:
    """Lets two requests at a time go until :meth:`report` was called, then all.

    For one run in one event loop.

    Parameters
    ----------
    pace : Pace
        Of the same run: when it is halted, nobody waits here.
    known : bool
        Whether it is known already what the server takes.
    """

    def __init__(self, pace: Pace, *, known: bool) -> None:
        self._pace = pace
        self._places = CapacityLimiter(math.inf if known else _FEW)
        self._known = known

    def report(self) -> None:
        """Note that the form of a request is not, or no longer, what a failure would be about."""
        if not self._known:
            self._known = True
            self._places.total_tokens = math.inf

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn of a request.

        Raises
        ------
        Halted
            The run is being stopped.
        """
        if self._known:
            yield
            return
        place = object()
        await self._pace.wait(self._places.acquire_on_behalf_of(place))
        try:
            yield
        finally:
            self._places.release_on_behalf_of(place)
