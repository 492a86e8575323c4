"""What the page may ask for: a short table, and nothing beside it.

Rows that were clicked become a selection, and rows become values. Nothing is sent more often than
a few times a second, and the last time is never left out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import RowPage, RowView, Selection
from tracer_nb.records.moments import Findings
from tracer_nb.words import selection_sentence

__all__ = ["ROWS_AT_ONCE", "Message", "Throttle", "page_values", "read_message", "read_selection"]


# Of each action: the values that come with it, and their types.
_ALLOWED: dict[str, dict[str, type]] = {
    "hello": {"viewer": str},
    "start": {},
    "pause": {},
    "resume": {},
    "stop": {},
    "draft": {"values": dict},
    "apply": {"values": dict},
    "target": {"value": float},
    "rows": {"where": dict, "offset": int},
    "gaps": {},
    "audit": {},
    "update": {},
    "back": {},
    "save": {},
    "export": {"kind": str},
    "map": {"method": str},
    "point": {"row": int},
    "relabel": {"row": int, "label": str, "note": str},
    "review": {"row": int},
    "sit": {"opened": bool},
    "judge": {"said": dict},
    "bye": {"viewer": str},
}


@dataclass(frozen=True, slots=True)
class Message:
    """One press on the page.

    Attributes
    ----------
    do : str
    number : int
        Counts the messages of one view, for the receipt.
    run : int
        The run that the page saw when it was pressed.
    values : mapping
    """

    do: str
    number: int
    run: int
    values: Mapping[str, Any]


def read_message(content: Any) -> Message:
    """A message from the page, checked.

    Raises
    ------
    InvalidInput
        It is none that the panel knows.
    """
    if not isinstance(content, Mapping):
        raise InvalidInput(f"the panel sent {content!r}, which is no message; open it again")
    do, number, run = (content.get(key) for key in ("do", "number", "run"))
    if not isinstance(do, str) or do not in _ALLOWED:
        raise InvalidInput.unknown_name("action of the panel", str(do), list(_ALLOWED))
    if type(number) is not int or type(run) is not int:
        raise InvalidInput(f"the panel sent {do!r} without its number; open it again")
    values = {}
    for name, kind in _ALLOWED[do].items():
        value = content.get(name)
        if kind is float and type(value) is int:  # JSON has one kind of number
            value = float(value)
        if type(value) is not kind:
            raise InvalidInput(
                f"the panel sent {do!r} with {name}={value!r}, which should be a {kind.__name__}"
            )
        values[name] = value
    return Message(do, number, run, values)


ROWS_AT_ONCE = 20
_TEXT_LENGTH = 600
_LASSO = 10_000


def read_selection(where: Mapping[str, Any], findings: Findings) -> Selection:
    """The rows behind something on the page.

    Parameters
    ----------
    where : mapping
        ``cell`` of the confusion (two numbers), ``bar`` of the agreement, ``bin`` of the
        reliability or a ``slice`` (a number), a ``row`` of the column, ``lasso`` (rows that a line
        on the map surrounds, at most 10,000), or labels and a status by name; with any of them, text to ``search`` for.
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
    try:
        selection = _surrounded(where["lasso"]) if "lasso" in where else _of_chart(where, findings)
    except IndexError as error:
        raise InvalidInput("these rows are no longer there; click again") from error
    if selection is None:
        selection = Selection(
            teacher=_name(where, "teacher"),
            surrogate=_name(where, "surrogate"),
            status=_name(where, "status"),
        )
    return replace(selection, search=search)


def _surrounded(rows: Any) -> Selection:
    if not isinstance(rows, list) or len(rows) > _LASSO:
        raise InvalidInput(f"a line on the map may surround at most {_LASSO:,} texts")
    return Selection(rows=tuple(_numbers(rows, len(rows))), name="inside the line on the map")


def _of_chart(where: Mapping[str, Any], findings: Findings) -> Selection | None:
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
    if "row" in where:
        return Selection(rows=(_numbers([where["row"]], 1)[0],))
    if {"cell", "bar", "bin", "slice"} & set(where):
        raise InvalidInput("these rows are no longer there; click again")
    return None


def _numbers(values: Any, n: int) -> list[int]:
    if not isinstance(values, list) or len(values) != n or any(type(v) is not int for v in values):
        raise InvalidInput(f"the panel sent {values!r} for a place in a chart; open it again")
    if min(values, default=0) < 0:
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
        "explanation": _sendable(row.explanation),
    }


def _sendable(text: str) -> str:
    """Half a surrogate pair, which no message can carry, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _timer(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Throttle:
    """Calls ``work`` at once or a little later, at most every ``interval`` seconds.

    Several calls that fall into one interval are one. May be called from any thread.

    Parameters
    ----------
    work : callable
    interval : float
        Seconds.
    clock, later : callable
        For tests: the time, and what calls a function after some seconds.
    """

    def __init__(
        self,
        work: Callable[[], None],
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = _timer,
    ) -> None:
        self._work, self._interval = work, interval
        self._clock, self._later = clock, later
        self._lock = threading.Lock()
        self._last = float("-inf")
        self._waiting = False

    def __call__(self) -> None:
        """Work now, or when the interval is over."""
        with self._lock:
            if self._waiting:
                return
            seconds = self._last + self._interval - self._clock()
            if seconds > 0:
                self._waiting = True
                self._later(seconds, self._late)
                return
            self._last = self._clock()
        self._work()

    def _late(self) -> None:
        with self._lock:
            self._waiting = False
            self._last = self._clock()
        self._work()
