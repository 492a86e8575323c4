"""A job in a few sentences."""

from __future__ import annotations

from tracer_nb.records import Report
from tracer_nb.words.certificates import (
    certificate_sentence,
    choices_sentence,
    curve_sentence,
    evidence_sentence,
)
from tracer_nb.words.figures import count, money, percent
from tracer_nb.words.labelling import missing_sentence, spent_sentence, stopped_sentence
from tracer_nb.words.plans import models_sentence, superseded_sentence

__all__ = [
    "abstained_sentence",
    "money_sentence",
    "outcome_sentences",
    "report_facts",
    "report_lines",
    "rows_sentence",
    "sample_sentence",
]


def rows_sentence(report: Report) -> str:
    """Who answered how many rows of the output."""
    parts = [
        f"{report.n_surrogate:,} answered by the surrogate",
        f"{report.n_teacher:,} by {report.teacher}",
    ]
    if report.n_abstained:
        parts.append(f"{report.n_abstained:,} abstained")
    if report.n_missing:
        parts.append(f"{report.n_missing:,} without a label")
    return f"Of {count(report.n_rows, 'row')}: {', '.join(parts)}."


def abstained_sentence(report: Report) -> str:
    """Why rows came out abstained, and what that cost or spared; empty when none did."""
    parts = []
    if report.n_unlike:
        spared = f", which spared about {money(report.spared)}" if report.spared else ""
        parts.append(
            f"{report.n_unlike:,} unlike every labelled row, about which {report.teacher} was not "
            f"asked{spared}"
        )
    if report.n_unsure:
        parts.append(
            f"{report.n_unsure:,} of whose label {report.teacher} itself was unsure, asked about "
            "all the same"
        )
    if not parts:
        return ""
    return f"Abstained from {count(report.n_abstained, 'row')}: {'; '.join(parts)}."


def outcome_sentences(report: Report) -> list[str]:
    """What became of the rows, and of the money."""
    lines = []
    if report.n_routed:
        lines.append(rows_sentence(report))
    if sentence := abstained_sentence(report):
        lines.append(sentence)
    if report.missing_reasons:
        lines.append(missing_sentence(report))
    lines.append(money_sentence(report))
    if report.superseded.n:
        lines.append(superseded_sentence(report.superseded))
    # A certificate says so itself.
    if report.certificate is None and (sentence := models_sentence(report.models)):
        lines.append(sentence)
    lines.extend(report.warnings)
    return lines


def money_sentence(report: Report) -> str:
    """What was paid, and about what asking for every row would have cost."""
    text = spent_sentence(report.spending)
    if report.simulated:
        text = text.replace("Paid ", "At made-up prices: ", 1)
    if report.cost_all and report.spending.cost is not None:
        text += f" Asking {report.teacher} about every text: about {money(report.cost_all)}."
    if report.saved:
        text += f" The surrogate's rows saved about {money(report.saved)}."
    return f"{text} {report.note}".strip()


def report_facts(report: Report) -> list[tuple[str, str]]:
    """The few figures that are looked for first, each with what it is."""
    facts = []
    done = report.n_routed
    if done:
        facts.append((percent(report.n_surrogate / done), "of all rows by the surrogate"))
    if report.n_abstained:
        facts.append((percent(report.n_abstained / done), "of all rows abstained"))
    if report.certificate is not None and report.certificate.n_handled:
        facts.append((percent(report.certificate.agreement), "agreement seen on handled rows"))
    if report.spending.cost is not None:
        paid = "at made-up prices" if report.simulated else "paid"
        if report.cost_all:
            paid += f", instead of about {money(report.cost_all)}"
        facts.append((money(report.spending.cost), paid))
    elif report.spending.asked:
        facts.append((count(report.spending.asked, "text"), "asked, at unknown cost"))
    return facts


def sample_sentence(report: Report) -> str:
    """How far the labelling is, as long as that is all that there is; else empty."""
    if report.surrogate or not report.n_labelled:
        return ""
    return f"{count(report.n_labelled, 'row')} of the sample labelled."


def report_lines(report: Report) -> list[str]:
    """Everything a status line needs: rows, promise, money, evidence."""
    lines = []
    if report.surrogate:
        lines.append(certificate_sentence(report))
    if sentence := sample_sentence(report):
        lines.append(sentence)
    lines.extend(s for s in (choices_sentence(report), curve_sentence(report)) if s)
    lines.extend(outcome_sentences(report))
    if report.certificate is not None:
        lines.append(evidence_sentence(report))
    if report.stopped:
        lines.append(stopped_sentence(report.stopped))
    return lines
