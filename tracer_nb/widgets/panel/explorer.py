"""Rows that somebody wants to see: what was clicked becomes a selection, and rows become values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import RowPage, RowView, Selection
from tracer_nb.records.moments import Findings
from tracer_nb.words import selection_sentence

__all__ = ["ROWS_AT_ONCE", "page_values", "read_selection"]

ROWS_AT_ONCE = 20
_TEXT_LENGTH = 600


def read_selection(where: Mapping[str, Any], findings: Findings) -> Selection:
    """The rows behind something on the page.

    Parameters
    ----------
    where : mapping
        ``cell`` of the confusion (two numbers), ``bar`` of the agreement, ``bin`` of the
        reliability or a ``slice`` (a number), a ``row`` of the column, or labels and a status
        by name; with any of them, text to ``search`` for.
    findings : Findings
        That the page shows.

    Raises
    ------
    InvalidInput
        It is none of these, or no longer there.
    """
    search = where.get("search", "")
    if not isinstance(search, str):
        raise InvalidInput(f"rows are searched for text, got {search!r}")
    selection = _of_chart(where, findings)
    if selection is None:
        selection = Selection(
            teacher=_name(where, "teacher"),
            surrogate=_name(where, "surrogate"),
            status=_name(where, "status"),
        )
    return replace(selection, search=search)


def _of_chart(where: Mapping[str, Any], findings: Findings) -> Selection | None:
    try:
        if "cell" in where and findings.confusion is not None:
            i, j = _numbers(where["cell"], 2)
            findings.confusion.counts[i, j]
            return findings.confusion.cell(i, j)
        if "bar" in where and findings.agreement is not None:
            return findings.agreement.bar(*_numbers([where["bar"]], 1))
        if "bin" in where and findings.reliability is not None:
            return findings.reliability.bin(*_numbers([where["bin"]], 1))
        if "slice" in where and findings.gaps is not None:
            return findings.gaps.slice(*_numbers([where["slice"]], 1))
    except IndexError as error:
        raise InvalidInput("these rows are no longer there; click again") from error
    if "row" in where:
        return Selection(rows=(_numbers([where["row"]], 1)[0],))
    if {"cell", "bar", "bin", "slice"} & set(where):
        raise InvalidInput("these rows are no longer there; click again")
    return None


def _numbers(values: Any, n: int) -> list[int]:
    if not isinstance(values, list) or len(values) != n or any(type(v) is not int for v in values):
        raise InvalidInput(f"the panel sent {values!r} for a place in a chart; open it again")
    if min(values) < 0:
        raise IndexError(values)
    return values


def _name(where: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    value = where.get(key) or None
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"the panel sent {key}={value!r}, which should be a name; open it again")
    return None if value is None else (value,)


def page_values(page: RowPage, selection: Selection) -> dict[str, Any]:
    """One page of rows, at most twenty of them, as the page shows it."""
    return {
        "title": selection_sentence(selection, page.total),
        "total": page.total,
        "offset": page.offset,
        "rows": [_row(row) for row in page.rows],
    }


def _row(row: RowView) -> dict[str, Any]:
    text = row.text
    if len(text) > _TEXT_LENGTH:
        text = f"{text[: _TEXT_LENGTH - 1]}…"
    return {
        "row": row.row,
        "text": _sendable(text),
        "teacher": row.teacher,
        "surrogate": row.surrogate,
        "score": None if row.score is None else f"{row.score:.3f}",
        "status": row.status,
        "by": row.answered_by,
        "far": row.far,
        "fitted": row.fitted,
    }


def _sendable(text: str) -> str:
    """Half a surrogate pair, which no message can carry, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
