"""Asking a provider for answers that come later, for less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.labelling.batch import batch
from tracer_nb.records import Batch, Caps, Collected, Submitted
from tracer_nb.steps.column.sample import distinct_texts
from tracer_nb.steps.label.plan import drawn_rows
from tracer_nb.steps.label.reject import deferred_texts
from tracer_nb.steps.state import JobState, Setup
from tracer_nb.store import LabelStore

__all__ = [
    "batches",
    "cancel",
    "collect",
    "plan_submit",
    "plan_submit_deferred",
    "submit",
    "submit_deferred",
]


def submit(
    state: JobState, column: Any, *, table: Any = None, sample: int | str = 2000, caps: Caps
) -> Submitted:
    """Send a random sample in a batch: see :meth:`tracer_nb.Tracer.submit`."""
    texts, rows = drawn_rows(state.setup, column, table, sample, fewest=0)
    with _on_disk(state.setup) as store:
        return batch.submit(state.setup.teacher, distinct_texts(texts, rows), store, caps)


def plan_submit(
    state: JobState, column: Any, *, table: Any = None, sample: int | str = 2000, caps: Caps
) -> Submitted:
    """Say what :func:`submit` would send: see :meth:`tracer_nb.Tracer.plan_submit`."""
    texts, rows = drawn_rows(state.setup, column, table, sample, fewest=0)
    with _on_disk(state.setup) as store:
        return batch.plan(state.setup.teacher, distinct_texts(texts, rows), store, caps)


def submit_deferred(state: JobState, *, caps: Caps) -> Submitted:
    """Send what routing deferred: see :meth:`tracer_nb.Tracer.submit_deferred`."""
    deferred = _deferred(state)
    with _on_disk(state.setup) as store:
        return batch.submit(state.setup.teacher, deferred, store, caps)


def plan_submit_deferred(state: JobState, *, caps: Caps) -> Submitted:
    """Say what it would send: see :meth:`tracer_nb.Tracer.plan_submit_deferred`."""
    deferred = _deferred(state)
    with _on_disk(state.setup) as store:
        return batch.plan(state.setup.teacher, deferred, store, caps)


def _deferred(state: JobState) -> list[str]:
    """Texts that the last routing left to the teacher."""
    setup, routed = state.setup, state.routed
    if routed is None:
        raise NotFitted(
            "nothing is routed yet; call route(ask_teacher=False) first (%tracer route --no-ask)"
        )
    known = setup.asker.known(routed.texts.unique)
    return deferred_texts(routed.texts, routed.routing, known, setup.reject)


def collect(state: JobState) -> Collected:
    """Store what is done: see :meth:`tracer_nb.Tracer.collect`."""
    with _on_disk(state.setup) as store:
        return batch.collect(state.setup.teacher, store)


def batches(state: JobState) -> tuple[Batch, ...]:
    """All batches in the store: see :meth:`tracer_nb.Tracer.batches`."""
    with state.setup.shelf.open() as store:
        return batch.status(state.setup.teacher, store)


def cancel(state: JobState, key: str) -> Batch:
    """Stop a batch, or give it up: see :meth:`tracer_nb.Tracer.cancel`."""
    with _on_disk(state.setup) as store:
        return batch.cancel(state.setup.teacher, store, key)


@contextmanager
def _on_disk(setup: Setup) -> Iterator[LabelStore]:
    """The store, of a teacher whose server takes batches."""
    batch.check_batches(setup.teacher)
    if not setup.shelf.is_file:
        raise InvalidInput(
            "batches need a store on disk, because they outlive this process; leave out store, "
            "or name a file"
        )
    with setup.shelf.open() as store:
        yield store
