"""From a magic line to the arguments of the facade."""

from __future__ import annotations

import keyword
import re
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
from tracer_nb.magics.verbs import OF_TEACHER, VERBS
from tracer_nb.records import Caps

__all__ = [
    "check_output",
    "read_caps",
    "read_sample",
    "read_settings",
    "read_source",
    "read_words",
    "split_line",
]

_PLAIN = (
    *("confidence", "strategy", "threshold", "certificate", "gate", "pipeline", "guard"),
    *("abstain_unlike", "abstain_unsure"),
    *("time_budget", "latency_weight", "seed", "store"),
)
# Quoted parts keep their spaces wherever they stand, as in df["two  words"]; a quote that is
# never closed is an ordinary character, for the column expression to complain about.
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\S)+""")


def split_line(line: str) -> list[str]:
    """The words of a magic line, quotes kept.

    >>> split_line('plan df["two  words"] --labels "card lost, refund"')
    ['plan', 'df["two  words"]', '--labels', '"card lost, refund"']
    """
    return _WORD.findall(line)


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
        raise InvalidInput(
            f"say what to do: %tracer {'|'.join(VERBS)}; %tracer --help says what each does"
        )
    raise InvalidInput.unknown_name("step", words[0], VERBS)


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
    for name in (*_PLAIN, *OF_TEACHER):
        value = getattr(args, name)
        if value is not None:
            settings[name] = unquote(value) if isinstance(value, str) else value
    if "store" in settings and settings["store"] != ":memory:":
        settings["store"] = str(Path(settings["store"]).expanduser())
    if prompt is not None and prompt.strip():
        settings["prompt"] = prompt.strip()
    readers: dict[str, Callable[[str], Any]] = {
        "target": lambda text: _targets(unquote(text)),
        "surrogate": lambda text: _surrogate(unquote(text), variables),
        "labels": lambda text: read_label_names(text, variables),
        "teacher": lambda text: _teacher(unquote(text), source, variables),
        "examples": lambda text: text if text == "reviewed" else resolve(unquote(text), variables),
        "features": lambda text: _features(unquote(text), variables),
    }
    for name, read in readers.items():
        if getattr(args, name) is not None:
            settings[name] = read(getattr(args, name))
    return settings


def check_output(name: str | None) -> None:
    """Refuse an ``--output`` that no variable can have as its name.

    Raises
    ------
    InvalidInput
        It is none.
    """
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise InvalidInput(f"--output {name!r} is not a variable name; write for example routed")


def read_source(column: str, variables: Mapping[str, Any]) -> Source | None:
    """The column that the line names, if it names one."""
    return resolve_column(column, variables) if column else None


def read_caps(args: Any) -> dict[str, Any]:
    """The caps that a line gives; None where it gives none."""
    return {f.name: getattr(args, f.name) for f in fields(Caps)}


def read_sample(text: str | None) -> int | str | None:
    """Rows to label, or "auto".

    Raises
    ------
    InvalidInput
        Something else.
    """
    if text is None or text == "auto":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput(f"--sample must be a number of rows or auto, got {text!r}") from error


def _targets(text: str) -> float | list[float]:
    try:
        targets = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InvalidInput(
            f"--target must be a fraction such as 0.92, or several: 0.92,0.95; got {text!r}"
        ) from error
    return targets[0] if len(targets) == 1 else targets


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
