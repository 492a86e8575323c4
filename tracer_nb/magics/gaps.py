"""How ``%tracer gaps`` shows its findings, in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracer_nb.charts import agreement_chart, reliability_chart
from tracer_nb.records import FitDifferences, Gaps
from tracer_nb.widgets.html import captioned_table, framed, picture, safe
from tracer_nb.words import aligned, difference_lines, difference_tables, gap_lines, gap_tables

__all__ = ["DifferenceTables", "Findings", "GapTables"]


class Findings:
    """Sentences, pictures and tables that a saved notebook keeps; a terminal gets no pictures."""

    def __init__(
        self,
        lines: Sequence[str],
        tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]],
    ) -> None:
        self.lines, self.tables = lines, tables

    def __repr__(self) -> str:
        lines = [*self.lines]
        for title, head, rows in self.tables:
            lines += ["", title, *aligned([head, *rows])]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def pictures(self) -> Iterator[str]:
        """Image elements that stand between sentences and tables."""
        yield from ()

    def html(self) -> str:
        """All of it as one HTML element; every text is escaped."""
        parts = [f"<p>{safe(line)}</p>" for line in self.lines]
        parts += self.pictures()
        parts += [captioned_table(*table) for table in self.tables]
        return framed("".join(parts))


class GapTables(Findings):
    """Where surrogate and teacher part."""

    def __init__(self, gaps: Gaps) -> None:
        super().__init__(gap_lines(gaps), gap_tables(gaps))
        self.gaps = gaps

    def pictures(self) -> Iterator[str]:
        """Agreement by label, and the gate's reliability."""
        if len(self.gaps.rows):
            chart = agreement_chart(self.gaps.by_teacher)
            yield picture(chart, "Agreement with the teacher for each label")
            chart = reliability_chart(self.gaps.reliability)
            yield picture(chart, "Gate scores against observed agreement")


class DifferenceTables(Findings):
    """Two fits side by side."""

    def __init__(self, found: FitDifferences) -> None:
        super().__init__(difference_lines(found), difference_tables(found))
