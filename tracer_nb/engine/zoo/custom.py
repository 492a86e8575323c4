"""Classifiers of other libraries as surrogates: scikit-learn's, XGBoost, and any of the user's."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from tracer_nb.engine.zoo.base import (
    Fit,
    Fitter,
    fit_with_folds,
    read_array,
    unsaved,
    weighted_entries,
)
from tracer_nb.engine.zoo.matrix import Matrix, dense_rows, row_chunks
from tracer_nb.errors import InvalidInput

__all__ = ["Custom", "Logistic", "XGBoost", "fit_logistic", "fit_xgboost", "from_estimator"]


_C = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Class probabilities softmax(X W + b).

    Attributes
    ----------
    weights : ndarray of shape (d, K), float32
    intercepts : ndarray of shape (K,), float32
        Minus infinity for classes that no fitting row had.
    """

    kind: ClassVar[str] = "logistic"

    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Class probabilities (n, K) of rows that ``unit_rows`` has prepared."""
        return np.asarray(softmax(X @ self.weights + self.intercepts, axis=1))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """No settings, two arrays."""
        return {}, {"weights": self.weights, "intercepts": self.intercepts}

    @classmethod
    def from_state(
        cls,
        settings: Mapping[str, Any],  # noqa: ARG003  the same for every model
        arrays: Mapping[str, NDArray[Any]],
    ) -> Logistic:
        """Model with this state, or ``InvalidInput``."""
        weights = read_array(arrays, "weights", np.float32, (None, None))
        return cls(weights, read_array(arrays, "intercepts", np.float32, (weights.shape[1],)))


def fit_logistic(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit on unit rows with C = 10, out of fold by refits."""
    # Small products lose more to handing work between threads than they gain.
    with threadpool_limits(1):
        return fit_with_folds(X, Y, seed, _fit_logistic, f"C {_C:g}")


def _fit_logistic(X: Matrix, Y: NDArray[np.float32]) -> Logistic:
    rows, codes, weights = weighted_entries(Y)
    wide = np.zeros((X.shape[1], Y.shape[1]), dtype=np.float32)
    intercepts = np.full(Y.shape[1], -np.inf, dtype=np.float32)
    intercepts[codes] = 0.0
    if len(np.unique(codes)) < 2:  # a constant is all that a single class teaches
        return Logistic(wide, intercepts)
    model = LogisticRegression(C=_C, tol=1e-3, max_iter=200)
    with warnings.catch_warnings():
        # 200 steps are enough to imitate with, whether or not the last digit has settled.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Many labels and few rows are no mistake here.
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        model.fit(X[rows], codes, sample_weight=weights)
    # Of two classes scikit-learn has the log-odds of the second.
    columns = model.classes_[-len(model.coef_) :]
    wide[:, columns], intercepts[columns] = model.coef_.T, model.intercept_
    return Logistic(wide, intercepts)


@dataclass(frozen=True, slots=True, eq=False)
class Custom:
    """A fitted classifier of the user's.

    Attributes
    ----------
    estimator : classifier, or None
        None where all fitting rows had one class, which many classifiers refuse.
    classes : ndarray of shape (C,), int
        Classes that fitting rows had.
    n_classes : int
    """

    kind: ClassVar[str] = "custom"

    estimator: Any
    classes: NDArray[np.intp]
    n_classes: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Probabilities, or else decision values, of rows that ``unit_rows`` has prepared.

        Classes that no fitting row had get probability 0, or the row's lowest decision value.

        Raises
        ------
        InvalidInput
            The classifier fails, or returns something else than one number for each class.
        """
        n = X.shape[0]
        out = np.zeros((n, self.n_classes), dtype=np.float32)
        if self.estimator is None:
            out[:, self.classes] = 1.0
        elif n:  # scikit-learn refuses no rows
            values = self._values(X)
            if not hasattr(self.estimator, "predict_proba"):
                out[:] = values.min(axis=1, keepdims=True)
            out[:, self.classes] = values
        return out

    def _values(self, X: Matrix) -> NDArray[np.floating]:
        """Output (n, C) for the classes that the classifier knows."""
        name = type(self.estimator).__name__
        method = _method(self.estimator)
        try:
            values = np.asarray(getattr(self.estimator, method)(X), dtype=np.float64)
        except Exception as error:
            raise InvalidInput(f"{name}.{method} failed: {_line(error)}") from error
        if values.ndim == 1 and len(self.classes) == 2:
            values = np.column_stack([-values, values])
        shape = X.shape[0], len(self.classes)
        if values.shape != shape or not np.isfinite(values).all():
            raise InvalidInput(
                f"{name}.{method} must return finite numbers of shape {shape}, one column per "
                f"class, got shape {values.shape}"
            )
        return values

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Refuse: only a pickle could hold it.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise unsaved(type(self.estimator).__name__)


def from_estimator(estimator: Any) -> Fitter:
    """Make a surrogate of a scikit-learn classifier.

    Parameters
    ----------
    estimator : classifier
        It stays unfitted: every fit is that of a clone, and ``random_state`` of None becomes
        the seed. It learns the likeliest class of each row; where its ``fit`` takes
        ``sample_weight``, rows of soft labels weigh as much as that class is likely.

    Returns
    -------
    Fitter

    Raises
    ------
    InvalidInput
        Not a classifier, or one without ``predict_proba`` and ``decision_function``; in a fit,
        whatever the classifier raises.
    """
    if inspect.isclass(estimator):
        name = estimator.__name__
        raise InvalidInput(f"surrogate is the class {name}; pass an instance: {name}()")
    name = type(estimator).__name__
    try:
        right = hasattr(estimator, "fit") and is_classifier(estimator)
        clone(estimator)
    except Exception as error:
        raise InvalidInput(
            f"surrogate {name} cannot be cloned as scikit-learn classifiers can: {_line(error)}"
        ) from error
    if not right:
        raise InvalidInput(f"surrogate {name} is not a scikit-learn classifier; pass one")

    def fit_custom(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
        return fit_with_folds(X, Y, seed, lambda X, Y: _fit(estimator, X, Y, seed), name)

    return fit_custom


def _fit(estimator: Any, X: Matrix, Y: NDArray[np.float32], seed: int) -> Custom:
    codes = Y.argmax(axis=1)
    classes = np.unique(codes)
    if len(classes) < 2:
        return Custom(None, classes, Y.shape[1])
    fresh = clone(estimator)
    parameters = fresh.get_params().items()
    unseeded = [k for k, v in parameters if v is None and k.split("__")[-1] == "random_state"]
    fresh.set_params(**dict.fromkeys(unseeded, seed))
    certainty = Y.max(axis=1)
    weighted = has_fit_parameter(fresh, "sample_weight") and (certainty < 1.0).any()
    try:
        fresh.fit(X, codes, **({"sample_weight": certainty} if weighted else {}))
    except Exception as error:
        name = type(estimator).__name__
        raise InvalidInput(f"surrogate {name} cannot be fitted: {_line(error)}") from error
    _method(fresh)
    return Custom(fresh, classes, Y.shape[1])


def _method(estimator: Any) -> str:
    """The method that tells how sure the classifier is."""
    for method in ("predict_proba", "decision_function"):
        if hasattr(estimator, method):
            return method
    raise InvalidInput(
        f"surrogate {type(estimator).__name__} has neither predict_proba nor decision_function, "
        "so nothing says how sure it is; pass a classifier that has one"
    )


def _line(error: Exception) -> str:
    """Return what an error says, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


_ROUNDS = 60
_DEPTH = 4
# Columns drawn for each tree.
_TREE_COLUMNS = 40
# It works on dense columns. Of a wide sparse matrix it gets those with most entries: all of them
# would not fit into memory, and trees split rare words last.
_DENSE_COLUMNS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class XGBoost:
    """Class probabilities of boosted trees: for rows that numbers describe.

    It is not saved: its own format trusts what it loads, so a tampered file can take the
    interpreter down.

    Attributes
    ----------
    booster : xgboost.Booster, or None
        None where all fitting rows had one class.
    columns : ndarray of int
        Those of the rows that it was given.
    classes : ndarray of shape (C,), int
        Classes that fitting rows had; the others get probability 0.
    n_classes : int
    """

    kind: ClassVar[str] = "xgboost"

    booster: Any
    columns: NDArray[np.intp]
    classes: NDArray[np.intp]
    n_classes: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Class probabilities (n, K) of rows that ``unit_rows`` has prepared."""
        out = np.zeros((X.shape[0], self.n_classes), dtype=np.float32)
        if self.booster is None:
            out[:, self.classes] = 1.0
            return out
        for rows in row_chunks(len(out), len(self.columns)):
            part = dense_rows(X[rows][:, self.columns])
            out[rows, self.classes] = self.booster.inplace_predict(part)
        return out

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Refuse.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise unsaved("surrogate 'xgboost'")


def fit_xgboost(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit XGBoost, out of fold by refits."""
    settings = f"{_ROUNDS} rounds, depth {_DEPTH}"
    return fit_with_folds(X, Y, seed, lambda X, Y: _fit_trees(X, Y, seed), settings)


def _fit_trees(X: Matrix, Y: NDArray[np.float32], seed: int) -> XGBoost:
    rows, codes, sample_weight = weighted_entries(Y)
    classes, labels = np.unique(codes, return_inverse=True)
    columns = _columns(X)
    booster = None
    if len(classes) > 1:
        dense = dense_rows(X[:, columns])
        booster = _train(dense[rows], labels, sample_weight, seed, len(classes))
    return XGBoost(booster, columns, classes, Y.shape[1])


def _columns(X: Matrix) -> NDArray[np.intp]:
    """All columns of a dense matrix; of a sparse one those with most entries."""
    numbers = np.arange(X.shape[1])
    if sparse.issparse(X) and len(numbers) > _DENSE_COLUMNS:
        entries = np.bincount(X.indices, minlength=len(numbers))
        numbers = np.sort(np.argsort(-entries, kind="stable")[:_DENSE_COLUMNS])
    return numbers


def _train(
    X: NDArray[np.float32],
    labels: NDArray[np.intp],
    sample_weight: NDArray[np.float32],
    seed: int,
    n_classes: int,
) -> Any:
    # Imported here: it takes longer than everything else in the engine together.
    import xgboost  # noqa: PLC0415

    settings = {
        "objective": "multi:softprob",
        "num_class": n_classes,
        "tree_method": "hist",
        "max_bin": 32,
        "max_depth": _DEPTH,
        "eta": 0.2,
        # Curvature, not rows: those of rare classes have next to none.
        "min_child_weight": 0.1,
        "colsample_bytree": min(1.0, _TREE_COLUMNS / X.shape[1]),
        "base_score": 0.0,
        # Trees this small lose more to handing work between threads than they gain.
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
    }
    data = xgboost.QuantileDMatrix(
        X, label=labels, weight=sample_weight, max_bin=settings["max_bin"], nthread=1
    )
    return xgboost.train(settings, data, _ROUNDS)
