"""P-values and bounds against values worked out by hand, by enumeration and by scipy's tests."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tracer_nb.engine.bounds import (
    agreement_interval,
    agreement_lower,
    column_agreement_lower,
    column_p_value,
    fewest_handled,
    held_out_p_value,
)

# --- held-out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_agree", "n_handled", "target", "p"),
    [
        (2, 2, 0.5, 1 / 4),
        (3, 4, 0.5, 5 / 16),  # 4 ways to miss one, 1 to miss none, of 16
        (0, 4, 0.5, 1.0),
        (3, 3, 0.9, 0.729),
        (2, 3, 0.9, 0.729 + 3 * 0.081),
        (0, 0, 0.9, 1.0),
    ],
)
def test_held_out_p_value_by_hand(n_agree, n_handled, target, p):
    assert held_out_p_value(n_agree, n_handled, target) == pytest.approx(p)


def test_held_out_p_value_is_scipys_one_sided_test():
    for k, m in [(95, 100), (480, 500), (17, 30)]:
        expected = stats.binomtest(k, m, 0.92, alternative="greater").pvalue
        assert held_out_p_value(k, m, 0.92) == pytest.approx(expected)


def test_held_out_p_value_takes_arrays():
    p = held_out_p_value(np.array([0, 2]), np.array([0, 2]), 0.5)
    assert p.tolist() == [1.0, 0.25]


@pytest.mark.parametrize(
    ("target", "confidence", "fewest"),
    [(0.92, 0.9, 28), (0.95, 0.9, 45), (0.92, 0.95, 36), (0.95, 0.95, 59), (0.5, 0.5, 1)],
)
def test_fewest_handled(target, confidence, fewest):
    assert fewest_handled(target, confidence) == fewest
    assert held_out_p_value(fewest, fewest, target) <= 1.0 - confidence + 1e-12
    assert held_out_p_value(fewest - 1, fewest - 1, target) > 1.0 - confidence


# --- column ------------------------------------------------------------------------------


def by_enumeration(d, m, total, target):
    """Share of all samples of m rows with at most d of the null's disagreements."""
    null = math.floor((1 - target) * total + 1e-9) + 1
    samples = list(combinations(range(total), m))
    return sum(sum(row < null for row in sample) <= d for sample in samples) / len(samples)


@pytest.mark.parametrize("target", [0.5, 0.7, 0.75, 0.9])
@pytest.mark.parametrize(("m", "total"), [(0, 1), (1, 1), (1, 4), (3, 4), (4, 4), (4, 9), (6, 10)])
def test_column_p_value_by_enumeration(m, total, target):
    for d in range(m + 1):
        p = column_p_value(d, m, total, target)
        assert p == pytest.approx(by_enumeration(d, m, total, target), abs=1e-12)


def test_column_null_is_the_first_count_that_breaks_the_promise():
    # (1 - .92) * 100 is 7.999…: eight disagreements among 100 rows keep 92 %.
    assert column_p_value(8, 100, 100, 0.92) == 0.0
    assert column_p_value(9, 100, 100, 0.92) == 1.0


def test_column_p_value_of_no_rows():
    assert column_p_value(0, 0, 0, 0.9) == 0.0
    assert column_p_value(0, 0, 10, 0.9) == 1.0


@given(st.data())
def test_column_p_value_is_the_hypergeometric_tail(data):
    total = data.draw(st.integers(1, 2000))
    m = data.draw(st.integers(0, total))
    d = data.draw(st.integers(0, m))
    target = data.draw(st.sampled_from([0.5, 0.8, 0.92, 0.95, 0.999]))
    null = math.floor((1 - target) * total + 1e-9) + 1
    ways = sum(
        math.comb(null, x) * math.comb(total - null, m - x)
        for x in range(min(d, null) + 1)
        if m - x <= total - null
    )
    exact = float(Fraction(ways, math.comb(total, m)))
    p = float(column_p_value(d, m, total, target))
    assert p == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_column_p_value_of_large_columns_is_near_the_binomial():
    d, m = np.arange(300, 500, 20), np.full(10, 5000)
    p = column_p_value(d, m, np.full(10, 100_000_000), 0.92)
    assert p == pytest.approx(stats.binom.cdf(d, m, 0.08), rel=0.01)
    assert np.isfinite(p).all()


def test_column_p_value_far_above_the_null_is_one():
    """Where the shorter tail is the upper one, and the mass at d itself underflows."""
    assert column_p_value(4000, 5000, 1_000_000, 0.95) == 1.0


def test_column_p_value_for_impossible_counts_certifies_nothing():
    # More disagreements than the null allows, and m larger than what is left.
    assert column_p_value(5, 5, 10, 0.9) == 1.0


# --- bounds ------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "m"), [(0, 5), (5, 5), (95, 100), (1, 1), (30, 60)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_agreement_lower_is_clopper_pearson(k, m, confidence):
    test = stats.binomtest(k, m, alternative="greater")
    expected = test.proportion_ci(confidence, method="exact").low
    assert agreement_lower(k, m, confidence) == pytest.approx(expected)


def test_agreement_lower_of_all_agreeing_is_the_root_of_delta():
    assert agreement_lower(28, 28, 0.9) == pytest.approx(0.1 ** (1 / 28))
    assert agreement_lower(0, 0, 0.9) == 0.0


def test_agreement_interval_is_two_sided_clopper_pearson():
    k, m = np.array([0, 3, 10, 10, 1, 0, 9]), np.array([0, 10, 10, 11, 10, 10, 10])
    low, high = agreement_interval(k, m, 0.9)
    assert (low[0], high[0]) == (0.0, 1.0)
    for i in range(1, len(k)):
        expected = stats.binomtest(k[i], m[i]).proportion_ci(0.9, method="exact")
        assert (low[i], high[i]) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("total", [1, 7, 40])
def test_column_lower_bound_by_brute_force(total, confidence):
    for m in range(1, total + 1):
        for d in range(m + 1):
            not_refuted = [
                count
                for count in range(d, total - (m - d) + 1)
                if stats.hypergeom.cdf(d, total, count, m) > 1 - confidence
            ]
            bound = column_agreement_lower(m - d, m, total, confidence)
            assert bound == pytest.approx(1 - max(not_refuted) / total)


def test_column_lower_bound_of_a_full_count_is_the_share():
    assert column_agreement_lower(38, 40, 40, 0.95) == pytest.approx(0.95)
    assert column_agreement_lower(0, 0, 40, 0.95) == 0.0
    assert column_agreement_lower(0, 0, 0, 0.95) == 0.0


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.8, 0.92, 0.95]))
def test_column_bound_and_test_agree(total, share_drawn, share_missed, target):
    """The test passes exactly where the bound reaches the target."""
    m = max(1, round(share_drawn * total))
    d = round(share_missed * m)
    passed = bool(column_p_value(d, m, total, target) <= 1 - 0.9)
    assert passed == (column_agreement_lower(m - d, m, total, 0.9) >= target - 1e-12)


def test_a_number_of_disagreements_at_the_level_is_refuted():
    """One of two rows asked about, and it agrees: with one disagreement of two, half of the time."""
    assert column_agreement_lower(1, 1, 2, 0.5) == 1.0
    assert column_agreement_lower(1, 1, 2, 0.501) == 0.5
