"""How many requests at a time a server answers fastest, found by trying."""

from __future__ import annotations

__all__ = ["Climb"]

_START = 8
# From one level to the next: what more requests must bring, and what fewer may cost.
_GAIN = 1.15
_LOSS = 0.8
# How much higher than the level it is compared with a level must be, for the gain to show.
_STEP = 1.5
# Levels without a change before more are tried again.
_REST = 4
_FELL = 0.5
# Answers in the time that the fastest took, below which a server seems to give one at a time.
_ALONE = 2
# Answers in a level that is compared with another, at the least: fewer say little about a rate.
_FEWEST = 16


class Climb:
    """Raises the number of requests at a time while that brings more answers a second.

    A level lasts until as many requests as it allows were sent in it and answered. Levels double
    until the server is in trouble for the first time; afterwards each adds one. A level that
    brings hardly more answers a second than a lower one is given up, and lower ones are tried as
    long as they bring no fewer: many requests at a server that answers one after the other only
    wait there until they time out. Such a server mostly shows at once, by how few answers come
    in the time that the fastest took. Trouble halves.

    Parameters
    ----------
    most : int
        Requests at a time at the very most.

    Attributes
    ----------
    limit : int
        Requests at a time, at present.
    level : int
        Goes up with every level.
    """

    def __init__(self, most: int) -> None:
        self.limit = min(_START, most)
        self.level = 0
        self._most = most
        self._untroubled = True
        self._best: tuple[int, float] | None = None  # requests at a time, answers a second
        self._down = False
        self._rest = 0
        self._began: float | None = None
        self._n_all = self._n_own = 0
        self._fastest = float("inf")

    def send(self, now: float) -> int:
        """Level in which a request is sent at the time ``now``, in seconds."""
        if self._began is None:
            self._began = now
        return self.level

    def answer(self, level: int, now: float, seconds: float, *, full: bool) -> None:
        """Take in an answer to a request of ``level``, which took so many ``seconds``.

        ``full``: as many as the limit allows were under way. With places to spare an answer
        does not show that more of them would do.
        """
        self._n_all += 1
        if level != self.level or not full:
            return
        self._n_own += 1
        self._fastest = min(self._fastest, seconds)
        if self._n_own >= self._wanted() and self._began is not None:
            elapsed = now - self._began
            self._start(self._next(self._n_all / elapsed if elapsed > 0 else float("inf")), now)

    def trouble(self, now: float) -> None:
        """Halve the requests at a time."""
        self._untroubled = self._down = False
        self._best, self._rest = None, 0
        self._start(self.limit // 2, now)

    def _start(self, limit: int, now: float) -> None:
        self.limit = max(1, min(limit, self._most))
        self.level += 1
        self._began = now
        self._n_all = self._n_own = 0
        self._fastest = float("inf")

    def _wanted(self) -> int:
        """Answers that end a level."""
        small = not self._untroubled and not self._down
        if self._best is None or (small and self.limit < _STEP * self._best[0]):
            return self.limit
        return max(self.limit, _FEWEST)

    def _next(self, rate: float) -> int:
        """Limit of the next level, after one with so many answers a second."""
        if self._best is None:
            return self._first(rate)
        at, best = self._best
        if self._down:
            if rate >= _LOSS * best:
                return self._lower(rate)
            self._down = False
            return at
        above = self.limit >= _STEP * at
        if above and rate < _GAIN * best:
            self.limit = at
            return self._lower(best)
        if self.limit == at and rate < _FELL * best:
            return self._lower(rate)
        if above or self.limit == at:
            self._best = self.limit, rate
        return self._higher()

    def _first(self, rate: float) -> int:
        self._best = self.limit, rate
        if self._untroubled and rate * self._fastest < _ALONE and self.limit > 1:
            self._down = True
            return max(1, self.limit // 4)
        return self._higher()

    def _higher(self) -> int:
        if self._rest:
            self._rest -= 1
            return self.limit
        return 2 * self.limit if self._untroubled else self.limit + 1

    def _lower(self, rate: float) -> int:
        """Try half as many; with one at a time there is nothing to try."""
        self._best = self.limit, rate
        self._rest = _REST
        self._down = self.limit > 1
        return max(1, self.limit // 2)
