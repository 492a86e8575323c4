"""From a parsed magic line to the arguments of the facade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.names import Source, read_label_names, resolve, resolve_column, unquote

__all__ = ["VERBS", "read_settings", "read_words"]

VERBS = ("plan", "label", "fit", "calibrate", "route", "status")
_PLAIN = ("target", "confidence", "surrogate", "strategy", "seed", "store")
_OF_TEACHER = ("base_url", "concurrency", "latency", "wrong")


def read_words(words: list[str], *, cell: bool) -> tuple[str, str]:
    """The verb and the column expression of a line; a cell without a verb runs the whole job.

    Raises
    ------
    InvalidInput
        A line magic without a known verb.
    """
    if words and words[0] in VERBS:
        return words[0], " ".join(words[1:])
    if cell:
        return "run", " ".join(words)
    if not words:
        raise InvalidInput(f"say what to do: %tracer {'|'.join(VERBS)}; %tracer? shows all options")
    raise InvalidInput.unknown_name("step", words[0], VERBS)


def read_settings(
    args: Any, column: str, prompt: str | None, variables: Mapping[str, Any]
) -> tuple[dict[str, Any], Source | None]:
    """Settings of a Tracer that the line gives (only those), and the column it names.

    Raises
    ------
    InvalidInput
        Something on the line cannot be read.
    """
    source = resolve_column(column, variables) if column else None
    settings: dict[str, Any] = {}
    for name in (*_PLAIN, *_OF_TEACHER):
        value = getattr(args, name)
        if value is not None:
            settings[name] = unquote(value) if isinstance(value, str) else value
    if prompt is not None and prompt.strip():
        settings["prompt"] = prompt.strip()
    if args.labels is not None:
        settings["labels"] = read_label_names(args.labels, variables)
    if args.price is not None:
        from tracer_nb.teachers import parse_price  # noqa: PLC0415

        settings["price"] = parse_price(unquote(args.price))
    if args.teacher is not None:
        settings["teacher"] = _teacher(unquote(args.teacher), source, variables)
    if args.features is not None:
        text = unquote(args.features)
        named = text == "lsa" or text.startswith("fastembed:")
        settings["features"] = text if named else resolve(text, variables)
    return settings, source


def _teacher(text: str, source: Source | None, variables: Mapping[str, Any]) -> Any:
    if ":" in text:
        return text
    value = resolve(text, variables)
    n_rows = len(source.column) if source is not None else -1
    is_column = hasattr(value, "__len__") and not hasattr(value, "keys") and len(value) == n_rows
    if source is not None and is_column and not callable(value):
        # A recorded column: the label that stands beside each text.
        from tracer_nb.teachers import ReplayTeacher  # noqa: PLC0415

        return ReplayTeacher(source.column, value, name=f"recorded labels ({text})")
    return value
