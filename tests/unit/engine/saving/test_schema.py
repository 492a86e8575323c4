"""The schema and its checker: the same verdicts as jsonschema's on honest and forged manifests."""

from __future__ import annotations

import copy
import json
import random

import jsonschema
import pytest

from tracer_nb.engine.saving import read_archive
from tracer_nb.engine.saving.schema import CONTENT, KEYWORDS, find_fault

from .forging import forge_content

# 1.0 is an integer by the draft, and none by us.
CHECKER = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: type(value) is int
)
VALIDATOR = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=CHECKER)


def keywords(schema):
    """All keywords that a schema uses."""
    yield from schema
    for part in schema.get("properties", {}).values():
        yield from keywords(part)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from keywords(schema[name])
    for part in schema.get("anyOf", ()):
        yield from keywords(part)


def test_the_schema_is_one_and_uses_what_is_heeded():
    jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(CONTENT)))
    assert set(keywords(CONTENT)) <= KEYWORDS


def test_verdicts_are_those_of_jsonschema(honest):
    validator, rng, faulty = VALIDATOR(CONTENT), random.Random(0), 0
    for number in range(400):
        content, _ = read_archive(rng.choice(honest))
        if number > 20:
            forge_content(content, rng)
        fault = find_fault(content, CONTENT)
        assert bool(fault) != validator.is_valid(content), fault
        faulty += bool(fault)
    assert 100 < faulty < 370


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        (1.0, {"type": "integer"}, "it is 1.0, not of type integer"),
        (True, {"type": "number"}, "it is True, not of type number"),
        (True, {"enum": [1]}, "it is True, none of 1"),
        (17, {"maximum": 1}, "it is 17, which must be at most 1"),
        (0, {"exclusiveMinimum": 0}, "it is 0, which must be above 0"),
        ("abc", {"maxLength": 2}, "it is 'abc', which must have at most 2 parts"),
        ([], {"minItems": 1}, "it is [], which must have at least 1 parts"),
        ([1, "a"], {"items": {"type": "integer"}}, "/1 is 'a', not of type integer"),
        ({}, {"required": ["a"]}, "it has no 'a'"),
        ({"a": 1}, {"additionalProperties": False}, "it has 'a', which is not known"),
        ("ab", {"pattern": "^a$"}, "it is 'ab', which does not match ^a$"),
        ("x", {"anyOf": [{"type": "null"}, {"enum": ["nan"]}]}, "it is 'x', not of type null"),
        (None, {"anyOf": [{"type": "null"}, {"enum": ["nan"]}]}, ""),
        ({"a": {"b": [2]}}, {"properties": {"a": {}}}, ""),
    ],
    ids=range(14),
)
def test_each_fault_has_its_line(value, schema, fault):
    assert find_fault(copy.deepcopy(value), schema) == fault
