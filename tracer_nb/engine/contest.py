"""One surrogate on one view, fitted, gated and judged."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gates import GATES, Gate, fit_gates
from tracer_nb.engine.judge import Judge
from tracer_nb.engine.options import Options
from tracer_nb.engine.views import View
from tracer_nb.engine.zoo import Fitter, Matrix, Model
from tracer_nb.records import Pilot, Trial

__all__ = ["Entry", "Rows", "enter", "gain"]

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
