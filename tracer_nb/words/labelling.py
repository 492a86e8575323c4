"""What a run asked, kept and missed, and what a provider answers later."""

from __future__ import annotations

from collections.abc import Sequence

from tracer_nb.records import (
    AskedAgain,
    Batch,
    Collected,
    Comparison,
    Labels,
    Preparing,
    Progress,
    Report,
    Spending,
    Submitted,
)
from tracer_nb.words.figures import count, duration, level, moment, money, percent, speed
from tracer_nb.words.plans import again_words, models_sentence, superseded_sentence

__all__ = [
    "batch_sentence",
    "collected_lines",
    "comparison_lines",
    "go_on_words",
    "label_lines",
    "missing_sentence",
    "progress_line",
    "spent_sentence",
    "stopped_sentence",
    "submit_plan_lines",
    "submitted_lines",
    "waiting_sentence",
    "written_lines",
]


# Pairs of labels that a comparison names.
_PAIRS = 5


def label_lines(labels: Labels) -> list[str]:
    """How a labelling run ended."""
    labelled = int((labels.codes >= 0).sum())
    text = f"{count(labelled, 'row')} labelled"
    missing = len(labels.codes) - labelled
    if missing:
        text += f", {missing:,} without a label"
    if labels.n_failed:
        text += f", {labels.n_failed:,} failed (run again to ask them again)"
    lines = [f"{text}. {spent_sentence(labels.spending)}"]
    if labels.again is not None:
        lines.append(_again(labels.again))
    if labels.missing_reasons:
        lines.append(_missing(labels.missing_reasons))
        if labels.again is None and missing > labels.n_failed:
            lines.append("%tracer label --again missing asks again about rows without a label.")
    if labels.superseded.n:
        lines.append(superseded_sentence(labels.superseded))
    if sentence := models_sentence(labels.models):
        lines.append(sentence)
    lines.extend(labels.warnings)
    if labelled < labels.fewest:
        lines.append(
            f"At least {count(labels.fewest, 'labelled row')} are needed to certify the target; "
            "with these nothing can be certified."
        )
    if labels.stopped:
        lines.append(stopped_sentence(labels.stopped))
    return lines


def stopped_sentence(stopped: str) -> str:
    """Why a run stopped, and what running again does."""
    return f"Stopped: {stopped}. Every stored answer is kept; {go_on_words(stopped)}."


def go_on_words(stopped: str) -> str:
    """What to do after a run that was stopped."""
    if stopped.startswith(("cost cap", "token cap", "row cap")):
        return "raise the cap, or run again: a new run may spend up to it once more"
    return "run again to go on"


def progress_line(progress: Progress) -> str:
    """One moment of a run."""
    step = {
        "label": "Labelling",
        "calibrate": "Labelling, with rows to test on",
        "stages": "Hearing a stage of the chain",
        "deferred": "Asking about deferred rows",
        "audit": "Auditing handled rows",
        "reask": "Asking a second time",
        "update": "Labelling fresh rows",
    }
    if progress.parts:
        return f"{progress.step}: {progress.done} of {count(progress.total, 'part')}"
    if progress.step not in step:
        return progress.step
    line = f"{step[progress.step]}: {progress.done:,} of {progress.total:,}"
    spending = progress.spending
    if spending.asked and progress.rate == progress.rate:  # nan before the first answer
        line += f" · {speed(progress.rate)} · {money(spending.cost)}"
    if spending.reused:
        line += f" · {spending.reused:,} from the store"
    if spending.missing:
        line += f" · {spending.missing:,} without a label"
    if progress.preparing is not None:
        line += f" · {_preparing(progress.preparing)}"
    if progress.done < progress.total:
        if progress.cost_all:
            line += f" · about {money(progress.cost_all)} in all"
        if progress.seconds_left is not None:
            line += f" · {duration(progress.seconds_left)} left"
    return line


def _preparing(preparing: Preparing) -> str:
    if preparing.what == "batch":
        return f"choosing batch {preparing.number:,}"
    parts = f"{preparing.done} of {count(preparing.total, 'part')}"
    return f"fitting for test {preparing.number:,}: {parts}"


def missing_sentence(report: Report) -> str:
    """The most frequent reasons for rows without a label."""
    return _missing(report.missing_reasons)


def _again(again: AskedAgain) -> str:
    """What came of asking again."""
    if not again.n_texts:
        return "No answer lacked a label, so none was asked for again."
    text = f"Asked again about {again_words(again)}: {again.n_labelled:,} got a label"
    if still := again.n_renewed - again.n_labelled:
        text += f", {still:,} again none"
    if left := again.n_texts - again.n_renewed:
        text += f", {left:,} no new answer"
    return f"{text}. The first answers stay in the books (%tracer store list)."


def _missing(reasons: Sequence[tuple[str, int]]) -> str:
    shown = "; ".join(f"{n:,} × {reason}" for reason, n in reasons[:3])
    text = f"Without a label: {shown}."
    if any("not one of the labels" in reason for reason, _ in reasons[:3]):
        text += " What is a label all the same belongs into --labels (labels=…)."
    return text


def spent_sentence(spending: Spending, of: str = "text") -> str:
    """What was paid, and for how many texts, or what else was counted."""
    asked = count(spending.asked, of)
    text = f"Paid {money(spending.cost)} for {asked}"
    if spending.cost is None:
        text = f"Asked about {asked} at unknown cost"
    if spending.reused:
        text += f"; {count(spending.reused, 'answer')} reused from the store"
    return text + "."


def written_lines(what: str, n: int, formulas: int, path: str) -> list[str]:
    """How much was written to a file, and whether a spreadsheet would run some of it."""
    lines = [f"{count(n, what)} written to {path}."]
    if formulas:
        lines.append(
            f"A spreadsheet may run {count(formulas, 'cell')} of it as formulas: for one, write the "
            "file with --escape (escape=True)."
        )
    return lines


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


def waiting_sentence(n_texts: int, since: str) -> str:
    """Why texts are not asked: they are paid in a batch."""
    are = "is" if n_texts == 1 else "are"
    return f"{count(n_texts, 'text')} {are} in a batch submitted at {moment(since)}; %tracer batch collect"


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
            "notebook; %tracer batch collect brings the answers in."
        )
    else:
        lines.append("Nothing to submit.")
    return lines + _left_out(submitted)


def submit_plan_lines(submitted: Submitted) -> list[str]:
    """What would be sent in batches, and what would not."""
    if not submitted.n_texts:
        return ["Nothing to submit.", *_left_out(submitted)]
    most = "at unknown cost" if submitted.most is None else f"at the most {money(submitted.most)}"
    return [f"Would submit {count(submitted.n_texts, 'text')}, {most}.", *_left_out(submitted)]


def _left_out(submitted: Submitted) -> list[str]:
    """Texts that are not sent, and why."""
    lines = []
    for n, why in (
        (submitted.n_stored, "answered already"),
        (submitted.n_waiting, "in a batch already; %tracer batch collect"),
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
            "prompt or label set: name the one that submitted; %tracer batch list."
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
            f"{count(collected.n_free, 'text')} got no reply and cost nothing: %tracer batch submit or "
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
