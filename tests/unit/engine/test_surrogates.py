"""Surrogates: out-of-fold pilots, the choice by expected coverage, scores that do not depend on the batch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from tracer_nb.engine import surrogates as module
from tracer_nb.engine.gate import Gate
from tracer_nb.engine.kernel_ridge import fit_kernel_ridge, unit_rows
from tracer_nb.engine.sequence import _ROUNDING, plan_sequence
from tracer_nb.engine.surrogates import SURROGATES, FittedSurrogate, choose_surrogate
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

LEVELS = {"n_calibration": 100, "target": 0.9, "confidence": 0.9, "seed": 0}


def rows(n=150, d=6, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    centres = np.random.default_rng(99).normal(size=(n_classes, d))
    X = centres[codes] + 0.7 * rng.normal(size=(n, d))
    return unit_rows(X), np.eye(n_classes, dtype=np.float32)[codes], codes


def choose(X, Y, codes, surrogate="auto", **changes):
    return choose_surrogate(X, Y, codes, surrogate=surrogate, **{**LEVELS, **changes})


# --- choice ------------------------------------------------------------------------------


def test_auto_tries_all_and_takes_the_largest_expected_coverage():
    chosen = choose(*rows())
    assert {t.name for t in chosen.trials} == set(SURROGATES) == {"kernel-ridge", "logistic"}
    assert [t.chosen for t in chosen.trials] == [True, False]
    assert chosen.name == chosen.trials[0].name
    assert chosen.trials[0].expected_coverage >= chosen.trials[1].expected_coverage
    alone = {name: choose(*rows(), surrogate=name).trials[0] for name in SURROGATES}
    for trial in chosen.trials:
        assert trial.expected_coverage == alone[trial.name].expected_coverage
        assert trial.agreement == alone[trial.name].agreement


@pytest.mark.parametrize(("better", "worse"), [("a", "b"), ("b", "a")])
def test_auto_takes_the_better_of_two_in_any_order(monkeypatch, better, worse):
    X, Y, codes = rows()

    class Model:
        def outputs(self, X):
            return np.ones((X.shape[0], 3), dtype=np.float32)

    def fitter(outputs):
        return lambda *_: (Model(), outputs, "")

    sure = Y + 0.1 * np.random.default_rng(0).random(Y.shape).astype(np.float32)
    unsure = sure.copy()
    unsure[::4] = unsure[::4, ::-1]
    monkeypatch.setattr(
        module, "SURROGATES", {name: fitter(sure if name == better else unsure) for name in "ab"}
    )
    chosen = choose(X, Y, codes)
    assert chosen.name == better
    assert chosen.trials[0].expected_coverage > chosen.trials[1].expected_coverage
    assert chosen.trials[1].name == worse


def test_a_tie_goes_to_kernel_ridge():
    """With five calibration rows nothing can be certified, so both expect nothing."""
    chosen = choose(*rows(), n_calibration=5)
    assert [t.expected_coverage for t in chosen.trials] == [0.0, 0.0]
    assert chosen.name == "kernel-ridge"


@pytest.mark.parametrize("name", SURROGATES)
def test_a_named_surrogate_is_the_only_one_tried(name):
    chosen = choose(*rows(), surrogate=name)
    assert chosen.name == name
    (trial,) = chosen.trials
    assert trial.chosen
    assert trial.name == name
    assert trial.settings
    assert trial.n_rows == 150
    assert trial.agreement == chosen.pilot.agree.mean()
    expected = plan_sequence(chosen.pilot, 100, target=0.9, confidence=0.9, seed=0)
    assert trial.expected_coverage == expected.expected_coverage


def test_unknown_surrogate():
    with pytest.raises(InvalidInput, match="no surrogate 'kernel ridge'; did you mean 'kernel-rid"):
        choose(*rows(), surrogate="kernel ridge")


def test_many_rows_are_raced_on_some_and_the_winner_is_fitted_on_all(monkeypatch):
    monkeypatch.setattr(module, "_RACE_ROWS", 60)
    chosen = choose(*rows())
    assert len(chosen.pilot.agree) == 150
    assert chosen.trials[0].n_rows == 150
    assert [t.n_rows for t in chosen.trials[1:]] == [60, 60]
    assert [t.chosen for t in chosen.trials] == [True, False, False]
    assert {t.name for t in chosen.trials[1:]} == set(SURROGATES)


def test_same_seed_same_surrogate():
    for name in SURROGATES:
        a, b = (choose(*rows(), surrogate=name, seed=5) for _ in range(2))
        assert a.pilot.scores.tolist() == b.pilot.scores.tolist()
        assert a.gate == b.gate


# --- pilots are out of fold --------------------------------------------------------------


def test_kernel_ridge_pilot_is_left_one_out():
    X, Y, codes = rows()
    chosen = choose(X, Y, codes, surrogate="kernel-ridge")
    left_out = fit_kernel_ridge(X, Y).left_out
    assert chosen.pilot.agree.tolist() == (left_out.argmax(axis=1) == codes).tolist()
    assert chosen.pilot.scores == pytest.approx(chosen.gate.scores(left_out))


def test_logistic_pilot_is_cross_validated():
    X, Y, codes = rows()
    chosen = choose(X, Y, codes, surrogate="logistic")
    agree = np.empty(150, dtype=bool)
    for fit, held in KFold(5, shuffle=True, random_state=0).split(X):
        model = LogisticRegression(C=10.0, tol=1e-3, max_iter=200).fit(X[fit], codes[fit])
        agree[held] = model.predict(X[held]) == codes[held]
    assert chosen.pilot.agree.tolist() == agree.tolist()


@pytest.mark.parametrize("name", SURROGATES)
def test_pilots_of_meaningless_labels_agree_by_chance(name):
    """In-fold predictions would agree far more often."""
    X, _, _ = rows(n=300, d=40)
    codes = np.random.default_rng(3).integers(2, size=300)
    chosen = choose(X, np.eye(2, dtype=np.float32)[codes], codes, surrogate=name)
    assert 0.35 < chosen.pilot.agree.mean() < 0.65


def test_agreement_is_with_the_label_not_with_the_likeliest_class():
    """The teacher's probabilities are imitated, its recorded labels are what counts."""
    X, Y, codes = rows()
    soft = np.roll(Y, 1, axis=1) * 0.8 + 0.2 / 3
    assert choose(X, soft, codes).pilot.agree.mean() < 0.3


# --- rare classes ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SURROGATES)
def test_one_row_of_a_class_is_survived(name):
    X, _, _ = rows(n=40)
    codes = np.zeros(40, dtype=int)
    codes[7] = 1
    chosen = choose(X, np.eye(2, dtype=np.float32)[codes], codes, surrogate=name)
    assert chosen.pilot.agree.sum() == 39  # the one row is out of its own fold
    assert not chosen.pilot.agree[7]
    found, scores = chosen.predict(X)
    assert set(found) <= {0, 1}
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_fold_of_one_class_predicts_that_class():
    X, _, _ = rows(n=10)
    model = module._fit_logistic(X, np.eye(3, dtype=np.float32)[[2] * 10])
    assert model.outputs(X).tolist() == [[0, 0, 1]] * 10


def test_one_soft_distribution_for_all_rows_is_predicted():
    X, _, _ = rows(n=60)
    soft = np.tile(np.float32([0.7, 0.2, 0.1]), (60, 1))
    assert module._fit_logistic(X, soft).outputs(X) == pytest.approx(soft, abs=0.01)


def test_soft_rows_of_two_halves_predict_halves():
    """Two rows of .5 and .5 are one row of each class."""
    X, _, _ = rows(n=60)
    codes = np.arange(60) % 2
    hard = np.eye(2, dtype=np.float32)[codes]
    soft = 0.5 * hard + 0.5 * hard[::-1]
    assert (soft == 0.5).all()
    p = module._fit_logistic(X, soft).outputs(X)
    assert p == pytest.approx(0.5, abs=1e-3)


# --- prediction --------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", SURROGATES)
def test_a_row_has_nearly_one_score_in_whatever_batch(name, make):
    """To less than the hair by which thresholds lie below the scores that they stand for."""
    X, Y, codes = rows(n=301, d=33)
    chosen = choose(make(X), Y, codes, surrogate=name)
    new = make(rows(n=700, d=33, seed=1)[0])
    scores = logit(chosen.predict(new)[1])
    for size in (1, 2, 7, 100, 255, 256, 257, 699):
        parts = [chosen.predict(new[i : i + size])[1] for i in range(0, 700, size)][:50]
        n = min(700, 50 * size)
        assert logit(np.concatenate(parts)[:n]) == pytest.approx(scores[:n], abs=_ROUNDING / 2)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", SURROGATES)
def test_no_rows_get_no_scores(name, make):
    X, Y, codes = rows()
    found, scores = choose(make(X), Y, codes, surrogate=name).predict(make(X)[:0])
    assert found.shape == scores.shape == (0,)


def test_prediction_is_the_largest_output_and_its_gate_score():
    class Model:
        def outputs(self, X):
            return np.tile(np.float32([0.1, 0.7, 0.2]), (X.shape[0], 1))

    gate = Gate(slope=3.0, intercept=0.0)
    fitted = FittedSurrogate("fixed", Model(), gate, Pilot(np.array([]), np.array([], bool)))
    found, scores = fitted.predict(np.zeros((300, 2), dtype=np.float32))
    assert found.tolist() == [1] * 300
    assert scores == pytest.approx(1 / (1 + np.exp(-1.5)))
