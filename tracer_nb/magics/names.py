"""What a user writes on a magic line, resolved in the notebook's variables without eval."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput

__all__ = ["Source", "read_label_names", "resolve", "resolve_column", "unquote"]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A column, and the frame that it stands in, if any."""

    column: Any
    frame: Any = None


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
    from tracer_nb.frames import read_column  # noqa: PLC0415  brings narwhals

    node = _parse(text, "df.text or df['text']")
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        owner = _value(node.value, text, variables)
        if _is_frame(owner):
            return Source(read_column(owner, _last(node, text)), owner)
    value = _value(node, text, variables)
    if _is_frame(value):
        names = [str(c) for c in value.columns]
        raise InvalidInput(
            f"{text} is a dataframe, not a column; write {text}[{names[0] if names else 'text'!r}]"
        )
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


def read_label_names(text: str, variables: Mapping[str, Any]) -> list[Any]:
    """Labels from a file (one a line), a list ``a, b, c``, or a variable.

    Raises
    ------
    InvalidInput
        None of these.
    """
    text = unquote(text)
    if "," in text:
        return [part for part in text.split(",") if part.strip()]
    if Path(text).expanduser().is_file():
        try:
            lines = Path(text).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"cannot read the labels in {text!r}: {error}") from error
        return [line for line in lines if line.strip()]
    name = text.split(".")[0].split("[")[0]
    if name not in variables:
        raise InvalidInput(
            f"--labels {text!r} is no file, no variable and no list; write a file with one label "
            "a line, a variable, or first,second,third"
        )
    value = resolve(text, variables)
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    cells = value.tolist() if hasattr(value, "tolist") else getattr(value, "to_list", list)()
    # A column of labels: each once, missing cells left out.
    return sorted({c for c in cells if isinstance(c, str)})


def _parse(text: str, example: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
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


def _is_frame(value: Any) -> bool:
    import narwhals as nw  # noqa: PLC0415

    return isinstance(nw.from_native(value, pass_through=True, eager_only=True), nw.DataFrame)
