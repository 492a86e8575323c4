"""What the manifest of a router's file says, as a JSON Schema, and how it is checked.

That is the part of draft 2020-12 that our schema uses.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import PROMISES

__all__ = ["CONTENT", "KEYWORDS", "ROUTER", "check_content", "find_fault"]


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


Schema = dict[str, Any]
# Of rows: what every language reads exactly.
_MOST_ROWS = 2**53
# Far beyond what any fit gives, and still a number when it is squared.
_LARGEST = 1e100


def _record(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _list(items: Schema, least: int = 0, most: int | None = None) -> Schema:
    bounds = {"minItems": least} if most is None else {"minItems": least, "maxItems": most}
    return {"type": "array", "items": items, **bounds}


def _or(*choices: Schema) -> Schema:
    return {"anyOf": list(choices)}


def _word(*words: str) -> Schema:
    return {"enum": list(words)}


_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "maxLength": 500}
_BOOL: Schema = {"type": "boolean"}
_NULL: Schema = {"type": "null"}
_NUMBER: Schema = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}
_POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": _LARGEST}
_NOT_NEGATIVE: Schema = {"type": "number", "minimum": 0, "maximum": _LARGEST}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_INSIDE: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": _MOST_ROWS}
_LABEL: Schema = _or(_TEXT, _NUMBER, _BOOL)
# JSON has no infinity and no NaN.
_THRESHOLD: Schema = _or(_SHARE, _word("inf"))
_MAYBE_SHARE: Schema = _or(_SHARE, _word("nan"))
_OBJECT: Schema = {"type": "object"}

_SETTING = _record(threshold=_SHARE, coverage=_SHARE, cost_coverage=_SHARE)
_CLASS = _record(
    label=_LABEL,
    threshold=_THRESHOLD,
    certified=_BOOL,
    n_calibration=_COUNT,
    n_handled=_COUNT,
    n_agree=_COUNT,
    agreement_low=_SHARE,
    agreement_high=_SHARE,
    needed_rows=_or(_NULL, _COUNT),
)
_PROMISE = _record(kind={"enum": list(PROMISES)}, label=_or(_NULL, _TEXT))
_PARTS: dict[str, Schema] = {
    "method": _NAME,
    "target": _INSIDE,
    "confidence": _INSIDE,
    "threshold": _or(_SHARE, _word("inf", "nan")),
    "certified": _BOOL,
    "coverage": _SHARE,
    "agreement": _MAYBE_SHARE,
    "agreement_lower": _SHARE,
    "n_fit": _COUNT,
    "n_calibration": _COUNT,
    "n_handled": _COUNT,
    "n_agree": _COUNT,
    "n_tested": _COUNT,
    "n_population": _or(_NULL, _COUNT),
    "n_population_handled": _or(_NULL, _COUNT),
    "needed_rows": _or(_NULL, _COUNT),
    "note": _TEXT,
    "strategy": _NAME,
    "by_simulation": _BOOL,
    "cost_coverage": _SHARE,
    "whole_output_lower": _SHARE,
    "n_set_aside": _COUNT,
    "n_targets": {"type": "integer", "minimum": 1, "maximum": _MOST_ROWS},
    "n_rounds": {"type": "integer", "minimum": 1, "maximum": _MOST_ROWS},
    # A difference of sums, which rounding may take below 0.
    "earlier": {"type": "number", "minimum": -1e-9, "maximum": 1},
    "settings": _list(_SETTING),
    "classes": _list(_CLASS),
    "promise": _PROMISE,
    "n_counted": _COUNT,
    "n_wrong": _COUNT,
    "n_delivered": _or(_NULL, _COUNT),
    "n_known": _COUNT,
}
_ALSO = _record(**_PARTS, also=_list(_OBJECT, 0, 0))
_CERTIFICATE = _record(**_PARTS, also=_list(_ALSO))
_TRIAL = _record(
    name=_NAME,
    view=_NAME,
    gate=_NAME,
    settings=_TEXT,
    agreement=_MAYBE_SHARE,
    expected_coverage=_or(_NOT_NEGATIVE, _word("nan")),
    n_rows=_COUNT,
    seconds=_NOT_NEGATIVE,
    chosen=_BOOL,
    skipped=_TEXT,
)
_OPTIONS = _record(
    target=_list(_INSIDE, 1),
    confidence=_INSIDE,
    strategy=_NAME,
    threshold=_or(_NULL, _SHARE),
    certificate=_NAME,
    gate=_NAME,
    pipeline=_NAME,
    guard=_SHARE,
    seed=_COUNT,
    promise=_list(_PROMISE, 1, 100),
)
_VIEW = _record(
    name=_NAME,
    weights=_list({"type": "number", "minimum": 0, "maximum": 1.000001}, 1, 100),
    sharpness=_or(_NULL, {"type": "number", "exclusiveMinimum": 0, "maximum": 1000}),
)
_STAGE = _record(
    name=_NAME,
    model_kind=_NAME,
    gate_kind=_NAME,
    model=_OBJECT,
    gate=_OBJECT,
    rule=_or(_NULL, _OBJECT),
)
_PIPELINE = _record(
    view=_VIEW,
    stages=_list(_STAGE, 1, 2),
    switch=_SHARE,
    # A cosine, but for rounding.
    guard=_or(_NULL, {"type": "number", "minimum": -2, "maximum": 2}),
    # At most 1, and -inf is null.
    guard_new=_or(_NULL, {"type": "number", "minimum": -1_000_000, "maximum": 1}),
)
ROUTER = _record(
    classes=_list(_LABEL, 2),
    classes_are_objects=_BOOL,
    pipeline=_PIPELINE,
    options=_OPTIONS,
    typical_cost=_POSITIVE,
    n_features=_list({"type": "integer", "minimum": 1, "maximum": _MOST_ROWS}, 1, 100),
    uses_column=_BOOL,
    trials=_list(_TRIAL),
    certificates=_list(_CERTIFICATE, 1),
    column_certificates=_or(_NULL, _list(_CERTIFICATE, 1)),
    # Of a chain: weights of the surrogate's two parts, and of each stage heard.
    pooled=_or(
        _NULL,
        _record(
            cut={"type": "number", "minimum": 0, "maximum": 2},
            weights=_list(_list(_NUMBER, 2, 100), 1, 99),
        ),
    ),
)
_SHA256 = {"type": "string", "pattern": r"^([0-9a-f]{64})?\Z"}
_TIME = {"type": "string", "pattern": r"^[0-9T:.+-]{10,40}\Z"}
_SPENT = _record(
    n_round={"type": "integer", "minimum": 1, "maximum": _MOST_ROWS},
    n_rows=_COUNT,
    error=_SHARE,
    looks=_list(_record(n_rows=_COUNT, error=_SHARE)),
)
_ORIGIN = _record(
    models=_list(_record(name=_TEXT, n_answers=_COUNT)),
    note=_TEXT,
    prompt_sha256=_SHA256,
    column=_TEXT,
    n_rows=_COUNT,
    n_texts=_COUNT,
    data_sha256=_SHA256,
    features=_TEXT,
    surrogate=_TEXT,
    tests=_list(_SPENT),
    made=_TIME,
)
_ABOUT = _record(
    teacher=_TEXT,
    identity=_OBJECT,
    labels=_list(_TEXT, 2),
    prompt=_or(_NULL, _TEXT),
    columns=_list(_TEXT),
    assumption=_TEXT,
    fit=_NAME,
    exact=_BOOL,
    seconds=_NOT_NEGATIVE,
    latency_weight=_NOT_NEGATIVE,
    abstain=_record(unlike=_BOOL, unsure=_or(_NULL, _SHARE)),
    versions={"type": "object", "additionalProperties": _NAME},
    origin=_ORIGIN,
    chain=_list(_record(name=_TEXT, identity=_OBJECT, price=_NOT_NEGATIVE, soft=_BOOL), 0, 98),
    saved=_TIME,
)
_FEATURES = {
    "type": "object",
    "properties": {"kind": _NAME},
    "required": ["kind"],
}
CONTENT = _record(about=_ABOUT, router=ROUTER, features=_or(_NULL, _FEATURES))


def check_content(content: Mapping[str, Any], schema: Schema) -> None:
    """Check what a manifest says, or a part of it, against its schema.

    Raises
    ------
    InvalidInput
        The first thing that is wrong.
    """
    fault = find_fault(content, schema)
    if fault:
        line = " ".join(fault.split())
        raise InvalidInput(
            f"the saved router cannot be used: {line}; fit the router and save it again"
        )
