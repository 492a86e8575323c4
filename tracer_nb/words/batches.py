"""Texts that a provider answers later."""

from __future__ import annotations

from tracer_nb.records import Batch, Collected, Submitted
from tracer_nb.words.figures import count, moment, money

__all__ = [
    "batch_sentence",
    "collected_lines",
    "submit_plan_lines",
    "submitted_lines",
    "waiting_sentence",
]


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
