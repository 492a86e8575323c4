"""How many of the dropped rows are read for recall of a rare label, and what that risks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binom, hypergeom, poisson

from tracer_nb.draws.reading import Late, breaking, expect_reading, plan_reading, risk

TARGET = 0.9


def risked(sizes, n_dropped, n_known):
    """The same by every way in which wanted rows can fall among the looks' rows."""
    sizes = [min(n, n_dropped) for n in sizes]
    worst = 0.0
    for wanted in range(breaking(n_known, TARGET), min(n_dropped, 14) + 1):
        total = 0.0
        ways = itertools.product(range(wanted + 1), repeat=len(sizes))
        for found in (way for way in ways if sum(way) <= wanted):
            p, read, so_far, passed = 1.0, 0, 0, False
            for k, (more, n) in enumerate(zip(found, sizes, strict=True)):
                if passed:  # the rows of later looks are not read
                    p *= more == 0
                    continue
                p *= hypergeom.pmf(more, n_dropped - read, wanted - so_far, n - read)
                read, so_far = n, so_far + more
                passed = so_far <= k
            missed = wanted - so_far
            total += p * (passed and missed > (1 - TARGET) * (n_known + wanted) + 1e-9)
        worst = max(worst, total)
    return worst


@pytest.mark.parametrize(
    ("sizes", "n_dropped", "n_known"),
    [([4, 9], 20, 5), ([3, 6, 8], 12, 0), ([10], 25, 30), ([2, 30], 12, 8), ([12, 14], 12, 8)],
)
def test_the_risk_is_that_of_every_way_to_find_them(sizes, n_dropped, n_known):
    assert risk(sizes, n_dropped, n_known, TARGET) == pytest.approx(
        risked(sizes, n_dropped, n_known)
    )


def test_a_look_at_more_rows_than_there_are_is_one_at_all_of_them():
    """Once it warned of numbers that are none: looks of few rows are made longer than the column."""
    whole = risk([5, 10], 10, 20, TARGET)
    assert risk([5, 13], 10, 20, TARGET) == risk([5, 10, 11], 10, 20, TARGET) == whole
    assert [n for n, _ in plan_reading(12, 20, TARGET, 0.1)] == [6, 8, 9]


def test_what_reading_is_expected_to_take_is_that_of_many_draws():
    late = Late(200, 9, 150)
    outlook = expect_reading(600, 4000, 3500, late, target=TARGET, delta=0.1)
    looks = [n for n, _ in plan_reading(3500, 150, TARGET, 0.1)]
    rng, n_draws = np.random.default_rng(0), 40_000
    rest, found = poisson.rvs(late.left, size=n_draws, random_state=rng), np.zeros(n_draws, int)
    taken, before = np.zeros(n_draws), 0
    for k, n in enumerate(looks):
        more = binom.rvs(rest, (n - before) / (3500 - before), random_state=rng)
        found, rest, before = found + more, rest - more, n
        taken = np.where((taken == 0) & (found <= k), n, taken)
    assert outlook.chance == pytest.approx((taken > 0).mean(), abs=0.01)
    read = np.where(taken > 0, taken, before + 0.5 * (3500 - before))
    assert outlook.bill == pytest.approx(600 + read.mean(), rel=0.01)
