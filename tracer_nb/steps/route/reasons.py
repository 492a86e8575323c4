"""Why each row of a job's frame has the label that it has: what stands in ``label_reason``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, NEW_ROWS, PILOT, SAMPLE, TEST
from tracer_nb.records import Certificate
from tracer_nb.steps.audit.step import promise_of
from tracer_nb.steps.route.outcome import Why
from tracer_nb.steps.state import JobState

__all__ = ["why"]

_AUDITED = "audited"
_DRAWN = {
    PILOT: "sampled: to begin with",
    HARD: "sampled: hard",
    SAMPLE: "sampled",
    TEST: "sampled: to test",
    NEW_ROWS: "sampled: to test for new rows",
}


def why(state: JobState, certificate: Certificate, *, alarm: bool) -> Why:
    """Words for the rows of a column that a job routes."""
    by_cost = state.setup.options.strategy == "cost-aware"
    words = Why.of(certificate, alarm=alarm, by_cost=by_cost)
    return replace(words, drawn=_drawn(state, certificate), heard=_heard(state, words.handled))


def _drawn(state: JobState, certificate: Certificate) -> dict[str, str]:
    """Texts that were asked about for the job itself, with what for; the first counts."""
    home, _ = state.labelled()
    found: dict[str, str] = {}
    # A random sample that is drawn again stands behind the tests that were made on it.
    for draw in sorted(state.draws, key=lambda draw: draw.purpose == TEST):
        words = _DRAWN[draw.purpose]
        for code in home.codes[draw.rows].tolist():
            if code >= 0:
                found.setdefault(home.unique[code], words)
    for text in state.setup.auditor.audited(promise_of(state, certificate)):
        found.setdefault(text, _AUDITED)
    return found


def _heard(state: JobState, handled: str) -> dict[str, str]:
    """Texts in whose label what a stage of a chain said counts, with its name."""
    opinions = None if state.grown is None else state.grown.job.opinions
    if opinions is None or state.column is None:
        return {}
    unique = state.column.texts.unique
    found: dict[str, str] = {}
    for s, asker in enumerate(state.setup.stages.askers):
        heard: NDArray[np.bool_] = opinions.heard(s)
        words = f"{handled}, {asker.teacher.name} heard"
        found.update((unique[i], words) for i in np.flatnonzero(heard).tolist())
    return found
