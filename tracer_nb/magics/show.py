"""How the magics show lines of text and small tables, in a notebook and in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tracer_nb.records import AnswerSet, Trial
from tracer_nb.widgets.html import safe
from tracer_nb.words import money

__all__ = ["AnswerSets", "Lines", "Table", "Trials"]


class Lines:
    """Plain sentences, one a line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        body = "".join(f"<div>{safe(line)}</div>" for line in self.lines)
        html = f'<div style="font:14px/1.6 system-ui,sans-serif;max-width:760px">{body}</div>'
        return {"text/plain": repr(self), "text/html": html}


class Table:
    """A small table with a note under it."""

    head: tuple[str, ...] = ()
    note = ""

    def __init__(self, rows: Sequence[tuple[str, ...]]) -> None:
        self.rows = list(rows)

    def __repr__(self) -> str:
        table = [self.head, *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.head))]
        return "\n".join(
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
            for row in table
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        head = "".join(f'<th style="text-align:left">{safe(h)}</th>' for h in self.head)
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{safe(c)}</td>' for c in row) + "</tr>"
            for row in self.rows
        )
        html = (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<div>{safe(self.note)}</div>"
        )
        return {"text/plain": f"{self!r}\n{self.note}", "text/html": html}


class Trials(Table):
    """Surrogates that were tried: out-of-fold agreement, coverage to expect, seconds."""

    head = (
        *("", "surrogate", "features", "gate", "settings"),
        *("agreement", "expected coverage", "rows", "time"),
    )
    note = "Judged out-of-fold on the fitting rows; calibration rows were not touched."

    def __init__(self, trials: Sequence[Trial]) -> None:
        super().__init__(
            [
                (
                    "✓" if t.chosen else "",
                    t.name,
                    t.view,
                    t.gate,
                    t.settings,
                    _share(t.agreement),
                    t.skipped or _share(t.expected_coverage),
                    f"{t.n_rows:,}",
                    f"{t.seconds:.1f} s",
                )
                for t in trials
            ]
        )


class AnswerSets(Table):
    """Sets of stored answers: teacher, prompt, answers, cost, time of the last one."""

    head = ("set", "teacher", "prompt", "labels", "answers", "missing", "cost", "last answer")

    def __init__(self, sets: Sequence[AnswerSet], path: str) -> None:
        self.note = f"In {path}. %tracer compare KEY KEY; %tracer labels FILE.csv writes them all."
        super().__init__(
            [
                (
                    s.key,
                    s.teacher,
                    _short(s.prompt),
                    f"{s.n_labels:,}",
                    f"{s.n_answers:,}",
                    f"{s.n_missing:,}",
                    "unknown" if s.cost is None else money(s.cost),
                    s.last.replace("T", " ")[:16],
                )
                for s in sets
            ]
        )


def _short(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.1f} %"
