"""Records in plain sentences: the same words in cards, status lines, plans and scripts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tracer_nb.records import (
    Batch,
    Certificate,
    Choice,
    Collected,
    Comparison,
    Confusion,
    Labels,
    Plan,
    Progress,
    Report,
    ReviewState,
    Scan,
    Selection,
    Spending,
    Submitted,
    Superseded,
    Targets,
)

__all__ = [
    "batch_sentence",
    "certificate_sentence",
    "choices_sentence",
    "collected_lines",
    "comparison_lines",
    "count",
    "curve_sentence",
    "duration",
    "evidence_sentence",
    "label_lines",
    "level",
    "missing_sentence",
    "moment",
    "money",
    "money_sentence",
    "pair_rows",
    "percent",
    "plan_lines",
    "progress_line",
    "promise_sentence",
    "report_facts",
    "report_lines",
    "revealed_sentence",
    "review_line",
    "review_lines",
    "rows_sentence",
    "sample_sentence",
    "saved_lines",
    "scan_lines",
    "selection_sentence",
    "spent_sentence",
    "stopped_sentence",
    "submitted_lines",
    "superseded_sentence",
    "target_rows",
    "target_sentence",
    "waiting_sentence",
]

_NOT_EXACT = (
    " The features were fitted on the labelled column, so for new rows this is close, not exact."
)
# Pairs of labels that a comparison names.
_PAIRS = 5
# Beside every fifth percent.
_TARGETS = (0.92, 0.98)
_STRATEGIES = {
    "fixed-threshold": "your threshold",
    "cost-aware": "dear rows first",
}


def count(n: int, noun: str = "", plural: str = "") -> str:
    """``1,234 rows``; the noun in its right number."""
    words = f" {noun if n == 1 else plural or noun + 's'}" if noun else ""
    return f"{n:,}{words}"


def percent(share: float, digits: int = 1) -> str:
    """``0.885`` as ``88.5 %``; trailing zeros go, and a share below 1 never shows as 100 %."""
    text = f"{100 * share:.{digits}f}"
    if share < 1 and float(text) == 100.0:
        text = f"{100 - 10**-digits:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def level(share: float) -> str:
    """A promised share with all its digits: rounded up, the words would promise more."""
    return f"{100 * share:.10g} %"


def _rounded_down(share: float) -> str:
    """A promised share to a tenth of a percent, never more than it is."""
    return f"{math.floor(1000 * share + 1e-9) / 10:g} %"


def money(dollars: float | None) -> str:
    """Dollars with as many digits as they need; "unknown cost" for None."""
    if dollars is None:
        return "unknown cost"
    if dollars == 0 or dollars >= 0.10:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}" if dollars >= 0.0001 else "less than $0.0001"


def duration(seconds: float) -> str:
    """Seconds as one says them: ``40 s``, ``3 min``, ``2 h 10 min``.

    >>> duration(0.2), duration(100), duration(7800)
    ('1 s', '2 min', '2 h 10 min')
    """
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 10 or not minutes:
        return f"{round(seconds / 3600):,} h"
    return f"{hours} h {minutes} min"


def moment(time: str | None) -> str:
    """A stored time on this machine's clock, to the minute."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M") if time else ""


def plan_lines(plan: Plan) -> list[str]:
    """What a job would ask and cost, one fact a line."""
    texts = f"{count(plan.n_rows, 'row')}, {count(plan.n_unique, 'distinct text')}"
    if plan.n_texts < plan.n_rows:
        texts += f", {count(plan.n_rows - plan.n_texts, 'row')} without text"
    ask = f"Ask {plan.teacher} about {count(plan.n_ask, 'text')}"
    ask += f" for a random sample of {count(plan.n_sample, 'row')}"
    if plan.n_stored:
        ask += f"; {count(plan.n_stored, 'answer')} stored already"
    if plan.n_waiting:
        ask += f"; {count(plan.n_waiting, 'text')} in a batch already, see %tracer collect"
    lines = [f"{texts}.", f"{ask}."]
    if plan.superseded.n:
        lines.append(superseded_sentence(plan.superseded))
    if plan.prompt_tokens:
        tokens = f"About {count(plan.prompt_tokens, 'prompt token')} and "
        tokens += count(plan.completion_tokens, "answer token")
        lines.append(f"{tokens} ({plan.token_source}).")
    if plan.cost is None:
        lines.append(_unknown_cost(plan))
    else:
        batch = f", in a batch about {money(plan.batch_cost)}" if plan.batch_cost else ""
        lines.append(
            f"Sample: about {_with_spread(plan)}{batch}; "
            f"asking about every text: about {money(plan.cost_all)}. Price: {plan.price_source}."
        )
    if plan.n_ask and plan.cost != 0:
        lines.append(_time_sentence(plan))
    if caps := _caps(plan):
        lines.append(f"Hard cap: {', '.join(caps)}, deferred rows included.")
    fewest = f"At least {count(plan.fewest_labels, 'labelled row')} are needed to certify "
    fewest += f"{level(plan.target)} at {level(plan.confidence)} confidence"
    if plan.n_sample < plan.fewest_labels:
        fewest += f"; this sample has {plan.n_sample:,}, so nothing can be certified"
    return [*lines, f"{fewest}."]


def _caps(plan: Plan) -> list[str]:
    caps = []
    if plan.max_cost is not None:
        caps.append(money(plan.max_cost))
    if plan.max_tokens is not None:
        caps.append(count(plan.max_tokens, "token"))
    if plan.max_rows is not None:
        caps.append(count(plan.max_rows, "text") + " asked")
    return caps


def _unknown_cost(plan: Plan) -> str:
    text = f"Cost unknown: no price for {plan.teacher}"
    if not plan.prompt_tokens:  # a function has no tokens, so no price for them either
        return f"{text}."
    if plan.max_tokens is None and plan.max_rows is None:
        return (
            f"{text}. Nothing will be asked without a bound: give price as IN,OUT in dollars per "
            "million tokens (0,0 for a server of your own), max_tokens or max_rows."
        )
    return f"{text}; give price as IN,OUT in dollars per million tokens."


def _with_spread(plan: Plan) -> str:
    cost, low, high = map(money, (plan.cost, plan.cost_low, plan.cost_high))
    return cost if low == cost == high else f"{cost} ({low} to {high})"


def _time_sentence(plan: Plan) -> str:
    if plan.seconds is None:
        return "Time unknown until the first answers."
    rate = _rate(plan.n_ask / plan.seconds)
    return f"Time: about {duration(plan.seconds)} at {rate}, {plan.time_source}."


def _rate(per_second: float) -> str:
    """Answers a second, or a minute when they are few.

    >>> _rate(11.2), _rate(2.5), _rate(0.2)
    ('11 answers a second', '2.5 answers a second', '12 answers a minute')
    """
    if per_second < 1:
        return f"{60 * per_second:.2g} answers a minute"
    return f"{per_second:,.{0 if per_second >= 10 else 1}f} answers a second"


def superseded_sentence(superseded: Superseded) -> str:
    """How many stored answers do not apply, and why."""
    n = superseded.n
    *names, last = superseded.differs or ("identity",)
    what = f"{', '.join(names)} or {last}" if names else last
    belong = "belongs to another" if n == 1 else "belong to another"
    apply = "does not apply" if n == 1 else "do not apply"
    answers = count(n, "stored answer")
    return f"{answers} to these texts {belong} {what} and {apply} (%tracer labels shows them)."


def label_lines(labels: Labels) -> list[str]:
    """How a labelling run ended."""
    labelled = int((labels.codes >= 0).sum())
    text = f"{count(labelled, 'row')} of the sample labelled"
    missing = len(labels.codes) - labelled
    if missing:
        text += f", {missing:,} without a label"
    if labels.n_failed:
        text += f", {labels.n_failed:,} failed (run again to ask them again)"
    lines = [f"{text}. {spent_sentence(labels.spending)}"]
    if labels.superseded.n:
        lines.append(superseded_sentence(labels.superseded))
    if labels.stopped:
        lines.append(stopped_sentence(labels.stopped))
    return lines


def stopped_sentence(stopped: str) -> str:
    """Why a run stopped, and what running again does."""
    again = "run again to go on"
    if stopped.startswith(("cost cap", "token cap", "row cap")):
        again = "a new run may spend up to the cap again"
    return f"Stopped: {stopped}. Every stored answer is kept; {again}."


def waiting_sentence(n_texts: int, since: str) -> str:
    """Why texts are not asked: they are paid in a batch."""
    are = "is" if n_texts == 1 else "are"
    return (
        f"{count(n_texts, 'text')} {are} in a batch submitted at {moment(since)}; %tracer collect"
    )


def submitted_lines(submitted: Submitted) -> list[str]:
    """What was sent in batches, and what was not."""
    batches, lines = submitted.batches, []
    if batches:
        known = [batch.reserved for batch in batches if batch.reserved is not None]
        most = f"at the most {money(sum(known))}"
        cost = most if len(known) == len(batches) else "at unknown cost"
        keys = ", ".join(batch.key for batch in batches)
        lines.append(
            f"{count(submitted.n_texts, 'text')} submitted to {batches[0].server} in "
            f"{count(len(batches), 'batch', 'batches')} ({keys}), {cost}. You may close the "
            "notebook; %tracer collect brings the answers in."
        )
    else:
        lines.append("Nothing to submit.")
    for n, why in (
        (submitted.n_stored, "answered already"),
        (submitted.n_waiting, "in a batch already; %tracer collect"),
        (submitted.n_unusable, "whose reply in a batch held no label; %tracer label repairs it"),
    ):
        if n:
            lines.append(f"{count(n, 'text')} {why}.")
    return lines


def collected_lines(collected: Collected) -> list[str]:
    """What batches brought in, one a line, and what is left to do."""
    lines = [batch_sentence(batch) for batch in collected.batches]
    if not lines:
        lines = ["No batch of this teacher is under way."]
    if collected.n_others:
        lines.append(
            f"{count(collected.n_others, 'batch waits', 'batches wait')} for another teacher, "
            "prompt or label set: name the one that submitted; %tracer batches."
        )
    if collected.n_answers:
        text = f"{count(collected.n_answers, 'answer')} stored"
        if collected.spending.missing:
            text += f", {collected.spending.missing:,} of them without a label"
        lines.append(f"{text}. Paid {money(collected.spending.cost)}.")
    if collected.n_unusable:
        lines.append(
            f"{count(collected.n_unusable, 'reply held', 'replies held')} no label: %tracer label "
            "asks about them once more, online."
        )
    if collected.n_free:
        lines.append(
            f"{count(collected.n_free, 'text')} got no reply and cost nothing: %tracer submit or "
            "label asks about them again."
        )
    return lines


def batch_sentence(batch: Batch) -> str:
    """Where one batch stands."""
    text = f"Batch {batch.key}, {count(batch.n_texts, 'text')}: {batch.state.replace('_', ' ')}"
    if batch.collected_at is not None:
        text += f", {count(batch.n_answers, 'answer')} stored, {money(batch.cost)}"
    elif batch.n_done or batch.n_failed:
        text += f", {batch.n_done:,} answered and {batch.n_failed:,} failed so far"
    return f"{text}; {batch.note}." if batch.note else f"{text}."


def progress_line(progress: Progress) -> str:
    """One moment of a run."""
    step = {"label": "Labelling the sample", "deferred": "Asking about deferred rows"}
    if progress.step not in step:
        return progress.step
    line = f"{step[progress.step]}: {progress.done:,} of {progress.total:,}"
    spending = progress.spending
    if spending.asked and progress.rate == progress.rate:  # nan before the first answer
        line += f" · {progress.rate:,.0f} a second · {money(spending.cost)}"
    if spending.reused:
        line += f" · {spending.reused:,} from the store"
    if spending.missing:
        line += f" · {spending.missing:,} without a label"
    if progress.done < progress.total:
        if progress.cost_all:
            line += f" · about {money(progress.cost_all)} in all"
        if progress.seconds_left is not None:
            line += f" · {duration(progress.seconds_left)} left"
    return line


def certificate_sentence(report: Report) -> str:
    """The promise in words, or why there is none."""
    certificate = report.certificate
    if certificate is None:
        return "Nothing is certified yet."
    return promise_sentence(certificate, report.teacher, report.assumption, exact=report.exact)


def promise_sentence(
    certificate: Certificate, teacher: str, assumption: str = "", *, exact: bool = True
) -> str:
    """What a certificate promises, with everything that limits it."""
    if not certificate.certified:
        return _refusal(certificate)
    text = assumption + _promise(certificate, teacher)
    if certificate.classes:
        kept = sum(part.certified for part in certificate.classes)
        text += f" The same holds for each of the {count(kept, 'label')} that it gives there"
        text += f"; rows of the other {len(certificate.classes) - kept:,} are deferred."
    if certificate.by_simulation:
        text += " This certificate is cross-fit: verified by simulation, not proved."
    if certificate.n_rounds > 1:
        text += (
            f" It is the {certificate.n_rounds}. certificate on rows of this column, and each has "
            f"its own chance of error: alone it would hold with {level(certificate.confidence)}."
        )
    if not exact:
        text += _NOT_EXACT
    return text


def _promise(certificate: Certificate, teacher: str) -> str:
    sure, target = level(certificate.total_confidence), level(certificate.target)
    if certificate.n_population is not None:
        handled = count(certificate.n_population_handled or 0, "row")
        which = "that it was not fitted on"
        if certificate.by_simulation:
            which = "whose text did not order its tests"
        return (
            f"The surrogate can answer {certificate.n_population_handled:,} of the "
            f"{count(certificate.n_population, 'row')} {which} "
            f"({percent(certificate.coverage)}). With {sure} confidence, on at least {target} of "
            f"these {handled}, the {certificate.n_handled:,} labelled ones among them included, "
            f"its label is the one that {teacher} gives."
        )
    return (
        f"The surrogate answers {percent(certificate.coverage)} of rows like the labelled ones. "
        f"With {sure} confidence, on at least {target} of the rows that it answers, its label is "
        f"the one that {teacher} would give."
    )


def choices_sentence(report: Report) -> str:
    """What each of several targets gives; empty for a single one."""
    if len(report.choices) < 2:
        return ""
    parts = []
    for choice in report.choices:
        if not choice.certified:
            parts.append(f"at {level(choice.target)} nothing is certified")
            continue
        part = f"at {level(choice.target)} the surrogate answers {percent(choice.coverage)}"
        if choice.saved is not None:
            part += f" and saves about {money(choice.saved)}"
        parts.append(part)
    return f"All targets hold together: {'; '.join(parts)}."


def curve_sentence(report: Report) -> str:
    """Why labelling stopped by itself; empty when it did not."""
    curve = report.curve
    if curve is None:
        return ""
    n = int(curve.n_labels[-1])
    if not curve.enough:
        return (
            f"By the learning curve, about {count(curve.best, 'label')} would cost the least in "
            f"all; there are {n:,}."
        )
    return (
        f"Labelling stopped at {count(n, 'label')}: by the learning curve, another batch would "
        "cost more than the deferrals that it saves."
    )


def _refusal(certificate: Certificate) -> str:
    text = f"Nothing could be certified: {certificate.note}. The surrogate answers no row."
    if certificate.needed_rows is not None:
        text += f" About {count(certificate.needed_rows, 'labelled row')} should be enough"
        text += " (an estimate), or choose a lower target."
        return f"{text} Each further certificate on this column adds its own chance of error."
    return text + " Choose a lower target, better features or clearer labels."


def rows_sentence(report: Report) -> str:
    """Who answered how many rows of the output."""
    parts = [
        f"{report.n_surrogate:,} answered by the surrogate",
        f"{report.n_teacher:,} by {report.teacher}",
    ]
    if report.n_missing:
        parts.append(f"{report.n_missing:,} without a label")
    return f"Of {count(report.n_rows, 'row')}: {', '.join(parts)}."


def missing_sentence(report: Report) -> str:
    """The most frequent reasons for rows without a label."""
    reasons = "; ".join(f"{n:,} × {reason}" for reason, n in report.missing_reasons[:3])
    return f"Without a label: {reasons}."


def money_sentence(report: Report) -> str:
    """What was paid, and about what asking for every row would have cost."""
    text = spent_sentence(report.spending)
    if report.simulated:
        text = text.replace("Paid ", "At made-up prices: ", 1)
    if report.cost_all is not None and report.spending.cost is not None:
        text += f" Asking {report.teacher} about every text: about {money(report.cost_all)}."
    if report.saved:
        text += f" The surrogate's rows saved about {money(report.saved)}."
    return f"{text} {report.note}".strip()


def spent_sentence(spending: Spending) -> str:
    """What was paid, and for how many texts."""
    asked = count(spending.asked, "text")
    text = f"Paid {money(spending.cost)} for {asked}"
    if spending.cost is None:
        text = f"Asked about {asked} at unknown cost"
    if spending.reused:
        text += f"; {count(spending.reused, 'answer')} reused from the store"
    return text + "."


def report_facts(report: Report) -> list[tuple[str, str]]:
    """The few figures that are looked for first, each with what it is."""
    facts = []
    done = report.n_surrogate + report.n_teacher + report.n_missing
    if done:
        facts.append((percent(report.n_surrogate / done), "of all rows by the surrogate"))
    if report.certificate is not None and report.certificate.n_handled:
        facts.append((percent(report.certificate.agreement), "agreement seen on handled rows"))
    if report.spending.cost is not None:
        paid = "at made-up prices" if report.simulated else "paid"
        if report.cost_all is not None:
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
    if report.n_surrogate + report.n_teacher + report.n_missing:
        lines.append(rows_sentence(report))
    if report.missing_reasons:
        lines.append(missing_sentence(report))
    lines.append(money_sentence(report))
    if report.superseded.n:
        lines.append(superseded_sentence(report.superseded))
    if report.certificate is not None:
        lines.append(evidence_sentence(report))
    if report.stopped:
        lines.append(stopped_sentence(report.stopped))
    return lines


def scan_lines(scan: Scan) -> list[str]:
    """What a log of past calls says about routing."""
    read = f"{count(scan.n_calls, 'logged call')} about {count(scan.n_texts, 'distinct text')}"
    read += f", {count(scan.n_labels, 'label')}"
    if scan.n_used < scan.n_calls:
        read += f"; {scan.n_used:,} of them, drawn at random, were used"
    lines = [f"{read}."]
    if scan.skipped:
        left_out = ", ".join(f"{n:,} with {why}" for why, n in scan.skipped)
        lines.append(f"Left out of {count(scan.n_read, 'row')}: {left_out}.")
    for choice in scan.choices:
        if not choice.certified:
            lines.append(f"At {level(choice.target)} agreement: nothing can be certified.")
            continue
        line = f"At {level(choice.target)} agreement a surrogate would answer "
        line += percent(choice.coverage)
        if choice.saved is not None:
            line += f" of such calls and have saved about {money(choice.saved)}"
            line += f" of {money(scan.paid)}"
        lines.append(f"{line}.")
    if any(choice.certified for choice in scan.choices):
        lines.append(
            f"All of this holds together with {level(scan.confidence)} confidence, for calls like "
            "the logged ones; the agreement is with the logged answers. The features were fitted "
            "on these calls, so it is close, not exact."
        )
    return lines


def saved_lines(about: Mapping[str, Any], certificate: Certificate) -> list[str]:
    """What a loaded router is, and what it promises."""
    fitted = f"Router for {about['teacher']}, {count(len(about['labels']), 'label')}"
    promise = promise_sentence(
        certificate,
        str(about["teacher"]),
        str(about.get("assumption", "")),
        exact=about.get("exact") is True,
    )
    return [f"{fitted}, saved {about['saved']}.", promise]


def comparison_lines(comparison: Comparison) -> list[str]:
    """How far two sets of answers agree, what each cost, and where they do not agree."""
    one, two = comparison.teachers
    n, n_agree = comparison.n_shared, comparison.n_agree
    low, high = percent(comparison.agreement_low), percent(comparison.agreement_high)
    lines = [
        (
            f"{one} and {two} agree on {n_agree:,} of {count(n, 'text')} that both labelled "
            f"({percent(n_agree / n)}; {level(comparison.confidence)} interval {low} to {high}, if "
            "these are a random sample)."
        ),
    ]
    if comparison.costs != (None, None):
        costs = [
            f"{name} {'unknown' if cost is None else money(cost)}"
            for name, cost in zip(comparison.teachers, comparison.costs, strict=True)
        ]
        lines.append(f"Cost of these texts: {', '.join(costs)}.")
    if comparison.pairs:
        pairs = "; ".join(f"{n:,} × {a} | {b}" for a, b, n in comparison.pairs[:_PAIRS])
        lines.append(f"Most frequent differences: {pairs}.")
    for text, label, other in comparison.disagreements:
        shown = " ".join(text.split())
        lines.append(f"{shown[:80]}{'…' if len(shown) > 80 else ''}: {label} | {other}")
    return lines


def review_line(state: ReviewState) -> str:
    """How far a review is, and the teacher's accuracy so far, in short."""
    line = f"{state.n_done:,} of {state.n_total:,}"
    found = state.accuracy
    if not found.n_reviewed:
        return f"{line} · no random row judged yet"
    right = f"teacher right {found.n_right:,} of {count(found.n_reviewed, 'random row')}"
    limits = _limits(found.lower, found.upper)
    if found.n_skipped:
        limits += f", {found.n_skipped:,} skipped"
    return f"{line} · {right}: {percent(found.accuracy, 0)} ({limits})"


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
            f"{_limits(found.lower, found.upper)} of all rows that it labelled."
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


def _limits(lower: float, upper: float) -> str:
    """An interval of shares in whole percents, never narrower than it is."""
    return f"{math.floor(100 * lower + 1e-9)} to {math.ceil(100 * upper - 1e-9)} %"


def revealed_sentence(state: ReviewState) -> str:
    """Who had said what about the row that was answered last, or what was taken back."""
    if state.taken_back is not None:
        seen = " You have seen the others' labels, so it no longer counts as blind."
        had = "skipped it" if state.taken_back.label is None else f"said {state.taken_back.label}"
        return f"Taken back: you had {had}.{seen if state.blind else ''}"
    if state.last is None:
        return ""
    item, review = state.last
    parts = ["Skipped" if review.label is None else f"You said {review.label}"]
    said: dict[str, list[str]] = {item.teacher_label: [state.teacher]}
    if item.other_label is not None:
        said.setdefault(item.other_label, []).append(state.other)
    for label, who in said.items():
        if label == review.label:
            parts[0] += f", and so did {' and '.join(who)}"
        else:
            parts.append(f"{' and '.join(who)} said {label}")
    return f"{'; '.join(parts)}."


def evidence_sentence(report: Report) -> str:
    """Which rows the certificate rests on, and what they showed."""
    c = report.certificate
    if c is None:
        return ""
    how = _STRATEGIES.get(c.strategy)
    text = (
        f"{report.surrogate} on {report.features} features, fitted on "
        f"{count(c.n_fit, 'labelled row')}, tested on {count(c.n_calibration, 'row')}"
        f"{' of them, each left out of a fit' if c.by_simulation else ' that it had not seen'} "
        f"({c.method} certificate{f', {how}' if how else ''})"
    )
    if c.n_set_aside:
        text += f", {c.n_set_aside:,} set aside because their text is among the fitting rows"
    if c.n_handled:
        text += (
            f": {c.n_agree:,} of {c.n_handled:,} handled ones agree ({percent(c.agreement)}); "
            f"deferred rows counted as agreeing, {percent(c.whole_output_agreement)} of all"
        )
    if c.certified:
        text += (
            f". For the whole output the promise is at least {_rounded_down(c.whole_output_lower)}"
        )
    return f"{text}. Agreement is with the teacher, not with the truth."


def pair_rows(confusion: Confusion) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """The most frequent disagreements as a table: title, head and rows."""
    rows = [(p.teacher, p.surrogate, f"{p.n:,}", f"{p.n_handled:,}") for p in confusion.pairs[:8]]
    wrong = confusion.n_rows - confusion.n_agree
    title = (
        f"The most frequent of {count(wrong, 'disagreement')} on {count(confusion.n_rows, 'row')}"
    )
    return title, ("teacher says", "surrogate says", "rows", "of them handled"), rows


def target_rows(targets: Targets) -> tuple[str, Sequence[str], Sequence[Sequence[str]]]:
    """What targets give as a table: title, head and rows."""
    certified = {choice.target: choice for choice in targets.certified}
    rows = []
    for i, target in enumerate(targets.targets.tolist()):
        choice = certified.get(target)
        if choice is not None:
            how = "certified" if choice.certified else "nothing certified"
            saved = "" if choice.saved is None or not choice.certified else money(choice.saved)
            rows.append((level(target), how, percent(choice.coverage), saved))
        elif round(100 * target) % 5 == 0 or target in _TARGETS:
            saved = "" if math.isnan(targets.saved[i]) else money(targets.saved[i])
            rows.append((level(target), "estimate", percent(targets.coverage[i]), saved))
    title = "What other targets would give; estimates are judged on the calibration rows"
    return title, ("target", "", "coverage of the column", "saves about"), rows


def target_sentence(targets: Targets, i: int) -> str:
    """What one of several targets would give, and whether that is certified."""
    target = float(targets.targets[i])
    for choice in targets.certified:
        if choice.target == target:
            return _certified_target(choice)
    if not targets.n_handled[i]:
        return f"Estimate at {level(target)}: no threshold agrees that often."
    saved = "" if math.isnan(targets.saved[i]) else f", saves about {money(targets.saved[i])}"
    return (
        f"Estimate at {level(target)}, not certified: the surrogate would answer "
        f"{percent(targets.coverage[i])}{saved}; observed agreement "
        f"{percent(targets.agreement[i])} (90 % interval {percent(targets.lower[i])} to "
        f"{percent(targets.upper[i])}). A certificate may be expected to reach "
        f"{percent(targets.expected[i])}."
    )


def _certified_target(choice: Choice) -> str:
    if not choice.certified:
        return f"At {level(choice.target)} nothing is certified."
    saved = "" if choice.saved is None else f" and saves about {money(choice.saved)}"
    answers = percent(choice.coverage)
    return f"Certified at {level(choice.target)}: the surrogate answers {answers}{saved}."


def selection_sentence(selection: Selection, total: int) -> str:
    """Which rows are looked at, and how many."""
    parts = []
    for who, labels in (("teacher", selection.teacher), ("surrogate", selection.surrogate)):
        if labels is not None:
            shown = labels[0] if len(labels) == 1 else f"one of {len(labels):,} other labels"
            parts.append(f"{who} says {shown}")
    if selection.status is not None:
        parts.append(" or ".join(selection.status))
    if selection.scores is not None:
        low, high = selection.scores
        parts.append(f"gate score {low:.3f} to {high:.3f}")
    if selection.rows is not None:
        parts.append(f"row {', '.join(f'{row:,}' for row in selection.rows)}")
    if selection.search.strip():
        parts.append(f"with “{selection.search.strip()}”")
    if selection.tested:
        parts.append("among the rows that the charts count")
    return f"{count(total, 'row')}{': ' if parts else ''}{', '.join(parts)}"
