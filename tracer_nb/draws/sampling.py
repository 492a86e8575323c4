"""Recall of a label on the rows of a test of everything: what it is expected to take.

Where a label is not rare, enough of the test's rows have it to tell how many come out without it, and
nobody needs to look for it. Nothing here is part of a promise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.isotonic import isotonic_regression

from tracer_nb.engine.certificates import lower_target, share_to_read
from tracer_nb.engine.outlook import Outlook, bin_ends

__all__ = ["Wanted", "expect_sample", "sample_pays"]

# Missed rows where none was seen among the labelled ones; and so many of "no difference" between rows
# that were chosen and others.
_PRIOR, _PRIOR_MISSED = 0.5, 1.0
# After each test that failed: more was left than was expected.
_AFTER_FAILURE = 1.25
_POWER, _MOST_SHARE, _FINER = 0.8, 0.8, 1.1
# Missed rows with half as many labels again, over those before; as agreement goes on BANKING77,
# n ** -.65.
_MORE, _LEARNED = 0.5, 0.77
# How many rows have the label at the most, in standard deviations; the part of the error budget that is
# left; and the lowest target among open rows that is planned with.
_SPREAD, _REST, _LEAST = 2.0, 0.9, 0.1
# Where less would be answered, more is learned first: what a score says of one label is not known well.
_COVERED = 0.8
# Rows of a test, and rows that are read, over the fewest: some missed ones turn up.
_ROOM, _LOOKS = 2.0, 1.3


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Rows with a label, as far as anything tells.

    Attributes
    ----------
    n_open : int
        Open rows.
    n_given : float
        Of these, rows that are given the label.
    found : float
        Of those, rows that have it.
    missed : ndarray of shape (n_bins,)
        Open rows that have it and are given another label, down to the end of each of their quantiles
        by score.
    known : int
        Rows that the teacher has given it.
    """

    n_open: int
    n_given: float
    found: float
    missed: NDArray[np.float64]
    known: int

    @property
    def n_dropped(self) -> int:
        """Open rows that are given another label."""
        return round(self.n_open - self.n_given)

    @property
    def total(self) -> float:
        """Open rows that have it."""
        return self.found + float(self.missed[-1])

    @property
    def wrong(self) -> NDArray[np.float64]:
        """Of these, the share that is missed, down to each quantile."""
        return np.asarray(self.missed / max(self.total, 1e-9))

    @classmethod
    def guess(
        cls,
        scores: tuple[NDArray[np.float64], NDArray[np.float64]],
        given: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        is_wanted: NDArray[np.bool_],
        by_chance: NDArray[np.bool_],
        *,
        known: int,
        n_open: int,
        failed: int,
    ) -> Wanted:
        """By open rows and labelled ones that were left out of the fit.

        Parameters
        ----------
        scores : (ndarray of shape (n,), ndarray of shape (n_labelled,))
            How sure it is of each.
        given : pair of ndarray of the same shapes, bool
            Whether it gives the label.
        is_wanted, by_chance : ndarray of shape (n_labelled,), bool
            Which have it, and which came at random: rows that were chosen are the harder ones.
        known, n_open : int
        failed : int
            Tests that did not pass.
        """
        (sure, left_out), (gives, gave) = scores, given
        near, known_near = np.isfinite(sure), np.isfinite(left_out)
        sure, gives = sure[near], gives[near]
        left_out, gave, is_wanted = left_out[known_near], gave[known_near], is_wanted[known_near]
        by_chance = by_chance[known_near]
        if not len(sure) or not len(left_out):
            return cls(n_open, 0.0, 0.0, np.zeros(1), known)
        order = np.argsort(left_out, kind="stable")
        miss = (is_wanted & ~gave)[order].astype(float)
        curve = isotonic_regression(miss, y_min=0.0, y_max=1.0, increasing=False)
        ordered = np.sort(sure)[::-1]
        likely = np.interp(ordered, left_out[order], curve)
        n_missed, expected = (
            float(miss[by_chance[order]].sum()),
            float(curve[by_chance[order]].sum()),
        )
        likely *= (n_missed + _PRIOR_MISSED) / (expected + _PRIOR_MISSED)
        likely += _PRIOR / len(left_out)
        scale = n_open / len(near)
        missed = likely.cumsum()[np.maximum(bin_ends(len(sure)), 1) - 1]
        right = float((gave & is_wanted).sum() + _PRIOR) / float(gave.sum() + 2 * _PRIOR)
        n_given = scale * float(gives.sum())
        return cls(n_open, n_given, n_given * right, scale * missed * _AFTER_FAILURE**failed, known)


def expect_sample(
    n_labels: int,
    wanted: Wanted,
    *,
    target: float,
    delta: float,
    base: Outlook | None = None,
    most: int | None = None,
) -> Outlook:
    """The bill, if the open rows were tested now; no rows where no test is worth it.

    Parameters
    ----------
    n_labels : int
        Rows asked about until now.
    wanted : Wanted
    target, delta : float
        Of the test to come.
    base : Outlook, optional
        Of another promise that is tested on the same rows: what it takes is paid for.
    most : int, optional
        Rows that the test may have.
    """
    everything, wrong = float(n_labels + wanted.n_open), wanted.wrong
    levels = (target, delta), base, most
    n_test, coverage, rest = _cheapest(wanted, wrong, *levels)
    if not n_test:
        none = n_labels, 0, 0, 1, 0.0, 0.0, float(wanted.n_open), everything
        return Outlook(*none, float(wrong[-1]), gain=math.inf)
    gain = (rest - _cheapest(wanted, _LEARNED * wrong, *levels)[2]) / max(_MORE * n_labels, 1.0)
    deferred = (wanted.n_open - n_test) * (1.0 - coverage)
    plan = n_labels, n_test, 0, 1, _POWER, coverage, deferred, n_labels + rest
    return Outlook(*plan, float(wrong[-1]), gain=gain)


def _cheapest(
    wanted: Wanted,
    wrong: NDArray[np.float64],
    levels: tuple[float, float],
    base: Outlook | None,
    most: int | None,
) -> tuple[int, float, float]:
    """Test rows, share of the open rows that is answered then, and rows asked about with the others."""
    (target, delta), n_open = levels, wanted.n_open
    last = int(_MOST_SHARE * n_open)
    last = last if most is None else min(last, most)
    rate = wanted.total / max(n_open, 1)
    level = max(lower_target(target, wanted.known, wanted.total), _LEAST)
    fewest = max(math.log(delta) / math.log(level) / max(rate, 1e-9), 1.0)
    if fewest > last:
        return 0, 0.0, float(n_open)
    n = np.ceil(np.geomspace(fewest, last, 2 + int(math.log(last / fewest) / math.log(_FINER))))
    # Fewer of them than expected may have it.
    m = np.maximum(n * rate - 0.5 * np.sqrt(n * rate), 0.0).astype(int)
    allowed = np.array([_allowed(each, wanted, target, delta) for each in m.tolist()])
    passes = binom.cdf(allowed[:, None], m[:, None], np.minimum(wrong, 1.0)) >= _POWER
    coverage = np.arange(1, len(wrong) + 1) / len(wrong)
    passes &= (allowed >= 0)[:, None] & (coverage >= _COVERED)
    rows, covered = n[:, None] + 0.0 * coverage, coverage + 0.0 * n[:, None]
    if base is not None and base.n_test:
        rows, covered = np.maximum(rows, base.n_test), np.minimum(covered, base.coverage)
    rest = np.where(passes, rows + (n_open - rows) * (1.0 - covered), np.inf)
    best = np.unravel_index(int(rest.argmin()), rest.shape)
    if not np.isfinite(rest[best]):
        return 0, 0.0, float(n_open)
    return int(n[best[0]]), float(coverage[best[1]]), float(rest[best])


def _allowed(m: int, wanted: Wanted, target: float, delta: float) -> int:
    """Missed rows with which a test of m rows with the label passes; -1 where it cannot."""
    most = wanted.total * (1.0 + _SPREAD / math.sqrt(max(m, 1)))
    level = lower_target(target, wanted.known, most)
    if level <= 0.0:
        return m
    return int((binom.cdf(np.arange(m + 1), m, 1.0 - level) <= _REST * delta).sum()) - 1


def sample_pays(wanted: Wanted, *, target: float, delta: float) -> bool:
    """Whether to test a label on rows of everything rather than to look for it, once all is learned.

    It depends on how rare the label is and on little else, so that a job does not change its mind.
    """
    every = max(round(wanted.total + wanted.known), 1)
    sampled = _ROOM * math.log(delta) / math.log(target) * wanted.n_open / every
    return sampled <= every + _LOOKS * share_to_read(every, target, delta) * wanted.n_open
