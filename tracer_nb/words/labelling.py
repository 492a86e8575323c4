"""What a run asked, kept and missed."""

from __future__ import annotations

from collections.abc import Sequence

from tracer_nb.records import AskedAgain, Comparison, Labels, Progress, Report, Spending
from tracer_nb.words.figures import count, duration, level, money, percent, speed
from tracer_nb.words.plans import again_words, models_sentence, superseded_sentence

__all__ = [
    "comparison_lines",
    "label_lines",
    "missing_sentence",
    "progress_line",
    "spent_sentence",
    "stopped_sentence",
    "written_lines",
]

# Pairs of labels that a comparison names.
_PAIRS = 5


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
    again = "run again to go on"
    if stopped.startswith(("cost cap", "token cap", "row cap")):
        again = "a new run may spend up to the cap again"
    return f"Stopped: {stopped}. Every stored answer is kept; {again}."


def progress_line(progress: Progress) -> str:
    """One moment of a run."""
    step = {
        "label": "Labelling the sample",
        "deferred": "Asking about deferred rows",
        "audit": "Auditing handled rows",
        "reask": "Asking a second time",
        "update": "Labelling fresh rows",
    }
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
    if progress.done < progress.total:
        if progress.cost_all:
            line += f" · about {money(progress.cost_all)} in all"
        if progress.seconds_left is not None:
            line += f" · {duration(progress.seconds_left)} left"
    return line


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
    return f"Without a label: {shown}."


def spent_sentence(spending: Spending) -> str:
    """What was paid, and for how many texts."""
    asked = count(spending.asked, "text")
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
