"""The gate on one statistic: a strictly increasing map of it to [0, 1]."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.gates import STATISTICS, SimpleGate, margin
from tracer_nb.engine.gates.statistics import fit_simple_gate
from tracer_nb.errors import InvalidInput


def outputs_with(margins):
    """Two columns that differ by the margin."""
    return np.c_[np.asarray(margins), np.zeros(len(margins))].astype(np.float32)


def scores_of(gate, margins):
    return gate.scores(outputs_with(margins), None)


def fit_gate(outputs, agree):
    return fit_simple_gate("margin", outputs, agree)


def test_scores_are_the_logistic_of_the_statistic():
    gate = SimpleGate("margin", slope=2.0, intercept=-1.0)
    assert scores_of(gate, [0.0, 0.5]) == pytest.approx([1 / (1 + np.e), 0.5])
    largest = SimpleGate("max-probability", slope=2.0, intercept=-1.0)
    assert largest.scores(np.array([[0.5, 0.4]]), None) == pytest.approx([0.5])


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
    scores = scores_of(gate, np.linspace(0, 1, 101))
    assert gate.slope > 0
    assert (np.diff(scores) > 0).all()
    assert scores[0] >= 0
    assert scores[-1] <= 1


@pytest.mark.parametrize("n", [20, 200])
def test_all_agreeing_pilot_scores_as_if_one_row_more_had_not(n):
    """Platt's target for n agreeing rows is (n + 1) / (n + 2)."""
    margins = np.linspace(0, 1, n)
    scores = scores_of(fit_gate(outputs_with(margins), np.ones(n, dtype=bool)), margins)
    assert scores.mean() == pytest.approx((n + 1) / (n + 2), abs=0.2 / n)
    assert (scores < 1.0).all()


@pytest.mark.parametrize("name", STATISTICS)
def test_scores_estimate_the_probability_of_agreement(name):
    rng = np.random.default_rng(1)
    outputs = np.c_[rng.dirichlet(np.ones(3), size=4000)]
    statistic = STATISTICS[name](outputs)
    truth = 1 / (1 + np.exp(-(4 * statistic - 1)))
    gate = fit_simple_gate(name, outputs, rng.random(4000) < truth)
    assert gate.name == name
    assert gate.scores(outputs, None) == pytest.approx(truth, abs=0.06)


def test_scale_of_the_outputs_is_irrelevant():
    rng = np.random.default_rng(2)
    margins = rng.random(500)
    agree = rng.random(500) < margins
    expected = scores_of(fit_gate(outputs_with(margins), agree), margins)
    for scale in (1e-4, 1e4):
        gate = fit_gate(outputs_with(scale * margins), agree)
        assert scores_of(gate, scale * margins) == pytest.approx(expected, abs=1e-3)


@given(
    st.sampled_from(list(STATISTICS)),
    st.integers(0, 2**32),
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(-6, 6),
)
def test_any_pilot_gives_a_usable_gate(name, seed, n, n_classes, exponent):
    rng = np.random.default_rng(seed)
    outputs = (rng.normal(size=(n, n_classes)) * 10.0**exponent).astype(np.float32)
    gate = fit_simple_gate(name, outputs, rng.random(n) < rng.random())
    scores = gate.scores(outputs, None)
    assert np.isfinite([gate.slope, gate.intercept]).all()
    assert gate.slope > 0
    assert ((scores >= 0) & (scores <= 1)).all()
    order = np.argsort(STATISTICS[name](outputs), kind="stable")
    assert (np.diff(scores[order]) >= 0).all()


def test_equal_margins_get_equal_scores():
    gate = fit_gate(outputs_with([0.4] * 10), np.arange(10) > 2)
    scores = scores_of(gate, [0.4] * 10)
    assert len(set(scores.tolist())) == 1
    assert 0.5 < scores[0] < 0.8


# --- state -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATISTICS)
def test_saving_changes_no_bit(name):
    rng = np.random.default_rng(3)
    outputs = rng.dirichlet(np.ones(3), size=200)
    gate = fit_simple_gate(name, outputs, rng.random(200) < margin(outputs))
    settings, arrays = gate.state()
    again = SimpleGate.from_state(json.loads(json.dumps(settings)), arrays)
    assert again == gate
    assert arrays == {}
    assert again.scores(outputs, None).tobytes() == gate.scores(outputs, None).tobytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "learned"},
        {"name": None},
        {"slope": 0.0},
        {"slope": -1.0},
        {"slope": float("nan")},
        {"slope": "2"},
        {"intercept": None},
        {"intercept": True},
    ],
)
def test_other_states_are_refused(changes):
    settings = {"name": "margin", "slope": 2.0, "intercept": -1.0}
    with pytest.raises(InvalidInput, match="no gate has these settings") as caught:
        SimpleGate.from_state({**settings, **changes}, {})
    assert "\n" not in str(caught.value)
    with pytest.raises(InvalidInput):
        SimpleGate.from_state({}, {})
