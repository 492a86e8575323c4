"""Rows that the teacher may have labelled wrongly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gaps.judged import Judged

__all__ = ["likely_mistakes"]


def likely_mistakes(
    judged: Judged, *, most: int = 50
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rows on which the surrogate is surer of another label than it usually is of that label.

    In the manner of confident learning (Northcutt, Jiang and Chuang 2021): labels differ in how
    sure one can be of them, so each has a threshold of its own, the mean score of the rows to
    which both give it. A label that they never agree on accuses nobody.

    Parameters
    ----------
    judged : Judged
    most : int
        Rows to give.

    Returns
    -------
    rows : ndarray of int
        Those furthest above the threshold first; of equal ones, the first row.
    usual : ndarray of float
        The threshold of each.
    """
    k = len(judged.names)
    # Where the guard defers, the row is unlike all others and its score says nothing.
    near = np.isfinite(judged.scores)
    both = judged.agree & near
    n = np.bincount(judged.surrogate[both], minlength=k)
    total = np.bincount(judged.surrogate[both], judged.scores[both], minlength=k)
    usual = np.full(k, np.inf)
    np.divide(total, n, out=usual, where=n > 0)
    excess = judged.scores - usual[judged.surrogate]
    rows = np.flatnonzero(near & (judged.teacher >= 0) & ~judged.agree & (excess >= 0))
    rows = rows[np.argsort(-excess[rows], kind="stable")][:most]
    return rows, usual[judged.surrogate[rows]]
