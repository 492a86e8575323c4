"""The caps, looked at again whenever a request is sent.

Calls that run side by side take money and tokens from one purse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from tracer_nb.records import Caps
from tracer_nb.teachers.budget import Amount, Budget, total_cost

__all__ = ["TAB", "Bound", "Purse", "Sent", "Tab", "Till"]


class Purse:
    """Lets a call wait for what others set aside and may not need.

    First come, first served: a cheap call does not pass a dear one that waits. What is asked
    is then always a first part of the texts, in their order, which is a random one.

    Parameters
    ----------
    budget : Budget
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._out = 0
        self._closed = False
        self._settled = asyncio.Event()
        self._turn = asyncio.Lock()  # fair: whoever holds it is the first in line

    async def take(self, bound: Callable[[], Amount]) -> Amount | None:
        """Set ``bound()`` aside, and return it.

        It is asked for anew after every wait, because a reply may have raised it. None when
        there is not enough, and no call that might settle.
        """
        async with self._turn:
            while not self._closed:
                wanted = bound()
                if self._budget.reserve(wanted):
                    self._out += 1
                    return wanted
                if self._out == 0:
                    return None
                await self._settled.wait()
        return None

    def change(self, bound: Amount, to: Amount) -> None:
        """Set ``to`` aside in the place of what a call took."""
        self._budget.change(bound, to)
        self._wake()

    def settle(self, bound: Amount, actual: Amount | None) -> None:
        """Pay for a call that took ``bound``; an ``actual`` of None counts in full."""
        self._out -= 1
        self._budget.settle(bound, actual)
        self._wake()

    def close(self) -> None:
        """Give out nothing more, and let nobody wait."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._settled.set()
        self._settled = asyncio.Event()


class Bound(Protocol):
    """What one request takes at the most, as known now."""

    def __call__(self, *, cautious: bool) -> Amount:
        """Amount; when ``cautious``, the most that a server's count is believed."""
        ...


@dataclass(slots=True, eq=False)
class Sent:
    """A request under way, and what is set aside for it."""

    bound: Bound
    held: Amount


class Till:
    """Lets requests go only while everything booked and under way stays below the caps.

    A text is asked about only when all the replies that it may take fit; but a server may bill
    more for one than it was told to. So every single request is held against the caps again
    when it is sent, at the bounds of that moment: when a reply takes more than its bound, the
    bounds of all requests rise, also of those under way. What the server then bills passes a
    cap by no more than what the requests under way at that moment take beyond their bounds.

    Until the first reply has come, a request is held against the caps at its cautious bound;
    where that does not fit, they go one at a time.

    Parameters
    ----------
    caps : Caps
    """

    def __init__(self, caps: Caps) -> None:
        self._capped = caps.max_cost is not None or caps.max_tokens is not None
        self._budget = Budget(caps)
        self._purse = Purse(self._budget)
        self._under_way: set[Sent] = set()
        self._tried = False

    @property
    def reached(self) -> str:
        """Which cap was too small for a request; empty when none was."""
        return self._budget.reached

    async def admit(self, bound: Bound) -> Sent | None:
        """Set aside what a request takes; None when a cap does not allow it, or at the end."""
        if not self._capped:
            return Sent(bound, Amount())
        held = None
        if not self._tried:
            held = await self._purse.take(lambda: bound(cautious=not self._tried))
        if held is None:
            held = await self._purse.take(lambda: bound(cautious=False))
        if held is None:
            return None
        sent = Sent(bound, held)
        self._under_way.add(sent)
        return sent

    def book(self, sent: Sent, actual: Amount) -> None:
        """Book what a request took."""
        if self._capped:
            self._under_way.discard(sent)
            self._purse.settle(sent.held, actual)

    def replied(self, *, rose: bool) -> None:
        """Note a reply; when the bounds ``rose`` by it, those of all requests under way do."""
        if not rose and self._tried:
            return
        self._tried = True
        for sent in self._under_way:
            bound = sent.bound(cautious=False)
            if bound != sent.held:
                self._purse.change(sent.held, bound)
                sent.held = bound

    def close(self) -> None:
        """Let no more requests go."""
        self._purse.close()


class Tab:
    """What the requests of one call of a teacher have taken.

    Parameters
    ----------
    till : Till
        Of the run.

    Attributes
    ----------
    kept : bool
        Whether the teacher's requests go through it at all.
    booked : Amount
        So far.
    """

    def __init__(self, till: Till) -> None:
        self.kept = False
        self.booked = Amount()
        self._till = till
        self._open: set[Sent] = set()

    async def admit(self, bound: Bound) -> Sent | None:
        """Let a request go, as :meth:`Till.admit`."""
        self.kept = True
        sent = await self._till.admit(bound)
        if sent is not None:
            self._open.add(sent)
        return sent

    def book(self, sent: Sent, actual: Amount) -> None:
        """Book what a request took."""
        if sent not in self._open:  # booked already, when the call ended
            return
        self._open.discard(sent)
        self._till.book(sent, actual)
        both = (self.booked.cost, actual.cost)
        self.booked = Amount(total_cost(both), (self.booked.tokens or 0) + (actual.tokens or 0))

    def replied(self, *, rose: bool) -> None:
        """Note a reply, as :meth:`Till.replied`."""
        self._till.replied(rose=rose)

    def close(self) -> None:
        """Book what is still under way at the most: the server may bill it."""
        for sent in tuple(self._open):
            self.book(sent, sent.bound(cautious=False))


TAB: ContextVar[Tab | None] = ContextVar("TAB", default=None)
"""Of the call that the current task belongs to: requests are made deep below the run that
pays for them."""
