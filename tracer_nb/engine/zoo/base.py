"""What every surrogate has in common: a frozen model, and the fit that it came from.

Out-of-fold outputs by refits, the same five folds for every model that needs them; soft labels for
classifiers that take one label a row; and reading a saved model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.model_selection import KFold

from tracer_nb.engine.zoo.matrix import Matrix
from tracer_nb.errors import InvalidInput

__all__ = [
    "Fit",
    "Fitter",
    "Model",
    "SavedModel",
    "damaged",
    "fit_with_folds",
    "folds",
    "read_array",
    "read_codes",
    "read_count",
    "require",
    "unsaved",
    "weighted_entries",
]


class Model(Protocol):
    """A fitted classifier over K classes, frozen.

    Attributes
    ----------
    kind : str
        Word that its class is found by when a saved one is loaded.
    """

    kind: ClassVar[str]

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Outputs (n, K) of rows that ``unit_rows`` has prepared; the largest is the label."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings that JSON can hold, and numeric arrays by name.

        Raises
        ------
        InvalidInput
            It is not made of plain numbers, so that loading it would run code.
        """
        ...


class SavedModel(Model, Protocol):
    """A model that is made of plain numbers: saving needs no pickle and loading runs no code."""

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> SavedModel:
        """Model with this state.

        Raises
        ------
        InvalidInput
            Not a state that ``state`` returns.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model, and what it says of rows that it has not seen.

    Attributes
    ----------
    model : Model
        Fitted on all rows.
    out_of_fold : ndarray of shape (n, K), float32
        Outputs for each fitting row of a model fitted without it.
    settings : str
        Hyper-parameters in words.
    """

    model: Model
    out_of_fold: NDArray[np.float32]
    settings: str


# Rows from ``unit_rows`` (n, d), class indicators or the teacher's probabilities (n, K), seed.
Fitter = Callable[[Matrix, NDArray[np.float32], int], Fit]


_FOLDS = 5


def folds(n_rows: int, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Five times the rows to fit on and the rows held out; as many as rows when those are fewer.

    Folds are not stratified: with soft labels there is nothing to stratify by, and a class
    of one row has to be missing from the fit that predicts it.
    """
    if n_rows < 2:
        return []
    splitter = KFold(min(_FOLDS, n_rows), shuffle=True, random_state=seed)
    return list(splitter.split(np.empty(n_rows)))


def fit_with_folds(
    X: Matrix,
    Y: NDArray[np.float32],
    seed: int,
    fit: Callable[[Matrix, NDArray[np.float32]], Model],
    settings: str,
) -> Fit:
    """Fit on all rows, and once without each fold to predict it.

    Parameters
    ----------
    X : matrix of shape (n, d)
    Y : ndarray of shape (n, K)
    seed : int
        Shuffles rows into folds.
    fit : callable
        ``fit(X, Y)`` returns a model.
    settings : str
        Hyper-parameters in words.

    Returns
    -------
    Fit
    """
    out_of_fold = np.zeros(Y.shape, dtype=np.float32)
    parts = folds(len(Y), seed)
    for kept, held in parts:
        out_of_fold[held] = fit(X[kept], Y[kept]).outputs(X[held])
    return Fit(fit(X, Y), out_of_fold, f"{settings}, {len(parts)} folds")


# Smaller probabilities are dropped, so that a row is entered a hundred times at the most.
_LEAST_WEIGHT = 0.01


def weighted_entries(
    Y: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Enter each row once per class, weighted by the class's probability.

    The weighted log loss of the entries is the cross-entropy with the soft labels.

    Parameters
    ----------
    Y : ndarray of shape (n, K)

    Returns
    -------
    rows, codes : ndarray of shape (n_entries,), int
        Number of the row, and of the class.
    weights : ndarray of shape (n_entries,), float32
        Those of a row sum to 1.
    """
    weights = np.where(Y >= _LEAST_WEIGHT, Y, np.float32(0.0))
    # The likeliest class stays however many there are.
    top = np.arange(len(Y)), Y.argmax(axis=1)
    weights[top] = Y[top]
    sums = weights.sum(axis=1, keepdims=True)
    weights /= np.where(sums > 0, sums, np.float32(1.0))
    rows, codes = np.nonzero(weights)
    return rows, codes, weights[rows, codes]


# More classes or features than this are a damaged file, and would exhaust the memory.
_MOST = 10_000_000


def damaged(what: str) -> InvalidInput:
    """Error for a saved model that cannot be used."""
    return InvalidInput(f"the saved surrogate is damaged: {what}; fit and save it again")


def unsaved(name: str) -> InvalidInput:
    """Error for a model that is more than plain numbers."""
    return InvalidInput(
        f"{name} cannot be saved: loading it would trust, or run, what is in the file; fit with "
        "surrogate 'kernel-ridge' or 'logistic' to save"
    )


def require(condition: Any, what: str) -> None:
    """Raise ``InvalidInput`` with ``what`` is wrong unless the condition holds."""
    if not condition:
        raise damaged(what)


def read_array(
    arrays: Mapping[str, Any], name: str, dtype: DTypeLike, shape: tuple[int | None, ...]
) -> NDArray[Any]:
    """Return the array of this name, dtype and shape, without NaN or plus infinity.

    Parameters
    ----------
    arrays : mapping
    name : str
    dtype : dtype
    shape : tuple
        None where any length is right.

    Raises
    ------
    InvalidInput
        It is not there, or is another array.
    """
    array = arrays.get(name)
    require(isinstance(array, np.ndarray), f"no array {name!r}")
    values = np.asarray(array)
    require(values.dtype == np.dtype(dtype), f"{name} has dtype {values.dtype}")
    right = values.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(values.shape, shape, strict=True)
    )
    require(right, f"{name} has shape {values.shape}")
    if values.dtype.kind == "f":
        # Minus infinity is the intercept of a class that no fitting row had.
        require((values < np.inf).all(), f"{name} holds NaN or infinity")
    return np.ascontiguousarray(values)


def read_codes(
    arrays: Mapping[str, Any], name: str, length: int | None, below: int
) -> NDArray[np.int32]:
    """Return the int32 array of this name, its entries from 0 to below ``below``.

    Raises
    ------
    InvalidInput
        It is not there, has another length, or entries out of range.
    """
    codes = read_array(arrays, name, np.int32, (length,))
    require(not len(codes) or (codes.min() >= 0 and codes.max() < below), f"{name} out of range")
    return codes


def read_count(settings: Mapping[str, Any], name: str) -> int:
    """Return the positive whole number of this name.

    Raises
    ------
    InvalidInput
        It is not there, or is something else.
    """
    count = settings.get(name)
    right = isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _MOST
    require(right, f"{name} is {count!r}")
    return int(settings[name])
