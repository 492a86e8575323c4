"""Logistic regression: scikit-learn's probabilities, soft labels as cross-entropy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from tracer_nb.engine.zoo import custom as module
from tracer_nb.engine.zoo.custom import fit_logistic

from .rows import MAKES, clusters

both = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
SETTINGS = {"C": 10.0, "tol": 1e-3, "max_iter": 200}


@both
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_outputs_are_scikit_learns(make, n_classes):
    X, Y, codes = clusters(n_classes=n_classes)
    new = make(clusters(n_classes=n_classes, seed=1)[0])
    expected = LogisticRegression(**SETTINGS).fit(make(X), codes).predict_proba(new)
    assert fit_logistic(make(X), Y, 0).model.outputs(new) == pytest.approx(expected, abs=1e-5)


def test_out_of_fold_outputs_are_cross_validated():
    X, Y, codes = clusters()
    expected = np.empty_like(Y)
    for fit, held in KFold(5, shuffle=True, random_state=4).split(X):
        model = LogisticRegression(**SETTINGS).fit(X[fit], codes[fit])
        expected[held] = model.predict_proba(X[held])
    assert fit_logistic(X, Y, 4).out_of_fold == pytest.approx(expected, abs=1e-5)


def test_one_soft_distribution_for_all_rows_is_predicted():
    X = clusters(n=60)[0]
    soft = np.tile(np.float32([0.7, 0.2, 0.1]), (60, 1))
    assert fit_logistic(X, soft, 0).model.outputs(X) == pytest.approx(soft, abs=0.01)


def test_soft_rows_of_two_halves_predict_halves():
    """Two rows of .5 and .5 are one row of each class."""
    X = clusters(n=60)[0]
    soft = np.full((60, 2), 0.5, dtype=np.float32)
    assert fit_logistic(X, soft, 0).model.outputs(X) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.filterwarnings("error")
def test_steps_that_run_out_are_no_warning(monkeypatch):
    monkeypatch.setattr(module, "_C", 1e9)
    monkeypatch.setattr(
        module, "LogisticRegression", lambda **kw: LogisticRegression(**{**kw, "max_iter": 1})
    )
    X, Y, _ = clusters()
    assert np.isfinite(fit_logistic(X, Y, 0).out_of_fold).all()
