"""Checks of what a user passes to the engine; every failure is one line that says what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.errors import InvalidInput, NotEnoughData

__all__ = ["check_labels", "check_matrix", "check_soft_labels", "missing_labels", "row_groups"]

_FEWEST_ROWS = 10


def check_matrix(X: Any, *, n_features: int | None = None) -> Any:
    """Return X as a float32 array or CSR matrix (n, d), finite and two-dimensional.

    Raises
    ------
    InvalidInput
        Not numeric, not two-dimensional, NaN or infinite values, or another number of
        columns than ``n_features``.
    """
    if sparse.issparse(X):
        matrix: Any = sparse.csr_matrix(X, dtype=np.float32)
        values = matrix.data
    else:
        try:
            matrix = values = np.asarray(X, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"X must be a numeric matrix, got {type(X).__name__}; turn texts into features first"
            ) from error
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise InvalidInput(
            f"X must have shape (rows, features), got {matrix.shape}; for one row write X[None, :]"
        )
    if n_features is not None and matrix.shape[1] != n_features:
        raise InvalidInput(
            f"X must have the {n_features} features the router was fitted on, got "
            f"{matrix.shape[1]}; use the same features"
        )
    if not np.isfinite(values).all():
        n_bad = int((~np.isfinite(values)).sum())
        raise InvalidInput(f"X holds {n_bad} NaN or infinite values; fill or drop those rows")
    return matrix


def check_labels(y: ArrayLike, n_rows: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the sorted classes and each row's code, -1 where there is no label (None, NaN).

    Raises
    ------
    InvalidInput
        Another length than X, labels of several types, one label a row.
    NotEnoughData
        Fewer than ten labels, or a single one.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or len(labels) != n_rows:
        raise InvalidInput(
            f"y must have one label for each of the {n_rows} rows of X, got shape {labels.shape}"
        )
    given = ~missing_labels(labels)
    n = int(given.sum())
    if n < _FEWEST_ROWS:
        raise NotEnoughData(f"{n} labelled rows are too few; label at least {_FEWEST_ROWS}")
    if labels.dtype == object:
        kinds = sorted({type(label).__name__ for label in labels[given].tolist()})
        if len(kinds) > 1:
            raise InvalidInput(f"y mixes {', '.join(kinds)}; use one type of label")
    classes, present = np.unique(labels[given], return_inverse=True)
    if len(classes) < 2:
        raise NotEnoughData(
            f"all {n} labelled rows have the one label {classes[0]!r}; "
            "nothing can be learned: label more rows, or check the prompt"
        )
    if len(classes) == n:
        raise InvalidInput(
            f"{n} rows have {n} different labels; y looks like texts or ids, pass labels"
        )
    codes = np.full(n_rows, -1, dtype=np.intp)
    codes[given] = present
    return classes, codes


def missing_labels(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an array of labels holds None or NaN."""
    if labels.dtype.kind == "f":
        return np.asarray(np.isnan(labels))
    if labels.dtype != object:
        return np.zeros(len(labels), dtype=bool)
    return np.array([v is None or v != v for v in labels.tolist()], dtype=bool)  # noqa: PLR0124


def check_soft_labels(soft: ArrayLike | None, n_rows: int, n_classes: int) -> Any:
    """Return the teacher's distributions (n, K) as float32, or None when there are none.

    Raises
    ------
    InvalidInput
        Another shape, negative or non-finite entries, rows that do not sum to 1.
    """
    if soft is None:
        return None
    values = np.asarray(soft, dtype=np.float64)
    if values.shape != (n_rows, n_classes):
        raise InvalidInput(
            f"soft_labels must have shape ({n_rows}, {n_classes}), one column per label in "
            f"sorted order, got {values.shape}"
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise InvalidInput("soft_labels must be probabilities, got negative or non-finite values")
    worst = float(np.abs(values.sum(axis=1) - 1.0).max())
    if worst > 1e-3:
        raise InvalidInput(
            f"each row of soft_labels must sum to 1, one is off by {worst:.3g}; divide by its sum"
        )
    return values.astype(np.float32)


def row_groups(X: Any) -> NDArray[np.int64]:
    """Equal rows get equal numbers, so that no row stands on both sides of a split."""
    if sparse.issparse(X):
        X.sort_indices()
        keys = [
            X.indices[a:b].tobytes() + X.data[a:b].tobytes()
            for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)
        ]
    else:
        keys = [row.tobytes() for row in np.ascontiguousarray(X)]
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
