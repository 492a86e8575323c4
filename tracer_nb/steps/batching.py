"""Batches of a job: the teacher's, kept in the job's store."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Batch, Caps, Collected, Submitted
from tracer_nb.teachers import LabelStore, Teacher, batch

__all__ = ["Batches"]


class Batches:
    """Submits and collects for one teacher; every call opens the store anew.

    Parameters
    ----------
    teacher : Teacher
    store : path or None
        As for :class:`~tracer_nb.steps.asking.Asker`.
    """

    def __init__(self, teacher: Teacher, store: str | os.PathLike[str] | None) -> None:
        self._teacher = teacher
        self._path = store

    def submit(self, texts: Sequence[str], caps: Caps) -> Submitted:
        """Send the texts that have no answer and are in no batch: see :func:`batch.submit`."""
        with self._open() as store:
            return batch.submit(self._teacher, texts, store, caps)

    def collect(self) -> Collected:
        """Store what is done, and say what is not: see :func:`batch.collect`."""
        with self._open() as store:
            return batch.collect(self._teacher, store)

    def status(self) -> tuple[Batch, ...]:
        """All batches in the store, the last one first: see :func:`batch.status`."""
        with LabelStore(self._path) as store:
            return batch.status(self._teacher, store)

    def cancel(self, key: str) -> Batch:
        """Stop a batch, or give it up: see :func:`batch.cancel`."""
        with self._open() as store:
            return batch.cancel(self._teacher, store, key)

    def _open(self) -> LabelStore:
        batch.check_batches(self._teacher)
        if self._path is not None and os.fspath(self._path) == ":memory:":
            raise InvalidInput(
                "batches need a store on disk, because they outlive this process; leave out store, "
                "or name a file"
            )
        return LabelStore(self._path)
