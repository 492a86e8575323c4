"""A scikit-learn classifier with a certificate: which rows it may answer, and which it defers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import _safe_indexing, check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples, check_is_fitted, column_or_1d

from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify
from tracer_nb.engine.gates import SimpleGate
from tracer_nb.engine.gates.statistics import fit_simple_gate
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.engine.zoo import folds
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import Certificate, Pilot

__all__ = ["Decisions", "DeferralClassifier"]


class Decisions(NamedTuple):
    """What a classifier says of rows, and which of them it may answer.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        On rows that are not handled a guess that nothing certifies.
    handled : ndarray of shape (n,), bool
        False where the row is deferred to the teacher.
    """

    labels: NDArray[Any]
    handled: NDArray[np.bool_]


def _knows_chances(self: DeferralClassifier) -> bool:
    return hasattr(getattr(self, "estimator_", None) or self._base(), "predict_proba")


class DeferralClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Any classifier, with a certified threshold on how sure it has to be of a row to answer it.

    With confidence ``confidence_level``, at least a share ``target`` of the new rows that it
    handles carry the label that ``y`` would have: the teacher's, or whoever's ``y`` is. The rows
    of ``fit`` and ``conformalize`` have to be drawn at random like the new ones.

    Parameters
    ----------
    estimator : classifier, default=None
        With ``predict_proba`` or ``decision_function``; logistic regression by default.
    target : float, default=0.92
        Selective agreement that is promised, in (0, 1).
    confidence_level : float, default=0.95
        Chance of a sample whose certificate keeps its promise, in (0, 1).
    prefit : bool, default=False
        The estimator is fitted already, on other rows: ``fit`` is skipped, and
        ``conformalize`` takes rows that it has not seen.
    random_state : int, RandomState or None, default=0
        Draws the rows that are held out. To try several until one is certified voids the
        certificate.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    classes_ : ndarray of shape (K,)
    certificate_ : Certificate
        The last that was made; ``certificate_.certified`` is False where nothing may be
        handled, and ``certificate_.note`` says why.

    References
    ----------
    GUARANTEES, "Rows drawn like the calibration rows".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 4))
    >>> y = np.where(X[:, 0] + 0.3 * rng.normal(size=2000) > 0, "refund", "delivery")
    >>> classifier = DeferralClassifier(target=0.95).fit(X, y)
    >>> classifier.certificate_.certified
    True
    >>> labels, handled = classifier.decide(X[:3])
    >>> handled.shape
    (3,)
    """

    def __init__(
        self,
        estimator: Any = None,
        target: float = 0.92,
        confidence_level: float = 0.95,
        prefit: bool = False,  # noqa: FBT001, FBT002  as scikit-learn's
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.target = target
        self.confidence_level = confidence_level
        self.prefit = prefit
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> DeferralClassifier:
        """Fit on 70 % of the rows, and certify on the others, drawn at random.

        Out-of-fold answers for the former order the tests.

        Parameters
        ----------
        X : array-like of shape (n, d), or whatever the estimator takes
        y : array-like of shape (n,)

        Raises
        ------
        InvalidInput
            ``prefit`` is set; a level outside (0, 1); or a classifier that does not say how
            sure it is. What the estimator raises is raised.
        """
        promise = self._promise()
        if self.prefit:
            raise InvalidInput(
                "prefit=True skips fit: call conformalize(X, y) with rows that the estimator has "
                "not seen"
            )
        X, labels = self._checked(X, y)
        if len(labels) < 2:
            raise NotEnoughData(
                f"{len(labels)} samples (n_samples = {len(labels)}) are too few: some are fitted on, "
                "others are tested"
            )
        drawn = check_random_state(self.random_state).permutation(len(labels))
        held = is_calibration(len(drawn), FIT_SHARE)
        own, tested = np.sort(drawn[~held]), np.sort(drawn[held])
        self.classes_ = np.unique(labels)
        X_own, y_own = _safe_indexing(X, own), labels[own]
        self._adopt(clone(self._base()).fit(X_own, y_own))
        self._pilot(*self._left_out(X_own, y_own))
        self._n_earlier = 0
        self._certify(promise, _safe_indexing(X, tested), labels[tested])
        return self

    def conformalize(self, X: Any, y: ArrayLike) -> DeferralClassifier:
        """Certify on a held-out part of one's own.

        Its certificate takes the place of the one before. Each is a test of its own, with a
        chance of error of its own, and says what the earlier ones spent.

        Parameters
        ----------
        X, y
            As in :meth:`fit`, of rows that nothing was fitted on, chosen or tuned by. With
            ``prefit`` a quarter of them, drawn at random, orders the tests.

        Raises
        ------
        InvalidInput
            As :meth:`fit`.
        NotFittedError
            Before :meth:`fit`, without ``prefit``.
        """
        promise = self._promise()
        if not self.prefit:
            check_is_fitted(self, "estimator_")
        X, labels = self._checked(X, y)
        if self.prefit:
            check_is_fitted(self.estimator)
            if not hasattr(self, "certificate_"):
                self._n_earlier = 0
            self.classes_ = self.estimator.classes_
            self._adopt(self.estimator)
            drawn = check_random_state(self.random_state).permutation(len(labels))
            held = is_calibration(len(drawn), PILOT_SHARE)
            first, rest = np.sort(drawn[~held]), np.sort(drawn[held])
            if len(first):
                X_first = _safe_indexing(X, first)
                right = np.asarray(self.estimator_.predict(X_first) == labels[first], dtype=bool)
                self._pilot(_outputs(self.estimator_, X_first, self.classes_), right)
            X, labels = _safe_indexing(X, rest), labels[rest]
        self._certify(promise, X, labels)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The estimator's label of every row, (n,), whether or not it may answer it."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(X))

    def decide(self, X: Any) -> Decisions:
        """The label of every row, and whether the classifier may answer it.

        Raises
        ------
        NotFittedError
            Nothing is certified yet, nor refused.
        """
        check_is_fitted(self, "certificate_")
        return Decisions(self.predict(X), self._scores(X) >= self.certificate_.threshold)

    @available_if(_knows_chances)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The estimator's probabilities (n, K), 0 for a class that no row it was fitted on had."""
        check_is_fitted(self, "estimator_")
        return _outputs(self.estimator_, X, self.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self._base())
        tags.input_tags = own.input_tags
        tags.classifier_tags.multi_class = own.classifier_tags.multi_class
        return tags

    # --- inside --------------------------------------------------------------------------------

    def _base(self) -> Any:
        return LogisticRegression() if self.estimator is None else self.estimator

    def _promise(self) -> Promise:
        if not isinstance(self.prefit, (bool, np.bool_)):
            raise InvalidInput(f"prefit must be True or False, got {self.prefit!r}")
        base = self._base()
        if not (hasattr(base, "predict_proba") or hasattr(base, "decision_function")):
            raise InvalidInput(
                f"estimator {type(base).__name__} has neither predict_proba nor "
                "decision_function, so nothing says how sure it is; pass a classifier that has one"
            )
        if self.prefit and self.estimator is None:
            raise InvalidInput("prefit=True needs estimator, the fitted classifier")
        return Promise(self.target, self.confidence_level)

    def _checked(self, X: Any, y: ArrayLike) -> tuple[Any, NDArray[Any]]:
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        X, labels = indexable(X, labels)
        return X, np.asarray(labels)

    def _adopt(self, estimator: Any) -> None:
        self.estimator_ = estimator
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))

    def _left_out(self, X: Any, y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Outputs for the fitting rows of fits without them, and whether these are right."""
        outputs = np.zeros((len(y), len(self.classes_)))
        right = np.zeros(len(y), dtype=bool)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        for kept, held in folds(len(y), seed):
            if len(np.unique(y[kept])) < 2:  # many classifiers refuse it
                right[held] = y[held] == y[kept[0]]
                continue
            part, X_held = clone(self._base()), _safe_indexing(X, held)
            part.fit(_safe_indexing(X, kept), y[kept])
            outputs[held] = _outputs(part, X_held, self.classes_)
            right[held] = part.predict(X_held) == y[held]
        return outputs, right

    def _pilot(self, outputs: NDArray[np.float64], right: NDArray[np.bool_]) -> None:
        """Make scores of outputs, and keep what orders the tests."""
        self._gate = fit_simple_gate("margin", outputs, right)
        self._order = Pilot(self._gate.scores(outputs, None), right)

    def _scores(self, X: Any) -> NDArray[np.float64]:
        return self._gate.scores(_outputs(self.estimator_, X, self.classes_), None)

    def _certify(self, promise: Promise, X: Any, y: NDArray[Any]) -> None:
        if not hasattr(self, "_gate"):  # of next to no rows
            self._gate = SimpleGate("margin", 1.0, 0.0)
            self._order = Pilot(np.empty(0), np.empty(0, dtype=bool))
        rows = Rows(np.empty(0))
        if _num_samples(X):
            right = np.asarray(self.estimator_.predict(X) == y, dtype=bool)
            rows = Rows(self._scores(X), right)
        found: Certificate = certify(promise, Evidence(self._order, rows))
        earlier = self._n_earlier * (1.0 - promise.confidence)
        self._n_earlier += 1
        self.certificate_ = replace(found, n_rounds=self._n_earlier, earlier=earlier)


def _outputs(estimator: Any, X: Any, classes: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities, or else decision values, (n, K), one column for each of the sorted classes.

    A class that the estimator does not know gets probability 0, or the row's lowest value.
    """
    knows = hasattr(estimator, "predict_proba")
    method = estimator.predict_proba if knows else estimator.decision_function
    values = np.asarray(method(X), dtype=np.float64)
    if values.ndim == 1:
        values = np.column_stack([-values, values])
    own = np.asarray(estimator.classes_)
    if len(own) == len(classes):
        return values
    wide = np.zeros((len(values), len(classes)))
    if not knows:
        wide[:] = values.min(axis=1, keepdims=True)
    wide[:, np.searchsorted(classes, own)] = values
    return wide
