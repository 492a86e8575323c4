"""Commits answers as they come; those that come while a commit runs share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracer_nb.records import Answer
from tracer_nb.teachers.replacing import replace_missing
from tracer_nb.teachers.store import LabelStore

__all__ = ["Commits"]

Pairs = list[tuple[str, Answer]]


class Commits:
    """Puts answers into a store, in a thread of their own, so that the loop never waits.

    ``shared`` turns true as soon as another process is seen to write to the same store.

    What a commit could not store stays in ``unsaved`` and is tried again with the next one.

    SQLite makes one commit at a time, and each waits for the disk. One commit for each answer
    would bound the answers a second by the disk; what waits together is committed together.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher that answered.
    writer : ThreadPoolExecutor
        With one thread.
    again : collection of str
        Texts whose stored answer gives way if it holds no label.
    labels : collection of str
        The label set.
    """

    def __init__(
        self,
        store: LabelStore,
        identity: Mapping[str, Any],
        writer: ThreadPoolExecutor,
        again: Collection[str] = (),
        labels: Collection[str] = (),
    ) -> None:
        self._store = store
        self._identity = identity
        self._writer = writer
        self._again = again
        self._labels = labels
        self.unsaved: dict[str, Answer] = {}
        self.shared = False
        self._waiting: Pairs = []
        self._next: asyncio.Future[dict[str, Answer]] | None = None
        self._running = False

    async def put(self, answered: Iterable[tuple[str, Answer]]) -> Mapping[str, Answer]:
        """Return when these are on disk, with the answers that others had stored before.

        Another process may have been faster with some; its answers are the ones that stay.
        Answers that others committed together with these may be among the ones returned.

        Raises
        ------
        StoreError
            The commit failed.
        """
        self._waiting.extend(answered)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        done = self._next
        if not self._running:
            self._start()
        # Shared with others: a caller that is cancelled must not take it from them.
        return await asyncio.shield(done)

    def _start(self) -> None:
        group = [*self.unsaved.items(), *self._waiting]
        self._waiting = []
        done, self._next = self._next, None
        assert done is not None  # noqa: S101  put() made it
        self._running = True
        loop = asyncio.get_running_loop()
        committed = loop.run_in_executor(self._writer, self._commit, group)
        committed.add_done_callback(lambda committed: self._end(group, committed, done))

    def _end(
        self,
        group: Pairs,
        committed: asyncio.Future[dict[str, Answer]],
        done: asyncio.Future[dict[str, Answer]],
    ) -> None:
        self._running = False
        error = committed.exception()
        if error is None:
            self.unsaved.clear()
            done.set_result(committed.result())
        else:
            self.unsaved.update((text, answer) for text, answer in group if answer.keep)
            done.set_exception(error)
        if self._waiting:
            self._start()

    def _commit(self, group: Pairs) -> dict[str, Answer]:
        first = [pair for pair in group if pair[0] not in self._again]
        again = [pair for pair in group if pair[0] in self._again]
        stored = self._store.put_many(self._identity, first)
        stored += replace_missing(self._store, self._identity, again, self._labels)
        self.shared = self.shared or self._store.others_wrote()
        if stored == sum(answer.keep for _, answer in group):
            return {}
        return self._store.get_many(self._identity, [text for text, _ in group])
