"""Jobs on one column side by side, as a card: a table and a chart."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts import compared_chart
from tracer_nb.records import ComparedJob, JobComparison
from tracer_nb.widgets.card import captioned_table, framed, picture, safe
from tracer_nb.words import aligned
from tracer_nb.words.compared import compared_lines, compared_table

__all__ = ["ComparisonCard"]


class ComparisonCard:
    """Shows a :class:`~tracer_nb.records.JobComparison` in a notebook.

    Attributes
    ----------
    comparison : JobComparison
    """

    def __init__(self, comparison: JobComparison) -> None:
        self.comparison = comparison

    @property
    def jobs(self) -> tuple[ComparedJob, ...]:
        """One record for each job, in the order in which they were named."""
        return self.comparison.jobs

    def frame(self) -> Any:
        """The figures, a row for each job, to reckon with; a pandas frame."""
        import pandas as pd  # noqa: PLC0415  slow to import

        return pd.DataFrame(
            {
                "job": [job.name for job in self.jobs],
                "kind": [job.kind for job in self.jobs],
                "texts_asked": [job.n_asked for job in self.jobs],
                "calls": [job.n_calls for job in self.jobs],
                "cost": [job.cost for job in self.jobs],
                "cost_all": [job.cost_all for job in self.jobs],
                "saved_share": [job.saved_share for job in self.jobs],
                "agreement": [job.agreement for job in self.jobs],
                "rows_compared": [job.n_compared for job in self.jobs],
                "basis": [job.basis for job in self.jobs],
                "target": [job.target for job in self.jobs],
                "certified": [job.certificate.certified for job in self.jobs],
                "coverage": [job.certificate.coverage for job in self.jobs],
            }
        )

    def chart(self, *, width: int | str = 620, height: int = 250) -> Any:
        """Bill against agreement, an altair chart with a mark for each job."""
        return compared_chart(self.comparison, width=width, height=height)

    def __repr__(self) -> str:
        title, head, rows = compared_table(self.comparison)
        return "\n".join([title, *aligned([head, *rows]), *compared_lines(self.comparison)])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """The card as one HTML element with its style; every text is escaped."""
        body = captioned_table(*compared_table(self.comparison))
        body += picture(self.chart(), "Bill of each job against its agreement")
        lines = compared_lines(self.comparison)
        body += "".join(f'<p class="tracer-small">{safe(line)}</p>' for line in lines)
        return framed(body)
