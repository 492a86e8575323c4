"""The gate: margins, and a strictly increasing map of them to [0, 1]."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.gate import Gate, fit_gate, margin


def outputs_with(margins):
    """Two columns that differ by the margin."""
    return np.c_[np.asarray(margins), np.zeros(len(margins))].astype(np.float32)


def test_margin_is_largest_minus_second_largest():
    assert margin(np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0]])) == pytest.approx([0.5, 0.0])
    assert margin(np.array([[0.3], [0.9]])) == pytest.approx([0.3, 0.9])


@given(st.permutations(range(5)))
def test_margin_does_not_know_the_order_of_classes(order):
    outputs = np.random.default_rng(0).normal(size=(20, 5))
    assert margin(outputs[:, order]).tolist() == margin(outputs).tolist()


def test_scores_are_the_logistic_of_the_margin():
    gate = Gate(slope=2.0, intercept=-1.0)
    assert gate.scores(outputs_with([0.0, 0.5])) == pytest.approx([1 / (1 + np.e), 0.5])


@pytest.mark.parametrize(
    "agree_of",
    [
        lambda m, rng: rng.random(len(m)) < m,  # the surer, the better
        lambda m, rng: rng.random(len(m)) < 1 - m,  # the surer, the worse
        lambda m, _: np.ones(len(m), dtype=bool),
        lambda m, _: np.zeros(len(m), dtype=bool),
        lambda m, _: m > 0.5,  # separable
    ],
    ids=["informative", "misleading", "all agree", "none agrees", "separable"],
)
def test_fitted_gate_increases_strictly_within_the_unit_interval(agree_of):
    rng = np.random.default_rng(0)
    margins = rng.random(300)
    gate = fit_gate(outputs_with(margins), agree_of(margins, rng))
    scores = gate.scores(outputs_with(np.linspace(0, 1, 101)))
    assert gate.slope > 0
    assert (np.diff(scores) > 0).all()
    assert scores[0] >= 0
    assert scores[-1] <= 1


@pytest.mark.parametrize("n", [20, 200])
def test_all_agreeing_pilot_scores_as_if_one_row_more_had_not(n):
    """Platt's target for n agreeing rows is (n + 1) / (n + 2)."""
    gate = fit_gate(outputs_with(np.linspace(0, 1, n)), np.ones(n, dtype=bool))
    scores = gate.scores(outputs_with(np.linspace(0, 1, n)))
    assert scores.mean() == pytest.approx((n + 1) / (n + 2), abs=0.2 / n)
    assert (scores < 1.0).all()


def test_scores_estimate_the_probability_of_agreement():
    rng = np.random.default_rng(1)
    margins = rng.random(4000)
    truth = 1 / (1 + np.exp(-(4 * margins - 1)))
    gate = fit_gate(outputs_with(margins), rng.random(4000) < truth)
    assert gate.scores(outputs_with(margins)) == pytest.approx(truth, abs=0.05)


def test_scale_of_the_outputs_is_irrelevant():
    rng = np.random.default_rng(2)
    margins = rng.random(500)
    agree = rng.random(500) < margins
    for scale in (1e-4, 1e4):
        gate = fit_gate(outputs_with(scale * margins), agree)
        expected = fit_gate(outputs_with(margins), agree).scores(outputs_with(margins))
        assert gate.scores(outputs_with(scale * margins)) == pytest.approx(expected, abs=1e-3)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 4), st.integers(-6, 6))
def test_any_pilot_gives_a_usable_gate(seed, n, n_classes, exponent):
    rng = np.random.default_rng(seed)
    outputs = (rng.normal(size=(n, n_classes)) * 10.0**exponent).astype(np.float32)
    gate = fit_gate(outputs, rng.random(n) < rng.random())
    scores = gate.scores(outputs)
    assert np.isfinite([gate.slope, gate.intercept]).all()
    assert gate.slope > 0
    assert ((scores >= 0) & (scores <= 1)).all()
    order = np.argsort(margin(outputs), kind="stable")
    assert (np.diff(scores[order]) >= 0).all()


def test_equal_margins_get_equal_scores():
    gate = fit_gate(outputs_with([0.4] * 10), np.arange(10) > 2)
    scores = gate.scores(outputs_with([0.4] * 10))
    assert len(set(scores.tolist())) == 1
    assert 0.5 < scores[0] < 0.8
