"""Any scikit-learn classifier of the user's as a surrogate."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import has_fit_parameter

from tracer_nb.engine.zoo.base import Fit, Fitter
from tracer_nb.engine.zoo.crossfit import fit_with_folds
from tracer_nb.engine.zoo.matrix import Matrix
from tracer_nb.engine.zoo.state import unsaved
from tracer_nb.errors import InvalidInput

__all__ = ["Custom", "from_estimator"]


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
