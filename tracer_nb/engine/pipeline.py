"""From features to class codes and gate scores: view, guard, one stage or two.

A view prepares the features of a row before a surrogate sees them. The guard defers rows unlike
anything that was fitted on, whatever their score; of new rows, among which there may be some of
another kind, also those whose outputs are far from what a row of their label has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.checks import check_blocks
from tracer_nb.engine.gates import Gate
from tracer_nb.engine.gates.guard import Guard, closeness
from tracer_nb.engine.subsets import SetRule
from tracer_nb.engine.zoo import (
    KernelRidge,
    Matrix,
    Model,
    Smoothing,
    column_rows,
    projected,
    smoothing_over,
    unit_rows,
)

__all__ = [
    "Answers",
    "Pipeline",
    "Stage",
    "View",
    "decided",
    "make_views",
    "over_column",
    "surer",
]


# Weight of the first block in a fused kernel. On BANKING77 .7 to .9 is best for wordllama beside
# LSA, on the bundled messages, full of slips of the pen, .3 to .5: the second is tried of two blocks.
_FUSED = 0.85
_FUSED_LESS = 0.4


# Rows prepared at once: a long column is not in memory a second time.
_PIECE = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One way to prepare rows.

    Attributes
    ----------
    name : str
        "plain", "fused", "fused 2:3", "second block", or one of these smoothed.
    weights : tuple of float
        Share of each block in the squared distance, 0 where it is left out; the first alone is 1.
    smoothing : Smoothing or None
        Of the first block that is used.
    axes : ndarray of shape (d, r - 1), float32, or None
        Axes that this block is projected on, where it is not smoothed.
    """

    name: str
    weights: tuple[float, ...] = (1.0,)
    smoothing: Smoothing | None = None
    axes: NDArray[np.float32] | None = None

    def prepare(self, blocks: Sequence[Matrix]) -> Matrix:
        """Unit rows (n, d) from the blocks of the same rows."""
        used = [(block, w) for block, w in zip(blocks, self.weights, strict=False) if w > 0]
        parts = [unit_rows(block) for block, _ in used]
        if self.smoothing is not None:
            parts[0] = self.smoothing(parts[0])
        elif self.axes is not None:
            parts[0] = projected(parts[0], self.axes)
        if len(parts) == 1:
            return parts[0]
        scaled = [part * np.float32(np.sqrt(w)) for part, (_, w) in zip(parts, used, strict=True)]
        if any(sparse.issparse(part) for part in scaled):
            return sparse.hstack(scaled, format="csr", dtype=np.float32)
        return np.hstack(scaled)

    @property
    def unsmoothed(self) -> View:
        """The same rows as they are, along the axes that neighbours are looked for on."""
        axes = self.axes if self.smoothing is None else self.smoothing.axes
        return replace(self, smoothing=None, axes=axes)

    @property
    def first(self) -> int:
        """The first block that is used: it is the one that is smoothed."""
        return next(i for i, weight in enumerate(self.weights) if weight > 0)


def make_views(
    n_blocks: int, smoothing: Smoothing | None, second: Smoothing | None = None
) -> list[View]:
    """All views of features with this many blocks, the simplest first.

    Parameters
    ----------
    n_blocks : int
    smoothing, second : Smoothing, optional
        Of the first block, and of the second where it stands alone.
    """
    views = [View("plain")]
    if n_blocks > 1:
        rest = (1.0 - _FUSED) / (n_blocks - 1)
        views.append(View("fused", (_FUSED, *[rest] * (n_blocks - 1))))
    if n_blocks == 2:
        views.append(View("fused 2:3", (_FUSED_LESS, 1.0 - _FUSED_LESS)))
        # A model's vectors may mean nothing in the language of the column; n-grams still do.
        views.append(View("second block", (0.0, 1.0)))
    smoothed = []
    for view in views:
        found = smoothing if view.first == 0 else second
        if found is not None:
            name = "smoothed" if view.name == "plain" else f"smoothed, {view.name}"
            smoothed.append(replace(view, name=name, smoothing=found))
    return views + smoothed


def over_column(
    own: Sequence[Matrix], others: Any, seed: int
) -> tuple[list[Smoothing | None], list[Matrix]]:
    """Smoothings over a column, of the first block and the second, and its rows that they are over.

    Parameters
    ----------
    own : sequence of matrix of shape (n, d)
        Labelled rows in every block.
    others : matrix of shape (m, d), list of several, or a function that gives them
        The column's other rows, which need not stay.
    seed : int

    Raises
    ------
    InvalidInput
        Blocks that do not fit the labelled rows'.
    """
    widths = tuple(block.shape[1] for block in own)
    rest = check_blocks(others() if callable(others) else others, n_features=widths)
    parts = [[*pair] for pair in zip(own, rest, strict=True)]
    smoothings = [smoothing_over(both, seed) for both in parts[:2]]
    return smoothings, [column_rows(both, seed) for both in parts]


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
    strange : ndarray of shape (n,), bool, or None
        Rows that it defers besides where they are new. None where others than the surrogate
        answer, too.
    """

    codes: NDArray[np.intp]
    scores: NDArray[np.float64]
    far: NDArray[np.bool_]
    strange: NDArray[np.bool_] | None = None

    def take(self, rows: NDArray[np.intp]) -> Answers:
        """These rows only."""
        strange = None if self.strange is None else self.strange[rows]
        return Answers(self.codes[rows], self.scores[rows], self.far[rows], strange)

    @classmethod
    def spread(cls, n_rows: int, parts: Iterable[tuple[NDArray[np.intp], Answers]]) -> Answers:
        """Answers on all of n rows from those on parts of them."""
        no = np.zeros(n_rows, dtype=bool)
        codes, scores, far, strange = np.zeros(n_rows, np.intp), np.zeros(n_rows), no, no.copy()
        for rows, part in parts:
            codes[rows], scores[rows], far[rows] = part.codes, part.scores, part.far
            strange[rows] = part.deferred(new=True) & ~part.far
        return cls(codes, scores, far, strange)

    def deferred(self, *, new: bool) -> NDArray[np.bool_]:
        """Rows that the guard defers: as new ones, or as those of a known column."""
        return self.far | self.strange if new and self.strange is not None else self.far

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """One after the other; at least one part."""
        each = [(p.codes, p.scores, p.far, p.deferred(new=True) & ~p.far) for p in parts]
        return cls(*map(np.concatenate, zip(*each, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A frozen surrogate with its gate.

    Attributes
    ----------
    name : str
    model : Model
    gate : Gate
    rule : SetRule or None
        Where a row has several labels: makes a set of the outputs, and for the gate its chances.
    """

    name: str
    model: Model
    gate: Gate
    rule: SetRule | None = None

    def predict(self, X: Matrix) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Class codes and gate scores."""
        if X.shape[0] == 0:  # scikit-learn refuses it
            return np.empty(0, dtype=np.intp), np.empty(0)
        return self.read(self.outputs(X)[0], X)

    def read(
        self, outputs: NDArray[np.floating], X: Matrix
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Class codes and gate scores of rows (n, d) by their outputs (n, K)."""
        codes, told = decided(outputs, self.rule)
        return codes, self.gate.scores(told, X)

    def outputs(self, X: Matrix) -> tuple[NDArray[np.floating], NDArray[np.floating] | None]:
        """The surrogate's outputs (n, K), and similarity to the nearest row it stands on.

        The last is None for models that do not know it.
        """
        if isinstance(self.model, KernelRidge):
            return self.model.outputs_and_similarity(X)
        return self.model.outputs(X), None


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

    def outputs(self, blocks: Sequence[Matrix]) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        """The first stage's outputs (n, K), and which rows the guard defers, (n,)."""
        X = self.view.prepare(blocks)
        outputs, similarity = self.stages[0].outputs(X)
        return outputs, self._far(X, similarity)

    def _far(self, X: Matrix, similarity: NDArray[np.floating] | None) -> NDArray[np.bool_]:
        if self.guard is None or not X.shape[0]:
            return np.zeros(X.shape[0], dtype=bool)
        return self.guard.far(X, similarity if self.guard.landmarks is None else None)

    def predict(self, blocks: Sequence[Matrix]) -> Answers:
        """Answer rows given as one matrix (n, d) per block of features."""
        n = blocks[0].shape[0]
        if n > 2 * _PIECE:
            pieces = [slice(start, start + _PIECE) for start in range(0, n, _PIECE)]
            return Answers.joined([self.predict([b[piece] for b in blocks]) for piece in pieces])
        X = self.view.prepare(blocks)
        if X.shape[0] == 0:  # scikit-learn refuses it
            none = np.empty(0, dtype=bool)
            return Answers(np.empty(0, dtype=np.intp), np.empty(0), none, none)
        outputs, similarity = self.stages[0].outputs(X)
        codes, scores = self.stages[0].read(outputs, X)
        far = self._far(X, similarity)
        strange = np.zeros(len(far), dtype=bool)
        if self.guard is not None and np.isfinite(self.guard.new_limit):
            strange = closeness(outputs) < self.guard.new_limit
        if len(self.stages) > 1:
            rows = np.flatnonzero(scores < self.switch)
            codes, scores = surer(codes, scores, rows, *self.stages[1].predict(X[rows]))
        return Answers(codes, scores, far, strange)


def decided(
    outputs: NDArray[np.floating], rule: SetRule | None
) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """The class of each row, or with a rule its set of labels; and what a gate is to see."""
    return (outputs.argmax(axis=1), outputs) if rule is None else rule.read(outputs)


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
