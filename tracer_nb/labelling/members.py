"""Where the members of a panel keep their answers in a run: in the run's store, each as its own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracer_nb.labelling.keep import Commits
from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import again_identity, is_again
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.panel import PanelTeacher
from tracer_nb.teachers.voting import Ballots

__all__ = ["StoredMember", "seat_members"]


class StoredMember:
    """The answers of one member in a label store.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Under which its answers are stored.
    writer : ThreadPoolExecutor
        The run's only thread that writes.
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
        again: Collection[str],
        labels: Collection[str],
    ) -> None:
        self.ballots = Ballots(store, identity, writer, again)
        self._store = store
        self._identity = identity
        self._writer = writer
        self._commits = Commits(store, identity, writer, again, labels)

    async def of(self, texts: Sequence[str]) -> Mapping[str, Answer]:
        """Stored answers to those of ``texts`` that have one.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._store.get_many, self._identity, texts)

    async def put(self, answered: Sequence[tuple[str, Answer]]) -> Mapping[str, Answer]:
        """Return when these are on disk, with what others had stored before.

        Raises
        ------
        StoreError
            The commit failed.
        """
        return await self._commits.put(answered)


def seat_members(
    panel: PanelTeacher,
    store: LabelStore | None,
    identity: Mapping[str, Any],
    writer: ThreadPoolExecutor,
    again: Collection[str],
) -> None:
    """Get a panel ready for a run.

    Parameters
    ----------
    panel : PanelTeacher
    store : LabelStore or None
    identity : mapping
        Under which the run stores the panel's answers: of first ones, or of second ones.
    writer : ThreadPoolExecutor
    again : collection of str
        Texts about which the run asks again, if their answer holds no label.
    """
    second = is_again(identity)

    def open_book(member: Teacher) -> StoredMember:
        assert store is not None  # noqa: S101  else nothing is opened
        own = again_identity(member.identity) if second else member.identity
        return StoredMember(store, own, writer, again, panel.labels)

    panel.sit(None if store is None else open_book, second=second, again=again)
