"""How far a teacher agrees with itself, and what it costs to know."""

from __future__ import annotations

from tracer_nb.records import ReaskPlan, SelfAgreement
from tracer_nb.words.figures import beginning, count, level, limits, percent
from tracer_nb.words.plans import cap_words, spread_words

__all__ = ["reask_lines", "reask_plan_lines", "self_sentences"]

_SHOWN = 5
_REPEATS = {
    "temperature 0": (
        "It was asked at temperature 0, where a model tends to repeat itself however unclear the "
        "task is: more disagreement may be hidden."
    ),
    "function": (
        "A function that computes its labels repeats itself however unclear the task is: this "
        "says something only about functions that have chance in them."
    ),
    "stand-in": "The stand-in repeats itself by design: this tells nothing of a model.",
}


def reask_plan_lines(plan: ReaskPlan) -> list[str]:
    """What asking a second time would ask and cost."""
    lines = [
        (
            f"Ask {plan.teacher} a second time about {count(plan.n_ask, 'text')} of "
            f"{plan.n_drawn:,} drawn at random from the labelled sample; "
            f"{plan.n_drawn - plan.n_ask:,} have a second answer already."
        )
    ]
    if plan.cost is None:
        lines.append(f"Cost unknown: no price for {plan.teacher}.")
    else:
        lines.append(f"About {spread_words(plan)}. Price: {plan.price_source}.")
    if caps := cap_words(plan.caps):
        lines.append(f"Hard cap: {', '.join(caps)}.")
    return lines


def reask_lines(found: SelfAgreement) -> list[str]:
    """How far the teacher agrees with itself, and where not."""
    lines = self_sentences(found)
    if found.labels:
        shown = "; ".join(
            f"{name} ({k:,} of {asked:,})" for name, asked, k in found.labels[:_SHOWN]
        )
        lines.append(f"It differs from itself most where it said {shown}.")
        pairs = "; ".join(f"{k:,} × {one} | {_name(two)}" for one, two, k in found.pairs[:_SHOWN])
        lines.append(f"Most frequent: {pairs}.")
        lines += [
            f"{beginning(text)}: {one} | {_name(two)}" for text, one, two in found.changed[:_SHOWN]
        ]
    if found.n_waiting:
        why = f" ({found.stopped})" if found.stopped else ""
        lines.append(f"{count(found.n_waiting, 'drawn text')} not asked again yet{why}.")
    return lines


def self_sentences(found: SelfAgreement) -> list[str]:
    """How many texts got the same label twice, and what that means for a surrogate."""
    if found.share is None:
        return ["No text has a second answer yet."]
    said = (
        f"Asked a second time about {count(found.n, 'text')}, the teacher gave the same label to "
        f"{found.n_same:,}: {percent(found.share)} ({level(found.confidence)} interval "
        f"{limits(found.lower, found.upper)})."
    )
    why = [_REPEATS[found.repeats]] if found.repeats else []
    return [said, _ceiling(found.share, found.ceiling or 1.0), *why]


def _ceiling(share: float, ceiling: float) -> str:
    if share == 1:
        return "So they show no wavering of its own that would limit a surrogate's agreement."
    return (
        f"A surrogate that wavers as the teacher does would agree with it on about "
        f"{percent(share)} of the texts, the best possible one on at most about "
        f"{percent(ceiling)} (estimates)."
    )


def _name(label: str | None) -> str:
    return "no label" if label is None else label
