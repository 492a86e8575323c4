"""Statistics of outputs: the larger, the surer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.gates import STATISTICS, margin
from tracer_nb.engine.gates.statistics import entropy, max_probability


def test_margin_is_largest_minus_second_largest():
    assert margin(np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0]])) == pytest.approx([0.5, 0.0])
    assert margin(np.array([[0.3], [0.9]])) == pytest.approx([0.3, 0.9])


def test_max_probability_is_the_largest_output():
    assert max_probability(np.array([[0.1, 0.7, 0.2], [-2.0, -1.0, -3.0]])).tolist() == [0.7, -1.0]


def test_entropy_by_hand():
    """1 for certainty, 0 for none; a half each of four: 1 - log 2 / log 4."""
    outputs = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    assert entropy(outputs) == pytest.approx([1.0, 0.0, 0.5])


def test_entropy_of_what_are_no_probabilities():
    """Negative outputs are clipped, sums scaled to 1, and where nothing is left, nothing is known."""
    assert entropy(np.array([[3.0, -0.5, 0.0]])) == pytest.approx([1.0])
    assert entropy(np.array([[2.0, 2.0, -7.0]])) == entropy(np.array([[0.5, 0.5, 0.0]]))
    assert entropy(np.array([[-1.0, -2.0], [0.0, 0.0]])) == pytest.approx([0.0, 0.0])
    assert np.isfinite(entropy(np.array([[0.4], [-1.0]]))).all()  # one class


@pytest.mark.parametrize("name", STATISTICS)
@given(st.permutations(range(5)))
def test_statistics_do_not_know_the_order_of_classes(name, order):
    outputs = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    found, turned = STATISTICS[name](outputs), STATISTICS[name](outputs[:, order])
    assert found.dtype == np.float64
    assert turned == pytest.approx(found, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_statistics_of_probabilities_are_in_the_unit_interval(weights):
    p = (np.array([weights]) + 1e-3) / (np.sum(weights) + 1e-3 * len(weights))
    for statistic in STATISTICS.values():
        assert -1e-9 <= statistic(p)[0] <= 1 + 1e-9


def test_surer_rows_have_larger_statistics():
    outputs = np.array([[p, (1 - p) / 2, (1 - p) / 2] for p in (0.34, 0.5, 0.7, 0.99)])
    for statistic in STATISTICS.values():
        assert (np.diff(statistic(outputs)) > 0).all()
