"""Which surrogate, view, gate and pipeline: the best by the coverage to expect.

In a cascade a second surrogate is trained on the rows of which
the first is not sure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from tracer_nb.engine.gates import fit_gates
from tracer_nb.engine.gates.guard import Guard, closeness, fit_guard, on_a_scale
from tracer_nb.engine.judge import Entry, Judge, Rows, enter, gain
from tracer_nb.engine.newrows import new_limit
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Answers, Pipeline, Stage, View, surer
from tracer_nb.engine.zoo import SURROGATES, Fitter, KernelRidge, Matrix
from tracer_nb.records import Trial

__all__ = ["Chosen", "Longer", "OnPart", "add_stage", "choose_pipeline"]

OnPart = Callable[[int, int], object]
"""Told how many parts of a fit are done, and of how many."""


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


# Candidates are compared on at most this many fitting rows.
_RACE_ROWS = 1500
# Names of labels are taken where they gain right answers by a sign test at the first level, on so
# large a share of the rows. A small gain is not worth the luck in it: a lucky pilot promises too much
# to start the tests with, which cost the bundled messages a tenth of the certified coverage. At the
# second level nothing else is looked at: coverage to expect jumps with few rows.
_BY_CHANCE, _BEYOND_DOUBT = 0.05, 0.001
_LEAST_TAUGHT = 0.01


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
    outputs : ndarray of shape (n, K)
        The first stage's, out of fold.
    named : bool
        Whether names of labels were fitted on as well, and stand behind the rows.
    smoothed : bool
        Whether features were smoothed over the column, in use or before it was distilled.
    """

    pipeline: Pipeline
    left_out: Answers
    trials: tuple[Trial, ...]
    outputs: NDArray[np.floating]
    named: bool = False
    smoothed: bool = False


class _Parts:
    """Counts what is done of a fit; how many parts that has is known before."""

    def __init__(self, total: int, told: OnPart | None) -> None:
        self._done, self._total, self._told = 0, total, told
        self.add(0)

    def add(self, n: int = 1) -> None:
        self._done += n
        if self._told is not None:
            self._told(self._done, self._total)


def choose_pipeline(
    rows: Rows,
    *,
    views: Sequence[View],
    options: Options,
    judge: Judge,
    named: Rows | None = None,
    column: Sequence[Matrix] | None = None,
    on_part: OnPart | None = None,
) -> Chosen:
    """Fit the best pipeline that the options allow.

    Parameters
    ----------
    rows : Rows
        The fitting rows. Those that may not be judged were not drawn at random, or, under
        cross-fitting, are those of the test to come: their outcome is not looked at to choose.
    views : sequence of View
    options : Options
    judge : Judge
    named : Rows, optional
        The same rows with names of labels behind them, some of which may be no row's label.
    column : sequence of matrix of shape (m, d), optional
        Rows of the column in every block, over which the views smooth. What is fitted on smoothed rows
        is distilled on them; not where rows were chosen for being hard, which lie where what is
        distilled errs: the bill of hard rows first fell by .017 to .023 of BANKING77 (6 draws each).
    on_part : callable, optional
        A part is one candidate, the winner on all rows, or what is added to it.
    """
    if not _by_chance(rows.judged, options):
        column = None
    n, everything, few, own = len(rows.codes), rows, rows, np.arange(len(rows.codes))
    alone = len(views) + len(options.surrogates) == 2 and named is None
    if n > _RACE_ROWS and not alone:
        own = _race_rows(everything.judged, options)
        few = everything.take(own)
    others = len(options.surrogates) - 1 + (named is not None) + (few is not everything)
    parts = _Parts(len(views) + others + 1, on_part)
    started = time.perf_counter()
    # The first surrogate finds the view, and the others are tried on that one.
    best, lost = _best_view(views, few, options, judge, column, parts=parts)
    taken = False
    if named is not None:
        behind = np.arange(n, len(named.codes))
        some = named if few is everything else named.take(np.r_[own, behind])
        entry = enter(options.surrogates[0], best.offered, some, options, judge, column=column)
        taken = _teach(entry, some, best, few)
        if taken:
            everything, few, best, entry = named, some, entry, best
        lost.append(entry.trial)
        parts.add()
    entries = [best]
    for surrogate in options.surrogates[1:]:
        if options.time_budget and time.perf_counter() - started > options.time_budget:
            lost.append(_skipped(surrogate, best.offered))
        else:
            entries.append(enter(surrogate, best.offered, few, options, judge, column=column))
        parts.add()
    best = _best(entries, few, options)
    lost = [entry.trial for entry in entries if entry is not best] + lost
    if few is not everything:
        surrogate = next(s for s in options.surrogates if s[0] == best.name)
        best = enter(
            surrogate, best.offered, everything, options, judge, gate=best.gate.name, column=column
        )
        parts.add()
    n_names = len(everything.codes) - n
    if taken:
        words = f"{best.trial.settings}, names of {n_names} labels"
        best = replace(best, trial=replace(best.trial, settings=words))
    chosen = _finish(best, everything, options, judge, lost, n_names=n_names)
    parts.add()
    left_out, outputs = chosen.left_out.take(np.arange(n)), chosen.outputs[:n]
    return replace(chosen, left_out=left_out, outputs=outputs, named=taken)


def _best_view(
    views: Sequence[View],
    rows: Rows,
    options: Options,
    judge: Judge,
    column: Sequence[Matrix] | None,
    *,
    parts: _Parts,
) -> tuple[Entry, list[Trial]]:
    """The view to take, and what was tried on others.

    Of the smoothed ones only that of the best without smoothing is tried. Where nothing may be
    expected to be certified yet, agreement says which features tell these rows apart; and where hard
    rows were chosen, which nothing is tested on, that on all of them: they are many, and the random ones
    so few that what to expect of these is mostly luck. Open rows of the bundled messages disagreed on
    .067 rather than .072 (8 draws, .064 with the best view), of BANKING77 with the default features on
    .078 rather than .080 (4 draws, .078).
    """
    surrogate = options.surrogates[0]
    chosen = not _by_chance(rows.judged, options)

    def goodness(entry: Entry) -> tuple[float, float]:
        expected, agreement = entry.trial.expected_coverage, entry.trial.agreement
        return (_on_all(entry, rows), expected) if chosen else (expected, agreement)

    entries: list[Entry] = []
    for view in views:
        if view.smoothing is None:
            entries.append(enter(surrogate, view, rows, options, judge))
            parts.add()
    weights = max(entries, key=goodness).view.weights if entries else None
    for view in views:
        if view.smoothing is not None:
            if weights in (None, view.weights):
                entries.append(enter(surrogate, view, rows, options, judge, column=column))
            parts.add()
    best = max(entries, key=goodness)
    return best, [entry.trial for entry in entries if entry is not best]


def _teach(entry: Entry, rows: Rows, before: Entry, rows_before: Rows) -> bool:
    """Whether names of labels taught something about the rows that may be judged."""
    own = np.flatnonzero(rows_before.judged)
    right = entry.predicted[own] == rows.codes[own]
    was_right = before.predicted[own] == rows_before.codes[own]
    gained, lost = int((right & ~was_right).sum()), int((was_right & ~right).sum())
    if gained - lost < _LEAST_TAUGHT * len(own) or gained <= lost:
        return False
    by_chance = float(binom.sf(gained - 1, gained + lost, 0.5))
    more = entry.trial.expected_coverage - before.trial.expected_coverage
    return by_chance <= (_BY_CHANCE if more >= 0 else _BEYOND_DOUBT)


def _by_chance(judged: NDArray[np.bool_], options: Options) -> bool:
    """Whether all rows were drawn at random: under cross-fitting those that are not judged were, too."""
    return options.certificate == "cross-fit" or bool(judged.all())


def _race_rows(judged: NDArray[np.bool_], options: Options) -> NDArray[np.intp]:
    """Rows to compare candidates on, drawn at random: those that may be judged go first."""
    n, rng = len(judged), np.random.default_rng(options.seed)
    if _by_chance(judged, options):
        return np.sort(rng.choice(n, _RACE_ROWS, replace=False))
    order = rng.permutation(n)
    return np.sort(order[np.argsort(~judged[order], kind="stable")[:_RACE_ROWS]])


def _best(entries: list[Entry], rows: Rows, options: Options) -> Entry:
    # max keeps the first on a tie: the simplest, whose pilot is the closest to its deployed fit.
    best = max(entries, key=lambda entry: entry.trial.expected_coverage)
    if _by_chance(rows.judged, options):
        return best
    # What few random rows say is mostly luck: it has to be plain, and so has what all rows say, though
    # they are hard for the first one. Of the bundled messages kernel ridge's open rows disagreed on .088,
    # those of logistic regression on .106 (5 draws), which was taken in the quickstart's job.
    first, least = entries[0], gain(int(rows.judged.sum()))
    sure = best.trial.expected_coverage > first.trial.expected_coverage + least
    return best if sure and _on_all(best, rows) > _on_all(first, rows) else first


def _on_all(entry: Entry, rows: Rows) -> float:
    """Out-of-fold agreement on all rows that were fitted on, chosen ones among them."""
    return float((entry.predicted == rows.codes).mean())


def _skipped(surrogate: tuple[str, Fitter], view: View) -> Trial:
    return Trial(surrogate[0], view.name, "", "", np.nan, np.nan, 0, 0.0, skipped="no time left")


def _finish(
    best: Entry,
    rows: Rows,
    options: Options,
    judge: Judge,
    others: list[Trial],
    *,
    n_names: int,
) -> Chosen:
    """Add guard and second stage to the winner."""
    guard: Guard | None = None
    far = np.zeros(len(rows.codes), dtype=bool)
    if options.guard:
        # A distilled fit stands on rows that nobody labelled, and any row of the column may be one.
        own = best.model if best.view is best.offered else None
        support = own.support if isinstance(own, KernelRidge) else None
        guard, far = fit_guard(best.X, options.seed, support, share=options.guard, n_names=n_names)
    stage = Stage(best.name, best.model, best.gate, best.rule)
    pipeline = Pipeline(best.view, (stage,), 0.0, guard)
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
    trials = (replace(trial, chosen=True), *tried, *others)
    # What a set of labels has for outputs is another question.
    if guard is not None and best.rule is None:
        near, limit = closeness(best.outputs), -np.inf
        if on_a_scale(best.outputs[rows.judged]):
            before = trial.expected_coverage
            limit = new_limit(near, left_out, rows, options=options, judge=judge, before=before)
        pipeline = replace(pipeline, guard=replace(guard, new_limit=limit))
        left_out = replace(left_out, strange=near < limit)
    smoothed = best.offered.smoothing is not None
    return Chosen(pipeline, left_out, trials, best.outputs, smoothed=smoothed)
