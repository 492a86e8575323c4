"""How good a way of answering is: the coverage that its certificate may be expected to reach.

One surrogate on one view is fitted, gated and judged. And the pictures beside it: coverage against
agreement over all thresholds, and what the labels so far promise, told while more come in.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.gates import GATES, Gate, fit_gates
from tracer_nb.engine.options import Options, path_of
from tracer_nb.engine.pipeline import View, decided
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.engine.subsets import SET_GATES, SetRule, fit_rule, indicators
from tracer_nb.engine.zoo import SURROGATES, Fitter, Matrix, Model, fit_distilled
from tracer_nb.engine.zoo.kernel_ridge import EXACT_ROWS
from tracer_nb.labelsets import LabelSets
from tracer_nb.records import Frontier, Pilot, Preview, Trial

__all__ = ["Entry", "Judge", "Rows", "enter", "frontier", "gain", "path_pilot", "preview"]


_POINTS = 100
_CONFIDENCE = 0.9


def frontier(
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    *,
    counted: NDArray[np.bool_] | None = None,
) -> Frontier:
    """A promised share at up to 100 coverages, with pointwise 90 % intervals.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of rows that were not fitted on; -inf for rows that no threshold handles.
    agree : ndarray of shape (n,), bool
        Rows that keep the promise when they are handled.
    counted : ndarray of shape (n,), bool, optional
        Rows that the share is of, handled or not, as in
        :class:`~tracer_nb.engine.certificates.Kind`; by default it is one of the handled rows.

    Returns
    -------
    Frontier
        Empty arrays when there are no rows.
    """
    order = np.argsort(-scores, kind="stable")
    ranks = np.unique(-(-np.arange(1, _POINTS + 1) * len(scores) // _POINTS))  # rounded up
    thresholds = scores[order][ranks[ranks > 0] - 1]
    thresholds = thresholds[np.isfinite(thresholds)]
    # Ties: a threshold handles every row with its score, so count by >= and merge equals.
    thresholds = np.unique(thresholds)[::-1]
    ascending = scores[order][::-1]
    handled = len(scores) - np.searchsorted(ascending, thresholds, side="left")
    among = handled
    if counted is not None:
        more = np.r_[0, (~agree & ~counted)[order].cumsum()]
        among = counted.sum() + more[handled]
    agreeing = among - np.r_[0, (~agree)[order].cumsum()][handled]
    lower, upper = agreement_interval(agreeing, among, _CONFIDENCE)
    return Frontier(
        thresholds=thresholds,
        coverage=handled / max(len(scores), 1),
        agreement=np.where(among > 0, agreeing / np.maximum(among, 1), 1.0),
        lower=lower,
        upper=upper,
        n_handled=handled,
    )


def path_pilot(pilot: Pilot, options: Options, target: float, typical: float) -> Pilot:
    """The pilot along the path of the user's strategy at one of the targets."""
    scores = path_of(options.strategy, pilot.scores, pilot.costs, target, typical)
    return replace(pilot, scores=scores)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges pilots for one certificate to come.

    Attributes
    ----------
    options : Options
    n_calibration : int
        Rows of the test to come.
    typical : float
        Cost of the mean fitting row.
    """

    options: Options
    n_calibration: int
    typical: float

    def expected_coverage(self, pilot: Pilot) -> float:
        """Mean over the targets of the coverage to expect; by cost where costs are known."""
        options = self.options
        return float(
            np.mean(
                [
                    plan_sequence(
                        path_pilot(pilot, options, target, self.typical),
                        self.n_calibration,
                        target=target,
                        confidence=options.level,
                        grid=options.fixed_sequence,
                        seed=options.seed,
                    ).expected_coverage
                    for target in options.targets
                ]
            )
        )


_LEAST_GAIN = 0.01


def gain(n_rows: int) -> float:
    """Expected coverage that something less simple must add before it is taken.

    The pilot's own noise: with it at .01 throughout, a luckier gate was taken in a third of
    draws of 350 rows of BANKING77, and a tenth of the certified coverage was lost.
    """
    return max(_LEAST_GAIN, 1.0 / math.sqrt(n_rows))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Fitting rows: features, what to imitate, recorded labels, which may be judged, costs.

    With ``sets`` a row has several labels: codes are numbers of sets, what to imitate members.
    """

    blocks: Sequence[Matrix]
    Y: NDArray[np.float32]
    codes: NDArray[np.intp]
    judged: NDArray[np.bool_]
    costs: NDArray[np.float64] | None
    sets: LabelSets | None = None

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """These rows only."""
        return Rows(
            [block[rows] for block in self.blocks],
            self.Y[rows],
            self.codes[rows],
            self.judged[rows],
            None if self.costs is None else self.costs[rows],
            self.sets,
        )

    def pilot(self, predicted: NDArray[np.intp], scores: NDArray[np.float64]) -> Pilot:
        """The pilot of those rows that may be judged."""
        own = self.judged
        return Pilot(
            scores[own],
            (predicted == self.codes)[own],
            predicted[own],
            None if self.costs is None else self.costs[own],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A fitted contender with its out-of-fold predictions and gate scores."""

    name: str
    # What was offered, and how rows are prepared: as they are where a smoothed fit was distilled.
    offered: View
    view: View
    X: Matrix
    model: Model
    gate: Gate
    predicted: NDArray[np.intp]
    scores: NDArray[np.float64]
    trial: Trial
    outputs: NDArray[np.floating]
    rule: SetRule | None = None


def enter(
    surrogate: tuple[str, Fitter],
    view: View,
    rows: Rows,
    options: Options,
    judge: Judge,
    *,
    gate: str | None = None,
    column: Sequence[Matrix] | None = None,
) -> Entry:
    """Fit a surrogate and its best gate, and say what coverage to expect.

    Parameters
    ----------
    surrogate : tuple of name and fitter
    view : View
    rows : Rows
    options : Options
    judge : Judge
    gate : str, optional
        The only gate to fit; by default what the options say.
    column : sequence of matrix of shape (m, d), optional
        Rows of the column in every block, over which features may be smoothed.
    """
    started = time.perf_counter()
    name, fit = surrogate
    offered, X = view, view.prepare(rows.blocks)
    distils = fit is SURROGATES["kernel-ridge"] and len(rows.codes) <= EXACT_ROWS
    if view.smoothing is not None and column is not None and distils:
        view, smooth = view.unsmoothed, X
        X = view.prepare(rows.blocks)
        known = offered.prepare(column), view.prepare(column)
        fitted = fit_distilled(smooth, X, rows.Y, known, options.seed)
    else:
        fitted = fit(X, rows.Y, options.seed)
    rule = None if rows.sets is None else fit_rule(rows.sets, fitted.out_of_fold, rows.Y)
    predicted, told = decided(fitted.out_of_fold, rule)
    own = np.flatnonzero(rows.judged)
    agree = predicted == rows.codes
    found = []
    names = (gate,) if gate else _gates(options, rule)
    for each, own_scores in fit_gates(
        names, told[own], agree[own], X[own], rows.codes[own], seed=options.seed
    ):
        scores = own_scores
        if len(own) < len(agree):
            scores = each.scores(told, X)
        expected = judge.expected_coverage(rows.pilot(predicted, scores))
        found.append((expected, each, scores))
    best = max(found, key=lambda f: f[0])
    if best[0] <= found[0][0] + gain(len(own)):
        best = found[0]
    trial = Trial(
        name=name,
        view=view.name,
        gate=best[1].name,
        settings=fitted.settings,
        agreement=float(agree[own].mean()) if len(own) else np.nan,
        expected_coverage=best[0],
        n_rows=len(agree),
        seconds=time.perf_counter() - started,
    )
    return Entry(
        *(name, offered, view, X, fitted.model, best[1], predicted, best[2], trial),
        *(fitted.out_of_fold, rule),
    )


def _gates(options: Options, rule: SetRule | None) -> tuple[str, ...]:
    if options.gate != "auto":
        return (options.gate,)
    if rule is not None:
        return SET_GATES
    # The learned gate is trained on outcomes, and cross-fitting tests on the same rows.
    return GATES[:-1] if options.certificate == "cross-fit" else GATES


# Fitting rows that tell anything.
_FEWEST_ROWS = 20


def preview(
    X: Any, codes: NDArray[np.intp], *, options: Options, sets: LabelSets | None = None
) -> Preview | None:
    """What the labels so far promise, judged on their fitting rows out of fold.

    Parameters
    ----------
    X : matrix of shape (n, d), or a list of several
        Labelled rows in the order in which they were drawn.
    codes : ndarray of shape (n,), int
        Their labels by number, -1 where there is none. Those of calibration rows are not read.
    options : Options
        Of the certificate to come.
    sets : LabelSets, optional
        Where a row has several labels.

    Returns
    -------
    Preview or None
        None for fewer than 20 fitting rows with a label, or a single label among them.

    Raises
    ------
    InvalidInput
        Features that are not finite numbers.
    """
    blocks = check_blocks(X)
    n = blocks[0].shape[0]
    # Watching, and stopping by what is seen, would otherwise depend on rows that are tested later.
    # Under cross-fitting most rows are tested, and only the pilot's may be looked at.
    share = PILOT_SHARE if options.certificate == "cross-fit" else FIT_SHARE
    rows = np.flatnonzero(~is_calibration(n, share))
    known = codes[rows] >= 0
    own = np.unique(codes[rows[known]], return_inverse=True)[1]
    if len(own) < _FEWEST_ROWS or own.max() < 1:
        return None
    if sets is not None:
        own = codes[rows[known]]
    entry = _entered([block[rows[known]] for block in blocks], own, options, n - len(rows), sets)
    scores, agree = np.empty(len(rows)), np.zeros(len(rows), dtype=bool)
    scores[known], agree[known] = entry.scores, entry.predicted == own
    if not known.all():
        # Not fitted on, and disagreements like those in the test to come.
        without = entry.view.prepare([block[rows[~known]] for block in blocks])
        told = decided(entry.model.outputs(without), entry.rule)[1]
        scores[~known] = entry.gate.scores(told, without)
    target = options.targets[0]
    pilot = Pilot(scores, agree)
    return Preview(
        n_labels=n,
        n_fit=len(rows),
        frontier=frontier(path_pilot(pilot, options, target, 1.0).scores, agree),
        target=target,
        expected_coverage=Judge(options, n - len(rows), 1.0).expected_coverage(pilot),
    )


def _entered(
    blocks: list[Any],
    codes: NDArray[np.intp],
    options: Options,
    n_calibration: int,
    sets: LabelSets | None,
) -> Entry:
    """Kernel ridge regression with the margin as its gate, out of fold."""
    targets = indicators(codes, sets)
    rows = Rows(blocks, targets, codes, np.ones(len(codes), dtype=bool), None, sets)
    name = "kernel-ridge"
    judge = Judge(options, n_calibration, 1.0)
    return enter((name, SURROGATES[name]), View("plain"), rows, options, judge, gate="margin")
