"""What labelling a whole column takes: the figure that leads on every card, page and line.

"Saved" is one thing everywhere: texts that are never asked about, of all texts of the column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tracer_nb.records import Bill, Report, StagePlan, StageReport
from tracer_nb.words.figures import count, money, percent
from tracer_nb.words.refusals import lower_words

__all__ = [
    "bill_cells",
    "bill_dollars",
    "bill_facts",
    "bill_lead",
    "bill_sentence",
    "expected_dollars",
    "expected_sentence",
    "stage_plan_sentence",
    "stage_sentence",
    "stage_table",
]


def bill_sentence(report: Report) -> str:
    """How many texts are asked about in all, and what that saves; empty where nothing was asked."""
    bill = report.bill
    if bill is None or not bill.n_asked:
        return ""
    if _is_refused(report) and (bill.total is None or bill.n_waiting):
        return _refused(report, bill)
    if bill.total is None:
        return _so_far(report, bill)
    if not bill.saved:
        why = (
            "Nothing is certified, so nothing is saved" if _is_refused(report) else "Saved nothing"
        )
        return f"{why}: all {count(bill.n_texts, 'text')} were asked about{_parts(bill)}."
    verb = "Saves" if bill.n_waiting else "Saved"
    asked = f"{bill.total:,} of {count(bill.n_texts, 'text')} asked about"
    if bill.n_waiting:
        asked += " in all"
    text = f"{verb} {percent(bill.saved_share or 0.0)} of the calls, labels counted in: {asked}"
    dollars = bill_dollars(bill, simulated=report.simulated)
    return f"{text}{_parts(bill)}{f', {dollars}' if dollars else ''}.{_stages(bill)}"


def bill_lead(report: Report) -> str:
    """The same, where no large figure says it: before anything is certified, or if nothing is."""
    bill = report.bill
    if bill is None or bill.saved_share is None or _is_refused(report):
        return bill_sentence(report)
    return ""


def bill_facts(report: Report) -> list[tuple[str, str]]:
    """The large figure, with what it is."""
    bill = report.bill
    if bill is None or not bill.n_asked:
        return []
    if _is_refused(report) and (bill.total is None or bill.n_waiting):
        asked = f"{_answered(bill):,} of {count(bill.n_texts, 'text')} asked about"
        return [("0 %", f"of the calls saved, as nothing is certified: {asked} so far")]
    if bill.saved_share is not None and bill.total is not None:
        asked = f"{bill.total:,} of {count(bill.n_texts, 'text')} asked about"
        asked += " in all" if bill.n_waiting else ""
        return [(percent(bill.saved_share), f"of the calls saved, labels counted in: {asked}")]
    facts = [(f"{bill.n_asked:,}", f"of {count(bill.n_texts, 'text')} asked about so far")]
    if bill.expected_total is not None:
        facts.append((_about(bill.expected_total), "texts asked about in all, as now expected"))
    return facts


def bill_cells(bill: Bill) -> list[tuple[str, str]]:
    """The same while a run goes on: figures and what they are."""
    if bill.total is not None and bill.saved_share is not None:
        cells = [(f"{bill.total:,}", f"of {count(bill.n_texts, 'text')} asked about in all")]
        return [(percent(bill.saved_share), "of the calls saved"), *cells]
    cells = [(f"{bill.n_asked:,}", f"of {count(bill.n_texts, 'text')} asked about")]
    if bill.expected_total is not None:
        cells.append((_about(bill.expected_total), "texts in all, as now expected"))
        saved = max(1.0 - bill.expected_total / max(bill.n_texts, 1), 0.0)
        cells.append((percent(saved, 0), "of the calls saved, as now expected"))
    return cells


def bill_dollars(bill: Bill, *, simulated: bool = False) -> str:
    """What the whole bill comes to, against asking about everything; empty when unknown."""
    return _instead(bill, bill.total, simulated=simulated)


def expected_dollars(bill: Bill) -> str:
    """The same of the bill that is expected now."""
    return _instead(bill, bill.expected_total)


def expected_sentence(bill: Bill, *, simulated: bool = False) -> str:
    """The whole bill that is expected now; empty where nothing is."""
    if bill.expected_total is None:
        return ""
    dollars = _instead(bill, bill.expected_total, simulated=simulated)
    text = f"Expected in all: {_about(bill.expected_total)} of {count(bill.n_texts, 'text')}"
    return f"{text}{f', {dollars}' if dollars else ''}."


def stage_sentence(stage: StageReport) -> str:
    """What a stage of a chain was asked; the rest is in the table."""
    paid = "" if not stage.cost else f" for {money(stage.cost)}"
    text = f"{stage.name} was heard about {count(stage.n_heard, 'text')}{paid}"
    return f"{text}, and left out: {stage.why.rstrip('.')}." if stage.why else f"{text}."


def stage_plan_sentence(stages: Sequence[StagePlan], teacher: str) -> str:
    """Who is heard before the teacher, what that costs, and at the most."""
    said = [
        f"{stage.name} at {stage.price:.2g} of an asking of {teacher}, "
        f"about {money(stage.cost_all)} for every text"
        for stage in stages
    ]
    return (
        f"Heard before it: {'; '.join(said)}. That is the most: about the random start, and then "
        "only where it is expected to spare more than it costs."
    )


def stage_table(report: Report) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]] | None:
    """Who answered what, at what price; None without a chain, or before routing."""
    bill = report.bill
    if bill is None or not bill.stages or not report.n_routed:
        return None
    rows: list[tuple[str, ...]] = [
        ("the surrogate alone", f"{bill.n_alone:,}", "", money(0.0), ""),
        *(
            (
                f"{stage.name}, left out: {stage.why}"
                if stage.why
                else f"with the opinion of {stage.name}",
                f"{stage.n_answered:,}",
                f"{stage.n_heard:,}",
                money(stage.cost),
                "" if math.isnan(stage.agreement) else percent(stage.agreement, 0),
            )
            for stage in bill.stages
        ),
        (
            report.teacher,
            f"{report.n_teacher:,}",
            "" if bill.total is None else f"{bill.total:,}",
            f"about {money(bill.dollars(bill.total))}",
            "",
        ),
    ]
    title = "Who answered what, at what price"
    if len(bill.stages) > 1:
        title += "; a row may have heard several"
    return title, ("who", "rows labelled", "texts asked", "dollars", "alone as the teacher"), rows


def _stages(bill: Bill) -> str:
    return "".join(f" {stage_sentence(stage)}" for stage in bill.stages)


def _asked(bill: Bill) -> list[tuple[int, str]]:
    deferred = "deferred"
    n_deferred = (bill.n_deferred or 0) - bill.n_audited
    if bill.n_waiting:
        of = "" if bill.n_waiting == n_deferred else f"{bill.n_waiting:,} of them "
        deferred = f"deferred, {of}not answered yet" if of else "deferred and not answered yet"
    parts = [
        (bill.n_start, "to begin with" if bill.n_hard else "to fit on"),
        (bill.n_hard, "hard one" if bill.n_hard == 1 else "hard ones"),
        (bill.n_test, "to test"),
        (bill.n_new_rows, "for new rows"),
        (n_deferred, deferred),
        (bill.n_audited, "audited or known before"),
    ]
    return [part for part in parts if part[0]]


def _parts(bill: Bill) -> str:
    parts = [f"{n:,} {words}" for n, words in _asked(bill)]
    return f" ({', '.join(parts)})" if parts else ""


def _so_far(report: Report, bill: Bill) -> str:
    text = f"Asked about {bill.n_asked:,} of {count(bill.n_texts, 'text')} so far{_parts(bill)}."
    expected = expected_sentence(bill, simulated=report.simulated)
    return f"{text} {expected}" if expected else f"{text} What is saved shows with the certificate."


def _refused(report: Report, bill: Bill) -> str:
    left = bill.n_texts - _answered(bill)
    so_far = replace(bill, n_deferred=_answered(bill) - bill.n_asked, n_waiting=0, n_audited=0)
    asked = f"{_answered(bill):,} of {count(bill.n_texts, 'text')} asked about{_parts(so_far)}"
    text = f"Nothing is certified, so nothing is saved: {asked}"
    if not left:
        return f"{text}."
    dollars = bill.dollars(left)
    more = f", about {money(dollars)} more" if dollars else ""
    if dollars and report.simulated:
        more += " at made-up prices"
    choices = [f"ask about these too (route --ask{more})"]
    if not bill.expected:  # who chooses rows has asked about all that could help
        choices.append("label more rows and certify again")
    if report.lower is not None:
        choices.append(f"lower the target {lower_words(report.lower)}")
    text += f", {left:,} without an answer."
    if len(choices) == 1:
        return f"{text} The choice that is left: {choices[0]}."
    either = f"{', '.join(choices[:-1])}{',' if len(choices) > 2 else ''} or {choices[-1]}"
    return f"{text} The choices: {either}."


def _answered(bill: Bill) -> int:
    """Texts that were asked about until now, deferred ones among them."""
    return bill.n_asked + (bill.n_deferred or 0) - bill.n_waiting


def _is_refused(report: Report) -> bool:
    return report.certificate is not None and not report.certificate.certified


def _instead(bill: Bill, n_texts: float | None, *, simulated: bool = False) -> str:
    cost, everything = bill.dollars(n_texts), bill.dollars(bill.n_texts)
    if cost is not None:
        cost += sum(stage.cost or 0.0 for stage in bill.stages)
    if not cost or not everything:
        return ""
    at = "at made-up prices " if simulated else ""
    return f"{at}about {money(cost)} instead of {money(everything)}"


def _about(n_texts: float) -> str:
    """An expected number of texts, to two or three digits: more would be made up.

    >>> _about(2231.7), _about(46.2)
    ('about 2,230', 'about 46')
    """
    digits = 10 if n_texts >= 100 else 1
    return f"about {round(n_texts / digits) * digits:,}"
