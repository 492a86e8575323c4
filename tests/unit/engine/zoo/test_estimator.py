"""The scikit-learn classifier: scikit-learn's own checks, and what it says of its fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.utils.estimator_checks import parametrize_with_checks

from tracer_nb.engine.zoo import KernelRidgeClassifier, kernel_ridge
from tracer_nb.errors import InvalidInput

from .rows import clusters


@parametrize_with_checks([KernelRidgeClassifier(), KernelRidgeClassifier(width=1.0, ridge=0.1)])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


@parametrize_with_checks([KernelRidgeClassifier(n_landmarks=20)])
def test_scikit_learn_accepts_it_on_landmarks(estimator, check, monkeypatch):
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 25)
    check(estimator)


def names(codes):
    return np.array(["login", "parcel", "refund"])[codes]


def test_left_out_outputs_are_those_of_cross_validation():
    X, _, codes = clusters(n=50)
    model = KernelRidgeClassifier(width=0.8, ridge=0.05).fit(3.0 * X, names(codes))
    assert model.classes_.tolist() == ["login", "parcel", "refund"]
    found = cross_val_predict(model, X, names(codes), cv=LeaveOneOut(), method="decision_function")
    assert model.left_out_ == pytest.approx(found, abs=1e-4)


def test_rows_are_scaled_to_unit_length():
    X, _, codes = clusters(n=50)
    lengths = np.random.default_rng(0).uniform(0.1, 10, size=(50, 1))
    a, b = (KernelRidgeClassifier().fit(rows, codes) for rows in (X, lengths * X))
    assert a.decision_function(X) == pytest.approx(b.decision_function(2 * X), abs=1e-4)


def test_width_and_ridge_are_chosen_unless_given():
    X, _, codes = clusters(n=50)
    chosen = KernelRidgeClassifier().fit(X, codes)
    given = KernelRidgeClassifier(width=0.5, ridge=0.2).fit(X, codes)
    assert chosen.width is None
    assert (given.model_.width, given.model_.ridge) == (0.5, 0.2)
    assert chosen.model_.ridge in kernel_ridge._RIDGES


@pytest.mark.parametrize("changes", [{"width": 0.0}, {"ridge": -1.0}, {"n_landmarks": 0}])
def test_parameters_must_be_positive(changes):
    X, _, codes = clusters(n=50)
    with pytest.raises(InvalidInput, match="must be larger than 0"):
        clone(KernelRidgeClassifier()).set_params(**changes).fit(X, codes)


def test_probabilities_are_calibrated_and_in_the_order_of_outputs():
    X, _, codes = clusters(n=300, noise=1.0)
    model = KernelRidgeClassifier().fit(X, codes)
    new, _, new_codes = clusters(n=2000, noise=1.0, seed=1)
    p = model.predict_proba(new)
    assert p.sum(axis=1) == pytest.approx(1)
    assert (model.classes_[p.argmax(axis=1)] == model.predict(new)).all()
    right = p.argmax(axis=1) == new_codes
    assert p.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.05)


def test_sparse_rows():
    X, _, codes = clusters(n=50)
    X = np.where(X > 0, X, 0)
    dense = KernelRidgeClassifier().fit(X, codes)
    thin = KernelRidgeClassifier().fit(sparse.csr_array(X), codes)
    assert dense.predict(X).tolist() == thin.predict(sparse.csr_array(X)).tolist()
