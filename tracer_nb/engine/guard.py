"""The guard: rows unlike anything that was fitted on are deferred, whatever their score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.zoo import Matrix
from tracer_nb.engine.zoo.matrix import SAME_TEXT, similarities

__all__ = ["GUARD_SHARE", "Guard", "fit_guard"]

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
