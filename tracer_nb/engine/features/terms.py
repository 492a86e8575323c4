"""Lists of terms as two arrays, so that a file holds them without escapes or separators."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack_terms", "unpack_terms"]


def pack_terms(terms: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the terms' UTF-8 bytes one after the other, and the n + 1 offsets between them.

    A term may hold any character, also newlines, NUL and single surrogates.
    """
    pieces = [term.encode("utf-8", "surrogatepass") for term in terms]
    offsets = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
    return np.frombuffer(b"".join(pieces), dtype=np.uint8), offsets


def unpack_terms(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    """Return the terms that :func:`pack_terms` was given.

    Raises
    ------
    ValueError
        Offsets that do not cut the bytes into UTF-8 texts.
    """
    if data.ndim != 1 or data.dtype != np.uint8 or offsets.ndim != 1 or offsets.dtype != np.int64:
        raise ValueError("terms must be bytes with whole-number offsets")
    whole = len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(data)
    # Compared, not subtracted: a difference of two wild numbers can overflow.
    if not whole or (offsets[1:] < offsets[:-1]).any():
        raise ValueError("term offsets do not fit the terms")
    raw, cuts = data.tobytes(), offsets.tolist()
    return [
        raw[start:end].decode("utf-8", "surrogatepass") for start, end in itertools.pairwise(cuts)
    ]
