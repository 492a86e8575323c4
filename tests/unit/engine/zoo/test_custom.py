"""Classifiers of the user's: cloned, cross-validated, and their failures in one line."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted

from tracer_nb.engine.zoo import from_estimator
from tracer_nb.errors import InvalidInput

from .rows import MAKES, clusters


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_outputs_are_the_classifiers(make):
    X, Y, codes = clusters()
    estimator = LogisticRegression(C=3)
    fit = from_estimator(estimator)(make(X), Y, 4)
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    new = make(clusters(seed=1)[0])
    expected = LogisticRegression(C=3).fit(make(X), codes).predict_proba(new)
    assert fit.model.outputs(new) == pytest.approx(expected, abs=1e-6)
    assert fit.settings == "LogisticRegression, 5 folds"
    for kept, held in KFold(5, shuffle=True, random_state=4).split(X):
        model = LogisticRegression(C=3).fit(make(X)[kept], codes[kept])
        expected = model.predict_proba(make(X)[held])
        assert fit.out_of_fold[held] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_decision_values_do_where_there_are_no_probabilities(n_classes):
    X, Y, codes = clusters(n_classes=n_classes)
    wide = np.zeros((120, 6), dtype=np.float32)
    present = np.arange(n_classes) + 1
    wide[:, present] = Y
    outputs = from_estimator(LinearSVC())(X, wide, 0).model.outputs(X)
    expected = present[LinearSVC(random_state=0).fit(X, codes).predict(X)]
    assert outputs.argmax(axis=1).tolist() == expected.tolist()
    # Classes that are not there come last, though decision values are negative.
    assert (outputs[:, [0]] == outputs.min(axis=1, keepdims=True)).all()


def test_soft_rows_weigh_as_much_as_their_class_is_likely():
    X, Y, codes = clusters()
    certainty = np.random.default_rng(0).uniform(0.6, 1.0, size=120)
    soft = Y * certainty[:, None] + (1 - Y) * (1 - certainty[:, None]) / 2
    soft = soft.astype(np.float32)
    fit = from_estimator(LogisticRegression())(X, soft, 0)
    expected = LogisticRegression().fit(X, codes, sample_weight=soft.max(axis=1))
    assert fit.model.outputs(X) == pytest.approx(expected.predict_proba(X), abs=1e-6)
    # Neighbours take no weights.
    fit = from_estimator(KNeighborsClassifier())(X, soft, 0)
    expected = KNeighborsClassifier().fit(X, codes)
    assert fit.model.outputs(X) == pytest.approx(expected.predict_proba(X))


def test_random_classifiers_get_the_seed():
    X, Y, _ = clusters()
    random = make_pipeline(StandardScaler(), SGDClassifier(max_iter=5, tol=None))
    a, b, c = (from_estimator(random)(X, Y, seed).out_of_fold for seed in (1, 1, 2))
    assert (a == b).all()
    assert not (a == c).all()
    own = RandomForestClassifier(5, random_state=7)
    model = from_estimator(own)(X, Y, 1).model
    assert model.estimator.random_state == 7


def test_rare_and_single_classes():
    X = clusters(n=40)[0]
    codes = np.zeros(40, dtype=int)
    codes[7] = 2
    fit = from_estimator(LogisticRegression())(X, np.eye(4, dtype=np.float32)[codes], 0)
    assert fit.out_of_fold.argmax(axis=1).tolist() == [0] * 40
    assert not fit.model.outputs(X)[:, [1, 3]].any()
    fit = from_estimator(LogisticRegression())(X, np.eye(4, dtype=np.float32)[[3] * 40], 0)
    assert fit.model.outputs(X).tolist() == [[0, 0, 0, 1]] * 40


def test_no_rows_have_no_outputs():
    X, Y, _ = clusters()
    assert from_estimator(GaussianNB())(X, Y, 0).model.outputs(X[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LogisticRegression, r"class LogisticRegression; pass an instance: LogisticRegression\(\)"),
        (LinearRegression(), "LinearRegression is not a scikit-learn classifier"),
        (StandardScaler(), "StandardScaler is not a scikit-learn classifier"),
        ("svm", "surrogate str cannot be cloned"),
        (len, "surrogate builtin_function_or_method cannot be cloned"),
        (None, "surrogate NoneType cannot be cloned"),
    ],
)
def test_what_is_no_classifier_is_refused(estimator, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        from_estimator(estimator)
    assert "\n" not in str(caught.value)


class Odd(ClassifierMixin, BaseEstimator):
    def __init__(self, shape=None, fail=""):
        self.shape = shape
        self.fail = fail

    def fit(self, X, y):  # noqa: ARG002
        if self.fail == "fit":
            raise RuntimeError("no\n  luck")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        if self.fail == "predict":
            raise KeyError
        return np.full((len(X), *self.shape), np.nan if self.fail == "nan" else 1.0)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Odd(fail="fit"), "surrogate Odd cannot be fitted: RuntimeError: no luck$"),
        (Odd((3,), fail="predict"), "Odd.predict_proba failed: KeyError$"),
        (Odd((3,), fail="nan"), "must return finite numbers"),
        (Odd((2,)), r"must return finite numbers of shape \(24, 3\), .* got shape \(24, 2\)"),
        (Odd(()), r"must return finite numbers"),
        (KNeighborsClassifier(500), "KNeighborsClassifier"),
        (LogisticRegression(C=-1), "LogisticRegression cannot be fitted: InvalidParameterError"),
    ],
)
def test_failures_are_one_line(estimator, message):
    X, Y, _ = clusters()
    with pytest.raises(InvalidInput, match=message) as caught:
        from_estimator(estimator)(X, Y, 0)
    assert "\n" not in str(caught.value)


def test_a_classifier_that_is_never_sure_is_refused():
    class Silent(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):  # noqa: ARG002
            return self

    X, Y, _ = clusters()
    with pytest.raises(InvalidInput, match="Silent has neither predict_proba nor decision_func"):
        from_estimator(Silent())(X, Y, 0)


def test_it_cannot_be_saved():
    X, Y, _ = clusters()
    message = "GaussianNB cannot be saved: loading it would trust, or run, what is in the file"
    with pytest.raises(InvalidInput, match=message):
        from_estimator(GaussianNB())(X, Y, 0).model.state()
