"""The residual cascade: a second surrogate, trained on rows of which the first is not sure.

One certificate covers both stages: a row has one label and one score, whichever stage gave
them, and one threshold along that score decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from tracer_nb.engine.contest import Entry, Rows, gain
from tracer_nb.engine.gates import fit_gates
from tracer_nb.engine.judge import Judge
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Answers, Pipeline, Stage, surer
from tracer_nb.engine.zoo import SURROGATES
from tracer_nb.records import Trial

__all__ = ["Longer", "add_stage"]

_FEWEST_ROWS = 50
# Above this the first stage leaves too little to gain.
_ENOUGH = 0.97


@dataclass(frozen=True, slots=True, eq=False)
class Longer:
    """A cascade, and whether it is to be taken; with one stage when none could be added."""

    pipeline: Pipeline
    left_out: Answers
    trial: Trial
    wins: bool


def add_stage(
    pipeline: Pipeline,
    left_out: Answers,
    first: Entry,
    rows: Rows,
    *,
    options: Options,
    judge: Judge,
) -> Longer | None:
    """Train a second stage on what the first may be expected to defer.

    Parameters
    ----------
    pipeline, left_out : Pipeline, Answers
        With one stage.
    first : Entry
    rows : Rows
    options, judge
        "auto" takes the second stage only when it adds coverage to expect; "cascade" always.

    Returns
    -------
    Longer or None
        None when "auto" need not try. When the first stage leaves too few rows, or rows of
        one class, the trial says so.
    """
    started = time.perf_counter()
    asked = options.pipeline == "cascade"
    if not asked and first.trial.expected_coverage > _ENOUGH:
        return None
    deferred = 1.0 - first.trial.expected_coverage
    switch = float(np.quantile(first.scores[rows.judged], np.clip(deferred, 0.05, 1.0)))
    left = np.flatnonzero(first.scores < switch)
    own = rows.judged[left]
    if own.sum() < _FEWEST_ROWS or len(np.unique(rows.codes[left])) < 2:
        why = f"{own.sum()} rows left by the first stage"
        trial = replace(first.trial, name=f"{first.name} + a second stage", skipped=why)
        return Longer(pipeline, left_out, trial, wins=False)
    # Another kind of classifier than the first: the same one would repeat its mistakes.
    name = "kernel-ridge" if first.name == "logistic" else "logistic"
    fitted = SURROGATES[name](first.X[left], rows.Y[left], options.seed)
    predicted = fitted.out_of_fold.argmax(axis=1)
    agree = predicted == rows.codes[left]
    [(gate, _)] = fit_gates(
        ("margin",),
        fitted.out_of_fold[own],
        agree[own],
        first.X[left][own],
        rows.codes[left][own],
        seed=options.seed,
    )
    scores = gate.scores(fitted.out_of_fold, first.X[left])
    codes, all_scores = surer(first.predicted, first.scores, left, predicted, scores)
    expected = judge.expected_coverage(rows.pilot(codes, all_scores))
    trial = replace(
        first.trial,
        name=f"{first.name} + {name}",
        settings=f"second stage on {len(left)} rows: {fitted.settings}",
        agreement=float((codes == rows.codes)[rows.judged].mean()),
        expected_coverage=expected,
        seconds=time.perf_counter() - started,
    )
    longer = replace(
        pipeline, stages=(*pipeline.stages, Stage(name, fitted.model, gate)), switch=switch
    )
    wins = asked or expected > first.trial.expected_coverage + gain(len(rows.codes))
    return Longer(longer, Answers(codes, all_scores, left_out.far), trial, wins)
