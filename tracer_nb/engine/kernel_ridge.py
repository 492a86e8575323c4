"""RBF kernel ridge regression on unit vectors, tuned by closed-form leave-one-out.

One Cholesky factor gives the fit, and its inverse's diagonal gives every leave-one-out
prediction, so choosing width and ridge needs no refits, and the pilot of the certificate
comes with the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

__all__ = ["KernelRidge", "fit_kernel_ridge", "unit_rows"]

# A float32 array or a scipy CSR matrix; scipy has no types to name the second.
Matrix: TypeAlias = Any

# Widths as multiples of 1 / (median squared distance), ridges as absolute values (the
# kernel is 1 on its diagonal). On sentence vectors the optimum is flat around (1, .03).
_WIDTHS = (0.3, 0.6, 1.2, 2.4)
_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0)
# Rows that hyper-parameters are chosen on; their optimum moves slowly with n.
_TUNING_ROWS = 1500
_CHUNK_CELLS = 16_000_000


@dataclass(frozen=True, slots=True, eq=False)
class KernelRidge:
    """A fitted kernel ridge regression onto K class indicators.

    Attributes
    ----------
    support : matrix of shape (n, d), float32
        Fitting rows, scaled to unit length.
    weights : ndarray of shape (n, K), float32
    width : float
        The kernel is exp(-width * squared distance).
    ridge : float
        lambda, added to the kernel's diagonal.
    left_out : ndarray of shape (n, K), float32
        Leave-one-out outputs of the fitting rows: Y - A / diag((K + lambda I)^-1) with
        A = (K + lambda I)^-1 Y.
    """

    support: Matrix
    weights: NDArray[np.float32]
    width: float
    ridge: float
    left_out: NDArray[np.float32]

    def outputs(self, X: Matrix) -> NDArray[np.float32]:
        """Regression outputs (n, K) of rows that :func:`unit_rows` has prepared."""
        n = X.shape[0]
        out = np.empty((n, self.weights.shape[1]), dtype=np.float32)
        step = max(1, _CHUNK_CELLS // max(self.support.shape[0], 1))
        for start in range(0, n, step):
            rows = slice(start, start + step)
            out[rows] = _kernel(X[rows], self.support, self.width) @ self.weights
        return out


def unit_rows(X: Any) -> Matrix:
    """Rows scaled to length 1 as float32; rows of zeros stay zero."""
    if sparse.issparse(X):
        rows = sparse.csr_matrix(X, dtype=np.float32, copy=True)
        rows.sum_duplicates()
        # Squares in double precision: those of 1e20 and 1e-30 do not exist in single.
        norms = np.sqrt(np.asarray(rows.astype(np.float64).power(2).sum(axis=1))).ravel()
        lengths = np.repeat(np.where(norms > 0, norms, 1.0), np.diff(rows.indptr))
        rows.data = (rows.data / lengths).astype(np.float32)
        return rows
    dense = np.asarray(X, dtype=np.float32)
    norms = np.sqrt(np.einsum("ij,ij->i", dense, dense, dtype=np.float64))
    units = np.empty_like(dense)
    np.divide(dense, np.where(norms > 0, norms, 1.0)[:, None], out=units, casting="same_kind")
    return units


def fit_kernel_ridge(X: Matrix, Y: NDArray[np.floating], *, seed: int = 0) -> KernelRidge:
    """Fit on unit rows, width and ridge by leave-one-out squared error.

    Parameters
    ----------
    X : matrix of shape (n, d), float32
        From :func:`unit_rows`.
    Y : ndarray of shape (n, K)
        Class indicators, or the teacher's probabilities.
    seed : int
        Draws the rows that width and ridge are chosen on when there are many.

    Returns
    -------
    KernelRidge

    Notes
    -----
    O(n^2 (n + d)) time and one n x n float32 matrix. Squared error, not accuracy, chooses
    the hyper-parameters: it is smooth, and it ranks margins as well as labels.

    References
    ----------
    Leave-one-out in closed form: GUARANTEES section 4.
    """
    targets = np.asarray(Y, dtype=np.float32)
    n = X.shape[0]
    rows = np.arange(n)
    if n > _TUNING_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(n, _TUNING_ROWS, replace=False))
    width, ridge = _tune(X[rows], targets[rows])
    # Double precision here: the condition number grows with n, and left-out rows divide
    # by the inverse's diagonal.
    while (solved := _solve(_kernel(X, X, width).astype(np.float64), targets, ridge)) is None:
        ridge *= 10.0
    return KernelRidge(X, solved[0], width, ridge, solved[1])


def _tune(X: Matrix, Y: NDArray[np.float32]) -> tuple[float, float]:
    """Width and ridge with the least leave-one-out squared error."""
    distances = _squared_distances(X, X)
    off_diagonal = distances[np.triu_indices(len(distances), k=1)]
    scale = float(np.median(off_diagonal)) if len(off_diagonal) else 0.0
    best = (np.inf, 1.0, 1.0)
    for factor in _WIDTHS:
        width = factor / (scale if scale > 0 else 1.0)
        kernel = np.exp(-width * distances)
        errors = []
        for ridge in _RIDGES:
            solved = _solve(kernel.copy(), Y, ridge)
            if solved is None:
                continue
            errors.append(float(((solved[1] - Y) ** 2).mean()))
            best = min(best, (errors[-1], width, ridge))
            if len(errors) > 1 and errors[-1] > errors[-2]:
                break  # the error is unimodal in the ridge for all we have seen
    return best[1], best[2]


def _solve(
    kernel: NDArray[np.floating], Y: NDArray[np.float32], ridge: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Weights and leave-one-out outputs; overwrites ``kernel``.

    None when the kernel is not positive definite: rounding errors of nearly equal rows
    outgrow the ridge.
    """
    kernel[np.diag_indices_from(kernel)] += ridge
    potrf, potrs, potri = lapack.get_lapack_funcs(("potrf", "potrs", "potri"), (kernel,))
    # A transposed view is in Fortran order, so LAPACK works in place; the kernel is symmetric.
    factor, info = potrf(kernel.T, lower=1, overwrite_a=1)
    if info != 0:
        return None
    weights, _ = potrs(factor, Y.astype(kernel.dtype), lower=1)
    inverse, _ = potri(factor, lower=1, overwrite_c=1)
    left_out = Y - weights / np.diagonal(inverse)[:, None]
    return np.ascontiguousarray(weights, dtype=np.float32), left_out.astype(np.float32)


def _kernel(A: Matrix, B: Matrix, width: float) -> NDArray[np.float32]:
    """RBF kernel of rows of A against rows of B, in place of its distances."""
    values = _squared_distances(A, B)
    values *= np.float32(-width)
    return np.exp(values, out=values)


def _squared_distances(A: Matrix, B: Matrix) -> NDArray[np.float32]:
    product = A @ B.T
    d2: NDArray[np.float32] = np.asarray(
        product.toarray() if sparse.issparse(product) else product, dtype=np.float32
    )
    d2 *= np.float32(-2.0)
    d2 += _squared_norms(A)[:, None]
    d2 += _squared_norms(B)[None, :]
    np.maximum(d2, np.float32(0.0), out=d2)
    return d2


def _squared_norms(A: Matrix) -> NDArray[np.float32]:
    if sparse.issparse(A):
        return np.asarray(A.multiply(A).sum(axis=1), dtype=np.float32).ravel()
    return np.asarray(np.einsum("ij,ij->i", A, A), dtype=np.float32)
