"""What labelling would ask, cost and take; how far a teacher agrees with itself."""

from __future__ import annotations

from collections.abc import Sequence

from tracer_nb.records import HANDLED, AskedAgain, Caps, Plan, ReaskPlan, SelfAgreement, Superseded
from tracer_nb.words.bills import stage_plan_sentence
from tracer_nb.words.figures import beginning, count, duration, level, limits, money, percent, speed
from tracer_nb.words.members import panel_plan_sentence
from tracer_nb.words.refusals import chance_words

__all__ = [
    "again_words",
    "answering_name",
    "cap_words",
    "models_sentence",
    "plan_lines",
    "reask_lines",
    "reask_plan_lines",
    "self_sentences",
    "spread_words",
    "superseded_sentence",
]


# Models that are named.
_MODELS = 4
# Texts below which the start and the smallest test are a large part of the bill.
_SMALL_COLUMN = 1_000
# How a teacher's probabilities come about.
_SHOWN = {
    "votes": "the probability is the share of votes",
    "log-probabilities": (
        "the probability comes from log-probabilities, and the run ends after the first answers "
        "if the server gives none"
    ),
    None: (
        "whether it gives probabilities shows with the first answers, and the run ends there if "
        "it does not"
    ),
}


def plan_lines(plan: Plan) -> list[str]:
    """What a job would ask and cost, one fact a line."""
    texts = f"{count(plan.n_rows, 'row')}, {count(plan.n_unique, 'distinct text')}"
    if plan.n_texts < plan.n_rows:
        texts += f", {count(plan.n_rows - plan.n_texts, 'row')} without text"
    ask = f"Ask {answering_name(plan.teacher, plan.models)} about {count(plan.n_ask, 'text')}"
    grows = plan.labelling == "hard-first"
    part = "start" if grows else "sample"
    ask += f" for a random {part} of {count(plan.n_sample, 'row')}"
    if plan.n_stored:
        ask += f"; {count(plan.n_stored, 'answer')} stored already"
    if plan.n_waiting:
        ask += f"; {count(plan.n_waiting, 'text')} in a batch already, see %tracer batch collect"
    lines = [f"{texts}.", *([_bill_sentence(plan)] if grows else []), f"{ask}."]
    lines += [f"Labelling is random: hard-first {plan.not_grown}."] if plan.not_grown else []
    lines += _stored_sentences(plan)
    lines += [] if plan.panel is None else [panel_plan_sentence(plan.panel)]
    lines += [stage_plan_sentence(plan.stages, plan.teacher)] if plan.stages else []
    if plan.prompt_tokens:
        tokens = f"About {count(plan.prompt_tokens, 'prompt token')} and "
        tokens += count(plan.completion_tokens, "answer token")
        lines.append(f"{tokens} ({plan.token_source}).")
    if plan.cost is None:
        lines.append(_unknown_cost(plan))
    else:
        # Hard ones follow from answers, so only a sample can be a batch.
        can_batch = plan.batch_cost and not grows
        batch = f", in a batch about {money(plan.batch_cost)}" if can_batch else ""
        lines.append(
            f"{part.capitalize()}: about {spread_words(plan)}{batch}; "
            f"asking about every text: about {money(plan.cost_all)}. Price: {plan.price_source}."
        )
    if plan.n_ask and plan.time_source:
        lines.append(_time_sentence(plan))
    lines += [] if plan.fits else [_unfit_sentence(plan)]
    lines += _reject_sentences(plan)
    if caps := cap_words(plan):
        lines.append(f"Hard cap: {', '.join(caps)}, deferred rows included.")
    return [*lines, _fewest_sentence(plan), *_likely_sentences(plan)]


def _fewest_sentence(plan: Plan) -> str:
    """How many labels the promise needs at the very least."""
    grows = plan.labelling == "hard-first"
    needed = count(plan.fewest_labels, "fresh row" if grows else "labelled row")
    if plan.reads is not None:
        return _reading(plan, *plan.reads)
    if grows and len(plan.promises) > 1 and any(name.label for name in plan.promises):
        return _together(plan)
    needed = f"{needed} to test the others" if grows else needed
    fewest = f"At least {needed} are needed to certify "
    fewest += level(plan.target)
    if plan.promises != (HANDLED,):
        fewest += f" {' and '.join(name.noun for name in plan.promises)}"
    fewest += f" at {level(plan.confidence)} confidence"
    if plan.fewest_wanted is not None:
        wanted = next(name.label for name in plan.promises if name.kind == "recall")
        fewest += f", and {plan.fewest_wanted:,} of the tested ones must be {wanted}"
    if plan.n_sample < plan.fewest_labels and not grows:
        fewest += f"; this sample has {plan.n_sample:,}, so nothing can be certified"
    if grows and plan.n_unique < _SMALL_COLUMN:
        most = max(plan.n_unique - plan.n_sample - plan.fewest_labels, 0)
        fewest += f"; of so small a column {count(most, 'text')} can be saved at the very most"
    return f"{fewest}."


def _reading(plan: Plan, n_wanted: int, share: float) -> str:
    """What recall takes where the likely rows are asked about first."""
    name = next(name for name in plan.promises if name.kind == "recall")
    return (
        f"For {level(plan.target)} {name.noun} at {level(plan.confidence)} confidence, rows that are likely "
        f"to be {name.label} are asked about first; of those that come out as something else at least "
        f"{percent(share)} are read, if {n_wanted:,} rows are {name.label}. Of precision nothing is said."
    )


def _together(plan: Plan) -> str:
    """What several promises take, some of a label."""
    fewest = plan.fewest_labels
    tested = f"at least {count(fewest, 'fresh row')}" if fewest > 1 else "fresh rows"
    return (
        f"For {level(plan.target)} {' and '.join(name.noun for name in plan.promises)} at "
        f"{level(plan.confidence)} confidence, {tested} will test the others. Where few rows have a "
        "label, likely ones are asked about first, and a share of the others is read."
    )


def _likely_sentences(plan: Plan) -> list[str]:
    """How likely so many labels certify something, as far as anything tells."""
    if not plan.chances:
        return []
    said = [f"with {count(n, 'label')} {chance_words(chance)}" for n, chance in plan.chances]
    judged = f"judged by the {count(plan.n_pilot, 'row')} that were fitted on, and no promise"
    return [f"Likely: {', '.join(said)} to certify {level(plan.target)}; {judged}."]


def _unfit_sentence(plan: Plan) -> str:
    return (
        f"Nothing can be fitted on {count(plan.n_sample, 'row')}: these are labels alone. For a "
        "certificate give more, for example --sample 2000."
    )


def _bill_sentence(plan: Plan) -> str:
    """How many texts will be asked about in all, and how it goes on from the random start."""
    how = f"{count(plan.n_sample, 'row')} at random first, then hard ones, until the rest can be certified"
    if plan.bill_low is None or plan.bill_high is None:
        return f"{how}; how many in all shows while it goes on."
    low, high = plan.bill_low, plan.bill_high
    number = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    text = f"About {number} of {count(plan.n_unique, 'text')} will be asked about in all"
    if plan.cost_all:
        each = plan.cost_all / max(plan.n_unique, 1)
        low_cost, high_cost = money(each * low), money(each * high)
        cost = low_cost if low_cost == high_cost else f"{low_cost} to {high_cost}"
        text += f", {cost} instead of {money(plan.cost_all)}"
    judged = f"; judged by {plan.bill_source}" if plan.bill_source else ""
    return f"{text}: {how}{judged}."


def _stored_sentences(plan: Plan) -> list[str]:
    """What is to be known of the answers that are stored: whose they are."""
    lines = _again_sentences(plan)
    lines += [superseded_sentence(plan.superseded)] if plan.superseded.n else []
    return [*lines, *filter(None, [models_sentence(plan.models)])]


def again_words(again: AskedAgain) -> str:
    """How many texts have no label, and what asking about them again costs at most."""
    most = "at unknown cost" if again.most is None else f"for {money(again.most)} at most"
    return f"{count(again.n_texts, 'text')} whose answer held no label, {most}"


def _again_sentences(plan: Plan) -> list[str]:
    if plan.again is None:
        return []
    if not plan.again.n_texts:
        return ["No answer of the sample lacks a label, so none is asked for again."]
    return [f"Among them again: {again_words(plan.again)}."]


def _reject_sentences(plan: Plan) -> list[str]:
    """Which rows are to come out abstained, and what is not yet known about it."""
    lines = []
    if plan.reject.unlike:
        lines.append(
            "Deferred rows that are unlike every labelled one come out abstained and are not asked "
            f"about: about {percent(plan.guard)} of rows like the labelled ones, and most of "
            "another kind."
        )
    if plan.reject.unsure is not None:
        lines.append(
            f"Answers to which {plan.teacher} itself gives a probability below "
            f"{plan.reject.unsure:g} come out abstained, and cost what others cost; "
            f"{_SHOWN.get(plan.distribution, _SHOWN[None])}."
        )
    return lines


def cap_words(plan: Plan | Caps) -> list[str]:
    """Each hard cap that was set."""
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


def spread_words(plan: Plan | ReaskPlan) -> str:
    """What it costs about, and from where to where."""
    cost, low, high = map(money, (plan.cost, plan.cost_low, plan.cost_high))
    return cost if low == cost == high else f"{cost} ({low} to {high})"


def _time_sentence(plan: Plan) -> str:
    if plan.seconds is None:
        return f"Time {plan.time_source}."
    rate = speed(plan.n_ask / plan.seconds, "answers")
    return f"Time: about {duration(plan.seconds)} at {rate}, {plan.time_source}."


def superseded_sentence(superseded: Superseded) -> str:
    """How many stored answers do not apply, and why."""
    n = superseded.n
    *names, last = superseded.differs or ("identity",)
    what = f"{', '.join(names)} or {last}" if names else last
    belong = "belongs to another" if n == 1 else "belong to another"
    apply = "does not apply" if n == 1 else "do not apply"
    answers = count(n, "stored answer")
    return f"{answers} to these texts {belong} {what} and {apply} (%tracer store list shows them)."


def answering_name(teacher: str, models: Sequence[tuple[str, int]]) -> str:
    """The teacher by the model that answered, where that is one of another name.

    A name such as "any" says nothing of who gave the labels, and a promise is about those.

    Examples
    --------
    >>> answering_name("any", [("qwen3-4b", 300)])
    'qwen3-4b (any)'
    >>> answering_name("mistral/small", [("small", 300)])
    'mistral/small'
    >>> answering_name("the stand-in", [("stand-in", 300)])
    'the stand-in'
    """
    if len(models) != 1:
        return teacher
    ((model, _),) = models
    asked = teacher.lower()
    is_same = asked in (model.lower(), f"the {model.lower()}")
    is_same = is_same or asked.endswith((f"/{model.lower()}", f":{model.lower()}"))
    return teacher if is_same else f"{model} ({teacher})"


def models_sentence(models: Sequence[tuple[str, int]]) -> str:
    """Which models gave one set of answers; empty when it was one, or nobody knows."""
    if len(models) < 2:
        return ""
    shown = ", ".join(f"{name} ({count(n, 'answer')})" for name, n in models[:_MODELS])
    if len(models) > _MODELS:
        shown += f" and {len(models) - _MODELS:,} more"
    return (
        f"These answers came from {count(len(models), 'model')}, as the server names them: {shown}."
    )


_MOST_SHOWN = 5
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
            f"{name} ({k:,} of {asked:,})" for name, asked, k in found.labels[:_MOST_SHOWN]
        )
        lines.append(f"It differs from itself most where it said {shown}.")
        pairs = "; ".join(
            f"{k:,} × {one} | {_name(two)}" for one, two, k in found.pairs[:_MOST_SHOWN]
        )
        lines.append(f"Most frequent: {pairs}.")
        lines += [
            f"{beginning(text)}: {one} | {_name(two)}"
            for text, one, two in found.changed[:_MOST_SHOWN]
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
