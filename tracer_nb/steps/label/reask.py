"""Asking in another way: twice, to see how far a teacher agrees with itself, or as batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tracer_nb.draws import coin
from tracer_nb.engine import gaps
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.labelling import batch
from tracer_nb.labelsets import names_of
from tracer_nb.records import Batch, Caps, Collected, ReaskPlan, SelfAgreement, Submitted
from tracer_nb.steps.column.sample import distinct_texts
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.costs import price_source
from tracer_nb.steps.label.plan import drawn_rows, forecast
from tracer_nb.steps.label.reject import deferred_texts
from tracer_nb.steps.state import JobState, Setup
from tracer_nb.store import LabelStore
from tracer_nb.teachers import ReplayTeacher
from tracer_nb.teachers.base import check_whole
from tracer_nb.teachers.budget import check_caps

__all__ = [
    "batches",
    "cancel",
    "collect",
    "plan_reask",
    "plan_submit",
    "plan_submit_deferred",
    "reask",
    "self_agreement",
    "submit",
    "submit_deferred",
]


def reask(
    state: JobState,
    rows: int,
    *,
    caps: Caps,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> SelfAgreement:
    """Ask a second time about some texts: see :meth:`tracer_nb.Tracer.reask`."""
    texts, asker, again = _drawn(state, rows), state.setup.asker, state.setup.again
    again.check(texts, caps)
    again.begin()
    try:
        again.ask(texts, caps=caps, on_progress=on_progress, step="reask", stop=stop)
    finally:
        asker.count(again.spending)
    asker.stop("reask", again.stopped)
    found, known = _twice(state), again.known(texts)
    waiting = sum(text not in known or not known[text].keep for text in texts)
    return replace(found, n_waiting=waiting, stopped=again.stopped)


def plan_reask(state: JobState, rows: int, *, caps: Caps) -> ReaskPlan:
    """Say what asking again would cost: see :meth:`tracer_nb.Tracer.plan_reask`."""
    texts, teacher = _drawn(state, rows), state.setup.teacher
    check_caps(teacher, texts[0], caps)
    known = {text for text, answer in state.setup.again.known(texts).items() if answer.keep}
    to_ask = [text for text in texts if text not in known]
    takes = forecast(teacher, to_ask, texts, state.setup.asker.past(texts).experience)
    return ReaskPlan(
        teacher=teacher.name,
        n_drawn=len(texts),
        n_ask=len(to_ask),
        cost=takes.cost,
        cost_low=takes.cost_low,
        cost_high=takes.cost_high,
        price_source=price_source(teacher, takes.cost),
        caps=caps,
    )


def self_agreement(state: JobState) -> SelfAgreement | None:
    """What second answers tell so far; None when there are none."""
    found = _twice(state)
    return found if found.n else None


def _twice(state: JobState) -> SelfAgreement:
    """The texts of the sample with two answers."""
    first = _first_labels(state)
    second = state.setup.again.known(first)
    both = {text: (first[text], answer.label) for text, answer in second.items() if answer.keep}
    return replace(gaps.self_agreement(both), repeats=_repeats(state.setup.teacher))


def _first_labels(state: JobState) -> dict[str, str]:
    """The label of each distinct text of the random sample that has one."""
    texts, labels = state.labelled()
    codes = texts.codes[labels.rows[: labels.n_random]].tolist()
    names = names_of(labels.classes, labels.codes[: labels.n_random]).tolist()
    return {
        texts.unique[text]: name
        for text, name in zip(codes, names, strict=True)
        if name is not None
    }


def _drawn(state: JobState, rows: Any) -> list[str]:
    """Texts of the sample, the first ones of a fixed random order."""
    check_whole(1, rows=rows)
    first, teacher = _first_labels(state), state.setup.teacher
    if isinstance(teacher, ReplayTeacher):
        raise InvalidInput(
            f"{teacher.name!r} is a record of labels, which nobody can ask again; "
            "reask needs a teacher that answers"
        )
    if not first:
        raise NotEnoughData("no text of the sample has a label, so there is none to compare")
    seed = state.setup.options.seed
    return sorted(first, key=lambda text: coin("reask", seed, text))[: int(rows)]


def _repeats(teacher: Any) -> str:
    """Why a teacher may say the same again."""
    identity = teacher.identity
    if getattr(teacher, "simulated", False):
        return "stand-in"
    if identity.get("teacher") == "function":
        return "function"
    return "temperature 0" if identity.get("temperature") == 0 else ""


def submit(
    state: JobState, column: Any, *, table: Any = None, sample: int | None = None, caps: Caps
) -> Submitted:
    """Send a random sample in a batch: see :meth:`tracer_nb.Tracer.submit`."""
    texts, rows = drawn_rows(state.setup, column, table, sample, fewest=0)
    with _on_disk(state.setup) as store:
        return batch.submit(state.setup.teacher, distinct_texts(texts, rows), store, caps)


def plan_submit(
    state: JobState, column: Any, *, table: Any = None, sample: int | None = None, caps: Caps
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
