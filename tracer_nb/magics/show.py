"""How the magics show lines of text and small tables, in a notebook and in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tracer_nb.records import Trial
from tracer_nb.widgets.html import safe

__all__ = ["Lines", "Trials"]


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


class Trials:
    """Surrogates that were tried: out-of-fold agreement, coverage to expect, seconds."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.rows = [
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
        self.head = (
            "",
            "surrogate",
            "features",
            "gate",
            "settings",
            "agreement",
            "expected coverage",
            "rows",
            "time",
        )

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
        note = "Judged out-of-fold on the fitting rows; calibration rows were not touched."
        html = (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><div>{note}</div>"
        )
        return {"text/plain": f"{self!r}\n{note}", "text/html": html}


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.1f} %"
