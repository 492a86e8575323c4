"""The result as a card: promise, rows, money, curve."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts import agreement_chart, frontier_chart
from tracer_nb.records import Report
from tracer_nb.records.moments import Findings
from tracer_nb.widgets.html import captioned_table, framed, picture, safe
from tracer_nb.words import (
    certificate_sentence,
    choices_sentence,
    curve_sentence,
    evidence_sentence,
    outcome_sentences,
    pair_rows,
    percent,
    report_facts,
    report_lines,
    sample_sentence,
    stopped_sentence,
    target_rows,
)

__all__ = ["Card"]


class Card:
    """Shows a :class:`~tracer_nb.records.Report` in a notebook.

    HTML with a drawn chart, so that a saved, exported or closed notebook keeps all of it.
    """

    def __init__(self, report: Report, findings: Findings | None = None) -> None:
        self.report = report
        self.findings = findings or Findings()

    def __repr__(self) -> str:
        return "\n".join(report_lines(self.report))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """The card as one HTML element with its style; every text is escaped."""
        report = self.report
        parts = _head(report)
        if facts := report_facts(report):
            cells = "".join(
                f"<div><b>{safe(value)}</b> <span>{safe(name)}</span></div>"
                for value, name in facts
            )
            parts.append(f'<div class="tracer-facts">{cells}</div>')
        parts.extend(f"<p>{safe(line)}</p>" for line in _lines(report))
        if report.frontier is not None and report.certificate is not None:
            parts.append(_frontier(report))
            parts.append(f'<p class="tracer-small">{safe(evidence_sentence(report))}</p>')
        parts.extend(_found(self.findings))
        return framed("".join(parts))


def _head(report: Report) -> list[str]:
    if report.stopped:
        first = f'<p class="tracer-warn">{safe(stopped_sentence(report.stopped))}</p>'
        return [first] if report.certificate is None else [first, _promise(report)]
    return [_promise(report)]


def _promise(report: Report) -> str:
    certified = report.certificate is not None and report.certificate.certified
    kind = "tracer-head" if certified else "tracer-head tracer-warn"
    return f'<p class="{kind}">{safe(certificate_sentence(report))}</p>'


def _lines(report: Report) -> list[str]:
    sentences = (sample_sentence(report), choices_sentence(report), curve_sentence(report))
    return [*(sentence for sentence in sentences if sentence), *outcome_sentences(report)]


def _frontier(report: Report) -> str:
    assert report.frontier is not None and report.certificate is not None  # noqa: S101, PT018
    c = report.certificate
    if c.certified:
        words = f"certified at {percent(c.n_handled / c.n_calibration)} coverage"
    else:
        words = "no point certified"
    alt = f"Agreement against coverage on {c.n_calibration:,} calibration rows, {words}"
    return picture(frontier_chart(report.frontier, c), alt)


def _found(findings: Findings) -> list[str]:
    """Gaps and targets, as pictures and tables."""
    parts = []
    if findings.agreement is not None:
        chart = agreement_chart(findings.agreement)
        parts.append(picture(chart, "Agreement with the teacher for each label"))
    if findings.confusion is not None and findings.confusion.pairs:
        parts.append(captioned_table(*pair_rows(findings.confusion)))
    if findings.targets is not None:
        parts.append(captioned_table(*target_rows(findings.targets)))
    return parts
