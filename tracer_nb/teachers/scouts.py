"""Few requests at the first contact: until it is known what the server takes, many are in vain."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter

from tracer_nb.teachers.pace import Pace

__all__ = ["Scouts"]

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
