"""Values of JSON against a JSON Schema: the part of draft 2020-12 that our schema uses.

``jsonschema`` knows all of it, but takes three seconds to import where Jupyter is installed,
many times what loading a router takes; a test compares the two. Stricter than the draft in one
thing: 1.0 is no integer.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["KEYWORDS", "find_fault"]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in {int, float},
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
# By keyword: its relation to the value, and how it is said.
_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "above"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "below"),
}
_LENGTHS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minItems": (operator.ge, "at least"),
    "maxItems": (operator.le, "at most"),
    "maxLength": (operator.le, "at most"),
}
KEYWORDS = {
    *("type", "enum", "pattern", "properties", "required", "additionalProperties", "items"),
    *("anyOf", *_BOUNDS, *_LENGTHS),
}
"""Keywords that are heeded; a schema has no others."""


def find_fault(value: Any, schema: Mapping[str, Any], where: str = "") -> str:
    """What is wrong with a value, where, in one line; empty when nothing is.

    Parameters
    ----------
    value : JSON value
    schema : mapping
        Of :data:`KEYWORDS` only.
    where : str
        Path of the value, such as ``router/options/target``.
    """
    if "anyOf" in schema:
        faults = [find_fault(value, choice, where) for choice in schema["anyOf"]]
        return max(faults, key=len) if all(faults) else ""
    fault = _own_fault(value, schema)
    if fault:
        return f"{where or 'it'} is {value!r:.60}, {fault}"
    if isinstance(value, dict):
        return _fault_in_object(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        parts = (find_fault(v, schema["items"], f"{where}/{i}") for i, v in enumerate(value))
        return next(filter(None, parts), "")
    return ""


def _own_fault(value: Any, schema: Mapping[str, Any]) -> str:
    """What is wrong with a value but for what it contains."""
    if "type" in schema and not _TYPES[schema["type"]](value):
        return f"not of type {schema['type']}"
    if "enum" in schema and not any(type(v) is type(value) and v == value for v in schema["enum"]):
        return f"none of {', '.join(map(repr, schema['enum']))}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return f"which does not match {schema['pattern']}"
    for keyword, (holds, words) in _BOUNDS.items():
        if keyword in schema and _TYPES["number"](value) and not holds(value, schema[keyword]):
            return f"which must be {words} {schema[keyword]}"
    for keyword, (holds, words) in _LENGTHS.items():
        kind = str if keyword == "maxLength" else list
        if keyword in schema and isinstance(value, kind) and not holds(len(value), schema[keyword]):
            return f"which must have {words} {schema[keyword]} parts"
    return ""


def _fault_in_object(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> str:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            return f"{where or 'it'} has no {name!r}"
    for name, part in value.items():
        inside = properties.get(name, schema.get("additionalProperties", {}))
        if inside is False:
            return f"{where or 'it'} has {name!r:.60}, which is not known"
        fault = find_fault(part, inside, f"{where}/{name:.60}" if where else f"{name:.60}")
        if fault:
            return fault
    return ""
