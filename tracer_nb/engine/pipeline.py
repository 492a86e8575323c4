"""From features to class codes and gate scores: view, guard, one stage or two.

A view prepares the features of a row before a surrogate sees them. The guard defers rows unlike
anything that was fitted on, whatever their score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.gates import Gate
from tracer_nb.engine.zoo import KernelRidge, Matrix, Model, unit_rows
from tracer_nb.engine.zoo.matrix import SAME_TEXT, similarities

__all__ = [
    "GUARD_SHARE",
    "Answers",
    "Guard",
    "Pipeline",
    "Smoothing",
    "Stage",
    "View",
    "fit_guard",
    "make_views",
    "smoothing_over",
    "surer",
]


# Chosen on BANKING77 with MiniLM vectors; 10 and 40 were a little behind, and doubling the
# share of the neighbours made no difference.
_SHARPNESS = 20.0
_REFERENCE_ROWS = 5000
# Weight of the first block in a fused kernel. On BANKING77 .7 to .9 is best for wordllama beside
# LSA, on the bundled messages, full of slips of the pen, .3 to .5: the second is tried of two blocks.
_FUSED = 0.85
_FUSED_LESS = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Smoothing:
    """Moves a unit row half the way to the weighted mean of its neighbours.

    The column's density is known without a label, and labels seldom change inside a dense
    region. With 500 labels of BANKING77 it is worth 7 points of coverage at 92 %.

    Attributes
    ----------
    reference : ndarray of shape (m, d), float32
        Unit rows of the column, drawn without looking at labels.
    sharpness : float
        A neighbour at cosine similarity c weighs exp(sharpness * (c - 1)).

    References
    ----------
    One step of mean shift (Fukunaga and Hostetler 1975) with a von Mises-Fisher kernel.
    """

    reference: NDArray[np.float32]
    sharpness: float = _SHARPNESS

    def __call__(self, units: NDArray[np.float32]) -> NDArray[np.float32]:
        """Smoothed unit rows (n, d); a fixed function of each row alone."""
        out = np.empty_like(units)
        for rows, cosines in similarities(units, self.reference):
            weights = cosines  # worked out in place: it is the largest array there is
            same = weights > np.float32(SAME_TEXT)  # nothing is its own neighbour
            weights -= np.float32(1.0)
            weights *= np.float32(self.sharpness)
            np.exp(weights, out=weights)
            weights[same] = 0.0
            moved = unit_rows(units[rows] + unit_rows(weights @ self.reference))
            moved[~units[rows].any(axis=1)] = 0.0  # of a row of zeros nothing is known
            out[rows] = moved
        return out


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
    """

    name: str
    weights: tuple[float, ...] = (1.0,)
    smoothing: Smoothing | None = None

    def prepare(self, blocks: Sequence[Matrix]) -> Matrix:
        """Unit rows (n, d) from the blocks of the same rows."""
        used = [(block, w) for block, w in zip(blocks, self.weights, strict=False) if w > 0]
        parts = [unit_rows(block) for block, _ in used]
        if self.smoothing is not None and parts[0].shape[0]:
            parts[0] = self.smoothing(parts[0])
        if len(parts) == 1:
            return parts[0]
        scaled = [part * np.float32(np.sqrt(w)) for part, (_, w) in zip(parts, used, strict=True)]
        if any(sparse.issparse(part) for part in scaled):
            return sparse.hstack(scaled, format="csr", dtype=np.float32)
        return np.hstack(scaled)

    @property
    def first(self) -> int:
        """The first block that is used: it is the one that is smoothed."""
        return next(i for i, weight in enumerate(self.weights) if weight > 0)


def smoothing_over(parts: Sequence[Matrix], seed: int) -> Smoothing | None:
    """Smoothing over rows without labels; None where it has no use.

    Parameters
    ----------
    parts : sequence of matrix
        The column's rows, in any parts.
    seed : int
        Draws the reference when there are many rows.
    """
    n = sum(part.shape[0] for part in parts)
    if n == 0 or any(sparse.issparse(part) for part in parts):
        return None
    rows = np.arange(n)
    if n > _REFERENCE_ROWS:
        # Its own stream: the sample of labelled rows must not steer the reference.
        rng = np.random.default_rng([seed, 2])
        rows = np.sort(rng.choice(n, _REFERENCE_ROWS, replace=False))
    taken, start = [], 0
    for part in parts:
        stop = start + part.shape[0]
        taken.append(part[rows[(rows >= start) & (rows < stop)] - start])
        start = stop
    return Smoothing(unit_rows(np.vstack(taken)))


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


GUARD_SHARE = 0.002
"""Share of the fitting rows that are far from all others, where nobody says another."""
# Fitting rows that a row is compared with.
_LANDMARKS = 2000
# Single precision products differ by batch: a row at the limit is inside in every batch.
_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """Whether a row is near enough to a fitting row.

    It is part of the certified rule: far rows count as deferred in pilot, test and routing
    alike, so it costs no validity, and what it costs in coverage is in the certificate.

    Attributes
    ----------
    landmarks : matrix of shape (m, d), float32, or None
        Unit fitting rows, a random part of them when there are many. None for those that a
        kernel ridge regression stands on: it multiplies each row with them anyway.
    limit : float
        Rows whose largest cosine similarity to a landmark is below it are far.
    """

    landmarks: Matrix | None
    limit: float

    def far(self, X: Matrix, similarity: NDArray[np.floating] | None = None) -> NDArray[np.bool_]:
        """True for rows (n, d) that are far from every landmark.

        Parameters
        ----------
        X : matrix of shape (n, d)
        similarity : ndarray of shape (n,), optional
            To the nearest landmark, where the surrogate's kernel knows it.
        """
        nearest = _nearest(X, self.landmarks) if similarity is None else similarity
        return np.asarray(nearest < self.limit)


def fit_guard(
    X: Matrix,
    seed: int,
    support: Matrix | None = None,
    *,
    share: float = GUARD_SHARE,
    n_names: int = 0,
) -> tuple[Guard, NDArray[np.bool_]]:
    """Fit on unit fitting rows, and say which of them are far from all others.

    Parameters
    ----------
    X : matrix of shape (n, d)
    seed : int
    support : matrix of shape (m, d), optional
        The rows that a kernel ridge regression stands on, some or all of X.
    share : float
        Of the fitting rows, in (0, 1), that are far from all others.
    n_names : int
        The last rows are names of labels: rows may be near them, but they are none themselves.

    Returns
    -------
    guard : Guard
        Its limit is the ``share`` quantile of the fitting rows' similarity to their nearest
        other landmark: about so many rows drawn like them are far, and of rows from elsewhere
        as many as are farther than that.
    far : ndarray of shape (n,), bool
        Left-out verdicts on the fitting rows, for the pilot.
    """
    n = X.shape[0]
    rows = np.arange(n)
    if support is None and n > _LANDMARKS:
        rows = np.sort(np.random.default_rng([seed, 3]).choice(n, _LANDMARKS, replace=False))
    landmarks = X[rows] if support is None else support
    if support is not None and support.shape[0] < n:
        nearest = _nearest(X, landmarks, other=True)
    else:
        nearest = _nearest(X, landmarks, own=rows)
    limit = float(np.quantile(nearest[: n - n_names], share, method="lower")) - _ROUNDING
    return Guard(landmarks if support is None else None, limit), nearest < limit


def _nearest(
    X: Matrix, landmarks: Matrix, own: NDArray[np.intp] | None = None, *, other: bool = False
) -> NDArray[np.float32]:
    """Largest similarity of each row to a landmark; ``own`` says which row each landmark is.

    With ``other``, rows that are landmarks or equal one are recognised by their similarity.
    """
    out = np.empty(X.shape[0], dtype=np.float32)
    for rows, similarity in similarities(X, landmarks):
        if own is not None:
            here = np.flatnonzero((own >= rows.start) & (own < rows.stop))
            similarity[own[here] - rows.start, here] = -1.0
        if other:
            similarity[similarity > SAME_TEXT] = -1.0
        out[rows] = similarity.max(axis=1)
    return out


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
