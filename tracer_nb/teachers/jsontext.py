"""JSON as servers and models write it: what one odd number or byte spoils is read all the same."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["DECODER", "NOTHING", "read_json", "read_object"]

NOTHING = object()
"""Stands for what is no JSON; None is JSON."""

# Python makes no int of more digits than 4,300, and no count has as many as these.
_DIGITS = 100


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; two different values under one name are none, for nobody knows which is meant."""
    value = dict(pairs)
    if len(value) != len(pairs):
        for name, one in pairs:
            if name in value and value[name] != one:
                value[name] = None
    return value


# A raw line break inside a string is no JSON, and models write it.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole, strict=False)
"""Reads what a model wrote."""


def read_object(text: str) -> Any:
    """The object, list or string that a text is as JSON; None when it is mere text."""
    if text[:1] != "{" and text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


_STRICT = json.JSONDecoder()
_LENIENT = json.JSONDecoder(parse_int=_whole, strict=False)


def read_json(body: bytes) -> Any:
    """What a server sent; :data:`NOTHING` when it is no JSON."""
    try:
        if body[:1] == b"{" and body[1:2] != b"\0":  # no need to guess at the encoding
            return _STRICT.decode(body.decode("utf-8", "surrogatepass"))
        return json.loads(body)
    except RecursionError:
        return NOTHING
    except ValueError:
        pass
    try:
        return _LENIENT.decode(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return NOTHING
