"""From features to class codes and gate scores: view, guard, one stage or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gates import Gate
from tracer_nb.engine.guard import Guard
from tracer_nb.engine.views import View
from tracer_nb.engine.zoo import KernelRidge, Matrix, Model

__all__ = ["Answers", "Pipeline", "Stage", "surer"]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a surrogate says about rows.

    Attributes
    ----------
    codes : ndarray of shape (n,), int
    scores : ndarray of shape (n,), float
        Gate scores in [0, 1].
    far : ndarray of shape (n,), bool
        Rows that the guard defers.
    """

    codes: NDArray[np.intp]
    scores: NDArray[np.float64]
    far: NDArray[np.bool_]

    def take(self, rows: NDArray[np.intp]) -> Answers:
        """These rows only."""
        return Answers(self.codes[rows], self.scores[rows], self.far[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A frozen surrogate with its gate.

    Attributes
    ----------
    name : str
    model : Model
    gate : Gate
    """

    name: str
    model: Model
    gate: Gate

    def predict(
        self, X: Matrix
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.floating] | None]:
        """Class codes, gate scores, and similarity to the nearest row the model stands on.

        The last is None for models that do not know it.
        """
        if X.shape[0] == 0:  # scikit-learn refuses it
            return np.empty(0, dtype=np.intp), np.empty(0), np.empty(0)
        similarity = None
        if isinstance(self.model, KernelRidge):
            outputs, similarity = self.model.outputs_and_similarity(X)
        else:
            outputs = self.model.outputs(X)
        return outputs.argmax(axis=1), self.gate.scores(outputs, X), similarity


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The frozen rule that answers and scores rows.

    Attributes
    ----------
    view : View
    stages : tuple of Stage
        One, or two: a residual cascade, whose second stage was trained on rows of which the
        first was not sure.
    switch : float
        Rows that the first stage scores below it are answered by whichever stage is surer.
        Both scores are on one scale, so one threshold decides about all rows.
    guard : Guard or None
    """

    view: View
    stages: tuple[Stage, ...]
    switch: float
    guard: Guard | None

    @property
    def name(self) -> str:
        """``kernel-ridge``, or ``kernel-ridge + logistic`` for a cascade."""
        return " + ".join(stage.name for stage in self.stages)

    def predict(self, blocks: Sequence[Matrix]) -> Answers:
        """Answer rows given as one matrix (n, d) per block of features."""
        X = self.view.prepare(blocks)
        codes, scores, similarity = self.stages[0].predict(X)
        far = np.zeros(len(codes), dtype=bool)
        if self.guard is not None and len(codes):
            far = self.guard.far(X, similarity if self.guard.landmarks is None else None)
        if len(self.stages) > 1:
            rows = np.flatnonzero(scores < self.switch)
            codes, scores = surer(codes, scores, rows, *self.stages[1].predict(X[rows])[:2])
        return Answers(codes, scores, far)


def surer(
    codes: NDArray[np.intp],
    scores: NDArray[np.float64],
    rows: NDArray[np.intp],
    other_codes: NDArray[np.intp],
    other_scores: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Codes and scores with those of the second stage where it is surer."""
    codes, scores = codes.copy(), scores.copy()
    better = other_scores > scores[rows]
    codes[rows[better]], scores[rows[better]] = other_codes[better], other_scores[better]
    return codes, scores
