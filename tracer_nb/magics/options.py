"""From a magic line to the arguments of the facade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.magics.names import (
    Source,
    names_variable,
    read_label_names,
    resolve,
    resolve_column,
    unquote,
)
from tracer_nb.records import Caps
from tracer_nb.settings import SETTINGS

__all__ = ["read_caps", "read_sample", "read_settings", "read_source"]


def read_settings(
    args: Any, source: Source | None, prompt: str | None, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Settings of a Tracer that the line gives, and only those.

    Parameters
    ----------
    args : namespace
        The parsed line.
    source : Source or None
        The column that the job is about, which recorded labels stand beside.
    prompt : str or None
        The cell's text.
    variables : mapping
        The notebook's.

    Raises
    ------
    InvalidInput
        Something on the line cannot be read.
    """
    settings: dict[str, Any] = {}
    if prompt is not None and prompt.strip():
        settings["prompt"] = prompt.strip()
    for setting in SETTINGS:
        value = getattr(args, setting.name)
        if setting.of not in ("job", "teacher") or value is None:
            continue
        if setting.name in _NAMING:
            value = _NAMING[setting.name](value, source, variables)
        elif isinstance(value, str):
            value = unquote(value)
        settings[setting.name] = value
    return settings


def read_source(column: str, variables: Mapping[str, Any]) -> Source | None:
    """The column that the line names, if it names one."""
    return resolve_column(column, variables) if column else None


def read_caps(args: Any) -> dict[str, Any]:
    """The caps that a line gives; None where it gives none."""
    return {f.name: getattr(args, f.name) for f in fields(Caps)}


def read_sample(text: str | None) -> int | str | None:
    """Rows to label, or "auto"; the table of settings has checked that it is one of both."""
    if text is None:
        return None
    text = unquote(text)
    return text if text == "auto" else int(text)


def _store(text: str) -> str:
    path = unquote(text)
    return path if path == ":memory:" else str(Path(path).expanduser())


def _targets(text: str) -> float | list[float]:
    targets = [float(part) for part in text.split(",")]
    return targets[0] if len(targets) == 1 else targets


def _examples(text: str, variables: Mapping[str, Any]) -> Any:
    return text if text == "reviewed" else resolve(text, variables)


def _features(text: str, variables: Mapping[str, Any]) -> Any:
    return text if text == "lsa" or ":" in text else resolve(text, variables)


def _surrogate(text: str, variables: Mapping[str, Any]) -> Any:
    if "," in text:
        return [part.strip() for part in text.split(",")]
    if names_variable(text, variables) and hasattr(variables.get(text), "fit"):
        return variables[text]
    return text


def _teacher(text: str, source: Source | None, variables: Mapping[str, Any]) -> Any:
    if ":" in text:
        return text
    if not names_variable(text, variables):
        example = "MODEL" if text in ("openai", "standin") else text
        raise InvalidInput(
            f"--teacher {text!r} is no variable and no SCHEME:NAME; for a model of that name write "
            f"openai:{example}"
        )
    value = resolve(text, variables)
    if isinstance(value, Mapping):
        return dict(value)  # so that a change to the user's own is seen on the next line
    if callable(value) or isinstance(value, str) or not hasattr(value, "__len__"):
        return value
    return _recorded(text, value, source)


def _recorded(text: str, value: Any, source: Source | None) -> dict[str, Any]:
    """Text to label, from labels that stand beside the texts; the first of equal texts counts."""
    from tracer_nb.steps.column.frames import read_cells, read_texts  # noqa: PLC0415  brings narwhals

    labels = read_cells(value)
    if source is None:
        raise InvalidInput(f"--teacher {text} is a column of labels; name the column of texts too")
    texts = read_texts(source.column)
    index, home = _index(value), _index(source.column)
    misaligned = index is not None and home is not None and not index.equals(home)
    if len(labels) != texts.n_rows or misaligned:
        raise InvalidInput(
            f"--teacher {text} does not stand beside the texts row by row ({len(labels)} labels, "
            f"{texts.n_rows} rows); take both from one frame, or give a dict from text to label"
        )
    recorded: dict[str, Any] = {}
    for row in texts.usable.tolist():
        recorded.setdefault(texts.unique[texts.codes[row]], labels[row])
    return recorded


def _index(column: Any) -> Any:
    """A pandas index; None for columns that have none."""
    index = getattr(column, "index", None)
    return index if hasattr(index, "equals") else None


# Settings that name something: read from their text, the job's column and the variables.
_NAMING: dict[str, Callable[[str, Source | None, Mapping[str, Any]], Any]] = {
    "target": lambda text, *_: _targets(unquote(text)),
    "store": lambda text, *_: _store(text),
    "surrogate": lambda text, _, variables: _surrogate(unquote(text), variables),
    "labels": lambda text, _, variables: read_label_names(text, variables),
    "teacher": lambda text, source, variables: _teacher(unquote(text), source, variables),
    "examples": lambda text, _, variables: _examples(unquote(text), variables),
    "features": lambda text, _, variables: _features(unquote(text), variables),
}
