"""What the manifest of a router's file says, as a JSON Schema.

Sizes that numbers imply, and whether certificate, options and labels fit together, no schema
can say: see :mod:`~tracer_nb.engine.saving.coherence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.engine.saving.validate import find_fault
from tracer_nb.errors import InvalidInput

__all__ = ["CONTENT", "ROUTER", "check_content"]

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
_CERTIFICATE = _record(
    method=_NAME,
    target=_INSIDE,
    confidence=_INSIDE,
    threshold=_or(_SHARE, _word("inf", "nan")),
    certified=_BOOL,
    coverage=_SHARE,
    agreement=_MAYBE_SHARE,
    agreement_lower=_SHARE,
    n_fit=_COUNT,
    n_calibration=_COUNT,
    n_handled=_COUNT,
    n_agree=_COUNT,
    n_tested=_COUNT,
    n_population=_or(_NULL, _COUNT),
    n_population_handled=_or(_NULL, _COUNT),
    needed_rows=_or(_NULL, _COUNT),
    note=_TEXT,
    strategy=_NAME,
    by_simulation=_BOOL,
    cost_coverage=_SHARE,
    whole_output_lower=_SHARE,
    n_set_aside=_COUNT,
    n_targets={"type": "integer", "minimum": 1, "maximum": _MOST_ROWS},
    n_rounds={"type": "integer", "minimum": 1, "maximum": _MOST_ROWS},
    # A difference of sums, which rounding may take below 0.
    earlier={"type": "number", "minimum": -1e-9, "maximum": 1},
    settings=_list(_SETTING),
    classes=_list(_CLASS),
)
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
)
_VIEW = _record(
    name=_NAME,
    weights=_list({"type": "number", "minimum": 0, "maximum": 1.000001}, 1, 100),
    sharpness=_or(_NULL, {"type": "number", "exclusiveMinimum": 0, "maximum": 1000}),
)
_STAGE = _record(name=_NAME, model_kind=_NAME, gate_kind=_NAME, model=_OBJECT, gate=_OBJECT)
_PIPELINE = _record(
    view=_VIEW,
    stages=_list(_STAGE, 1, 2),
    switch=_SHARE,
    # A cosine, but for rounding.
    guard=_or(_NULL, {"type": "number", "minimum": -2, "maximum": 2}),
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
    saved={"type": "string", "pattern": r"^[0-9T:.+-]{10,40}\Z"},
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
