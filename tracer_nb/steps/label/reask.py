"""Asking a teacher twice, to see how far it agrees with itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from tracer_nb.draws.coins import coin
from tracer_nb.engine import gaps
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import Caps, ReaskPlan, SelfAgreement
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.plan import forecast, price_source
from tracer_nb.steps.state import JobState
from tracer_nb.teachers import ReplayTeacher
from tracer_nb.teachers.base import check_whole
from tracer_nb.teachers.budget import check_caps

__all__ = ["plan_reask", "reask", "self_agreement"]


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
    """The label of each distinct text of the sample that has one."""
    texts, labels = state.labelled()
    codes = texts.codes[labels.rows].tolist()
    return {
        texts.unique[text]: labels.classes[label]
        for text, label in zip(codes, labels.codes.tolist(), strict=True)
        if label >= 0
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
