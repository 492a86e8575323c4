"""What an update learned, tested and changed, and two fits side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracer_nb.records import Certificate, FitDifferences, Update, UpdatePlan, UpdateSide
from tracer_nb.words.figures import beginning, count, level, money, percent, rounded_down
from tracer_nb.words.labelling import stopped_sentence
from tracer_nb.words.refusals import chance_words

__all__ = [
    "back_lines",
    "difference_lines",
    "difference_tables",
    "other_sentence",
    "update_lines",
    "update_plan_lines",
    "update_rows",
    "update_sentence",
    "update_tried_lines",
]


# Labels and reasons that are named.
_NAMED = 5


def back_lines(now: Certificate, other: Certificate) -> list[str]:
    """What is in force after going back to ``now``, and what choosing it rests on."""
    return [
        f"In force again: {_stated(now)}. Nothing was asked or paid.",
        f"{other_sentence(now, other)} The same step puts it back.",
    ]


def other_sentence(now: Certificate, other: Certificate) -> str:
    """Which certificate might be in force as well, and what choosing between the two rests on."""
    return (
        f"The other certificate: {_stated(other)}. To choose between the two by their figures is "
        "covered by neither alone; all of this column's rounds hold at once with "
        f"{rounded_down(now.total_confidence)} confidence, so either may be taken."
    )


def _stated(certificate: Certificate) -> str:
    if not certificate.certified:
        return f"nothing certified, at {level(certificate.target)}"
    handled = f"{count(certificate.n_population_handled or 0, 'row')} of the column"
    if certificate.n_population is None:
        handled = f"the {percent(certificate.coverage)} of new rows that the surrogate answers"
    sure = level(certificate.confidence)
    return f"{level(certificate.target)} on {handled}, tested at {sure} confidence"


def update_plan_lines(plan: UpdatePlan) -> list[str]:
    """What an update would ask, spend and likely bring."""
    cost = "at unknown cost" if plan.cost is None else f"about {money(plan.cost)}"
    asks = f"asks about {count(plan.n_ask, 'text')}, {cost}" if plan.n_ask else "asks about no text"
    said = (
        f"Update: fits on {count(plan.n_new, 'more answer')}, tests on "
        f"{count(plan.n_fresh, 'fresh row')} and for these {asks}. The test spends "
        f"{percent(plan.delta, 2)} of the chance of error."
    )
    lines = [*update_tried_lines(plan), said]
    if math.isnan(plan.chance):
        return lines
    likely = f"Likely: {chance_words(plan.chance)} that it certifies {level(plan.target)}"
    return [*lines, f"{likely}, judged by the rows that are fitted on now; no promise."]


def update_tried_lines(plan: UpdatePlan) -> list[str]:
    """What the last update would have given, where it was not taken; one line, or none."""
    tried = plan.tried
    if tried is None or tried.after is None:
        return []
    n = count(tried.n_learned + tried.n_elsewhere, "answer")
    text = f"Tried with {n} and not taken: "
    if not tried.after.certificate.certified:
        text += "nothing could be certified for the new router"
    else:
        text += (
            f"the new router would answer {percent(tried.after.coverage)} of rows like the column's, "
            f"and the one in use answers {percent(tried.before.coverage)}"
        )
    since = f"{count(plan.n_new, 'more answer')} since" if plan.n_new else "no more answers since"
    return [f"{text}; {since}."]


def update_sentence(update: Update) -> str:
    """What came of it, in one sentence or two."""
    if update.stopped is not None or update.after is None:
        why = stopped_sentence(update.stopped or "not done")
        return f"{why} Nothing was fitted or tested yet: the router is as it was."
    before, after = update.before, update.after
    if not update.taken:
        text = "The router before is kept for new rows: "
        if not after.certificate.certified:
            return f"{text}nothing could be certified for the new one ({after.certificate.note})."
        return (
            f"{text}the surrogate answers {percent(before.coverage)} of rows like the column's, "
            f"the new one would answer {percent(after.coverage)}."
        )
    if not after.certificate.certified:
        return (
            f"The new router answers no new row, as the one before: {after.certificate.note}. A "
            "larger sample of fresh rows may do."
        )
    return (
        f"Of rows like the column's, the surrogate now answers {percent(after.coverage)} instead "
        f"of {percent(before.coverage)}. With {_sure(update)} confidence, at least "
        f"{level(after.certificate.target)} of those that it answers carry the teacher's label."
    )


def update_lines(update: Update) -> list[str]:
    """Everything that is to be said, the sentence above first."""
    lines = [update_sentence(update), _learned(update)]
    if update.after is not None:
        lines += [_tested(update), _together(update)]
        if update.n_to_surrogate or update.n_to_teacher:
            lines.append(_moved(update))
    if update.new_labels:
        named = [f"{beginning(name, 40)} ({n:,})" for name, n in update.new_labels[:_NAMED]]
        more = len(update.new_labels) - _NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        known = "It knows them now." if update.taken else ""
        lines.append(
            f"New to the surrogate, with the texts that carry them: {', '.join(named)}{rest}. "
            f"{known}".strip()
        )
    if update.outside:
        n = sum(n for _, n in update.outside)
        reasons = "; ".join(f"{m:,} × {reason}" for reason, m in update.outside[:_NAMED])
        lines.append(f"{count(n, 'text')} the teacher gave no label of the set: {reasons}.")
    if update.had_alarm:
        lines.append(
            "An audit had raised an alarm, so the router before gives way. The new one was tested "
            "on rows of the labelled column: of rows that differ from them it promises nothing."
        )
    return lines


def update_rows(update: Update) -> tuple[tuple[str, str, str], list[tuple[str, str, str]]]:
    """Head and rows of the figures before and after."""
    before, after = update.before, update.after
    head = ("", "before", "after" if update.taken else "tried")
    rows = [(name, said(before), "" if after is None else said(after)) for name, said in _FIGURES]
    return head, [row for row in rows if row[1] or row[2]]


def _learned(update: Update) -> str:
    answers = count(update.n_learned, "answer")
    text = f"Besides the labels drawn at random, {answers} to deferred or audited texts"
    if update.n_elsewhere:
        text += f", and {update.n_elsewhere:,} to deferred ones of other columns,"
    text += " are fitted on"
    if update.n_held_back:
        text += f"; {update.n_held_back:,} more are held back, as their rows are kept for tests"
    return f"{text}."


def _tested(update: Update) -> str:
    return (
        f"Tested on {count(update.n_fresh, 'fresh row')} of the column, drawn at random, of which "
        f"{count(update.n_asked, 'text')} had to be asked about; {update.n_left:,} are left for "
        "later tests."
    )


def _together(update: Update) -> str:
    return (
        f"Round {update.n_round} was tested at {level(1.0 - update.delta)} confidence. With "
        f"{_sure(update)} confidence the certificates of all {update.n_round:,} rounds on this "
        "column in this session hold at once (those for new rows, and those for the column, each among "
        "themselves), which is why the better one may be chosen."
    )


def _sure(update: Update) -> str:
    """Confidence that every certificate on the column holds."""
    return level(max(1.0 - update.spent, 0.0))


def _moved(update: Update) -> str:
    return (
        f"In the column, the surrogate took over {count(update.n_to_surrogate, 'row')}, and "
        f"{count(update.n_to_teacher, 'row')} that it had answered have the teacher's label now: "
        "rows of the test, and rows that were audited."
    )


def _promise(certificate: Certificate) -> str:
    if not certificate.certified:
        return "not certified"
    return f"{level(certificate.target)} at {level(certificate.confidence)}"


def _seen(side: UpdateSide) -> str:
    c = side.certificate
    if not c.n_handled:
        return ""
    return f"{percent(c.agreement)} of {c.n_handled:,}, at least {percent(c.agreement_lower)}"


def _number(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


_FIGURES = (
    ("labels fitted on", lambda side: f"{side.n_fit:,}"),
    ("rows tested on", lambda side: f"{side.certificate.n_calibration:,}"),
    ("promise for new rows", lambda side: _promise(side.certificate)),
    ("new rows by the surrogate", lambda side: percent(side.coverage)),
    ("agreement seen, pointwise bound", _seen),
    ("promise for the column", lambda side: _promise(side.column_certificate)),
    ("column: rows by the surrogate", lambda side: _number(side.n_surrogate)),
    ("column: rows by the teacher", lambda side: _number(side.n_teacher)),
    ("column: rows without a label", lambda side: _number(side.n_missing)),
    ("column: texts asked in all", lambda side: _number(side.n_calls)),
)


_ROWS = 12


def difference_lines(found: FitDifferences) -> list[str]:
    """What changed from the first fit to the second, coverage first."""
    if not found.n_rows:
        lines = ["Every row with text is in a sample: there is none that a fit decides about."]
    else:
        one, two = (percent(n / found.n_rows) for n in found.n_handled)
        lines = [
            (
                f"Of {count(found.n_rows, 'row')} in neither sample the surrogate answers {one} "
                f"before and {two} after{_targets(found)}."
            ),
            (
                f"{count(len(found.to_handled), 'row')} went from deferred to handled, "
                f"{count(len(found.to_deferred), 'row')} from handled to deferred; on "
                f"{count(len(found.relabelled), 'row')} the surrogate's label is another one, "
                f"{found.n_relabelled_handled:,} of them handled before and after."
            ),
        ]
    lines += _agreement(found)
    if not found.same_teacher:
        lines.append("The two have different teachers: each agreement is with the fit's own.")
    lines.append(
        "Each certificate stands alone. To choose a fit by these figures, certify it on fresh "
        "rows: on these the promise would be void."
    )
    return lines


def _targets(found: FitDifferences) -> str:
    one, two = found.targets
    return "" if one == two else f" (targets {level(one)} and {level(two)})"


def _agreement(found: FitDifferences) -> list[str]:
    if not found.n_tested:
        return ["No labelled row is new to both surrogates, so agreement cannot be compared."]
    one, two = (
        f"{agree:,} of {handled:,}" + (f" ({percent(agree / handled)})" if handled else "")
        for agree, handled in zip(found.n_tested_agree, found.n_tested_handled, strict=True)
    )
    lines = [
        (
            f"On {count(found.n_tested, 'labelled row')} that neither surrogate was fitted on, "
            f"handled rows that agree with the teacher: {one} before, {two} after."
        )
    ]
    if found.n_both:
        change = (found.only_after - found.only_before) / found.n_both
        lines.append(
            f"On the {count(found.n_both, 'row')} handled by both: {_agree(found.only_after)} "
            f"after only, {_agree(found.only_before)} before only, a change of {_signed(change)} points "
            f"({level(found.confidence)} interval {_signed(found.lower)} to "
            f"{_signed(found.upper)}; exact McNemar p = {found.p_value:.2g})."
        )
    return lines


def _agree(n: int) -> str:
    return f"{n:,} {'agrees' if n == 1 else 'agree'}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"


def difference_tables(
    found: FitDifferences,
) -> list[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Title, head and rows of each table that has rows."""
    tables = [_labels(found), _changes(found)]
    return [table for table in tables if table[2]]


def _labels(found: FitDifferences) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    rows = [
        (
            *(one.label, f"{one.n_rows:,}"),
            *(percent(n / one.n_rows) for n in one.n_handled),
            *(
                percent(agree / n) if n else ""
                for agree, n in zip(one.n_agree, one.n_handled, strict=True)
            ),
        )
        for one in found.labels[:_ROWS]
    ]
    title = "By the teacher's label, on labelled rows that neither surrogate was fitted on"
    head = (
        *("label", "rows", "handled before", "handled after"),
        *("agreement before", "agreement after"),
    )
    return title, head, rows


def _changes(found: FitDifferences) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    rows = [
        (
            *(f"{one.row:,}", beginning(one.text)),
            *(
                f"{label}, {'handled' if handled else 'deferred'}"
                for label, handled in zip(one.labels, one.handled, strict=True)
            ),
        )
        for one in found.changes
    ]
    return "Rows that changed", ("row", "text", "surrogate before", "surrogate after"), rows
