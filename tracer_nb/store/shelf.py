"""The store of a job, opened once for all that one step does with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tracer_nb.store.labels import LabelStore

__all__ = ["Shelf"]


class Shelf:
    """The store of a job, opened once for all that one step does with it.

    Parameters
    ----------
    path : path or None
        As for :class:`~tracer_nb.store.LabelStore`.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._users = 0
        self._store: LabelStore | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is on disk."""
        return self.path is None or os.fspath(self.path) != ":memory:"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whoever opens the store first leaves it open to the end of this block."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._store is not None:
                    store, self._store = self._store, None
                    store.close()

    @contextmanager
    def open(self) -> Iterator[LabelStore]:
        """The open store.

        Raises
        ------
        StoreError
            It cannot be opened.
        """
        with self.held():
            with self._lock:
                if self._store is None:
                    self._store = LabelStore(self.path)
                store = self._store
            yield store
