"""A job in a few sentences, and what a human's reviews say about its teacher."""

from __future__ import annotations

from tracer_nb.labelsets import shown
from tracer_nb.records import Certificate, Report, ReviewState
from tracer_nb.words.bills import bill_dollars, bill_facts, bill_sentence, expected_dollars
from tracer_nb.words.carried import carried_lines
from tracer_nb.words.certificates import (
    certificate_sentence,
    choices_sentence,
    evidence_sentence,
)
from tracer_nb.words.figures import count, level, limits, money, percent
from tracer_nb.words.labelling import missing_sentence, spent_sentence, stopped_sentence
from tracer_nb.words.plans import models_sentence, superseded_sentence
from tracer_nb.words.refusals import refusal_lines

__all__ = [
    "abstained_sentence",
    "explanation_line",
    "money_sentence",
    "newer_sentence",
    "outcome_sentences",
    "report_facts",
    "report_lines",
    "revealed_sentence",
    "review_line",
    "review_lines",
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
        spared = f", about {money(report.spared)} of what is saved" if report.spared else ""
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
    lines = carried_lines(report)
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


def newer_sentence(cell: int) -> str:
    """That a result is no longer the newest of its job, and which cell shows that."""
    return f"Newer result of this job: cell [{cell}]." if cell else "Newer result of this job."


def money_sentence(report: Report) -> str:
    """What was paid, and about what asking for every row would have cost."""
    bill = report.bill
    # Teacher and stages of a chain were asked about the same texts.
    chain = bill is not None and bool(bill.stages)
    text = spent_sentence(report.spending, "answer" if chain else "text")
    if report.simulated:
        text = text.replace("Paid ", "At made-up prices: ", 1)
    is_told = bill is not None and bool(bill_dollars(bill) or expected_dollars(bill))
    if report.cost_all and report.spending.cost is not None and not is_told:
        text += f" Asking {report.teacher} about every text: about {money(report.cost_all)}."
    # The bill says it of the whole column.
    saved = (report.saved or 0.0) + (report.spared or 0.0)
    if saved and (bill is None or bill.saved is None):
        text += f" Not asking about the other texts saved about {money(saved)}."
    return f"{text} {report.note}".strip()


def report_facts(report: Report) -> list[tuple[str, str]]:
    """The few figures that are looked for first, each with what it is."""
    facts = bill_facts(report)
    done = report.n_routed
    if done:
        # Counts: a second share beside that of the bill would be taken for the same.
        rows = f"of {count(done, 'row')}"
        facts.append((f"{report.n_surrogate:,}", f"{rows} answered by the surrogate"))
        if report.n_abstained:
            facts.append((f"{report.n_abstained:,}", f"{rows} abstained"))
    c = report.certificate
    if c is not None and c.n_known:
        facts += _facts_of_recall(c)
    elif c is not None and c.n_handled:
        seen = f"agreed: {c.n_agree:,} of the {count(c.n_handled, 'handled row')} that were tested"
        share = c.agreement
        if c.promise.kind != "handled":
            share = 1.0 - c.n_wrong / max(c.n_counted, 1)
            kept, _ = c.promise.kept
            seen = f"{kept}: {c.n_counted - c.n_wrong:,} of {c.n_counted:,} tested "
            seen += c.promise.rows.removeprefix("all ").removeprefix("the ")
        facts.append((percent(share), seen))
    if report.spending.cost is not None:
        paid = "at made-up prices" if report.simulated else "paid"
        bill = report.bill
        if bill is not None and (bill.total is None or bill.n_waiting):
            paid += " so far"
        elif report.cost_all:
            paid += f", instead of about {money(report.cost_all)}"
        facts.append((money(report.spending.cost), paid))
    elif report.spending.asked:
        reused = report.spending.reused
        asked = f"asked now, {reused:,} taken from the store" if reused else "asked"
        facts.append((count(report.spending.asked, "text"), f"{asked}, at unknown cost"))
    return facts


def _facts_of_recall(c: Certificate) -> list[tuple[str, str]]:
    """Rows with the label that were known before, and those that the test would have missed."""
    read, found = count(c.n_calibration, "row"), c.n_counted - c.n_known
    told = f"of {read} with another label turned out to have it"
    if found != c.n_wrong:
        told = f"of {count(found, 'tested row')} with it came out without it"
    seen = f"rows with the label {c.promise.label} found before the others were read"
    return [(f"{c.n_known:,}", seen), (f"{c.n_wrong:,}", told)]


def sample_sentence(report: Report) -> str:
    """How far the labelling is, as long as that is all that there is; else empty."""
    if report.surrogate or not report.n_labelled:
        return ""
    return f"{count(report.n_labelled, 'row')} labelled."


def report_lines(report: Report) -> list[str]:
    """Everything a status line needs: the bill, promise, rows, money, evidence."""
    spent = report.spending
    if not (report.n_labelled or report.n_routed or report.stopped or spent.asked or spent.reused):
        return ["Nothing is labelled yet."]
    lines = list(filter(None, [bill_sentence(report)]))
    if report.surrogate:
        lines.append(certificate_sentence(report))
    lines.extend(refusal_lines(report))
    if sentence := sample_sentence(report):
        lines.append(sentence)
    if sentence := choices_sentence(report):
        lines.append(sentence)
    lines.extend(outcome_sentences(report))
    if report.certificate is not None:
        lines.append(evidence_sentence(report))
    if report.stopped:
        lines.append(stopped_sentence(report.stopped))
    return lines


def review_line(state: ReviewState) -> str:
    """How far a review is, and the teacher's accuracy so far, in short."""
    line = f"{state.n_done:,} of {state.n_total:,}"
    found = state.accuracy
    if not found.n_reviewed:
        return f"{line} · no random row judged yet"
    right = f"teacher right {found.n_right:,} of {count(found.n_reviewed, 'random row')}"
    within = limits(found.lower, found.upper)
    if found.n_skipped:
        within += f", {found.n_skipped:,} skipped"
    return f"{line} · {right}: {percent(found.accuracy, 0)} ({within})"


def review_lines(state: ReviewState) -> list[str]:
    """What a review has shown about the teacher, and what it rests on."""
    done = f"{state.n_done:,} of {count(state.n_total, 'row')} reviewed"
    if state.n_skipped:
        done += f", {state.n_skipped:,} of them skipped"
    lines = [f"{done}."]
    if state.accuracy.n_reviewed:
        lines.extend(_accuracy_lines(state))
    else:
        lines.append("No row drawn at random is judged yet, so nothing is known of the accuracy.")
    disputes = state.disputes
    if disputes.n_reviewed:
        neither = disputes.n_reviewed - disputes.n_teacher - disputes.n_other
        right = f"{state.teacher} was right on {disputes.n_teacher:,}, {state.other} on "
        right += f"{disputes.n_other:,}" + (f", neither on {neither:,}" if neither else "")
        lines.append(f"Of {count(disputes.n_reviewed, 'reviewed disagreement')}, {right}.")
    if state.item is not None:
        lines.append("Everything is stored; review again to go on.")
    return lines


def _accuracy_lines(state: ReviewState) -> list[str]:
    found = state.accuracy
    rows = count(found.n_reviewed, "row")
    lines = [
        (
            f"{state.teacher} gave your label on {found.n_right:,} of {rows} drawn at random "
            f"({percent(found.accuracy)}). With {level(found.confidence)} confidence it is right on "
            f"{limits(found.lower, found.upper)} of all rows that it labelled."
        )
    ]
    if found.n_skipped:
        lines.append(
            f"{count(found.n_skipped, 'random row')} skipped: wrong in the lower limit, right in "
            "the upper one."
        )
    if found.n_seen:
        lines.append(f"On {found.n_seen:,} of the {rows} you had seen its label before.")
    lines.append(
        "Rows shown as uncertain or disputed do not count here, because they were chosen for "
        "looking wrong. The limits hold for a number of rows that was fixed beforehand."
    )
    return lines


def revealed_sentence(state: ReviewState) -> str:
    """Who had said what about the row that was answered last, or what was taken back."""
    if state.taken_back is not None:
        seen = " You have seen the others' labels, so it no longer counts as blind."
        had = (
            "skipped it"
            if state.taken_back.label is None
            else f"said {shown(state.taken_back.label)}"
        )
        return f"Taken back: you had {had}.{seen if state.blind else ''}"
    if state.last is None:
        return ""
    item, review = state.last
    parts = ["Skipped" if review.label is None else f"You said {shown(review.label)}"]
    said: dict[str, list[str]] = {item.teacher_label: [state.teacher]}
    if item.other_label is not None:
        said.setdefault(item.other_label, []).append(state.other)
    for member, label in item.said:
        said.setdefault(label, []).append(member)
    for label, who in said.items():
        if label == review.label:
            parts[0] += f", and so did {' and '.join(who)}"
        else:
            parts.append(f"{' and '.join(who)} said {shown(label)}")
    why = f" {explanation_line(item.explanation)}" if item.explanation else ""
    return f"{'; '.join(parts)}.{why}"


def explanation_line(explanation: str) -> str:
    """What the teacher wrote about a row, told from what is said here."""
    return f"Teacher's explanation: {explanation}"
