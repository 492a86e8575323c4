"""Checks of what a user passes to the engine; every failure is one line that says what to do."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.labelsets import LabelSets, labels_in, numbers_of

__all__ = [
    "FEWEST_ROWS",
    "check_blocks",
    "check_groups",
    "check_labels",
    "check_mask",
    "check_matrix",
    "check_seed",
    "check_sets",
    "check_soft_labels",
    "is_number",
    "label_array",
    "label_codes",
    "missing_labels",
    "row_groups",
]

FEWEST_ROWS = 10


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a user's argument is a number, numpy's included, and not True or False."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def check_matrix(X: Any, *, n_features: int | None = None) -> Any:
    """Return X as a float32 array or CSR matrix (n, d), finite and two-dimensional.

    Raises
    ------
    InvalidInput
        Not numeric, not two-dimensional, NaN or infinite values, or another number of
        columns than ``n_features``.
    """
    try:
        with np.errstate(over="ignore"):  # what overflows is reported below
            if sparse.issparse(X):
                matrix: Any = sparse.csr_matrix(X, dtype=np.float32)
                values = matrix.data
            else:
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
        raise InvalidInput(
            f"X holds {n_bad} NaN or infinite values (limit 3e38); fill or drop those rows"
        )
    return matrix


def check_blocks(X: Any, *, n_features: tuple[int, ...] | None = None) -> list[Any]:
    """Features as a list of blocks, each from :func:`check_matrix`, with equally many rows.

    Parameters
    ----------
    X : matrix, or list or tuple of matrices
        Several blocks are several descriptions of the same rows.
    n_features : tuple of int, optional
        Columns of each block at the fit.

    Raises
    ------
    InvalidInput
        As :func:`check_matrix`, another number of blocks than at the fit, or blocks with
        different numbers of rows.
    """
    several = isinstance(X, (list, tuple)) and len(X) > 0
    blocks = X if several and all(getattr(b, "ndim", 0) == 2 for b in X) else [X]
    if n_features is not None and len(blocks) != len(n_features):
        raise InvalidInput(
            f"X must have the {len(n_features)} blocks of features the router was fitted on, got "
            f"{len(blocks)}; use the same features"
        )
    widths = n_features or (None,) * len(blocks)
    checked = [check_matrix(b, n_features=w) for b, w in zip(blocks, widths, strict=True)]
    rows = {block.shape[0] for block in checked}
    if len(rows) > 1:
        raise InvalidInput(
            f"the blocks of X have {', '.join(map(str, sorted(rows)))} rows; all need the same rows"
        )
    return checked


def check_labels(y: ArrayLike, n_rows: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the sorted classes and each row's code, -1 where there is no label (None, NaN).

    Raises
    ------
    InvalidInput
        Another length than X, labels of several types, one label a row.
    NotEnoughData
        Fewer than ten labels, or a single one.
    """
    labels = label_array(y, n_rows)
    given = ~missing_labels(labels)
    n = int(given.sum())
    if n < FEWEST_ROWS:
        rows = "row is" if n == 1 else "rows are"
        raise NotEnoughData(f"{n} labelled {rows} too few; label at least {FEWEST_ROWS}")
    if labels.dtype == object:
        plain = [v.item() if isinstance(v, np.generic) else v for v in labels[given].tolist()]
        kinds = sorted({type(label).__name__ for label in plain})
        if len(kinds) > 1:
            raise InvalidInput(f"y mixes {', '.join(kinds)}; use one type of label")
    try:
        classes, present = np.unique(labels[given], return_inverse=True)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"y holds {type(labels[given][0]).__name__} values, which cannot be labels; "
            "use strings or numbers"
        ) from error
    if len(classes) < 2:
        raise NotEnoughData(
            f"all {n} labelled rows have the one label {classes.tolist()[0]!r}; "
            "nothing can be learned: label more rows, or check the prompt"
        )
    if len(classes) == n:
        raise InvalidInput(
            f"{n} rows have {n} different labels; y looks like texts or ids, pass labels"
        )
    codes = np.full(n_rows, -1, dtype=np.intp)
    codes[given] = present
    return classes, codes


def label_codes(
    y: ArrayLike, classes: NDArray[Any], n_rows: int, sets: LabelSets | None = None
) -> NDArray[np.intp]:
    """Each row's index into ``classes``, -1 for a missing label or one that is not there.

    With ``sets`` the number of its set.

    Raises
    ------
    InvalidInput
        Another length than X.
    """
    number = numbers_of(classes.tolist() if sets is None else sets)
    labels = label_array(y, n_rows).tolist()
    return np.array([number.get(label, -1) for label in labels], dtype=np.intp)


def check_sets(y: ArrayLike, sets: LabelSets, n_rows: int) -> NDArray[np.intp]:
    """Return the number of each row's set, -1 where there is none, or one without a number.

    Raises
    ------
    InvalidInput
        Another length than X, or an answer that is no set of these labels.
    NotEnoughData
        Fewer than ten sets, or a single one.
    """
    labels = label_array(y, n_rows)
    given = np.flatnonzero(~missing_labels(labels))
    if len(given) < FEWEST_ROWS:
        rows = "row is" if len(given) == 1 else "rows are"
        raise NotEnoughData(f"{len(given)} labelled {rows} too few; label at least {FEWEST_ROWS}")
    codes = np.full(n_rows, -1, dtype=np.intp)
    for row in given.tolist():
        codes[row] = sets.number(labels[row])
        if codes[row] < 0 and len(labels_in(str(labels[row]))) <= sets.largest:
            raise InvalidInput(
                f"row {row} has {labels[row]!r}, which is no set of the labels as sets are written; "
                "write it with LabelSets.spelled(labels)"
            )
    if len(np.unique(codes[codes >= 0])) < 2:
        raise NotEnoughData(
            f"all {len(given)} labelled rows have the same labels; nothing can be learned: label more "
            "rows, or check the prompt"
        )
    return codes


def missing_labels(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an array of labels holds None, NaN or pandas' NA."""
    if labels.dtype.kind in "fcmM":
        return np.asarray(np.isnan(labels))
    if labels.dtype != object:
        return np.zeros(len(labels), dtype=bool)
    return np.array([_is_missing(label) for label in labels.tolist()], dtype=bool)


def _is_missing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)  # noqa: PLR0124  NaN
    except TypeError:  # pandas' NA is neither equal nor unequal to itself
        return True
    except ValueError:  # an array: not missing, and refused as a label later
        return False


def label_array(y: ArrayLike, n_rows: int) -> NDArray[Any]:
    """Labels as an array of shape (n_rows,), missing ones as they were given.

    Raises
    ------
    InvalidInput
        Another length than X.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or len(labels) != n_rows:
        raise InvalidInput(
            f"y must have one label for each of the {n_rows} rows of X, got shape {labels.shape}"
        )
    if labels.dtype.kind in "US" and isinstance(y, (list, tuple)):
        # In a list of strings numpy turns NaN into "nan" and 1 into "1": look before it did.
        given = np.empty(n_rows, dtype=object)
        given[:] = y
        if not all(isinstance(label, (str, bytes)) for label in y):
            return given
    return labels


def check_groups(groups: ArrayLike, n_rows: int) -> NDArray[np.intp]:
    """Return each row's group as a number.

    Raises
    ------
    InvalidInput
        Another length than X, or values of several types.
    """
    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise InvalidInput(
            f"groups must have one entry for each of the {n_rows} rows, got shape {values.shape}"
        )
    try:
        return np.unique(values, return_inverse=True)[1]
    except TypeError as error:
        raise InvalidInput("groups mixes types; use one type of value") from error


def check_mask(name: str, mask: ArrayLike, n_rows: int) -> NDArray[np.bool_]:
    """Return a mask of rows as an array of bool.

    Raises
    ------
    InvalidInput
        Another length than X, or not bool.
    """
    values = np.asarray(mask)
    if values.shape != (n_rows,) or values.dtype != bool:
        raise InvalidInput(
            f"{name} must be True or False for each of the {n_rows} rows, got shape "
            f"{values.shape} of {values.dtype}"
        )
    return values


def check_seed(seed: Any) -> int:
    """Return ``seed`` as int, or raise ``InvalidInput`` unless it is in [0, 2**32)."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InvalidInput(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}")
    return int(seed)


def check_soft_labels(soft: ArrayLike | None, n_rows: int, n_classes: int) -> Any:
    """Return the teacher's distributions (n, K) as float32, or None when there are none.

    A row of NaN is a row without a distribution; its hard label stands for it.

    Raises
    ------
    InvalidInput
        Another shape, negative or non-finite entries, rows that do not sum to 1.
    """
    if soft is None:
        return None
    try:
        values = np.asarray(soft, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput("soft_labels must be a numeric matrix of probabilities") from error
    if values.shape != (n_rows, n_classes):
        raise InvalidInput(
            f"soft_labels must have shape ({n_rows}, {n_classes}), one column per label in "
            f"sorted order, got {values.shape}"
        )
    given = values[~np.isnan(values).all(axis=1)]
    if not np.isfinite(given).all() or (given < 0).any():
        raise InvalidInput("soft_labels must be probabilities, got negative or non-finite values")
    worst = float(np.abs(given.sum(axis=1) - 1.0).max(initial=0.0))
    if worst > 1e-3:
        raise InvalidInput(
            f"each row of soft_labels must sum to 1, one is off by {worst:.3g}; divide by its sum"
        )
    return values.astype(np.float32)


def row_groups(X: Any) -> NDArray[np.int64]:
    """Equal rows get equal numbers, so that no row stands on both sides of a split."""
    if sparse.issparse(X):
        # Equal rows in one form: entries sorted and summed, zeros not stored.
        X = X.copy()
        X.sum_duplicates()
        X.eliminate_zeros()
        keys = [
            X.indices[a:b].tobytes() + X.data[a:b].tobytes()
            for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)
        ]
    else:
        # Adding 0 turns -0 into 0, which is equal but not the same bytes.
        keys = [row.tobytes() for row in np.ascontiguousarray(X) + np.float32(0.0)]
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
