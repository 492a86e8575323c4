"""What people call the fields of a logged call, and how a value is found under any name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["FIELDS", "Call", "find_columns", "read_call"]

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
