"""What a user writes on a magic line, resolved in the notebook's variables without eval.

And from there to the arguments of the facade.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Caps
from tracer_nb.settings import SETTINGS

__all__ = [
    "Source",
    "names_variable",
    "read_caps",
    "read_label_names",
    "read_sample",
    "read_settings",
    "read_source",
    "resolve",
    "resolve_column",
    "unquote",
]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A column of a frame, or a column that stands alone.

    Attributes
    ----------
    table : dataframe, series, array or list
    name : str or None
        The column's name, when ``table`` is a frame.
    """

    table: Any
    name: str | None = None

    @property
    def column(self) -> Any:
        """The column as it is now: the user may have changed the frame since it was named.

        Raises
        ------
        InvalidInput
            It is no longer there.
        """
        if self.name is None:
            return self.table
        from tracer_nb.steps.column.frames import read_column  # noqa: PLC0415  brings narwhals

        return read_column(self.table, self.name)

    @property
    def frame(self) -> Any:
        """The frame, None for a column that stands alone."""
        return None if self.name is None else self.table

    def is_same(self, other: Source | None) -> bool:
        """Whether both name one column of one object."""
        return other is not None and self.table is other.table and self.name == other.name


def unquote(text: str) -> str:
    """Without one pair of quotes around it, which the splitting of magic lines leaves on."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def resolve_column(text: str, variables: Mapping[str, Any]) -> Source:
    """``df.text``, ``df["text"]`` or a variable that holds a column.

    Raises
    ------
    InvalidInput
        Not such an expression, an unknown variable, or an unknown column.
    """
    from tracer_nb.steps.column.frames import column_names, is_frame, read_column  # noqa: PLC0415  narwhals

    node = _parse(text, "df.text or df['text']")
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        owner = _value(node.value, text, variables)
        if is_frame(owner):
            read_column(owner, _last(node, text))  # or says what is wrong with it
            return Source(owner, _last(node, text))
    value = _value(node, text, variables)
    if is_frame(value):
        name = next(iter(column_names(value)), "text")
        raise InvalidInput(f"{text} is a dataframe, not a column; write {text}[{name!r}]")
    return Source(value)


def resolve(text: str, variables: Mapping[str, Any]) -> Any:
    """The value of a variable, an attribute chain or a string subscript.

    Raises
    ------
    InvalidInput
        Anything else, or nothing of that name.
    """
    source = resolve_column(text, variables)
    return source.column


def names_variable(text: str, variables: Mapping[str, Any]) -> bool:
    """Whether an expression such as ``df.text`` begins with a variable that exists."""
    match = re.match(r"\s*(\w+)", text)
    return match is not None and match[1] in variables


def read_label_names(text: str, variables: Mapping[str, Any]) -> Any:
    """Labels from a file (one a line, a tab before its meaning), a list, or a variable.

    A variable that holds a column gives each label once. Whether they are labels at all is
    for the Tracer to check.

    Raises
    ------
    InvalidInput
        None of these.
    """
    text = unquote(text)
    if (path := _file(text)) is not None:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"cannot read the labels in {text!r}: {error}") from error
        return _described([line for line in lines if line.strip()])
    if text.startswith("[") and text.endswith("]"):
        raise InvalidInput(
            f"--labels {text!r} is a list as Python writes it; write first,second,third, or a variable"
        )
    if "," in text:
        return [part for part in text.split(",") if part.strip()]
    if not names_variable(text, variables):
        raise InvalidInput(
            f"--labels {text!r} is no file, no variable and no list{_near(text, variables)}; write a "
            "file with one label a line, a variable, or first,second,third"
        )
    try:
        return _label_values(resolve(text, variables))
    except InvalidInput as error:
        raise InvalidInput(f"--labels {text!r} is no file, and {error}") from error


def _near(text: str, variables: Mapping[str, Any]) -> str:
    """The variable that may have been meant; empty where none is near."""
    shown = [name for name in variables if not name.startswith("_")]
    near = difflib.get_close_matches(text, shown, n=1)
    return f" (did you mean the variable {near[0]}?)" if near else ""


def _described(lines: list[str]) -> list[str] | dict[str, str]:
    """Labels of a file; with what they mean where a tab stands behind them."""
    if not any("\t" in line for line in lines):
        return lines
    return {
        label.strip(): meaning.strip() for label, _, meaning in (x.partition("\t") for x in lines)
    }


def _label_values(value: Any) -> Any:
    from tracer_nb.steps.column.frames import is_missing, read_cells  # noqa: PLC0415  brings narwhals

    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    try:
        cells = value if isinstance(value, (set, frozenset)) else set(read_cells(value))
    except (InvalidInput, TypeError):  # not a column, or of lists
        return value
    return sorted((cell for cell in cells if not is_missing(cell)), key=str)


def _file(text: str) -> Path | None:
    """The file of that name, if there is one."""
    try:
        path = Path(text).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # no name a file can have
        return None


def _parse(text: str, example: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(f"cannot read {text!r}; write {example}") from error


def _value(node: ast.expr, text: str, variables: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        if node.id not in variables:
            shown = [n for n in variables if not n.startswith("_")]
            raise InvalidInput.unknown_name("variable", node.id, shown)
        return variables[node.id]
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        owner, name = _value(node.value, text, variables), _last(node, text)
        try:
            return getattr(owner, name) if isinstance(node, ast.Attribute) else owner[name]
        except (AttributeError, KeyError, TypeError, IndexError) as error:
            raise InvalidInput(
                f"{text!r}: {type(owner).__name__} has no {name!r}; check the name"
            ) from error
    raise InvalidInput(f"cannot read {text!r}; write a variable, df.column or df['column']")


def _last(node: ast.Attribute | ast.Subscript, text: str) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    raise InvalidInput(
        f"cannot read {text!r}; between the brackets write one column name in quotes"
    )


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


def read_sample(text: str | None) -> int | None:
    """Rows to label; the table of settings has checked that it is a number."""
    return None if text is None else int(unquote(text))


def _store(text: str) -> str:
    path = unquote(text)
    return path if path == ":memory:" else str(Path(path).expanduser())


def _targets(text: str) -> float | list[float]:
    targets = [float(part) for part in text.split(",")]
    return targets[0] if len(targets) == 1 else targets


def _examples(text: str, variables: Mapping[str, Any]) -> Any:
    return text if text == "reviewed" else resolve(text, variables)


def _features(text: str, variables: Mapping[str, Any]) -> Any:
    named = text in ("auto", "wordllama", "wordllama+lsa", "lsa") or ":" in text
    return text if named else resolve(text, variables)


def _surrogate(text: str, variables: Mapping[str, Any]) -> Any:
    if "," in text:
        return [part.strip() for part in text.split(",")]
    if names_variable(text, variables) and hasattr(variables.get(text), "fit"):
        return variables[text]
    return text


# A comma that is in no brackets, as those of df[["a", "b"]] are.
_BETWEEN = re.compile(r",(?![^\[({]*[\])}])")


def _teacher(text: str, source: Source | None, variables: Mapping[str, Any]) -> Any:
    parts = [part.strip() for part in _BETWEEN.split(text)]
    if len(parts) > 1 and any(":" in p or names_variable(p, variables) for p in parts):
        return [_one_teacher(part, source, variables) for part in parts]
    return _one_teacher(text, source, variables)


def _chain(text: str, source: Source | None, variables: Mapping[str, Any]) -> list[Any]:
    parts = [part.strip() for part in _BETWEEN.split(text)]
    return [_one_teacher(part, source, variables, flag="--chain") for part in parts]


def _arbiter(text: str, variables: Mapping[str, Any]) -> Any:
    if ":" in text:
        return text
    if not names_variable(text, variables):
        raise InvalidInput(
            f"--arbiter {text!r} is no variable and no SCHEME:NAME; write openai:MODEL, or a "
            "function of a text and the labels to choose from"
        )
    return resolve(text, variables)


def _one_teacher(
    text: str, source: Source | None, variables: Mapping[str, Any], flag: str = "--teacher"
) -> Any:
    if ":" in text:
        return text
    if not names_variable(text, variables):
        example = "MODEL" if text in ("openai", "standin") else text
        raise InvalidInput(
            f"{flag} {text!r} is no variable and no SCHEME:NAME{_near(text, variables)}; for a model of "
            f"that name write openai:{example}"
        )
    value = resolve(text, variables)
    if isinstance(value, Mapping):
        return dict(value)  # so that a change to the user's own is seen on the next line
    if callable(value) or isinstance(value, (str, tuple)) or not hasattr(value, "__len__"):
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
    "chain": lambda text, source, variables: _chain(unquote(text), source, variables),
    "arbiter": lambda text, _, variables: _arbiter(unquote(text), variables),
    "examples": lambda text, _, variables: _examples(unquote(text), variables),
    "features": lambda text, _, variables: _features(unquote(text), variables),
}
