"""Kernel ridge with its leave-one-out tuning as a scikit-learn classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from tracer_nb.engine.zoo.kernel_ridge import LANDMARKS, fit_kernel_ridge
from tracer_nb.engine.zoo.matrix import unit_rows
from tracer_nb.errors import InvalidInput

__all__ = ["KernelRidgeClassifier"]


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """RBF kernel ridge regression onto class indicators; the largest output is the label.

    Rows are scaled to unit length first, so it sees directions only: right for embeddings of
    texts and for word counts, wrong where the length of a row says something.

    Parameters
    ----------
    width : float, optional
        The kernel is exp(-width * squared distance) of unit rows. By default chosen by
        leave-one-out squared error.
    ridge : float, optional
        Added to the kernel's diagonal. By default chosen in the same way.
    n_landmarks : int
        Beyond 12,000 rows the regression is carried by this many of them (Nystroem).
    random_state : int, RandomState or None
        Draws the rows that width and ridge are chosen on beyond 1,500 rows, and landmarks.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    n_features_in_ : int
    model_ : KernelRidge
        The fitted regression, with its ``width`` and ``ridge``.
    left_out_ : ndarray of shape (n, K), float32
        Leave-one-out outputs of the fitting rows: what cross-validation with n folds gives,
        without a refit.
    slope_ : float
        Probabilities are softmax(slope * outputs), with the least log loss on ``left_out_``.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.1], [1.0, 0.2], [0.1, 1.0], [0.2, 1.0]])
    >>> model = KernelRidgeClassifier().fit(X, ["across", "across", "up", "up"])
    >>> model.predict([[3.0, 0.0], [0.0, 0.5]]).tolist()
    ['across', 'up']
    """

    def __init__(
        self,
        width: float | None = None,
        ridge: float | None = None,
        n_landmarks: int = LANDMARKS,
        random_state: Any = 0,
    ) -> None:
        self.width = width
        self.ridge = ridge
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> KernelRidgeClassifier:
        """Fit to rows and labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)

        Returns
        -------
        KernelRidgeClassifier
            Itself.

        Raises
        ------
        ValueError
            Rows or labels that scikit-learn refuses, or a parameter that is not positive.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        for name in ("width", "ridge", "n_landmarks"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InvalidInput(f"{name} must be larger than 0, got {value!r}")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        indicators = np.eye(len(self.classes_), dtype=np.float32)[codes]
        found = fit_kernel_ridge(
            unit_rows(X),
            indicators,
            check_random_state(self.random_state).randint(2**31 - 1),
            width=self.width,
            ridge=self.ridge,
            n_landmarks=self.n_landmarks,
        )
        self.model_ = found.model
        self.left_out_ = found.out_of_fold
        self.slope_ = _slope(self.left_out_, codes)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Regression outputs (n, K); of two classes (n,), the second's minus the first's."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Class probabilities (n, K): softmax(slope * outputs), in the order of outputs."""
        outputs = self._outputs(X)
        return np.asarray(softmax(self.slope_ * outputs, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels (n,), those of the largest output."""
        outputs = self._outputs(X)
        return np.asarray(self.classes_[outputs.argmax(axis=1)])

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        # In double precision a row's output is the same in any batch, to 12 digits.
        return np.asarray(self.model_.outputs(unit_rows(X, np.float64)), dtype=np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _slope(left_out: NDArray[np.float32], codes: NDArray[np.intp]) -> float:
    """Slope of the softmax with the least leave-one-out log loss."""
    outputs = left_out.astype(np.float64)
    rows = np.arange(len(codes))

    def loss(log_slope: float) -> float:
        return -float(log_softmax(np.exp(log_slope) * outputs, axis=1)[rows, codes].mean())

    # Bounded, because perfectly separated rows want it infinite.
    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 4.0), method="bounded").x))
