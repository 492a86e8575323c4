"""How long a reply is waited for: as long as this server's replies take, if nobody said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from tracer_nb.teachers.server import CONNECT_SECONDS

__all__ = ["LONGEST", "Patience"]

T = TypeVar("T")

LONGEST = 3600.0
"""Seconds after which a reply is given up in any case."""
_FIRST = 300.0
_LEAST = 60.0
# Where requests wait in line each waits longer than the one before, by the time of one answer.
_TIMES = 5.0


class Patience:
    """Waits for replies, and cancels none that this server may still be working at.

    A request that was given up is mostly answered, and billed, all the same, and is then sent
    and paid once more. So a server that has not answered yet gets five minutes (it may be loading
    its model); then five times the longest wait that ended well, and a minute at least, which
    holds for the requests under way, too. One that was given up doubles the wait of the others:
    the server may have become slower.

    Parameters
    ----------
    timeout : float, optional
        Seconds to wait for a reply: exactly these, and as many, up to ten, for the connection.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self.timeout = timeout
        self._given_up = LONGEST
        self._least = _FIRST
        self._slowest: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds in which a reply must be complete, making the connection included."""
        if self.timeout is not None:
            return self.timeout + min(self.timeout, CONNECT_SECONDS)
        seen = 0.0 if self._slowest is None else _TIMES * self._slowest
        return min(LONGEST, max(self._least, seen))

    @property
    def said(self) -> float:
        """Seconds that are named when a reply is given up."""
        return self._given_up if self.timeout is None else self.timeout

    async def wait(self, reply: Awaitable[T]) -> T:
        """Wait for a reply.

        Raises
        ------
        TimeoutError
            It did not come in time, and was cancelled.
        """
        task = asyncio.ensure_future(reply)
        clock = asyncio.get_running_loop().time
        sent = clock()
        try:
            while not task.done():
                left = sent + self.seconds - clock()
                if left <= 0:
                    self._give_up(clock() - sent)
                    raise asyncio.TimeoutError
                # Not all of it at once: other replies may meanwhile show how fast the server is.
                await asyncio.wait([task], timeout=min(left, _LEAST / 4))
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([task])
        result = task.result()
        self._take_in(clock() - sent)
        return result

    def _take_in(self, seconds: float) -> None:
        if self._slowest is None:
            self._least = _LEAST
        self._slowest = max(self._slowest or 0.0, seconds)

    def _give_up(self, seconds: float) -> None:
        self._given_up = round(seconds, 1)
        self._least = min(LONGEST, max(self._least, 2 * seconds))
