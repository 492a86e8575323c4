"""How ``%tracer gaps`` shows its findings, in a notebook and in a terminal."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts import agreement_chart, reliability_chart
from tracer_nb.magics.show import aligned
from tracer_nb.records import Gaps
from tracer_nb.widgets.html import captioned_table, framed, picture, safe
from tracer_nb.words import gap_lines, gap_tables

__all__ = ["GapTables"]


class GapTables:
    """Sentences, pictures and tables that a saved notebook keeps; a terminal gets sentences."""

    def __init__(self, gaps: Gaps) -> None:
        self.gaps = gaps

    def __repr__(self) -> str:
        lines = gap_lines(self.gaps)
        for title, head, rows in gap_tables(self.gaps):
            lines += ["", title, *aligned([head, *rows])]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """All of it as one HTML element; every text is escaped."""
        parts = [f"<p>{safe(line)}</p>" for line in gap_lines(self.gaps)]
        if len(self.gaps.rows):
            chart = agreement_chart(self.gaps.by_teacher)
            parts.append(picture(chart, "Agreement with the teacher for each label"))
            chart = reliability_chart(self.gaps.reliability)
            parts.append(picture(chart, "Gate scores against observed agreement"))
        parts += [captioned_table(*table) for table in gap_tables(self.gaps)]
        return framed("".join(parts))
