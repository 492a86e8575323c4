"""The result, or an update, as a card; and HTML for notebooks: texts shown as they were written."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from tracer_nb.charts import agreement_chart, frontier_chart, to_svg
from tracer_nb.records import Report, Update
from tracer_nb.records.moments import Findings
from tracer_nb.words import (
    aligned,
    bill_lead,
    choices_sentence,
    colophon,
    confusion_tables,
    meaning_lines,
    member_table,
    outcome_sentences,
    pair_rows,
    percent,
    refusal_lines,
    report_facts,
    report_lines,
    sample_sentence,
    short_promise,
    stage_table,
    stopped_sentence,
    target_rows,
    update_lines,
    update_rows,
)

__all__ = ["Card", "UpdateCard", "captioned_table", "framed", "picture", "safe", "table"]


# Colours come from JupyterLab's theme where there is one; elsewhere grey text on no background.
_STYLE = """
.tracer-card{font:14px/1.5 system-ui,sans-serif;color:var(--jp-ui-font-color1,inherit);
 border:1px solid var(--jp-border-color1,#8886);border-radius:8px;padding:16px 20px;
 max-width:760px;margin:4px 0;box-sizing:border-box}
.tracer-card p{margin:0 0 8px}
.tracer-card .tracer-head{font-size:16px;font-weight:600;margin-bottom:10px}
.tracer-card .tracer-head strong{font-weight:inherit}
.tracer-card .tracer-facts+.tracer-head{font-size:14px}
.tracer-card .tracer-facts{display:grid;gap:10px 28px;margin:12px 0;
 grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.tracer-card .tracer-facts b{display:block;font-size:22px;line-height:1.2;font-weight:600}
.tracer-card .tracer-facts .tracer-first{grid-column:1/-1}
.tracer-card .tracer-facts .tracer-first b{font-size:34px}
.tracer-card .tracer-facts div>span,.tracer-card .tracer-small{font-size:12.5px;opacity:.78}
.tracer-card .tracer-warn{border-left:3px solid #d55e00;padding-left:10px}
.tracer-card .tracer-colophon{margin-top:12px;border-top:1px solid var(--jp-border-color1,#8886);padding-top:8px}
@media print{.tracer-card{border:0;padding:0;max-width:none}
 .tracer-card img,.tracer-card table,.tracer-card .tracer-facts{break-inside:avoid}
 .tracer-card details::details-content{content-visibility:visible;block-size:auto}}
.tracer-card summary{cursor:pointer;font-size:13px;margin-bottom:6px}
.tracer-card img{max-width:100%;height:auto;display:block;margin:10px 0 4px}
"""


def safe(text: str) -> str:
    """Escaped; "82 %" is never broken over two lines, and dollars are never read as LaTeX.

    Notebooks typeset what stands between two dollar signs of one text; an element around
    each sign keeps them apart.

    >>> safe("<b> 82 % for $4")
    '&lt;b&gt; 82&nbsp;% for <span>$</span>4'
    """
    return escape(text).replace(" %", "&nbsp;%").replace("$", "<span>$</span>")


def framed(body: str) -> str:
    """HTML in the frame that all cards share, with its style."""
    return f'<div class="tracer-card"><style>{_STYLE}</style>{body}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with all cells to the left."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(f'<{tag} style="text-align:left">{safe(cell)}</{tag}>' for cell in cells)

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{line('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def captioned_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same in a frame, under its title."""
    return f'<p class="tracer-small">{safe(title)}</p>{table(head, rows)}'


def picture(chart: Any, alt: str) -> str:
    """A chart as an image element: it survives sanitising where inline SVG does not."""
    data = base64.b64encode(to_svg(chart).encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


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
        parts.extend(f"<p>{safe(line)}</p>" for line in _lines(report))
        if (stages := stage_table(report)) is not None:
            parts.append(captioned_table(*stages))
        if report.frontier is not None and report.certificate is not None:
            parts.append(_frontier(report))
        parts.extend(_found(self.findings))
        if report.certificate is not None:
            told = " · ".join(f"{name}: {value}" for name, value in colophon(report.certificate))
            parts.append(f'<p class="tracer-small tracer-colophon">{safe(told)}</p>')
        return framed("".join(parts))


def _head(report: Report) -> list[str]:
    """What comes first: the bill where there is one, its figure the largest; then the promise."""
    stopped = safe(stopped_sentence(report.stopped)) if report.stopped else ""
    parts = [f'<p class="tracer-warn">{stopped}</p>'] if stopped else []
    lead, facts = bill_lead(report), _facts(report)
    promise = [] if stopped and report.certificate is None else [_promise(report), _meaning(report)]
    if lead:
        parts.append(_headline(lead))
    if report.bill is None or not report.bill.n_asked:
        return [*parts, *promise, *facts]
    return [*parts, *facts, *promise]


def _promise(report: Report) -> str:
    certified = report.certificate is not None and report.certificate.certified
    return _headline(short_promise(report), good=certified)


def _headline(text: str, *, good: bool = True) -> str:
    """Bold by its element, too: pages that show stored notebooks take styles and classes away."""
    kind = "tracer-head" if good else "tracer-head tracer-warn"
    return f'<p class="{kind}"><strong>{safe(text)}</strong></p>'


def _meaning(report: Report) -> str:
    """What the promise says at length; folded, so that the card has one sentence for it."""
    lines = "".join(f'<p class="tracer-small">{safe(line)}</p>' for line in meaning_lines(report))
    return f"<details><summary>What this means</summary>{lines}</details>" if lines else ""


def _facts(report: Report) -> list[str]:
    facts = report_facts(report)
    kinds = [' class="tracer-first"' if report.bill is not None and report.bill.n_asked else ""]
    kinds += [""] * len(facts)
    cells = "".join(
        f"<div{kind}><b>{safe(value)}</b> <span>{safe(name)}</span></div>"
        for kind, (value, name) in zip(kinds, facts, strict=False)
    )
    return [f'<div class="tracer-facts">{cells}</div>'] if cells else []


def _lines(report: Report) -> list[str]:
    sentences = (sample_sentence(report), choices_sentence(report))
    said = (sentence for sentence in sentences if sentence)
    return [*refusal_lines(report), *said, *outcome_sentences(report)]


def _frontier(report: Report) -> str:
    assert report.frontier is not None and report.certificate is not None  # noqa: S101, PT018
    c = report.certificate
    noun = c.curve.noun
    if c.curve != c.promise:
        words = f"not {c.promise.noun}, which is promised"
    elif c.certified:
        words = f"certified at {percent(c.n_handled / c.n_calibration)} coverage"
    else:
        words = "no point certified"
    rows = f"{c.n_calibration:,} calibration rows" if c.n_calibration else "fitting rows"
    alt = f"{noun[0].upper()}{noun[1:]} against coverage on {rows}, {words}"
    return picture(frontier_chart(report.frontier, c), alt)


def _found(findings: Findings) -> list[str]:
    """Gaps and targets, as pictures and tables."""
    parts = []
    if findings.panel is not None:
        parts.append(captioned_table(*member_table(findings.panel)))
        parts.extend(
            f"<details><summary>{safe(title)}</summary>{table(head, rows)}</details>"
            for title, head, rows in confusion_tables(findings.panel)
        )
    if findings.agreement is not None:
        chart = agreement_chart(findings.agreement)
        parts.append(picture(chart, "Agreement with the teacher for each label"))
    if findings.confusion is not None and findings.confusion.pairs:
        parts.append(captioned_table(*pair_rows(findings.confusion)))
    if findings.targets is not None:
        parts.append(captioned_table(*target_rows(findings.targets)))
    return parts


class UpdateCard:
    """Shows an :class:`~tracer_nb.records.Update` in a notebook; every text is escaped.

    Parameters
    ----------
    update : Update
    notes : sequence of str
        What must be said with every answer of this teacher.
    """

    def __init__(self, update: Update, notes: Sequence[str] = ()) -> None:
        self.update = update
        self._lines = [*update_lines(update), *notes]

    def __repr__(self) -> str:
        head, rows = update_rows(self.update)
        return "\n".join([*self._lines, *aligned([head, *rows])])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """The card as one HTML element with its style."""
        first, *others = self._lines
        good = self.update.taken and not self.update.had_alarm
        body = f"{_headline(first, good=good)}{table(*update_rows(self.update))}"
        body += "".join(f'<p class="tracer-small">{safe(line)}</p>' for line in others)
        return framed(body)
