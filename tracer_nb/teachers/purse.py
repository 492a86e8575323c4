"""Money and tokens for calls that run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tracer_nb.teachers.budget import Amount, Budget

__all__ = ["Purse"]


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
