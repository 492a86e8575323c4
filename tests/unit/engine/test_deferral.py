"""A scikit-learn classifier that defers: as scikit-learn has it, and as the engine certifies."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from tracer_nb import DeferralClassifier, certify
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.errors import InvalidInput, NotEnoughData


def quietly(estimator, check):
    with warnings.catch_warnings():
        # scikit-learn's own cast of the NaN that it passes.
        warnings.filterwarnings("ignore", "invalid value encountered in cast")
        check(estimator)


@parametrize_with_checks([DeferralClassifier()])
def test_it_is_as_scikit_learn_has_it(estimator, check):
    quietly(estimator, check)


@pytest.mark.long
@parametrize_with_checks(
    [
        DeferralClassifier(LinearSVC(), target=0.8),
        DeferralClassifier(DecisionTreeClassifier(random_state=0)),
        DeferralClassifier(make_pipeline(StandardScaler(), LogisticRegression())),
    ]
)
def test_so_it_is_around_others(estimator, check):
    quietly(estimator, check)


LABELS = np.array(["delivery", "login", "refund"])


def rows(n, seed):
    """Three kinds of rows that overlap."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=n)
    return np.eye(4)[codes] + 0.5 * rng.normal(size=(n, 4)), LABELS[codes]


X, Y = rows(900, 0)
X_HELD, Y_HELD = rows(400, 1)
X_NEW, Y_NEW = rows(2000, 2)
TARGET = {"target": 0.9, "confidence_level": 0.9}


@pytest.fixture(scope="module")
def fitted():
    return DeferralClassifier(**TARGET).fit(X, Y)


def test_a_part_is_fitted_on_and_the_rest_certifies(fitted):
    found = fitted.certificate_
    assert found.certified
    assert (found.n_fit, found.n_calibration) == (630, 270)
    assert (found.target, found.confidence, found.method) == (0.9, 0.9, "held-out")
    assert fitted.classes_.tolist() == LABELS.tolist()
    labels, handled = fitted.decide(X_NEW)
    assert 0.2 < handled.mean() < 0.95
    assert handled.mean() == pytest.approx(found.coverage, abs=0.1)
    assert (labels[handled] == Y_NEW[handled]).mean() > 0.88
    assert (labels[~handled] == Y_NEW[~handled]).mean() < 0.8
    assert labels.tolist() == fitted.predict(X_NEW).tolist()
    assert fitted.decide(X_NEW).handled.dtype == bool


def test_what_is_tested_was_not_fitted_on(fitted):
    """The estimator is that of the rows that are left when those of the test are taken."""
    assert fitted.certificate_.n_calibration == len(Y) - int(FIT_SHARE * len(Y))
    memory = DeferralClassifier(DecisionTreeClassifier(random_state=0), **TARGET).fit(X, Y)
    right = memory.predict(X) == Y
    # A tree knows every row that it has seen; of the others, it is wrong about a sixth and more.
    assert (~right).sum() > 0.1 * memory.certificate_.n_calibration


def test_a_held_out_part_of_ones_own(fitted):
    mine = clone(fitted).fit(X, Y)
    assert mine.conformalize(X_HELD, Y_HELD) is mine
    found = mine.certificate_
    assert (found.n_fit, found.n_calibration) == (630, 400)
    # Two tests were made, each with a chance of error of its own.
    assert (found.n_rounds, found.earlier) == (2, pytest.approx(0.1))
    assert (fitted.certificate_.n_rounds, fitted.certificate_.earlier) == (1, 0.0)
    assert mine.fit(X, Y).certificate_ == fitted.certificate_


def test_a_model_that_is_fitted_already():
    base = GaussianNB().fit(X, Y)
    mine = DeferralClassifier(base, 0.85, prefit=True)
    with pytest.raises(NotFittedError):
        mine.decide(X_NEW)
    with pytest.raises(InvalidInput, match="prefit=True skips fit: call conformalize"):
        mine.fit(X, Y)
    found = mine.conformalize(X_HELD, Y_HELD).certificate_
    assert found.certified
    assert (found.n_fit, found.n_calibration, found.n_rounds) == (100, 300, 1)
    assert mine.estimator_ is base
    assert mine.predict(X_NEW).tolist() == base.predict(X_NEW).tolist()
    assert mine.predict_proba(X_NEW) == pytest.approx(base.predict_proba(X_NEW))
    with pytest.raises(NotFittedError):
        DeferralClassifier(GaussianNB(), prefit=True).conformalize(X, Y)
    with pytest.raises(InvalidInput, match="needs estimator"):
        DeferralClassifier(prefit=True).conformalize(X, Y)
    with pytest.raises(NotFittedError):
        DeferralClassifier().conformalize(X, Y)


def test_it_is_what_certify_says_of_the_same_scores():
    base = LogisticRegression().fit(X, Y)
    mine = DeferralClassifier(base, prefit=True, **TARGET).conformalize(X_HELD, Y_HELD)
    top = np.sort(base.predict_proba(X_HELD), axis=1)
    margins = top[:, -1] - top[:, -2]
    other = certify(margins, base.predict(X_HELD) == Y_HELD, target=0.9, confidence=0.9)
    assert other.coverage == pytest.approx(mine.certificate_.coverage, abs=0.15)


def test_nothing_is_handled_where_nothing_is_certified():
    mine = DeferralClassifier(target=0.999).fit(X, Y)
    assert not mine.certificate_.certified
    assert mine.certificate_.note
    assert not mine.decide(X_NEW).handled.any()
    assert mine.score(X_NEW, Y_NEW) > 0.7  # predict has a label for every row


def test_decision_values_are_enough():
    for base in (LinearSVC(), Perceptron()):
        mine = DeferralClassifier(base, **TARGET).fit(X, Y)
        assert not hasattr(mine, "predict_proba")
        assert mine.decide(X_NEW).handled.any()
    two = Y != "login"
    binary = DeferralClassifier(LinearSVC(), **TARGET).fit(X[two], Y[two])
    assert binary.decide(X_NEW).handled.mean() > 0.5


def test_it_works_in_a_pipeline_and_a_grid_search(fitted):
    pipe = make_pipeline(StandardScaler(), DeferralClassifier(**TARGET)).fit(X, Y)
    assert pipe.score(X_NEW, Y_NEW) == pytest.approx(fitted.score(X_NEW, Y_NEW), abs=0.02)
    _, handled = pipe[-1].decide(pipe[:-1].transform(X_NEW))
    assert handled.mean() > 0.2
    grid = {"estimator__C": [0.001, 1.0], "target": [0.8, 0.9]}
    search = GridSearchCV(DeferralClassifier(LogisticRegression()), grid, cv=3)
    search.fit(X[:300], Y[:300])
    assert search.best_params_["estimator__C"] == 1.0
    assert search.best_estimator_.decide(X_NEW).labels.shape == (2000,)

    def coverage(classifier, X, _):
        return classifier.decide(X).handled.mean()

    found = cross_val_score(DeferralClassifier(target=0.8), X, Y, scoring=coverage, cv=3)
    assert found.min() > 0.3


def test_texts_frames_and_sparse_rows_go_to_the_estimator_as_they_are():
    texts = [f"{word} {i % 7}" for i, word in enumerate(Y)]
    words = DeferralClassifier(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    assert words.fit(texts, Y).decide(["refund 3", "login 1"]).labels.tolist() == [
        "refund",
        "login",
    ]
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(900) % 5)
    named = DeferralClassifier(**TARGET).fit(frame, pd.Series(Y, index=frame.index))
    assert named.feature_names_in_.tolist() == list("abcd")
    assert named.n_features_in_ == 4
    plain = DeferralClassifier(**TARGET).fit(X, Y)
    assert named.certificate_ == plain.certificate_
    few = DeferralClassifier(**TARGET).fit(sparse.csr_matrix(X), Y)
    assert few.decide(sparse.csr_matrix(X_NEW)).handled.mean() > 0.2


def test_a_class_that_no_fitting_row_has_is_never_answered():
    rare = Y.astype(object)
    state = np.random.RandomState(0).permutation(900)
    plain = DeferralClassifier(**TARGET).fit(X, Y)
    mine = None
    for at in state[:40]:  # one of them is among the rows of the test
        rare = Y.astype(object)
        rare[at] = "a rare one"
        mine = DeferralClassifier(**TARGET).fit(X, rare)
        if len(mine.estimator_.classes_) == 3:
            break
    assert mine.classes_.tolist() == ["a rare one", *LABELS]
    chances = mine.predict_proba(X_NEW)
    assert chances.shape == (2000, 4)
    assert (chances[:, 0] == 0).all()
    assert mine.certificate_.n_calibration == plain.certificate_.n_calibration
    unseen = mine.conformalize(X_HELD, np.where(Y_HELD == "login", "new", Y_HELD)).certificate_
    assert not unseen.certified  # another label than any it knows is a disagreement


def test_it_is_pickled_and_cloned(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert again.certificate_ == fitted.certificate_
    assert again.decide(X_NEW).handled.tolist() == fitted.decide(X_NEW).handled.tolist()
    assert not hasattr(clone(fitted), "certificate_")


class Mute(GaussianNB):
    """Says nothing of how sure it is."""

    predict_proba = property()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": 92}, "for 92 % write 0.92"),
        ({"confidence_level": 1.5}, "confidence must be in"),
        ({"prefit": "yes"}, "prefit must be True or False"),
        ({"estimator": Mute()}, "has neither predict_proba nor decision_function"),
    ],
)
def test_what_cannot_be_is_one_clear_line(options, said):
    with pytest.raises(InvalidInput, match=said):
        DeferralClassifier(**options).fit(X, Y)


def test_one_row_is_not_enough():
    with pytest.raises(NotEnoughData, match="1 samples"):
        DeferralClassifier().fit(X[:1], Y[:1])
