"""The arrays of a router's file: what may be stored, and what a header may say of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DTYPES", "LARGEST", "check_entries", "check_name", "check_size", "stored_array"]

# Plain numbers only, by their names in safetensors. An object array would be a pickle, and
# unpickling runs code.
DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
# Bytes of a file. Reading takes about twice as much memory.
LARGEST = 2_000_000_000
_MOST_ARRAYS = 500
_MOST_DIMENSIONS = 8
# Neither absolute nor "..", whatever the system's idea of these.
_NAME = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*", re.ASCII)


def stored_array(array: Any) -> NDArray[Any]:
    """Return the array as it is stored: little-endian, rows first.

    Raises
    ------
    ValueError
        Another dtype than :data:`DTYPES`, or too many dimensions.
    """
    values = np.asarray(array)
    if values.dtype.name not in DTYPES.values():
        raise ValueError(f"dtype {str(values.dtype)[:60]} cannot be saved")
    if values.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{values.ndim} dimensions are too many")
    return np.asarray(values, dtype=values.dtype.newbyteorder("<"), order="C")


def check_size(n_bytes: int) -> None:
    """Raise ``ValueError`` when a file of arrays of so many bytes would not be read."""
    if n_bytes > LARGEST:
        raise ValueError(f"it would have {n_bytes:,} bytes, more than {LARGEST:,}")


def check_name(name: str) -> None:
    """Raise ``ValueError`` unless an array may have this name."""
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise ValueError(f"an array cannot have the name {name!r:.80}")


def check_entries(entries: Mapping[str, Any], file_size: int) -> None:
    """Check what a header says of the arrays, before memory is taken for any of them.

    Offsets are left to safetensors, which refuses overlaps, gaps and ends beyond the file.

    Parameters
    ----------
    entries : mapping of str to dict
        The header without its metadata.
    file_size : int
        Bytes: no array may have a larger shape, also one of size 0, whose other dimensions
        would be believed later.

    Raises
    ------
    ValueError
        A name, dtype or shape that no stored array has.
    """
    if len(entries) > _MOST_ARRAYS:
        raise ValueError(f"it has {len(entries)} arrays, more than {_MOST_ARRAYS}")
    for name, entry in entries.items():
        check_name(name)
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"its header does not describe {name!r}")
        dtype, shape = entry["dtype"], entry["shape"]
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ValueError(f"dtype {dtype!r:.60} is not one that is read")
        whole = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
        if not whole or len(shape) > _MOST_DIMENSIONS:
            raise ValueError(f"shape {shape!r:.60} is not one that is read")
        least = math.prod(max(n, 1) for n in shape) * np.dtype(DTYPES[dtype]).itemsize
        if least > file_size:
            raise ValueError(f"{name!r} of shape {shape!r:.60} is larger than the file")
