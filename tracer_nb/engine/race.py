"""Which surrogate, view, gate and pipeline: the best by the coverage to expect.

Every choice is made on out-of-fold predictions of the fitting rows, by what the certificate
may be expected to reach, not by accuracy; calibration rows stay untouched.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.cascade import add_stage
from tracer_nb.engine.contest import Entry, Rows, enter
from tracer_nb.engine.guard import Guard, fit_guard
from tracer_nb.engine.judge import Judge
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Answers, Pipeline, Stage
from tracer_nb.engine.views import View
from tracer_nb.engine.zoo import Fitter, KernelRidge, Matrix
from tracer_nb.records import Trial

__all__ = ["Chosen", "choose_pipeline"]

# Candidates are compared on at most this many fitting rows.
_RACE_ROWS = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The winner, and what it says about rows it has not seen.

    Attributes
    ----------
    pipeline : Pipeline
    left_out : Answers
        Out-of-fold answers on the fitting rows.
    trials : tuple of Trial
        Everything that was tried; the chosen one first.
    """

    pipeline: Pipeline
    left_out: Answers
    trials: tuple[Trial, ...]


def choose_pipeline(
    blocks: Sequence[Matrix],
    Y: NDArray[np.float32],
    codes: NDArray[np.intp],
    *,
    views: Sequence[View],
    options: Options,
    judge: Judge,
    judged: NDArray[np.bool_] | None = None,
    costs: NDArray[np.float64] | None = None,
) -> Chosen:
    """Fit the best pipeline that the options allow.

    Parameters
    ----------
    blocks : sequence of matrix (n, d)
        Features of the fitting rows.
    Y : ndarray of shape (n, K)
        What to imitate: class indicators or the teacher's probabilities.
    codes : ndarray of shape (n,), int
        The teacher's recorded labels, which agreement is counted against.
    views : sequence of View
    options : Options
    judge : Judge
    judged : ndarray of shape (n,), bool, optional
        Rows whose outcome may be looked at to choose; all by default. The others were not
        drawn at random, or, under cross-fitting, are those of the test to come.
    costs : ndarray of shape (n,), optional
    """
    n = len(codes)
    everything = Rows(blocks, Y, codes, np.ones(n, bool) if judged is None else judged, costs)
    contenders = [(options.surrogates[0], view) for view in views]
    alone = len(contenders) + len(options.surrogates) == 2
    few = everything
    if n > _RACE_ROWS and not alone:
        few = everything.take(_race_rows(everything.judged, options))
    started = time.perf_counter()
    entries = [enter(*contender, few, options, judge) for contender in contenders]
    skipped: list[Trial] = []
    # The first surrogate finds the view, and the others are tried on that one.
    view = _best(entries).view
    for surrogate in options.surrogates[1:]:
        if options.time_budget and time.perf_counter() - started > options.time_budget:
            skipped.append(_skipped(surrogate, view))
        else:
            entries.append(enter(surrogate, view, few, options, judge))
    best = _best(entries)
    lost = [entry.trial for entry in entries if entry is not best]
    if few is not everything:
        surrogate = next(s for s in options.surrogates if s[0] == best.name)
        best = enter(surrogate, best.view, everything, options, judge, gate=best.gate.name)
    return _finish(best, everything, options, judge, [*lost, *skipped])


def _race_rows(judged: NDArray[np.bool_], options: Options) -> NDArray[np.intp]:
    """Rows to compare candidates on, drawn at random: those that may be judged go first."""
    n, rng = len(judged), np.random.default_rng(options.seed)
    if judged.all() or options.certificate == "cross-fit":
        return np.sort(rng.choice(n, _RACE_ROWS, replace=False))
    order = rng.permutation(n)
    return np.sort(order[np.argsort(~judged[order], kind="stable")[:_RACE_ROWS]])


def _best(entries: list[Entry]) -> Entry:
    # max keeps the first on a tie: the simplest, whose pilot is the closest to its deployed fit.
    return max(entries, key=lambda entry: entry.trial.expected_coverage)


def _skipped(surrogate: tuple[str, Fitter], view: View) -> Trial:
    return Trial(surrogate[0], view.name, "", "", np.nan, np.nan, 0, 0.0, skipped="no time left")


def _finish(
    best: Entry,
    rows: Rows,
    options: Options,
    judge: Judge,
    others: list[Trial],
) -> Chosen:
    """Add guard and second stage to the winner."""
    guard: Guard | None = None
    far = np.zeros(len(rows.codes), dtype=bool)
    if options.guard:
        support = best.model.support if isinstance(best.model, KernelRidge) else None
        guard, far = fit_guard(best.X, options.seed, support, share=options.guard)
    pipeline = Pipeline(best.view, (Stage(best.name, best.model, best.gate),), 0.0, guard)
    left_out = Answers(best.predicted, best.scores, far)
    trial = best.trial
    tried: list[Trial] = []
    cascade = options.pipeline in ("auto", "cascade") and options.certificate != "cross-fit"
    if cascade:
        longer = add_stage(pipeline, left_out, best, rows, options=options, judge=judge)
        if longer is not None:
            tried.append(longer.trial)
            if longer.wins:
                tried = [trial]
                pipeline, left_out, trial = longer.pipeline, longer.left_out, longer.trial
    return Chosen(pipeline, left_out, (replace(trial, chosen=True), *tried, *others))
