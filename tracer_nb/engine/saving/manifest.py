"""JSON that means the same to everyone: no NaN, no key twice, no endless nesting."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["LARGEST_MANIFEST", "decode_json", "encode_json"]

# An object of JSON takes up to thirty times its bytes in memory.
LARGEST_MANIFEST = 8_000_000
_DEEPEST = 32


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Return JSON that :func:`decode_json` reads.

    Raises
    ------
    ValueError
        Something that JSON has not, or too much of it.
    """
    try:
        data = json.dumps(dict(value), allow_nan=False).encode("ascii")
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    decode_json(data)
    return data


def decode_json(data: bytes, largest: int = LARGEST_MANIFEST) -> dict[str, Any]:
    """Return the object that JSON bytes hold, at most ``largest`` of them.

    Raises
    ------
    ValueError
        Not a JSON object, NaN or infinite numbers, a key twice, too large or nested too deep.
    """
    if len(data) > largest:
        raise ValueError(f"larger than {largest:,} bytes")
    try:
        value = json.loads(data, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  like everything wrong with it
    _check_values(value)
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _check_values(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, float) and not math.isfinite(item):  # 1e999
                raise ValueError("a number is too large")
        level = below
    if level:
        raise ValueError("nested too deep")
