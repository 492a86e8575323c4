"""The guard: which rows are deferred whatever their score.

Rows unlike anything that was fitted on; of new rows, among which there may be some of another kind,
also those whose outputs are far from what a row of their label has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.zoo.matrix import SAME_TEXT, Matrix, similarities

__all__ = [
    "GUARD_SHARE",
    "NEW_ROWS_SHARE",
    "Guard",
    "closeness",
    "fit_guard",
    "fit_new_limit",
    "on_a_scale",
]


GUARD_SHARE = 0.002
"""Share of the fitting rows that are far from all others, where nobody says another."""
NEW_ROWS_SHARE = 0.045
"""Share of the rows to be handled that the guard defers in all where they are new."""
# Fitting rows that a row is compared with.
_LANDMARKS = 2000
# Single precision products differ by batch: a row at the limit is inside in every batch.
_ROUNDING = 1e-4
# Regressions on indicators leave [0, 1] by little; decision values are on no scale.
_MOST_OUTPUT = 2.0


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
    new_limit : float
        New rows whose :func:`closeness` is below it are strange, -inf for none: in a column
        whose rows were all there to be drawn none is of another kind.
    """

    landmarks: Matrix | None
    limit: float
    new_limit: float = -np.inf

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
        The rows that a kernel ridge regression stands on: X itself, some of it, or others.
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
    if support is not None and support is not X:
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


def closeness(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """How close the outputs of rows are to the indicator of the label that they predict.

    Parameters
    ----------
    outputs : ndarray of shape (n, K)

    Returns
    -------
    ndarray of shape (n,)
        1 minus the squared distance; 1 for a row that is said to be of one label and no other.

    Notes
    -----
    A margin compares two labels; a row of neither can be far from both and yet nearer to one. Of
    questions about a tenth of BANKING77's intents that was left out, fewer pass it at one price in
    coverage than pass limits of the margin, of similarity to rows or to rows of the predicted
    label, of their density, or of combinations learned on labels left out.
    """
    wide = np.asarray(outputs, dtype=np.float64)
    return np.asarray(2.0 * wide.max(axis=1, initial=-np.inf) - (wide**2).sum(axis=1))


def on_a_scale(outputs: NDArray[np.floating]) -> bool:
    """Whether these are regressions on indicators, or probabilities: :func:`closeness` says something."""
    return float(np.abs(outputs).max(initial=0.0)) <= _MOST_OUTPUT


def fit_new_limit(
    near: NDArray[np.float64],
    scores: NDArray[np.float64],
    far: NDArray[np.bool_],
    *,
    handled: float,
    share: float,
) -> float:
    """The guard's limit for new rows, by what it costs in coverage.

    Parameters
    ----------
    near : ndarray of shape (n,)
        :func:`closeness` out of fold, of fitting rows drawn at random.
    scores : ndarray of shape (n,)
        Theirs.
    far : ndarray of shape (n,), bool
        Those that it defers anyway: they are part of the price.
    handled : float
        Share of rows that may be handled without it, those with the highest scores.
    share : float
        Of these rows, the share that may be deferred.

    Returns
    -------
    float
        -inf without rows.
    """
    n = len(scores)
    if not n:
        return -np.inf
    top = np.argsort(-scores, kind="stable")[: math.ceil(handled * n)]
    upwards = np.sort(np.where(far[top], -np.inf, near[top]))
    return float(upwards[int(share * len(upwards))]) - _ROUNDING
