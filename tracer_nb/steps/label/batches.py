"""The steps that ask a provider for answers that come later, for less."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Batch, Caps, Collected, Submitted
from tracer_nb.steps.column.sample import distinct_texts
from tracer_nb.steps.label.asker import make_caps
from tracer_nb.steps.route.answer import deferred_texts
from tracer_nb.steps.state import Job
from tracer_nb.teachers import LabelStore, Teacher, batch

__all__ = ["BatchSteps", "Batches"]


class BatchSteps(Job):
    """The part of a Tracer that submits batches and collects them."""

    def submit(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | str = 2000,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Send a random sample of the column to the server's batch endpoint.

        It answers within a day, for less: half the price at OpenAI. :meth:`collect` brings the
        answers in, in another session if you like; :meth:`label` with the same sample then
        finds them all, and asks nothing. Until then these texts are not asked online. A server
        that takes no schemas refuses every line: label a few rows online first, from which
        this session learns how to ask.

        Parameters
        ----------
        column, table
            As in :meth:`plan`.
        sample : int or "auto"
            Rows to draw at random, the same that :meth:`label` draws; of "auto" those that it
            draws at first.
        max_cost, max_tokens, max_rows : optional
            Hard caps in dollars, tokens and texts for all batches of this teacher that are
            under way. The most that a batch can take must fit before it is sent. Where the
            price of a batch is unknown, one of the last two must be given.

        Raises
        ------
        InvalidInput, NotEnoughData
            As in :meth:`label`; the teacher has no server, there is no store on disk, or the
            cap is too low. Nothing was sent.
        TeacherError
            The server takes no batches, or not this one.
        StoreError
            The store failed.
        """
        texts, rows = self._drawn(column, table, sample, fewest=0)
        caps = make_caps(max_cost, max_tokens, max_rows)
        return self._batches.submit(distinct_texts(texts, rows), caps)

    def plan_submit(
        self,
        column: Any,
        *,
        table: Any = None,
        sample: int | str = 2000,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Say what :meth:`submit` would send, and refuse what it would; nothing is sent.

        Returns
        -------
        Submitted
            Without batches: ``most`` is what they would come to at the most.

        Raises
        ------
        InvalidInput, NotEnoughData, StoreError
            As in :meth:`submit`, of what can be known before the server is asked.
        """
        texts, rows = self._drawn(column, table, sample, fewest=0)
        caps = make_caps(max_cost, max_tokens, max_rows)
        return self._batches.plan(distinct_texts(texts, rows), caps)

    def submit_deferred(
        self,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Send what :meth:`route` deferred, and did not ask about, in a batch.

        Rows that came out abstained are not sent.

        Route with ``ask_teacher=False`` first, and again after :meth:`collect`.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput, TeacherError, StoreError
            As in :meth:`submit`.
        """
        deferred = self._deferred()
        return self._batches.submit(deferred, make_caps(max_cost, max_tokens, max_rows))

    def plan_submit_deferred(
        self,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> Submitted:
        """Say what :meth:`submit_deferred` would send, as :meth:`plan_submit` does.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput, StoreError
            As in :meth:`plan_submit`.
        """
        return self._batches.plan(self._deferred(), make_caps(max_cost, max_tokens, max_rows))

    def _deferred(self) -> list[str]:
        """Texts that the last routing left to the teacher."""
        if self._routed is None or self.outcome is None:
            raise NotFitted(
                "nothing is routed yet; call route(ask_teacher=False) first (%tracer route --no-ask)"
            )
        texts, routing = self._routed
        return deferred_texts(texts, routing, self._asker.known(texts.unique), self._reject)

    def collect(self) -> Collected:
        """Store what this teacher's batches have brought, and say where the others stand.

        The teacher must be the one that submitted: same model, server, labels, prompt and
        parameters. Collecting twice changes nothing.

        Raises
        ------
        InvalidInput
            The teacher has no server, or there is no store on disk.
        TeacherError
            The server cannot tell. What was stored is safe.
        StoreError
            The store failed: collect again.
        """
        return self._batches.collect()

    def batches(self) -> tuple[Batch, ...]:
        """All batches in the store, the last one first; this teacher's as they are now.

        Raises
        ------
        InvalidInput, TeacherError, StoreError
            As in :meth:`collect`.
        """
        return self._batches.status()

    def cancel(self, key: str) -> Batch:
        """Stop the batch of this key; collect what it has answered when it has stopped.

        One that has ended and cannot be collected is given up: its texts may be asked again.

        Raises
        ------
        InvalidInput
            No batch of this teacher has this key.
        TeacherError, StoreError
            As in :meth:`collect`.
        """
        return self._batches.cancel(key)


class Batches:
    """Submits and collects for one teacher; every call opens the store anew.

    Parameters
    ----------
    teacher : Teacher
    store : path or None
        As for :class:`~tracer_nb.steps.label.asker.Asker`.
    """

    def __init__(self, teacher: Teacher, store: str | os.PathLike[str] | None) -> None:
        self._teacher = teacher
        self._path = store

    def submit(self, texts: Sequence[str], caps: Caps) -> Submitted:
        """Send the texts that have no answer and are in no batch: see :func:`batch.submit`."""
        with self._open() as store:
            return batch.submit(self._teacher, texts, store, caps)

    def plan(self, texts: Sequence[str], caps: Caps) -> Submitted:
        """What :meth:`submit` would send: see :func:`batch.plan`."""
        with self._open() as store:
            return batch.plan(self._teacher, texts, store, caps)

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
