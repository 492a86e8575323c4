"""Fields of a logged call: a value is found under any name that people give it.

Of OpenTelemetry's spans of GenAI calls, too: the semantic conventions changed their attribute names
more than once; the present ones and the two older kinds that are still written are read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["FIELDS", "Call", "find_columns", "flatten_span", "read_call", "spans_in"]


FIELDS: dict[str, tuple[str, ...]] = {
    "text": (
        *("text", "input", "query", "question", "prompt", "message", "content", "document"),
        *("utterance", "sentence", "user_message", "input_text", "request"),
    ),
    "label": (
        *("label", "output", "answer", "response", "completion", "prediction", "predicted_label"),
        *("intent", "category", "class", "teacher", "teacher_label", "llm_label", "output_text"),
        "trace_label",
    ),
    "probabilities": (
        "probabilities",
        "distribution",
        "probs",
        "label_probabilities",
        "soft_label",
    ),
    "cost": ("cost", "cost_usd", "total_cost", "price", "usd"),
    "time": ("timestamp", "time", "created_at", "ts", "date", "start_time", "created"),
    "tokens_in": ("prompt_tokens", "input_tokens", "tokens_in"),
    "tokens_out": ("completion_tokens", "output_tokens", "tokens_out"),
}
"""Names of each field, the likeliest first; case, spaces and dashes make no difference."""

Call = Mapping[str, Any]
"""One call under our own names: the keys of ``FIELDS``."""


def find_columns(names: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Which of a table's names holds which field; ``given`` names go first.

    >>> find_columns(["ID", "User Message", "label", "Cost-USD"])
    {'text': 'User Message', 'label': 'label', 'cost': 'Cost-USD'}
    """
    own = {_plain(name): name for name in reversed(list(names))}
    found = {
        field: next(own[alias] for alias in aliases if alias in own)
        for field, aliases in FIELDS.items()
        if any(alias in own for alias in aliases)
    }
    return {**found, **(given or {})}


def read_call(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """One logged call from a row, under our own names; what cannot be read is left out."""
    call: dict[str, Any] = {}
    for field, read in _READERS.items():
        name = columns.get(field)
        value = read(row.get(name)) if name is not None else None
        if value is not None:
            call[field] = value
    return call


def _plain(name: object) -> str:
    return str(name).strip().lower().replace(" ", "_").replace("-", "_").replace(".", "_")


def _text(value: Any) -> str | None:
    """Text of a cell: a chat in JSON gives its last user message, a fenced text itself."""
    value = _loaded(value)
    if isinstance(value, Mapping) and "messages" in value:
        value = value["messages"]
    if isinstance(value, list):
        return _last_user(value)
    if isinstance(value, Mapping):
        inner = next((value[k] for k in ("text", "input", "content") if k in value), None)
        return inner.strip() or None if isinstance(inner, str) else None
    return value.strip() or None if isinstance(value, str) else None


def _last_user(messages: list[Any]) -> str | None:
    for message in reversed(messages):
        if isinstance(message, Mapping) and message.get("role", "user") == "user":
            content = message.get("content", message.get("parts"))
            if isinstance(content, list):
                parts = [p.get("text", p.get("content")) for p in content if isinstance(p, Mapping)]
                content = "".join(p for p in parts if isinstance(p, str))
            return _text(content)
    return None


def _label(value: Any) -> str | None:
    """Label of a cell: the "label" of a JSON answer, the content of a message, or the cell."""
    value = _loaded(value)
    if isinstance(value, list) and value:
        value = value[-1]
    for key in ("choices", "message", "parts", "content", "text", "label", "category", "intent"):
        if isinstance(value, Mapping) and key in value:
            value = _loaded(value[key])
            if isinstance(value, list) and value:
                value = value[-1]
    if isinstance(value, bool) or value is None or isinstance(value, (Mapping, list)):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return " ".join(str(value).split()) or None


def _distribution(value: Any) -> dict[str, float] | None:
    value = _loaded(value)
    if not isinstance(value, Mapping):
        return None
    read = {str(k): _number(v) for k, v in value.items()}
    known = {k: v for k, v in read.items() if v is not None and v >= 0}
    return known if known and math.fsum(known.values()) > 0 else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and not isinstance(value, bool) else None


def _loaded(value: Any) -> Any:
    """A value that may be JSON in a string."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


_READERS = {
    "text": _text,
    "label": _label,
    "probabilities": _distribution,
    "cost": _number,
    "time": lambda value: None if value is None else str(value),
    "tokens_in": _number,
    "tokens_out": _number,
}


# Attribute of a span, to the name that FIELDS knows; the first one found counts.
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
    attributes = _attributes(span.get("attributes"))
    row: dict[str, Any] = {}
    for name, keys in _ATTRIBUTES.items():
        found = next((attributes[key] for key in keys if key in attributes), None)
        if found is not None:
            row[name] = found
    for event in span.get("events") or []:
        field = _EVENTS.get(str(event.get("name")))
        if field is not None and field not in row:
            said = _attributes(event.get("attributes"))
            row[field] = said.get("message", said.get("content"))
    if "input" not in row or "output" not in row:
        return None
    row["timestamp"] = span.get("startTimeUnixNano", span.get("start_time"))
    return row


def _attributes(attributes: Any) -> dict[str, Any]:
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
        return _attributes(value["kvlistValue"].get("values"))
    return next(iter(value.values()), None)
