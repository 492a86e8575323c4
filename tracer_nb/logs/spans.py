"""OpenTelemetry spans of GenAI calls as logged calls.

The semantic conventions changed their attribute names more than once; the present ones and the
two older kinds that are still written are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["flatten_span", "spans_in"]

# Attribute of a span, to the name that fields.FIELDS knows; the first one found counts.
_ATTRIBUTES = {
    "input": (
        *("gen_ai.input.messages", "gen_ai.prompt", "gen_ai.prompt.1.content"),
        *("gen_ai.prompt.0.content", "llm.input_messages.0.message.content", "input.value"),
    ),
    "output": (
        *("gen_ai.output.messages", "gen_ai.completion", "gen_ai.completion.0.content"),
        *("llm.output_messages.0.message.content", "output.value"),
    ),
    "prompt_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "completion_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cost": ("gen_ai.usage.cost", "llm.usage.total_cost"),
}
_EVENTS = {"gen_ai.user.message": "input", "gen_ai.choice": "output"}


def spans_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every span in a document: an OTLP export, or a span by itself."""
    if not isinstance(value, Mapping):
        return
    if "resourceSpans" in value:
        for resource in value["resourceSpans"]:
            for scope in resource.get("scopeSpans", []):
                yield from scope.get("spans", [])
    elif isinstance(value.get("attributes"), (Mapping, list)):
        yield value


def flatten_span(span: Mapping[str, Any]) -> dict[str, Any] | None:
    """A span as a row with plain names; None when it is no GenAI call."""
    attributes = _plain(span.get("attributes"))
    row: dict[str, Any] = {}
    for name, keys in _ATTRIBUTES.items():
        found = next((attributes[key] for key in keys if key in attributes), None)
        if found is not None:
            row[name] = found
    for event in span.get("events") or []:
        field = _EVENTS.get(str(event.get("name")))
        if field is not None and field not in row:
            said = _plain(event.get("attributes"))
            row[field] = said.get("message", said.get("content"))
    if "input" not in row or "output" not in row:
        return None
    row["timestamp"] = span.get("startTimeUnixNano", span.get("start_time"))
    return row


def _plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dict: OTLP writes them as a list of keys and typed values."""
    if isinstance(attributes, Mapping):
        return dict(attributes)
    return {
        str(entry.get("key")): _value(entry.get("value"))
        for entry in attributes or []
        if isinstance(entry, Mapping)
    }


def _value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "arrayValue" in value:
        return [_value(v) for v in value["arrayValue"].get("values", [])]
    if "kvlistValue" in value:
        return _plain(value["kvlistValue"].get("values"))
    return next(iter(value.values()), None)
