"""Exact p-values and confidence bounds for a share, binomial and hypergeometric."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "agreement_interval",
    "agreement_lower",
    "column_agreement_lower",
    "column_p_value",
    "fewest_handled",
    "held_out_p_value",
]


def held_out_p_value(
    n_agree: ArrayLike, n_handled: ArrayLike, target: float
) -> NDArray[np.float64]:
    """P-value of "selective agreement is below ``target``" from independent rows.

    Parameters
    ----------
    n_agree, n_handled : array_like of int, same shape
        k agreeing among m handled calibration rows.
    target : float
        T, a fraction in (0, 1).

    Returns
    -------
    ndarray of float
        P(Bin(m, T) >= k); 1 where m = 0.

    References
    ----------
    The exact binomial tail as a p-value: Learn-then-Test (arXiv 2110.01052), section 2.
    """
    k, m = np.asarray(n_agree), np.asarray(n_handled)
    return np.asarray(stats.binom.sf(k - 1, m, target), dtype=np.float64)


def column_p_value(
    n_disagree: ArrayLike,
    n_handled: ArrayLike,
    n_population: ArrayLike,
    target: float,
    *,
    n_delivered: int | None = None,
) -> NDArray[np.float64]:
    """P-value of "more than a share 1 - T of M known rows disagree", drawn without replacement.

    Parameters
    ----------
    n_disagree, n_handled, n_population : array_like of int, same shape
        d disagreements among the m labelled rows of the M handled rows.
    target : float
        T, a fraction in (0, 1).
    n_delivered : int, optional
        N rows of which a share 1 - T may disagree, where the M are those among them that can; M by
        default.

    Returns
    -------
    ndarray of float
        P(X <= d) for X hypergeometric with M rows, floor((1 - T) N) + 1 of them
        disagreeing, and m draws; 0 where the null is impossible (M = 0, or too few).

    References
    ----------
    GUARANTEES, "A promise as a record"; the one-sided exact test of a finite population's share.
    """
    d, m, total = np.broadcast_arrays(n_disagree, n_handled, n_population)
    # The tiny term keeps (1 - .92) * 100 = 7.999… from losing a permitted row.
    whole = total if n_delivered is None else np.full_like(total, n_delivered)
    null = np.floor((1.0 - target) * whole + 1e-9).astype(np.int64) + 1
    possible = null <= total
    p = _hypergeom_cdf(d, np.maximum(total, 1), np.where(possible, null, 0), m)
    return np.asarray(np.where(possible, p, 0.0), dtype=np.float64)


def _hypergeom_cdf(
    d: NDArray[np.intp], total: NDArray[np.intp], marked: NDArray[np.intp], m: NDArray[np.intp]
) -> NDArray[np.float64]:
    """P(X <= d) with ``marked`` of ``total`` rows marked and m drawn; relative error 1e-8.

    ``stats.hypergeom.cdf`` factorises into primes, 5 to 50 microseconds a value, and planning
    a sequence takes ten thousand values. Here the terms of the shorter tail are summed by
    their ratios, for all values at once.
    """
    below = d * total <= m * marked
    x = np.where(below, d, d + 1).astype(np.float64)
    term = np.exp(stats.hypergeom.logpmf(x, total, marked, m))
    tail = term.copy()
    rest = total - marked - m
    while (term > 1e-17 * tail).any():
        down, up = x * (rest + x), (marked - x) * (m - x)
        # The ratio is 0 at the edge of the support, so nothing beyond it is added.
        term *= np.where(below, down, up)
        term /= np.where(below, (marked - x + 1.0) * (m - x + 1.0), (x + 1.0) * (rest + x + 1.0))
        tail += term
        x += np.where(below, -1.0, 1.0)
    return np.asarray(np.clip(np.where(below, tail, 1.0 - tail), 0.0, 1.0))


def agreement_lower(n_agree: int, n_handled: int, confidence: float) -> float:
    """One-sided Clopper-Pearson lower bound of a share; 0 for no rows."""
    if n_agree <= 0:
        return 0.0
    return float(stats.beta.ppf(1.0 - confidence, n_agree, n_handled - n_agree + 1))


def column_agreement_lower(
    n_agree: int, n_handled: int, n_population: int, confidence: float
) -> float:
    """One-sided lower bound of the share of M known rows that agree; 0 for no rows.

    The largest number of disagreements that the sample does not refute at
    ``1 - confidence``, found by bisection, since the hypergeometric tail falls with it.
    """
    if n_handled == 0 or n_population == 0:
        return 0.0
    d = n_handled - n_agree
    low, high = d, n_population - n_agree
    while low < high:
        middle = (low + high + 1) // 2
        if stats.hypergeom.cdf(d, n_population, middle, n_handled) > 1.0 - confidence:
            low = middle
        else:
            high = middle - 1
    return 1.0 - low / n_population


def agreement_interval(
    n_agree: NDArray[np.intp], n_handled: NDArray[np.intp], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two-sided, pointwise Clopper-Pearson intervals; (0, 1) where there are no rows."""
    tail = (1.0 - confidence) / 2.0
    k, m = n_agree, n_handled
    low = np.where(k > 0, stats.beta.ppf(tail, np.maximum(k, 1), m - k + 1), 0.0)
    high = np.where(k < m, stats.beta.ppf(1.0 - tail, k + 1, np.maximum(m - k, 1)), 1.0)
    return low, high


def fewest_handled(target: float, confidence: float) -> int:
    """Handled calibration rows without one disagreement that certify at the least.

    ceil(ln(1 - confidence) / ln(target)); GUARANTEES, "Rows drawn like the calibration rows".

    >>> fewest_handled(0.92, 0.9), fewest_handled(0.95, 0.95)
    (28, 59)
    """
    return math.ceil(math.log(1.0 - confidence) / math.log(target))
