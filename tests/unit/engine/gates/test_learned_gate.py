"""The gate learned from several signs: better where neighbours matter, honest about itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from tracer_nb.engine.gates import GATES, LearnedGate, SimpleGate, fit_gates
from tracer_nb.engine.gates.learned import fit_learned_gate
from tracer_nb.engine.zoo import unit_rows
from tracer_nb.errors import InvalidInput


def world(n=400, seed=0):
    """Outputs that say nothing; agreement that only a row's surroundings tell.

    The prediction is 0 everywhere, and the teacher's label is 0 in one half of the circle.
    """
    rng = np.random.default_rng([seed, 60])
    X = unit_rows(rng.normal(size=(n, 2)))
    codes = (X[:, 0] < 0).astype(int)
    noise = rng.random(n) < 0.05
    codes = np.where(noise, 1 - codes, codes)
    p = 0.5 + 0.5 * rng.random(n)
    outputs = np.c_[p, 1 - p].astype(np.float32)
    return outputs, outputs.argmax(axis=1) == codes, X, codes


def test_the_learned_gate_beats_the_margin_where_neighbours_matter():
    outputs, agree, X, codes = world()
    gate, _ = fit_learned_gate(outputs, agree, X, codes, seed=0)
    (simple, _) = fit_gates(("margin",), outputs, agree, X, codes, seed=0)[0]
    new_outputs, new_agree, new_X, _ = world(n=2000, seed=1)
    assert roc_auc_score(new_agree, gate.scores(new_outputs, new_X)) > 0.9
    assert roc_auc_score(new_agree, simple.scores(new_outputs, new_X)) < 0.6


def test_scores_are_probabilities_of_agreement():
    outputs, agree, X, codes = world(n=1000)
    gate, left_out = fit_learned_gate(outputs, agree, X, codes, seed=0)
    new_outputs, new_agree, new_X, _ = world(n=4000, seed=1)
    scores = gate.scores(new_outputs, new_X)
    for found, agreed in ((scores, new_agree), (left_out, agree)):
        assert ((found >= 0) & (found <= 1)).all()
        assert found.mean() == pytest.approx(agreed.mean(), abs=0.03)
        assert agreed[found > 0.9].mean() > 0.9


def test_scores_of_the_fitting_rows_are_out_of_fold():
    outputs, agree, X, codes = world(n=100)
    gate, left_out = fit_learned_gate(outputs, agree, X, codes, seed=0)
    in_sample = gate.scores(outputs, X)
    assert not np.allclose(left_out, in_sample, atol=1e-3)
    # A row's own label is among its neighbours only in-sample.
    assert roc_auc_score(agree, in_sample) > roc_auc_score(agree, left_out)


def test_outcomes_by_chance_are_not_flattered():
    """In-sample scores would tell agreeing rows from others; left-out ones cannot."""
    outputs, _, X, codes = world(n=300)
    agree = np.random.default_rng(5).random(300) < 0.7
    _, left_out = fit_learned_gate(outputs, agree, X, codes, seed=0)
    assert 0.4 < roc_auc_score(agree, left_out) < 0.6


@pytest.mark.parametrize(
    ("n", "agree_of"),
    [(100, np.ones_like), (100, np.zeros_like), (19, np.array)],
    ids=["all agree", "none agrees", "too few rows"],
)
def test_there_may_be_nothing_to_learn(n, agree_of):
    outputs, agree, X, codes = world(n=n)
    assert fit_learned_gate(outputs, agree_of(agree), X, codes, seed=0) is None


def test_one_disagreement_is_enough_to_learn_from():
    """In the fold that holds it out all rows agree, and the share stands for the scores."""
    outputs, _, X, codes = world(n=50)
    agree = np.arange(50) != 7
    _, left_out = fit_learned_gate(outputs, agree, X, codes, seed=0)
    assert np.isfinite(left_out).all()
    assert left_out[7] == 1.0


def test_same_seed_same_gate():
    a, b = (fit_learned_gate(*world(), seed=3) for _ in range(2))
    assert a[1].tobytes() == b[1].tobytes()
    assert a[0].weights.tobytes() == b[0].weights.tobytes()


def test_neighbours_are_some_of_many_rows(monkeypatch):
    from tracer_nb.engine.gates import learned

    monkeypatch.setattr(learned, "_NEIGHBOUR_ROWS", 50)
    outputs, agree, X, codes = world(n=200)
    gate, left_out = fit_learned_gate(outputs, agree, X, codes, seed=0)
    assert gate.neighbours.rows.shape == (50, 2)
    assert roc_auc_score(agree, left_out) > 0.85


def test_signs_that_never_vary_do_not_matter():
    """Of one row and its copies no sign varies by more than rounding."""
    outputs, agree, X, codes = world(n=100)
    outputs[:], X[:] = outputs[0], X[0]
    outputs += 1e-7 * np.random.default_rng(0).normal(size=outputs.shape).astype(np.float32)
    gate, _ = fit_learned_gate(outputs, agree, X, np.zeros_like(codes), seed=0)
    other = outputs + np.float32([1e-6, -1e-6])
    assert gate.scores(other, X) == pytest.approx(gate.scores(outputs, X), abs=1e-3)


# --- all gates ---------------------------------------------------------------------------


def test_all_gates_are_fitted_in_order():
    outputs, agree, X, codes = world()
    found = fit_gates(GATES, outputs, agree, X, codes, seed=0)
    assert [gate.name for gate, _ in found] == list(GATES)
    assert GATES[-1] == "learned"
    for gate, scores in found[:-1]:
        assert scores.tolist() == gate.scores(outputs, X).tolist()


def test_the_learned_gate_falls_away():
    outputs, agree, X, codes = world()
    everyone = np.ones_like(agree)
    found = fit_gates(("entropy", "learned"), outputs, everyone, X, codes, seed=0)
    assert [gate.name for gate, _ in found] == ["entropy"]
    # Alone, a gate on the margin takes its place.
    ((gate, scores),) = fit_gates(("learned",), outputs, everyone, X, codes, seed=0)
    assert isinstance(gate, SimpleGate)
    assert gate.name == "margin"
    assert scores.shape == agree.shape


# --- state -------------------------------------------------------------------------------


def test_saving_changes_no_bit():
    outputs, agree, X, codes = world()
    gate, _ = fit_learned_gate(outputs, agree, X, codes, seed=0)
    settings, arrays = gate.state()
    again = LearnedGate.from_state(json.loads(json.dumps(settings)), arrays)
    new_outputs, _, new_X, _ = world(seed=1)
    assert again.scores(new_outputs, new_X).tobytes() == gate.scores(new_outputs, new_X).tobytes()


def test_sparse_rows_are_saved_too():
    outputs, agree, X, codes = world()
    thin = sparse.csr_matrix(X)
    gate, _ = fit_learned_gate(outputs, agree, thin, codes, seed=0)
    again = LearnedGate.from_state(*gate.state())
    expected = fit_learned_gate(outputs, agree, X, codes, seed=0)[0].scores(outputs, X)
    assert gate.scores(outputs, thin) == pytest.approx(expected, abs=1e-4)
    assert again.scores(outputs, thin) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": None},
        {"weights": np.ones(5)},
        {"scale": np.array(["a"] * 6)},
        {"history": np.ones((2, 2))},
        {"dense": np.ones(3, dtype=np.float32)},
        {"codes": np.zeros(3)},
        {"dense": np.ones((0, 2), dtype=np.float32), "codes": np.zeros(0)},
    ],
    ids="+".join,
)
def test_other_states_are_refused(changes):
    outputs, agree, X, codes = world(n=60)
    settings, arrays = fit_learned_gate(outputs, agree, X, codes, seed=0)[0].state()
    arrays = {k: v for k, v in {**arrays, **changes}.items() if v is not None}
    with pytest.raises(InvalidInput, match=r"the (learned gate|saved router)") as caught:
        LearnedGate.from_state(settings, arrays)
    assert "\n" not in str(caught.value)


def test_a_state_without_its_intercept_is_refused():
    outputs, agree, X, codes = world(n=60)
    _, arrays = fit_learned_gate(outputs, agree, X, codes, seed=0)[0].state()
    for settings in ({}, {"intercept": "x"}, {"intercept": None}):
        with pytest.raises(InvalidInput, match="lacks an array or its intercept"):
            LearnedGate.from_state(settings, arrays)
