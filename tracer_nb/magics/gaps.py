"""How ``%tracer gaps`` shows its findings, in a notebook and in a terminal."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from tracer_nb.charts import agreement_chart, reliability_chart, to_svg
from tracer_nb.records import Gaps
from tracer_nb.widgets.html import framed, safe
from tracer_nb.words import gap_lines, gap_tables

__all__ = ["GapTables"]


class GapTables:
    """Sentences, pictures and tables that a saved notebook keeps; a terminal gets sentences."""

    def __init__(self, gaps: Gaps) -> None:
        self.gaps = gaps

    def __repr__(self) -> str:
        lines = gap_lines(self.gaps)
        for title, head, rows in gap_tables(self.gaps):
            lines += ["", title, *_columns([head, *rows])]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """All of it as one HTML element; every text is escaped."""
        parts = [f"<p>{safe(line)}</p>" for line in gap_lines(self.gaps)]
        if len(self.gaps.rows):
            chart = agreement_chart(self.gaps.by_teacher)
            parts.append(_picture(chart, "Agreement with the teacher for each label"))
            chart = reliability_chart(self.gaps.reliability)
            parts.append(_picture(chart, "Gate scores against observed agreement"))
        parts += [_table(*table) for table in gap_tables(self.gaps)]
        return framed("".join(parts))


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, the cells of a column below one another."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(f'<{tag} style="text-align:left">{safe(cell)}</{tag}>' for cell in cells)

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return (
        f'<p class="tracer-small">{safe(title)}</p>'
        f"<table><thead><tr>{line('th', head)}</tr></thead><tbody>{body}</tbody></table>"
    )


def _picture(chart: Any, alt: str) -> str:
    """A chart as an image element: it survives sanitising where inline SVG does not."""
    data = base64.b64encode(to_svg(chart).encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
