"""Matrices of features: dense or sparse rows of unit length, worked on in parts.

And the RBF kernel exp(-width * squared distance) between rows of two of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from tracer_nb.errors import InvalidInput

__all__ = [
    "CHUNK_CELLS",
    "SAME_TEXT",
    "dense_rows",
    "pack_matrix",
    "rbf_kernel",
    "row_chunks",
    "similarities",
    "squared_distances",
    "squared_norms",
    "unit_rows",
    "unpack_matrix",
]


# A float32 array or a scipy CSR matrix; scipy has no types to name the second.
Matrix: TypeAlias = Any

# Numbers held at once while rows are worked on in parts: 6 MB in single precision. With 24 MB, which a
# processor does not have near by, routing by 500 labels took a quarter more time, by 3,000 as much, and
# a fit of 2,000 rows 90 MB more.
CHUNK_CELLS = 1_500_000
# Unit rows with a cosine above this are of the same text, but for rounding.
SAME_TEXT = 1.0 - 1e-5
# Between these no square of a length is off in single precision.
_SMALL, _LARGE = 1e-20, 1e30


def unit_rows(X: Any, dtype: DTypeLike = np.float32) -> Matrix:
    """Rows scaled to length 1; rows of zeros stay zero.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n, d)
    dtype : dtype
        Single precision for models; double where results are compared to the last digit.
    """
    if sparse.issparse(X):
        rows = sparse.csr_matrix(X, dtype=dtype, copy=True)
        rows.sum_duplicates()
        # Squares in double precision: those of 1e20 and 1e-30 do not exist in single.
        norms = np.sqrt(np.asarray(rows.astype(np.float64).power(2).sum(axis=1))).ravel()
        lengths = np.repeat(np.where(norms > 0, norms, 1.0), np.diff(rows.indptr))
        rows.data = (rows.data / lengths).astype(dtype)
        return rows
    dense = np.asarray(X, dtype=dtype)
    squares = np.einsum("ij,ij->i", dense, dense)
    odd = np.flatnonzero(~((squares > _SMALL) & (squares < _LARGE)))
    squares[odd] = 1.0
    units = dense / np.sqrt(squares)[:, None]
    if len(odd):  # each by itself, so that no row depends on those that it comes with
        norms = np.sqrt(np.einsum("ij,ij->i", dense[odd], dense[odd], dtype=np.float64))
        units[odd] = dense[odd] / np.where(norms > 0, norms, 1.0)[:, None]
    return np.asarray(units)


def row_chunks(n_rows: int, cells_per_row: int) -> Iterator[slice]:
    """Slices that cover ``n_rows`` rows, each of about ``CHUNK_CELLS`` numbers."""
    step = max(1, CHUNK_CELLS // max(cells_per_row, 1))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def similarities(X: Matrix, others: Matrix) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Products of rows (n, d) with others (m, d), in parts: which rows, and (rows, m) of them.

    Of unit rows they are cosines. Each part may be written over.
    """
    for rows in row_chunks(X.shape[0], others.shape[0]):
        yield rows, dense_rows(X[rows] @ others.T)


def dense_rows(X: Matrix) -> NDArray[np.float32]:
    """A few rows as an array."""
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float32)


def pack_matrix(matrix: Matrix) -> dict[str, NDArray[Any]]:
    """A dense or sparse matrix as plain arrays."""
    if not sparse.issparse(matrix):
        return {"dense": matrix}
    return {
        "data": matrix.data,
        "indices": matrix.indices.astype(np.int64),
        "indptr": matrix.indptr.astype(np.int64),
        "shape": np.array(matrix.shape, dtype=np.int64),
    }


def unpack_matrix(arrays: Mapping[str, NDArray[Any]]) -> Matrix:
    """The matrix that :func:`pack_matrix` made into arrays.

    Raises
    ------
    InvalidInput
        They are no two-dimensional matrix of finite float32 numbers.
    """
    try:
        matrix: Any = arrays.get("dense")
        if matrix is None:
            shape = tuple(int(n) for n in arrays["shape"])
            parts = (arrays["data"], arrays["indices"], arrays["indptr"])
            matrix = sparse.csr_matrix(parts, shape=shape)
            matrix.check_format(full_check=True)
        values = matrix.data if sparse.issparse(matrix) else matrix
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput("the saved router holds a damaged matrix; save it again") from error
    if matrix.ndim != 2 or values.dtype != np.float32 or not np.isfinite(values).all():
        raise InvalidInput("the saved router holds rows that are not finite numbers; save it again")
    return matrix


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
