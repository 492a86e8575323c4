"""The frontier: agreement and coverage at each threshold, counted directly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tracer_nb.engine.judge import frontier

ROWS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=150)


def test_four_rows_by_hand():
    curve = frontier(np.array([0.2, 0.9, 0.5, 0.7]), np.array([False, True, False, True]))
    assert curve.thresholds.tolist() == [0.9, 0.7, 0.5, 0.2]
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.agreement == pytest.approx([1, 1, 2 / 3, 0.5])
    assert curve.n_handled.tolist() == [1, 2, 3, 4]
    expected = stats.binomtest(2, 3).proportion_ci(0.9, method="exact")
    assert (curve.lower[2], curve.upper[2]) == pytest.approx((expected.low, expected.high))


@given(ROWS)
def test_every_point_is_a_count(rows):
    scores = np.array([s for s, _ in rows]) / 20
    agree = np.array([a for _, a in rows])
    curve = frontier(scores, agree)
    assert (np.diff(curve.thresholds) < 0).all()
    assert len(curve.thresholds) <= 100
    for i, threshold in enumerate(curve.thresholds):
        handled = scores >= threshold
        assert curve.n_handled[i] == handled.sum()
        assert curve.coverage[i] == pytest.approx(handled.mean())
        assert curve.agreement[i] == pytest.approx(agree[handled].mean())
        assert curve.lower[i] <= curve.agreement[i] <= curve.upper[i]
    assert curve.coverage[-1] == 1.0


@given(ROWS)
def test_raising_the_threshold_never_raises_coverage(rows):
    curve = frontier(np.array([s for s, _ in rows]) / 20, np.array([a for _, a in rows]))
    assert (np.diff(curve.coverage) > 0).all()  # thresholds fall along the curve


def test_many_rows_make_a_hundred_points():
    rng = np.random.default_rng(0)
    curve = frontier(rng.random(5000), rng.random(5000) < 0.9)
    assert len(curve.thresholds) == 100
    assert curve.coverage == pytest.approx(np.arange(1, 101) / 100)


def test_rows_at_minus_infinity_are_handled_at_no_threshold():
    scores = np.array([0.9, -np.inf, 0.5, -np.inf])
    curve = frontier(scores, np.array([True, True, False, False]))
    assert curve.thresholds.tolist() == [0.9, 0.5]
    assert curve.coverage.tolist() == [0.25, 0.5]
    assert curve.n_handled.tolist() == [1, 2]
    assert curve.agreement.tolist() == [1.0, 0.5]
    assert len(frontier(np.full(3, -np.inf), np.ones(3, dtype=bool)).thresholds) == 0


def test_no_rows():
    curve = frontier(np.array([]), np.array([], dtype=bool))
    for values in (curve.thresholds, curve.coverage, curve.agreement, curve.lower, curve.upper):
        assert len(values) == 0
