"""What a column is expected to cost in all: rows fitted on, rows tested on, and deferred ones.

Judged on the random start's out-of-fold answers, which costs no validity: a poor judgement asks
about more rows than it had to, and never breaks a promise. GUARANTEES, "Hard rows first".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from tracer_nb.engine.bounds import column_p_value
from tracer_nb.engine.sequence import gained_coverage

__all__ = ["Outlook", "bin_ends", "fewest_tested", "look_ahead", "too_few"]

_N_BINS = 40
_DRAWS = 100
_SIZES = (30, 45, 60, 80, 105, 140, 185, 245, 325, 430, 570, 750)
_STRIDES = (1, 2, 4)
# Weight of the smoothed agreement against a bin's own count, in rows.
_PRIOR_ROWS = 20.0
# Rows are chosen away from labelled ones, the random start among them: leave one of these out,
# and there is a hole that no open row has. On BANKING77 its disagreements at a given margin were
# 1.1 to 1.4 times those of the open rows, for all sizes from 500 to 1,900 labels.
_HOLE = 0.7


@dataclass(frozen=True, slots=True)
class Outlook:
    """The best test of the open rows that there is now, and the bill with it.

    Attributes
    ----------
    n_labels : int
        Rows asked about until now.
    n_test : int
        Rows of the test; 0 where no test is worth it.
    start, stride : int
        Where the sequence begins among the open rows' 40 quantiles, strict to loose, and its
        steps.
    chance : float
        That something is certified.
    coverage : float
        Share of the open rows certified, where something is.
    n_deferred : float
        Open rows that are asked about behind the test, where it passes.
    bill : float
        Rows asked about in all, failing tests counted as the whole column.
    """

    n_labels: int
    n_test: int
    start: int
    stride: int
    chance: float
    coverage: float
    n_deferred: float
    bill: float


def bin_ends(n: int) -> NDArray[np.intp]:
    """Rows, of n in order of their score, up to the end of each of 40 bins, (40,)."""
    return np.round(np.arange(1, _N_BINS + 1) * n / _N_BINS).astype(np.intp)


def fewest_tested(n_open: int, target: float, delta: float) -> int:
    """Test rows without which nothing can be certified of so many open rows; more if none do.

    >>> fewest_tested(10_000, 0.92, 0.1), fewest_tested(20, 0.95, 0.05)
    (28, 16)
    """
    n = np.arange(1, n_open + 1)
    if not n_open:
        return 1
    p = column_p_value(0, n, n_open, target)
    enough = np.flatnonzero(p <= delta)
    return int(n[enough[0]]) if len(enough) else n_open + 1


def too_few(n_open: int, target: float, delta: float) -> str:
    """Why so many open rows cannot be tested, and what to do."""
    return (
        f"a test needs {fewest_tested(n_open, target, delta):,} rows even when surrogate and teacher "
        f"always agree, and {n_open:,} are open; ask the teacher about them, or lower the target"
    )


def look_ahead(
    scores: NDArray[np.float64],
    pilot: NDArray[np.float64],
    agree: NDArray[np.bool_],
    *,
    n_open: int,
    n_labels: int,
    target: float,
    delta: float,
    failed: int = 0,
    seed: int = 0,
) -> Outlook:
    """Find the number of test rows and the order of tests with the smallest expected bill.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Of the open rows, or of some drawn from them: how sure the surrogate is.
    pilot, agree : ndarray of shape (n_pilot,)
        The same of the random start, left out of the fit, and whether surrogate and teacher
        agree there.
    n_open, n_labels : int
        Open rows, and rows asked about until now.
    target, delta : float
        Of the test to come.
    failed : int
        Tests that were planned on such an outlook and did not pass: it was too bright.
    seed : int

    Returns
    -------
    Outlook
    """
    everything = float(n_labels + n_open)
    best = Outlook(n_labels, 0, 0, 1, 0.0, 0.0, float(n_open), everything)
    known = np.isfinite(scores)
    reachable = float(known.mean()) if len(scores) else 0.0
    ordered = np.sort(scores[known])[::-1]
    if len(ordered) < _N_BINS or not len(pilot):
        return best
    rng = np.random.default_rng([seed, 6])
    theta, ends = _agreement(ordered, pilot, agree, _HOLE ** (1 - failed), rng)
    n_known = round(n_open * reachable)
    handled = np.round(ends / ends[-1] * n_known).astype(np.intp)
    share = np.r_[np.diff(np.r_[0, ends]) / ends[-1] * reachable, 1.0 - reachable]
    for n_test in _SIZES:
        if n_test > n_open:
            break
        drawn = rng.multinomial(n_test, share, _DRAWS)[:, :_N_BINS]
        m = np.minimum(drawn.cumsum(axis=1), handled)
        d = np.minimum(rng.binomial(drawn, 1.0 - theta).cumsum(axis=1), m)
        p = column_p_value(d, m, np.broadcast_to(handled, m.shape), target)
        passed = (p <= delta) & (m > 0)
        coverage = handled / n_open
        for stride in _STRIDES:
            gained = gained_coverage(passed, coverage, stride)
            # Means over draws: what is expected, and how often it is anything.
            mean, chance = gained.mean(axis=0), (gained > 0).mean(axis=0)
            start = int(mean.argmax())
            likely = float(chance[start])
            saved = (n_open - n_test) * float(mean[start])
            bill = everything - saved
            if bill < best.bill:
                covered = float(mean[start]) / max(likely, 1e-9)
                deferred = (n_open - n_test) * (1.0 - covered)
                best = Outlook(n_labels, n_test, start, stride, likely, covered, deferred, bill)
    return best


def _agreement(
    ordered: NDArray[np.float64],
    pilot: NDArray[np.float64],
    agree: NDArray[np.bool_],
    hole: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Draws of the agreement in each bin of the open rows (draws, 40), and the bins' ends."""
    ends = bin_ends(len(ordered))
    by_score = np.argsort(pilot, kind="stable")
    smooth = isotonic_regression(agree[by_score].astype(float), y_min=0.0, y_max=1.0)
    each = np.interp(ordered, pilot[by_score], smooth)
    starts = np.r_[0, ends[:-1]]
    level = np.add.reduceat(each, starts) / np.diff(np.r_[0, ends])
    wrong = hole * (1.0 - level)
    bins = np.searchsorted(-ordered[ends - 1], -pilot, side="left")
    rows = _PRIOR_ROWS + np.bincount(bins, minlength=_N_BINS + 1)[:_N_BINS]
    drawn = rng.beta(
        np.maximum(rows * wrong, 1e-3), np.maximum(rows * (1.0 - wrong), 1e-3), (_DRAWS, _N_BINS)
    )
    # Of the whole level, beside that of each bin: what so many disagreements can tell.
    spread = 1.0 / np.sqrt(1.0 + float((~agree).sum()))
    whole = np.exp(rng.normal(0.0, spread, (_DRAWS, 1)))
    return 1.0 - np.clip(drawn * whole, 0.0, 1.0), ends
