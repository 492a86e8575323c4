"""The texts that a run asks about: those that it began with, and those that come meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

__all__ = ["Supply"]


class Supply:
    """Hands texts out to workers. All of it is called in the loop's thread.

    Parameters
    ----------
    most : int or None
        Texts that may be handed out in all.
    fewest : int
        While more may come, they are wanted as soon as no more than these are left: what is asked
        about next is chosen while these are answered.
    want : callable or None
        Called when more are wanted; :meth:`put` answers it. None: no more will come.
    """

    def __init__(self, most: int | None, *, fewest: int, want: Callable[[], None] | None) -> None:
        self.n_over = 0
        self._most = most
        self._fewest = fewest
        self._want = want
        self._wanting = False
        self._back: list[str] = []
        self._left: Iterator[str] = iter(())
        self._n_left = 0
        self._came = asyncio.Event()

    @property
    def n_left(self) -> int:
        """Texts that nobody was given yet."""
        return self._n_left

    def put(self, texts: Iterable[str], n: int) -> None:
        """Add ``n`` texts, as far as may be handed out; with none there will be no more."""
        n_in = n if self._most is None else min(n, self._most)
        if self._most is not None:
            self._most -= n_in
        self.n_over += n - n_in
        if not n_in or self.n_over:
            self._want = None
        # Not a list: there may be millions.
        self._left = chain(self._left, islice(texts, n_in))
        self._n_left += n_in
        self._wanting = False
        self._came.set()

    def put_back(self, texts: list[str]) -> None:
        """Take texts again that were handed out and not asked about: they go first."""
        if texts:
            self._back = texts + self._back
            self._n_left += len(texts)
            self._came.set()

    def end(self) -> None:
        """Nothing more will come."""
        self.put((), 0)

    async def take(self, size: int) -> list[str]:
        """The next texts, at most so many; empty where there are no more."""
        while True:
            if self._want is not None and not self._wanting and self._n_left <= self._fewest:
                self._wanting = True
                self._want()
            batch, self._back = self._back[:size], self._back[size:]
            batch += islice(self._left, size - len(batch))
            self._n_left -= len(batch)
            if batch or self._want is None:
                return batch
            self._came.clear()
            await self._came.wait()

    def reorder(self, order: Callable[[list[str]], None]) -> None:
        """Hand out what is left in another order, which ``order`` makes in place."""
        left, self._back = [*self._back, *self._left], []
        order(left)
        self._left = iter(left)
