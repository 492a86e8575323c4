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
from tracer_nb.engine.pipeline import View
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.engine.zoo import SURROGATES, Fitter, Matrix, Model
from tracer_nb.records import Frontier, Pilot, Preview, Trial

__all__ = ["Entry", "Judge", "Rows", "enter", "frontier", "gain", "path_pilot", "preview"]


_POINTS = 100
_CONFIDENCE = 0.9


def frontier(scores: NDArray[np.float64], agree: NDArray[np.bool_]) -> Frontier:
    """Selective agreement at up to 100 coverages, with pointwise 90 % intervals.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores of rows that were not fitted on; -inf for rows that no threshold handles.
    agree : ndarray of shape (n,), bool

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
    agreeing_from_top = np.r_[0, agree[order].cumsum()]
    handled = len(scores) - np.searchsorted(ascending, thresholds, side="left")
    agreeing = agreeing_from_top[handled]
    lower, upper = agreement_interval(agreeing, handled, _CONFIDENCE)
    return Frontier(
        thresholds=thresholds,
        coverage=handled / max(len(scores), 1),
        agreement=agreeing / np.maximum(handled, 1),
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
    """Fitting rows: features, what to imitate, recorded labels, which may be judged, costs."""

    blocks: Sequence[Matrix]
    Y: NDArray[np.float32]
    codes: NDArray[np.intp]
    judged: NDArray[np.bool_]
    costs: NDArray[np.float64] | None

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """These rows only."""
        return Rows(
            [block[rows] for block in self.blocks],
            self.Y[rows],
            self.codes[rows],
            self.judged[rows],
            None if self.costs is None else self.costs[rows],
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
    view: View
    X: Matrix
    model: Model
    gate: Gate
    predicted: NDArray[np.intp]
    scores: NDArray[np.float64]
    trial: Trial


def enter(
    surrogate: tuple[str, Fitter],
    view: View,
    rows: Rows,
    options: Options,
    judge: Judge,
    *,
    gate: str | None = None,
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
    """
    started = time.perf_counter()
    name, fit = surrogate
    X = view.prepare(rows.blocks)
    fitted = fit(X, rows.Y, options.seed)
    predicted = fitted.out_of_fold.argmax(axis=1)
    own = np.flatnonzero(rows.judged)
    agree = predicted == rows.codes
    found = []
    names = (gate,) if gate else _gates(options)
    for each, own_scores in fit_gates(
        names, fitted.out_of_fold[own], agree[own], X[own], rows.codes[own], seed=options.seed
    ):
        scores = own_scores
        if len(own) < len(agree):
            scores = each.scores(fitted.out_of_fold, X)
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
    return Entry(name, view, X, fitted.model, best[1], predicted, best[2], trial)


def _gates(options: Options) -> tuple[str, ...]:
    if options.gate != "auto":
        return (options.gate,)
    # The learned gate is trained on outcomes, and cross-fitting tests on the same rows.
    return GATES[:-1] if options.certificate == "cross-fit" else GATES


# Fitting rows that tell anything.
_FEWEST_ROWS = 20


def preview(X: Any, codes: NDArray[np.intp], *, options: Options) -> Preview | None:
    """What the labels so far promise, judged on their fitting rows out of fold.

    Parameters
    ----------
    X : matrix of shape (n, d), or a list of several
        Labelled rows in the order in which they were drawn.
    codes : ndarray of shape (n,), int
        Their labels by number, -1 where there is none. Those of calibration rows are not read.
    options : Options
        Of the certificate to come.

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
    entry = _entered([block[rows[known]] for block in blocks], own, options, n - len(rows))
    scores, agree = np.empty(len(rows)), np.zeros(len(rows), dtype=bool)
    scores[known], agree[known] = entry.scores, entry.predicted == own
    if not known.all():
        # Not fitted on, and disagreements like those in the test to come.
        without = entry.view.prepare([block[rows[~known]] for block in blocks])
        scores[~known] = entry.gate.scores(entry.model.outputs(without), without)
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
    blocks: list[Any], codes: NDArray[np.intp], options: Options, n_calibration: int
) -> Entry:
    """Kernel ridge regression with the margin as its gate, out of fold."""
    targets = np.eye(int(codes.max()) + 1, dtype=np.float32)[codes]
    rows = Rows(blocks, targets, codes, np.ones(len(codes), dtype=bool), None)
    name = "kernel-ridge"
    judge = Judge(options, n_calibration, 1.0)
    return enter((name, SURROGATES[name]), View("plain"), rows, options, judge, gate="margin")
