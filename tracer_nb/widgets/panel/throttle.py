"""Not more often than a few times a second, and the last time never left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Throttle"]


def _timer(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Throttle:
    """Calls ``work`` at once or a little later, at most every ``interval`` seconds.

    Several calls that fall into one interval are one. May be called from any thread.

    Parameters
    ----------
    work : callable
    interval : float
        Seconds.
    clock, later : callable
        For tests: the time, and what calls a function after some seconds.
    """

    def __init__(
        self,
        work: Callable[[], None],
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = _timer,
    ) -> None:
        self._work, self._interval = work, interval
        self._clock, self._later = clock, later
        self._lock = threading.Lock()
        self._last = float("-inf")
        self._waiting = False

    def __call__(self) -> None:
        """Work now, or when the interval is over."""
        with self._lock:
            if self._waiting:
                return
            seconds = self._last + self._interval - self._clock()
            if seconds > 0:
                self._waiting = True
                self._later(seconds, self._late)
                return
            self._last = self._clock()
        self._work()

    def _late(self) -> None:
        with self._lock:
            self._waiting = False
            self._last = self._clock()
        self._work()
