"""RBF kernel ridge regression on unit vectors, tuned by closed-form leave-one-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from tracer_nb.engine.zoo.base import Fit, damaged, read_array, read_codes, read_count, require
from tracer_nb.engine.zoo.landmarks import landmark_regression
from tracer_nb.engine.zoo.matrix import (
    Matrix,
    rbf_kernel,
    row_chunks,
    squared_distances,
    squared_norms,
)

__all__ = [
    "EXACT_ROWS",
    "LANDMARKS",
    "Exact",
    "KernelRidge",
    "fit_exactly",
    "fit_kernel_ridge",
    "median_distance",
]


# Beyond this many rows the regression is on landmarks: one minute and 2 GB become too much.
EXACT_ROWS = 12_000
LANDMARKS = 4096

# Widths as multiples of 1 / (median squared distance), ridges as absolute values (the
# kernel is 1 on its diagonal). On sentence vectors the optimum is flat around (1, .03).
_WIDTHS = (0.3, 0.6, 1.2, 2.4)
_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0)
# Rows that hyper-parameters are chosen on; their optimum moves slowly with n.
_TUNING_ROWS = 1500
_LEAST_SCALE = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class KernelRidge:
    """A fitted kernel ridge regression onto K class indicators.

    Attributes
    ----------
    support : matrix of shape (m, d), float32
        Fitting rows, or landmarks among them, scaled to unit length.
    weights : ndarray of shape (m, K), float32
    width : float
        The kernel is exp(-width * squared distance).
    ridge : float
        lambda, added to the kernel's diagonal.
    """

    kind: ClassVar[str] = "kernel-ridge"

    support: Matrix
    weights: NDArray[np.float32]
    width: float
    ridge: float
    # Of the support: to work them out for one row would cost more than the row.
    _norms: NDArray[np.floating] = field(init=False, repr=False)
    # Dense support, its norms and ones: one product gives the kernel's exponents.
    _extended: NDArray[np.floating] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        norms = squared_norms(self.support)
        extended = None
        if not sparse.issparse(self.support):
            beside = -self.support.dtype.type(self.width) * norms, np.ones_like(norms)
            extended = np.column_stack([self.support, *beside])
        object.__setattr__(self, "_norms", norms)
        object.__setattr__(self, "_extended", extended)

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Regression outputs (n, K) of rows that ``unit_rows`` has prepared."""
        return self.outputs_and_similarity(X)[0]

    def outputs_and_similarity(
        self, X: Matrix
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Outputs, and the cosine similarity (n,) of each row to the nearest of ``support``.

        One product serves both: the kernel is exp(-width * (|a|^2 + 1 - 2 a.b)).
        """
        dtype = np.result_type(X.dtype, np.float32)
        out = np.empty((X.shape[0], self.weights.shape[1]), dtype=dtype)
        similarity = np.empty(len(out), dtype=dtype)
        for rows in row_chunks(len(out), self.support.shape[0]):
            if self._extended is not None and not sparse.issparse(X):
                out[rows], similarity[rows] = self._of_dense(X[rows], self._extended)
                continue
            kernel = rbf_kernel(X[rows], self.support, self.width, self._norms)
            out[rows] = kernel @ self.weights
            with np.errstate(divide="ignore"):  # so far away that the kernel is 0
                logs = np.log(kernel.max(axis=1))
            similarity[rows] = (squared_norms(X[rows]) + 1.0 + logs / self.width) / 2.0
        return out, similarity

    def _of_dense(
        self, X: NDArray[np.floating], extended: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """The same of a few dense rows, with few passes over the product."""
        width, norms = X.dtype.type(self.width), squared_norms(X)
        rows = np.empty((X.shape[0], X.shape[1] + 2), dtype=X.dtype)
        np.multiply(X, 2 * width, out=rows[:, :-2])
        rows[:, -2] = 1.0
        rows[:, -1] = -width * norms
        kernel = rows @ extended.T
        similarity = (norms + 1 + kernel.max(axis=1) / width) / 2
        np.exp(kernel, out=kernel)
        return kernel @ self.weights, similarity

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings and arrays; a sparse support is saved as its three arrays."""
        settings = {
            "width": self.width,
            "ridge": self.ridge,
            "n_features": int(self.support.shape[1]),
            "sparse": bool(sparse.issparse(self.support)),
        }
        if not settings["sparse"]:
            return settings, {"support": self.support, "weights": self.weights}
        parts = {
            "support_data": self.support.data,
            "support_indices": self.support.indices.astype(np.int32),
            "support_indptr": self.support.indptr.astype(np.int64),
        }
        return settings, {**parts, "weights": self.weights}

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> KernelRidge:
        """Model with this state, or ``InvalidInput``."""
        numbers = [settings.get(name) for name in ("width", "ridge")]
        require(all(isinstance(v, float) and 0 < v < np.inf for v in numbers), "width or ridge")
        weights = read_array(arrays, "weights", np.float32, (None, None))
        shape = (len(weights), read_count(settings, "n_features"))
        if settings.get("sparse"):
            support = _read_sparse(arrays, shape)
        else:
            support = read_array(arrays, "support", np.float32, shape)
        return cls(support, weights, settings["width"], settings["ridge"])


def fit_kernel_ridge(
    X: Matrix,
    Y: NDArray[np.float32],
    seed: int = 0,
    *,
    width: float | None = None,
    ridge: float | None = None,
    n_landmarks: int = LANDMARKS,
) -> Fit:
    """Fit on unit rows, width and ridge by leave-one-out squared error.

    Parameters
    ----------
    X : matrix of shape (n, d), float32
        From ``unit_rows``.
    Y : ndarray of shape (n, K)
        Class indicators, or the teacher's probabilities.
    seed : int
        Draws the rows that width and ridge are chosen on when there are many, and landmarks.
    width, ridge : float, optional
        Given ones are used as they are.
    n_landmarks : int
        Beyond 12,000 rows, how many of them carry the regression.

    Returns
    -------
    Fit
        Its out-of-fold outputs are leave-one-out: Y - A / diag((K + lambda I)^-1) with
        A = (K + lambda I)^-1 Y.

    Notes
    -----
    O(n^2 (n + d)) time and one n x n matrix up to 12,000 rows, from there on linear in n.
    Squared error, not accuracy, chooses the hyper-parameters: it is smooth, and it ranks
    margins as well as labels.

    References
    ----------
    Leave-one-out in closed form: GUARANTEES, "Every label in both parts (cross-fit)".
    """
    targets = np.asarray(Y, dtype=np.float32)
    n = X.shape[0]
    if n > EXACT_ROWS:
        rng = np.random.default_rng(seed)
        width, ridge = _tuned(X, targets, rng, width, ridge)
        chosen = np.sort(rng.choice(n, min(n_landmarks, n), replace=False))
        weights, left_out = landmark_regression(X, targets, chosen, width, ridge)
        words = f"width {width:.3g}, ridge {ridge:.3g}, {len(chosen):,} landmarks"
        return Fit(KernelRidge(X[chosen], weights, width, ridge), left_out, words)
    exact = fit_exactly(X, targets, seed, width, ridge)
    model = KernelRidge(X, exact.weights.astype(np.float32), exact.width, exact.ridge)
    return Fit(model, exact.left_out.astype(np.float32), exact.words)


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """A regression that stands on all n rows.

    Attributes
    ----------
    weights : ndarray of shape (n, K)
    left_out : ndarray of shape (n, K)
        Outputs for each row of a fit without it.
    diagonal : ndarray of shape (n,)
        Of the inverse of K + lambda I.
    factor : ndarray of shape (n, n)
        Its lower Cholesky factor; above the diagonal lies rubbish.
    width, ridge : float
    """

    weights: NDArray[np.floating]
    left_out: NDArray[np.floating]
    diagonal: NDArray[np.floating]
    factor: NDArray[np.floating]
    width: float
    ridge: float

    @property
    def words(self) -> str:
        """Hyper-parameters."""
        return f"width {self.width:.3g}, ridge {self.ridge:.3g}"


def fit_exactly(
    X: Matrix,
    Y: NDArray[np.float32],
    seed: int = 0,
    width: float | None = None,
    ridge: float | None = None,
) -> Exact:
    """Regression on all rows, as in :func:`fit_kernel_ridge`."""
    width, ridge = _tuned(X, Y, np.random.default_rng(seed), width, ridge)
    # Double precision here: the condition number grows with n, and left-out rows divide
    # by the inverse's diagonal.
    while (solved := _solve(rbf_kernel(X, X, width).astype(np.float64), Y, ridge)) is None:
        ridge *= 10.0
    weights, diagonal, factor = solved
    return Exact(weights, Y - weights / diagonal[:, None], diagonal, factor, width, ridge)


def _tuned(
    X: Matrix,
    Y: NDArray[np.float32],
    rng: np.random.Generator,
    width: float | None,
    ridge: float | None,
) -> tuple[float, float]:
    """Width and ridge, chosen on some rows where there are many."""
    n = X.shape[0]
    rows = np.arange(n)
    if n > _TUNING_ROWS:
        rows = np.sort(rng.choice(n, _TUNING_ROWS, replace=False))
    return _tune(X[rows], Y[rows], width, ridge)


def _tune(
    X: Matrix, Y: NDArray[np.float32], width: float | None, ridge: float | None
) -> tuple[float, float]:
    """Width and ridge with the least leave-one-out squared error, unless they are given."""
    if width is not None and ridge is not None:
        return width, ridge
    distances = squared_distances(X, X)
    scale = _median(distances)
    widths = [f / scale for f in _WIDTHS] if width is None else [width]
    ridges = _RIDGES if ridge is None else (ridge,)
    best = (np.inf, widths[0], ridges[-1])
    for candidate in widths:
        kernel = np.multiply(distances, -candidate, dtype=distances.dtype)
        np.exp(kernel, out=kernel)
        errors = []
        for strength in ridges:
            solved = _solve(kernel.copy(), Y, strength)
            if solved is None:
                continue
            errors.append(float(((solved[0] / solved[1][:, None]) ** 2).mean()))
            best = min(best, (errors[-1], candidate, strength))
            if len(errors) > 1 and errors[-1] > errors[-2]:
                break  # the error is unimodal in the ridge for all we have seen
    return best[1], best[2]


def median_distance(X: Matrix) -> float:
    """Median squared distance between rows; 1 where they are equal."""
    return _median(squared_distances(X, X))


def _median(distances: NDArray[np.floating]) -> float:
    off_diagonal = distances[~np.tri(len(distances), dtype=bool)]
    scale = float(np.median(off_diagonal)) if len(off_diagonal) else 0.0
    # Equal rows have no scale, and distances of nearly equal ones drown in rounding errors.
    return max(scale, _LEAST_SCALE) if scale > 0 else 1.0


def _solve(
    kernel: NDArray[np.floating], Y: NDArray[np.float32], ridge: float
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]] | None:
    """Weights, diagonal of the inverse, and lower factor; overwrites ``kernel``.

    None when the kernel is not positive definite: rounding errors of nearly equal rows
    outgrow the ridge.
    """
    kernel[np.diag_indices_from(kernel)] += ridge
    potrf, potrs = lapack.get_lapack_funcs(("potrf", "potrs"), (kernel,))
    # A transposed view is in Fortran order, so LAPACK works in place; the kernel is symmetric.
    factor, info = potrf(kernel.T, lower=1, overwrite_a=1)
    if info != 0:
        return None
    weights, _ = potrs(factor, Y.astype(kernel.dtype), lower=1)
    # The inverse's diagonal is the column sums of squares of the factor's inverse, which is
    # half the work of the inverse; single precision is enough, as the factor's condition
    # number is only the root of the kernel's.
    root, _ = lapack.strtri(factor.astype(np.float32), lower=1, overwrite_c=1)
    return np.ascontiguousarray(weights), _column_squares(root), factor


def _column_squares(lower: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums of squares of the columns of a lower triangle; above it lies rubbish."""
    n = len(lower)
    sums = np.empty(n)
    for start in range(0, n, 256):
        columns = np.tril(lower[start:, start : start + 256])
        sums[start : start + 256] = np.einsum("ij,ij->j", columns, columns, dtype=np.float64)
    return sums


def _read_sparse(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> Matrix:
    """CSR matrix of this shape, its indices in range."""
    data = read_array(arrays, "support_data", np.float32, (None,))
    indices = read_codes(arrays, "support_indices", len(data), shape[1])
    indptr = read_array(arrays, "support_indptr", np.int64, (shape[0] + 1,))
    try:
        matrix = sparse.csr_matrix((data, indices, indptr), shape=shape)
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise damaged(f"the sparse support: {error}") from error
    return matrix
