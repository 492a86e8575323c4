"""Kernel ridge regression on landmarks (Nystroem), with leave-one-out still in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, lapack, solve_triangular

from tracer_nb.engine.zoo.matrix import Matrix, rbf_kernel, row_chunks

__all__ = ["landmark_factor", "landmark_regression"]


# On the diagonal of K_mm, above the rounding errors of single precision distances and far
# below what any ridge in use shrinks away.
_JITTER = 1e-4


def landmark_regression(
    X: Matrix, Y: NDArray[np.float32], chosen: NDArray[np.intp], width: float, ridge: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights of the landmarks, and leave-one-out outputs of all rows.

    Parameters
    ----------
    X : matrix of shape (n, d), float32
    Y : ndarray of shape (n, K)
    chosen : ndarray of shape (m,), int
        Rows that are the landmarks.
    width, ridge : float

    Returns
    -------
    weights : ndarray of shape (m, K), float32
        Outputs of x are k(x, L) @ weights.
    left_out : ndarray of shape (n, K), float32
        Outputs of refits without the row; without the landmark too where the row is one.

    Notes
    -----
    O(n m (m + d)) time, and O(m^2) memory besides parts of rows. The features are never
    written down: with A = K_mn K_nm + lambda K_mm = C (Phi^T Phi + lambda I) C^T the weights
    are A^-1 K_mn Y, the leverages h_i = k_i^T A^-1 k_i = phi_i^T (Phi^T Phi + lambda I)^-1
    phi_i, and the outputs without row i are (f_i - h_i y_i) / (1 - h_i).

    A landmark that stays while its row is left out is worse off than any new row: its own
    basis function is the largest there and nothing holds it down. On 6,000 rows and 3,000
    landmarks that cost landmarks 11 points of agreement, and other rows none.
    """
    n, m = X.shape[0], len(chosen)
    landmarks = X[chosen]
    among = rbf_kernel(landmarks, landmarks, width).astype(np.float64)
    factor, moments = landmark_factor(
        X, chosen, width=width, ridge=ridge, of=lambda rows: Y[rows], n_outputs=Y.shape[1]
    )
    weights = cho_solve((factor, True), moments)
    left_out = np.empty(Y.shape)
    slack = np.empty((n, 1))
    for rows in row_chunks(n, m):
        kernel = rbf_kernel(X[rows], landmarks, width).astype(np.float64)
        whitened = solve_triangular(factor, kernel.T, lower=True)
        # Leverages are below 1 because of the ridge, but for rounding.
        leverage = np.minimum(np.einsum("ji,ji->i", whitened, whitened), 1.0 - 1e-6)[:, None]
        slack[rows] = 1.0 - leverage
        left_out[rows] = (kernel @ weights - leverage * Y[rows]) / slack[rows]
    left_out[chosen] -= _own_part(
        factor, among, weights, Y[chosen] - left_out[chosen], slack[chosen]
    )
    return weights.astype(np.float32), left_out.astype(np.float32)


def landmark_factor(
    X: Matrix,
    chosen: NDArray[np.intp],
    *,
    width: float,
    ridge: float,
    of: Callable[[slice], NDArray[np.floating]],
    n_outputs: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower factor (m, m) of A = K_mn K_nm + lambda K_mm, and the moments K_mn Y (m, n_outputs).

    Parameters
    ----------
    X, chosen, width, ridge
        As in :func:`landmark_regression`.
    of : callable
        Y of a few rows (slice), an array (rows, n_outputs).
    n_outputs : int
    """
    n, m = X.shape[0], len(chosen)
    landmarks = X[chosen]
    gram = rbf_kernel(landmarks, landmarks, width).astype(np.float64)
    gram[np.diag_indices(m)] += _JITTER
    gram *= ridge
    moments = np.zeros((m, n_outputs))
    # In double precision, and three such arrays at once.
    for rows in row_chunks(n, 4 * max(m, n_outputs)):
        kernel = rbf_kernel(X[rows], landmarks, width).astype(np.float64)
        gram += kernel.T @ kernel
        moments += kernel.T @ of(rows)
    return _cholesky(gram), moments


def _own_part(
    factor: NDArray[np.float64],
    among: NDArray[np.float64],
    weights: NDArray[np.float64],
    residuals: NDArray[np.float64],
    slack: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What a landmark's own basis function adds to the output of its left out row.

    Leaving row i out makes A^-1 + u u^T / (1 - h) of A^-1, with u = A^-1 k_i, and takes
    u (y_i - left out) off the weights. Holding weight j at zero then takes its weight times
    the inverse's column j over the inverse's (j, j) off the others.
    """
    inverse = cho_solve((factor, True), np.eye(len(factor)))
    own = np.einsum("ij,ji->i", inverse, among)[:, None]
    weight = weights - own * residuals
    part = own / slack * weight / (np.diagonal(inverse)[:, None] + own**2 / slack)
    return np.asarray(part)


def _cholesky(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower factor; more on the diagonal where rounding made the matrix indefinite."""
    extra = 0.0
    while True:
        shifted = gram + extra * np.eye(len(gram)) if extra else gram
        factor, info = lapack.dpotrf(shifted, lower=1, clean=1)
        if info == 0:
            return np.asarray(factor)
        extra = 10.0 * extra or 1e-12 * float(np.trace(gram))
