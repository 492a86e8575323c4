"""Tests of groups of rows for more disagreement than elsewhere, with false discoveries bounded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.slicing.candidates import Candidate
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Slice

__all__ = ["find_slices"]

_CONFIDENCE = 0.9
# A slice that shares so many rows with a surer one says the same thing again.
_OVERLAP = 0.7


def find_slices(
    candidates: Sequence[Candidate],
    disagrees: ArrayLike,
    *,
    false_discoveries: float = 0.05,
    most: int = 20,
) -> tuple[Slice, ...]:
    """Groups in which surrogate and teacher disagree more often than outside of them.

    Parameters
    ----------
    candidates : sequence of Candidate
        Made without looking at agreement.
    disagrees : array_like of shape (n,), bool
        For rows that the surrogate was not fitted on.
    false_discoveries : float
        Expected share of slices found by chance, at the most. When surrogate and teacher
        disagree at random everywhere, it is the chance of finding any.
    most : int
        Slices to give.

    Returns
    -------
    tuple of Slice
        The surest first; of groups with nearly the same rows, the surest alone.

    Raises
    ------
    InvalidInput
        Not one value for each row.

    Notes
    -----
    One-sided Fisher tests (hypergeometric tail: given all disagreements, as many of them fall
    among the group's rows as do), adjusted by Benjamini and Yekutieli (2001), which holds
    whatever the dependence: groups overlap.
    """
    wrong = np.asarray(disagrees, dtype=bool)
    if wrong.ndim != 1 or any(len(c.rows) and c.rows.max() >= len(wrong) for c in candidates):
        raise InvalidInput(
            f"disagrees must hold one value for each row, got shape {wrong.shape}; pass all rows"
        )
    if not candidates or not wrong.any():
        return ()
    n, total = len(wrong), int(wrong.sum())
    sizes = np.array([len(c.rows) for c in candidates])
    inside = np.array([int(wrong[c.rows].sum()) for c in candidates])
    p = stats.hypergeom.sf(inside - 1, n, total, sizes)
    adjusted = _benjamini_yekutieli(p)
    kept: list[Slice] = []
    for place in np.lexsort((sizes, p)):
        if adjusted[place] > false_discoveries or len(kept) == most:
            break
        candidate = candidates[place]
        if any(_overlap(candidate.rows, other.rows) > _OVERLAP for other in kept):
            continue
        kept.append(_slice(candidate, wrong, float(p[place]), float(adjusted[place])))
    return tuple(kept)


def _slice(candidate: Candidate, wrong: NDArray[np.bool_], p: float, adjusted: float) -> Slice:
    m, d = len(candidate.rows), int(wrong[candidate.rows].sum())
    rest = (int(wrong.sum()) - d) / (len(wrong) - m)
    low, high = agreement_interval(np.array([m - d]), np.array([m]), _CONFIDENCE)
    return Slice(
        kind=candidate.kind,
        name=candidate.name,
        rows=candidate.rows,
        n_rows=m,
        n_disagree=d,
        agreement=1.0 - d / m,
        lower=float(low[0]),
        upper=float(high[0]),
        agreement_elsewhere=1.0 - rest,
        excess=d - m * rest,
        p_value=p,
        adjusted=adjusted,
    )


def _overlap(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / min(len(a), len(b))


def _benjamini_yekutieli(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.false_discovery_control(p, method="by"), dtype=np.float64)
