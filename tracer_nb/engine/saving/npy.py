"""Headers of .npy members: made from dtype and shape, and compared instead of parsed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DTYPES", "LARGEST", "array_size", "npy_header", "stored_array"]

# Plain numbers only. An object array is a pickle, and unpickling runs code.
DTYPES = (
    *("|b1", "|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8"),
    *("<f2", "<f4", "<f8"),
)
_MOST_DIMENSIONS = 8
# All members of an archive together: below where zip files need their 64-bit form.
LARGEST = 2_000_000_000


def stored_array(array: Any) -> NDArray[Any]:
    """Return the array as it is stored: little-endian, rows first.

    Raises
    ------
    ValueError
        Another dtype than :data:`DTYPES`, or too many dimensions.
    """
    values = np.asarray(array)
    dtype = values.dtype.newbyteorder("<")
    if dtype.str not in DTYPES:
        raise ValueError(f"dtype {str(values.dtype)[:60]} cannot be saved")
    if values.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{values.ndim} dimensions are too many")
    return np.asarray(values, dtype=dtype, order="C")


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the one header (.npy 1.0) that an array of this dtype and shape has.

    Not numpy's own function: its padding may change from version to version.
    """
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    padding = -(10 + len(text) + 1) % 64
    body = text.encode("ascii") + b" " * padding + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def array_size(dtype: Any, shape: Any) -> int:
    """Bytes of the values of an array that a file describes.

    Raises
    ------
    ValueError
        A dtype or shape that no stored array has.
    """
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r:.60} is not one that is read")
    whole = isinstance(shape, list) and all(type(n) is int and 0 <= n <= LARGEST for n in shape)
    if not whole or len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"shape {shape!r:.60} is not one that is read")
    return int(math.prod(shape)) * np.dtype(dtype).itemsize
