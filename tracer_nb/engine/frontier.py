"""Coverage against agreement over all thresholds: the picture beside the certificate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.records import Frontier

__all__ = ["frontier"]

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
