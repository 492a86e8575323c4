"""The RBF kernel exp(-width * squared distance) between rows of two matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.zoo.matrix import Matrix

__all__ = ["rbf_kernel", "squared_distances", "squared_norms"]


def rbf_kernel(
    A: Matrix, B: Matrix, width: float, norms: NDArray[np.floating] | None = None
) -> NDArray[np.floating]:
    """Kernel (n, m) of rows of A against rows of B, in the larger precision of the two.

    ``norms`` are the squared lengths of B's rows, where they are known.
    """
    if sparse.issparse(A) or sparse.issparse(B):
        values = squared_distances(A, B)
        values *= -width
        return np.asarray(np.exp(values, out=values))
    # The exponent is width * (2 a.b - |a|^2 - |b|^2): few passes over the large product.
    scale = A.dtype.type(width)
    values = (A * (2 * scale)) @ B.T
    values -= scale * (squared_norms(B) if norms is None else norms)
    values -= (scale * squared_norms(A))[:, None]
    np.minimum(values, 0.0, out=values)
    return np.asarray(np.exp(values, out=values))


def squared_distances(A: Matrix, B: Matrix) -> NDArray[np.floating]:
    """Squared Euclidean distances (n, m), never negative."""
    product = A @ B.T
    d2: NDArray[np.floating] = product.toarray() if sparse.issparse(product) else product
    d2 *= -2.0
    d2 += squared_norms(A)[:, None]
    d2 += squared_norms(B)[None, :]
    np.maximum(d2, 0.0, out=d2)
    return d2


def squared_norms(A: Matrix) -> NDArray[np.floating]:
    """Squared length (n,) of each row."""
    if sparse.issparse(A):
        return np.asarray(A.multiply(A).sum(axis=1), dtype=A.dtype).ravel()
    return np.asarray(np.einsum("ij,ij->i", A, A))
