"""What a column is expected to cost in all: rows fitted on, rows tested on, and deferred ones.

Judged on out-of-fold answers of the labelled rows, which costs no validity: a poor judgement asks
about more rows than it had to, and never breaks a promise. GUARANTEES, "Hard rows first".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from tracer_nb.engine.bounds import column_p_value
from tracer_nb.engine.sequence import gained_coverage

__all__ = [
    "Outlook",
    "bin_ends",
    "draw_agreement",
    "fewest_tested",
    "look_ahead",
    "none_saved",
    "passed_in",
    "too_few",
]

_N_BINS = 40
_DRAWS = 100
_SIZES = (30, 45, 60, 80, 105, 140, 185, 245, 325, 430, 570, 750, 1000)
_STRIDES = (1, 2, 4)
# Weight of the smoothed agreement against a bin's own count, in rows.
_PRIOR_ROWS = 20.0
# How agreement depends on the score is read off all labelled rows, chosen ones too: they are many.
# How much of it there is, off the random ones: their disagreements over those that the curve
# expects of them, with so many rows' worth of "no difference". From 800 to 2,100 labels of BANKING77
# that differs by a tenth from one random start of 150 rows to the next, and by a third where the
# random rows are all that is looked at.
_PRIOR_WRONG = 10.0
# After each test that was planned on such an outlook and failed: it was too bright.
_AFTER_FAILURE = 1.25
# Nothing was seen to disagree where surrogate and teacher agree most: that is no proof. So many of
# the random rows (the "rule of three" would be 3). Without it plans were made that failed on the
# first disagreement of all: on BANKING77 at .92 they saved .74 instead of .84 of the rows.
_UNSEEN = 2.0
# Rows that were asked about because nobody was sure of them were wrong more often than random ones
# with the same score now are: the open rows are better than these say. On babe in a chain the open
# rows' disagreements were .85 of what was expected when a tenth of the column had been asked about
# so, and .6 at a third.
_WEEDED, _LEAST_WRONG = 1.2, 0.5
# Standard deviation of the log of all that is not known otherwise.
_DOUBT = 0.25
# The last test that there is money for. Its plan is the best of very many on few labels, so that it
# looks brighter than it is: on BANKING77 with 300 labels, target .95, a chance of .79 turned out to be
# .55, and .71 of .75 with so many more disagreements expected.
_LAST_WORSE = 1.2
_LAST_DRAWS = 200
# Its rows come from the first so many bins, or more of them, in steps.
_LEAST_TOP, _TOP_STEP = 8, 4
# Disagreements of the open rows fall with the labels: on BANKING77, hard rows first, as n ** -.65 from
# 250 of them to 400.
_LEARNED = 0.65


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
    wrong : float
        Share of the open rows on which surrogate and teacher disagree.
    gain : float
        Rows that asking about one more would save, where that is not told by ``wrong``.
    top : int
        Of these 40 quantiles, those that the rows of the test are drawn from.
    """

    n_labels: int
    n_test: int
    start: int
    stride: int
    chance: float
    coverage: float
    n_deferred: float
    bill: float
    wrong: float
    gain: float = 0.0
    top: int = _N_BINS


def bin_ends(n: int, finer: int = 1) -> NDArray[np.intp]:
    """Rows, of n in order of their score, up to the end of each of 40 bins, or of ``finer`` ones."""
    n_bins = _N_BINS * finer
    return np.round(np.arange(1, n_bins + 1) * n / n_bins).astype(np.intp)


def fewest_tested(
    n_open: int, target: float, delta: float, *, n_delivered: int | None = None
) -> int:
    """Test rows without which nothing can be certified of so many open rows; more if none do.

    Parameters
    ----------
    n_open : int
    target, delta : float
    n_delivered : int, optional
        As in :func:`look_ahead`.

    >>> fewest_tested(10_000, 0.92, 0.1), fewest_tested(20, 0.95, 0.05)
    (28, 16)
    """
    n = np.arange(1, n_open + 1)
    if not n_open:
        return 1
    p = column_p_value(0, n, n_open, target, n_delivered=n_delivered)
    enough = np.flatnonzero(p <= delta)
    return int(n[enough[0]]) if len(enough) else n_open + 1


def none_saved(n_rows: int, n_start: int, target: float, delta: float) -> str:
    """Why none of so few rows can be saved, and what to do."""
    # In a column too large to matter.
    needed = fewest_tested(10 * (n_rows + 1_000), target, delta)
    return (
        f"{n_rows:,} rows are too few to save any: {n_start:,} are labelled to begin with, which leaves "
        f"{n_rows - n_start:,}, and a test of the others needs up to {needed:,} even when surrogate and "
        "teacher always agree; ask the teacher about all of them, or lower the target"
    )


def too_few(n_open: int, target: float, delta: float, *, n_delivered: int | None = None) -> str:
    """Why so many open rows cannot be tested, and what to do; arguments as in :func:`fewest_tested`."""
    if not n_open:
        return "all rows are asked about, and none is left to test; ask the teacher about what has no answer"
    return (
        f"a test needs {fewest_tested(n_open, target, delta, n_delivered=n_delivered):,} rows even when "
        f"surrogate and teacher always agree, and no more than {n_open:,} are open; ask the teacher "
        "about them"
    )


def look_ahead(  # noqa: C901  one plan, of every size and place
    scores: NDArray[np.float64],
    left_out: NDArray[np.float64],
    agree: NDArray[np.bool_],
    by_chance: NDArray[np.bool_],
    *,
    n_open: int,
    n_labels: int,
    target: float,
    delta: float,
    failed: int = 0,
    most: int | None = None,
    n_delivered: int | None = None,
    calibrated: bool = False,
    chosen: float = 0.0,
    last: bool = False,
    learned: int = 0,
    seed: int = 0,
) -> Outlook:
    """Find the number of test rows and the order of tests with the smallest expected bill.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Of the open rows, or of some drawn from them: how sure the surrogate is.
    left_out, agree : ndarray of shape (n_labelled,)
        The same of the labelled rows, each left out of the fit, and whether surrogate and teacher
        agree there.
    by_chance : ndarray of shape (n_labelled,), bool
        Which of these were drawn at random.
    n_open, n_labels : int
        Open rows, and rows asked about until now.
    target, delta : float
        Of the test to come.
    failed : int
        Tests that were planned on such an outlook and did not pass: it was too bright.
    most : int, optional
        Rows that the test may have.
    n_delivered : int, optional
        All rows that come out, where the promise is about them: then every threshold may be tried.
    calibrated : bool
        Scores are probabilities of agreement, fitted on all labelled rows: what they say and what
        was counted are given equal weight.
    chosen : float
        Share of the column that was asked about because nobody was sure of it.
    last : bool
        Nothing behind the test can be paid for: it takes ``most`` rows, and they may come from the
        top-scored open rows alone.
    learned : int
        So many more labels first, of which nothing is known.
    seed : int

    Returns
    -------
    Outlook
    """
    everything = float(n_labels + n_open)
    best = Outlook(n_labels, 0, 0, 1, 0.0, 0.0, float(n_open), everything, 1.0)
    known = np.isfinite(scores)
    reachable = float(known.mean()) if len(scores) else 0.0
    ordered = np.sort(scores[known])[::-1]
    near = np.isfinite(left_out)
    left_out, agree, by_chance = left_out[near], agree[near], by_chance[near]
    if len(ordered) < _N_BINS or not by_chance.any():
        return best
    rng = np.random.default_rng([seed, 6])
    counted = agree.astype(float)
    if calibrated:
        counted = np.where(by_chance, (counted + left_out) / 2.0, left_out)
    worse = _AFTER_FAILURE**failed
    if calibrated:
        worse *= max(1.0 - _WEEDED * chosen, _LEAST_WRONG)
    n_draws, tops = _DRAWS, [_N_BINS]
    sizes: tuple[int, ...] = _SIZES
    if last:
        n_draws, sizes = _LAST_DRAWS, (min(most or _SIZES[-1], _SIZES[-1]),)
        tops = [*range(_LEAST_TOP, _N_BINS + 1, _TOP_STEP)]
        worse *= _LAST_WORSE * (len(agree) / (len(agree) + learned)) ** _LEARNED
    theta, ends = draw_agreement(
        ordered, left_out, counted, by_chance, worse=worse, n_draws=n_draws, rng=rng
    )
    # What the guard defers is not the surrogate's.
    wrong = 1.0 - float(theta.mean())
    best = replace(best, wrong=wrong)
    n_known = round(n_open * reachable)
    handled = np.round(ends / ends[-1] * n_known).astype(np.intp)
    share = np.r_[np.diff(np.r_[0, ends]) / ends[-1] * reachable, 1.0 - reachable]
    for n_test, top in ((n, top) for n in sizes for top in tops):
        if n_test > n_open or (most is not None and n_test > most):
            break
        if last and not 0 < n_test <= handled[top - 1]:
            continue
        among = np.r_[share[:top] / share[:top].sum(), 0.0] if last else share
        levels: dict[str, Any] = {"target": target, "delta": delta, "n_delivered": n_delivered}
        passed = passed_in(theta, handled[:top], among, n_test, n_open=n_open, **levels, rng=rng)
        coverage = handled[:top] / n_open
        for stride in _STRIDES if n_delivered is None else (1,):
            if n_delivered is None:
                gained = gained_coverage(passed, coverage, stride)
            else:
                gained = (passed * coverage).max(axis=1, keepdims=True)
            # Means over draws: what is expected, and how often it is anything.
            mean, chance = gained.mean(axis=0), (gained > 0).mean(axis=0)
            start = int(mean.argmax())
            likely = float(chance[start])
            saved = (n_open - n_test) * float(mean[start])
            bill = everything - saved
            if bill < best.bill:
                covered = float(mean[start]) / max(likely, 1e-9)
                deferred = (n_open - n_test) * (1.0 - covered)
                plan = n_test, start, stride
                best = Outlook(n_labels, *plan, likely, covered, deferred, bill, wrong, top=top)
    return best


def passed_in(
    theta: NDArray[np.float64],
    handled: NDArray[np.intp],
    among: NDArray[np.float64],
    n_test: int,
    *,
    n_open: int,
    target: float,
    delta: float,
    n_delivered: int | None = None,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """In which draws of a test so many rows pass at each threshold.

    Parameters
    ----------
    theta : ndarray of shape (n_draws, at least n_bins)
        Agreement in each bin, in each draw.
    handled : ndarray of shape (n_bins,), int
        Open rows down to the end of each bin.
    among : ndarray of shape (n_bins,) or (n_bins + 1,)
        Share of the test's rows in each; the last one those in none.
    n_test : int
    n_open, target, delta, n_delivered
        As in :func:`look_ahead`.
    rng : Generator

    Returns
    -------
    ndarray of shape (n_draws, n_bins), bool
    """
    n = len(handled)
    drawn = rng.multinomial(n_test, among, len(theta))[:, :n]
    m = np.minimum(drawn.cumsum(axis=1), handled)
    d = np.minimum(rng.binomial(drawn, 1.0 - theta[:, :n]).cumsum(axis=1), m)
    if n_delivered is None:
        p = column_p_value(d, m, np.broadcast_to(handled, m.shape), target)
    else:  # all test rows count at every threshold
        p = column_p_value(d, n_test, n_open, target, n_delivered=n_delivered)
    return np.asarray((p <= delta) & (m > 0))


def draw_agreement(
    ordered: NDArray[np.float64],
    left_out: NDArray[np.float64],
    agree: NDArray[np.float64],
    by_chance: NDArray[np.bool_],
    *,
    worse: float,
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Draws of the agreement in each bin of the open rows, and the bins' ends.

    Parameters
    ----------
    ordered : ndarray of shape (n_open,), decreasing
        Scores of the open rows.
    left_out, agree, by_chance : ndarray of shape (n_labelled,)
        As in :func:`look_ahead`; ``agree`` as shares.
    worse : float
        So many times as many disagreements are expected.
    n_draws : int
    rng : Generator

    Returns
    -------
    ndarray of shape (n_draws, 40)
    ndarray of shape (40,), int
    """
    ends = bin_ends(len(ordered))
    by_score = np.argsort(left_out, kind="stable")
    smooth = isotonic_regression(agree[by_score], y_min=0.0, y_max=1.0)

    def curve(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1.0 - np.interp(scores, left_out[by_score], smooth))

    starts = np.r_[0, ends[:-1]]
    level = np.add.reduceat(curve(ordered), starts) / np.diff(np.r_[0, ends])
    n_wrong = float((1.0 - agree[by_chance]).sum())
    expected = float(curve(left_out[by_chance]).sum())
    level *= (n_wrong + _PRIOR_WRONG) / (expected + _PRIOR_WRONG)
    wrong = np.clip(worse * level, _UNSEEN / (_UNSEEN + by_chance.sum()), 1.0)
    bins = np.searchsorted(-ordered[ends - 1], -left_out, side="left")
    rows = _PRIOR_ROWS + np.bincount(bins, minlength=_N_BINS + 1)[:_N_BINS]
    drawn = rng.beta(
        np.maximum(rows * wrong, 1e-3), np.maximum(rows * (1.0 - wrong), 1e-3), (n_draws, _N_BINS)
    )
    # Of the whole level, beside that of each bin: what so many disagreements can tell.
    spread = np.hypot(_DOUBT, 1.0 / np.sqrt(1.0 + n_wrong))
    whole = np.exp(rng.normal(0.0, spread, (n_draws, 1)))
    return 1.0 - np.clip(drawn * whole, 0.0, 1.0), ends
