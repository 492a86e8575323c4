"""Reading a saved model: what does not fit together is refused before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tracer_nb.errors import InvalidInput

__all__ = ["damaged", "read_array", "read_codes", "read_count", "require", "unsaved"]

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
