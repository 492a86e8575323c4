"""Multinomial logistic regression: scikit-learn's fit, kept as coefficients."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from tracer_nb.engine.zoo.base import Fit
from tracer_nb.engine.zoo.crossfit import fit_with_folds
from tracer_nb.engine.zoo.matrix import Matrix
from tracer_nb.engine.zoo.soft import weighted_entries
from tracer_nb.engine.zoo.state import read_array

__all__ = ["Logistic", "fit_logistic"]

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
        return fit_with_folds(X, Y, seed, _fit, f"C {_C:g}")


def _fit(X: Matrix, Y: NDArray[np.float32]) -> Logistic:
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
