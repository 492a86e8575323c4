"""The order in which thresholds are tested, fixed before a calibration label is seen.

Fixed-sequence testing spends the whole error budget on every test and stops at the first
failure, so everything depends on where it starts: too strict a start has too few handled
rows to pass, too loose a one fails at once. The pilot (out-of-fold scores of the fitting
rows) tells where to start and how far to stride; it costs the certificate nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.isotonic import isotonic_regression

from tracer_nb.engine.bounds import held_out_p_value
from tracer_nb.records import Pilot

__all__ = ["N_THRESHOLDS", "Sequence", "gained_coverage", "plan_sequence", "threshold_grid"]

N_THRESHOLDS = 50
_STRIDES = (1, 2, 4)
_DRAWS = 200
_NOISE = 0.01
# Scores come from single precision products, and BLAS adds up in another order for another
# batch of rows: on BANKING77 the log-odds of one row differed by up to 3e-4. The row whose
# score is the quantile must be handled in whatever batch it comes.
_ROUNDING = 1e-3
# Weight of the smoothed agreement against a bin's own count, in rows.
_PRIOR_ROWS = 20.0

PValue = Callable[[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """Thresholds in the order of testing, and what the pilot expects of them.

    Attributes
    ----------
    thresholds : ndarray of shape (n_tests,), decreasing
    expected_coverage : float
        Mean coverage of the last threshold passed, over simulated calibration samples; rows
        weigh what asking about them costs, where the pilot says so.
    """

    thresholds: NDArray[np.float64]
    expected_coverage: float


def threshold_grid(
    scores: NDArray[np.float64], n_thresholds: int = N_THRESHOLDS
) -> NDArray[np.float64]:
    """Thresholds at the coverage quantiles j / 50 of ``scores``, strict to loose.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores that no calibration label has touched: the pilot's, or those of a whole
        known column. Never the calibration rows' own.
    n_thresholds : int
        Another number of them than 50.

    Returns
    -------
    ndarray of shape (at most ``n_thresholds``,), strictly decreasing
        Ties are merged: with score >= threshold, tied rows are handled together. Each lies
        a hair (0.001 in log-odds) below its quantile. Rows at -inf, which are deferred
        whatever happens, count for nothing. Empty when there are no others.
    """
    ordered = np.sort(scores[np.isfinite(scores)])[::-1]
    if not len(ordered):
        return np.empty(0)
    ranks = -(-np.arange(1, n_thresholds + 1) * len(ordered) // n_thresholds)  # rounded up
    quantiles = ordered[ranks - 1]
    # Near 1 a hair in log-odds is less than a step between numbers.
    hair_below = np.minimum(expit(logit(quantiles) - _ROUNDING), np.nextafter(quantiles, 0.0))
    return np.unique(hair_below)[::-1]


def plan_sequence(
    pilot: Pilot,
    n_calibration: int,
    *,
    target: float,
    confidence: float,
    grid: NDArray[np.float64] | None = None,
    p_value: PValue | None = None,
    seed: int = 0,
) -> Sequence:
    """Choose start and stride with the largest expected certified coverage.

    Parameters
    ----------
    pilot : Pilot
        Out-of-fold scores and agreement of the fitting rows.
    n_calibration : int
        Calibration rows that will be tested; only their number is used.
    target, confidence : float
        Fractions in (0, 1).
    grid : ndarray, optional
        Thresholds strict to loose; by default the pilot's own quantiles.
    p_value : callable, optional
        ``p_value(n_agree, n_handled, threshold_index)`` of the test that will be used;
        by default the held-out binomial test at ``target``.
    seed : int

    Returns
    -------
    Sequence

    Notes
    -----
    Per bin b between two thresholds: agreement smoothed to be non-increasing (pool
    adjacent violators), theta_b ~ Beta(k_b + 20 iso_b, m_b - k_b + 20 (1 - iso_b)), and
    counts ~ Bin(n_calibration * share_b, theta_b). Each (start, stride in {1, 2, 4}) is
    scored by the mean coverage of its last threshold passed.

    References
    ----------
    GUARANTEES, "Rows drawn like the calibration rows"; fixed-sequence testing inside Learn-then-Test (arXiv 2110.01052);
    choosing the path on other data: Pareto Testing (arXiv 2210.07913).
    """
    if grid is None:
        grid = threshold_grid(pilot.scores)
    if not len(grid):
        return Sequence(grid, 0.0)
    p_of = p_value or (lambda k, m, _: held_out_p_value(k, m, target))
    p, coverage = _simulate(pilot, n_calibration, grid, p_of, seed)
    options = [(start, stride) for stride in _STRIDES for start in range(len(grid))]
    expected = np.concatenate(
        [
            gained_coverage(p <= 1.0 - confidence, coverage, stride).mean(axis=0)
            for stride in _STRIDES
        ]
    )
    # Differences this small are noise of the simulation. A failed first test costs everything,
    # and the pilot cannot tell .996 from 1 on a few dozen rows: start where it is surest.
    close = np.flatnonzero(expected >= expected.max() - _NOISE)
    first_p = p.mean(axis=0)[[options[i][0] for i in close]]
    best = close[np.lexsort((-expected[close], first_p))[0]]
    start, stride = options[best]
    return Sequence(grid[start::stride], float(expected[best]))


def gained_coverage(
    passed: NDArray[np.bool_], coverage: NDArray[np.float64], stride: int
) -> NDArray[np.float64]:
    """Coverage of the last test passed in each draw, for each start (draws, n)."""
    draws, n = passed.shape
    gained = np.zeros((draws, n + stride))
    for start in reversed(range(n)):
        gained[:, start] = np.where(
            passed[:, start], np.maximum(coverage[start], gained[:, start + stride]), 0.0
        )
    return gained[:, :n]


def _simulate(
    pilot: Pilot,
    n_calibration: int,
    grid: NDArray[np.float64],
    p_value: PValue,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """P-values on simulated calibration samples (draws, n), and the pilot's coverage (n,)."""
    # Bin b holds the rows that threshold b handles and threshold b - 1 does not; the last one
    # the rows that none handles.
    n, n_rows = len(grid), len(pilot.scores)
    bins = np.searchsorted(-grid, -pilot.scores, side="left")
    rows = np.bincount(bins, minlength=n + 1).astype(float)
    hits = np.bincount(bins, weights=pilot.agree, minlength=n + 1)[:n]
    share = rows / max(n_rows, 1)
    rows = rows[:n]
    # A bin without a row weighs next to nothing, and no row is drawn from it.
    smooth = isotonic_regression(
        hits / np.maximum(rows, 1.0), sample_weight=np.maximum(rows, 1e-9), increasing=False
    )
    rng = np.random.default_rng(seed)
    shape = (_DRAWS, n)
    # Beta needs positive parameters even where smoothing says 0 or 1.
    theta = rng.beta(
        np.maximum(hits + _PRIOR_ROWS * smooth, 1e-3),
        np.maximum(rows - hits + _PRIOR_ROWS * (1.0 - smooth), 1e-3),
        shape,
    )
    # Counts per bin are drawn too: with counts fixed at n_calibration * share_b, starts whose
    # first test needs as many rows as it gets on average look safe, and one in six fails.
    drawn = rng.multinomial(n_calibration, share, _DRAWS)[:, :n]
    handled, agree = drawn.cumsum(axis=1), rng.binomial(drawn, theta).cumsum(axis=1)
    index = np.broadcast_to(np.arange(n), shape)
    gained = share[:n]
    if pilot.costs is not None:
        costs = np.bincount(bins, weights=pilot.costs, minlength=n + 1)
        gained = costs[:n] / max(costs.sum(), 1e-300)
    return p_value(agree, handled, index), gained.cumsum()
