"""What a labelling job will ask and cost, told before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import FEWEST_ROWS, is_number
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import Answer, AskedAgain, Caps, PanelPlan, Plan, RejectOption
from tracer_nb.steps.column.frames import Texts, read_texts
from tracer_nb.steps.column.sample import draw_rows
from tracer_nb.steps.label.asker import Past
from tracer_nb.steps.label.costs import price_source, token_source
from tracer_nb.steps.label.fewest import fewest_of
from tracer_nb.steps.state import Setup
from tracer_nb.store.experience import Experience, Tokens
from tracer_nb.store.ledger import count_models
from tracer_nb.teachers import Price, ReplayTeacher, Teacher
from tracer_nb.teachers.budget import check_caps
from tracer_nb.words import count

__all__ = [
    "PRICED_TEXTS",
    "Forecast",
    "askable_texts",
    "check_job",
    "check_sample",
    "drawn_rows",
    "forecast",
    "make_plan",
    "widened",
]


def drawn_rows(
    setup: Setup, column: Any, table: Any, sample: int | None, fewest: int | None = None
) -> tuple[Texts, NDArray[np.intp]]:
    """A column, and the rows that labelling draws from it.

    Raises
    ------
    InvalidInput, NotEnoughData
        As :func:`check_job`, with ``fewest`` in place of what the target needs.
    """
    texts = read_texts(column, table, setup.named)
    askable = askable_texts(setup.teacher, texts)
    needed = fewest_of(setup, texts)
    needed = needed if fewest is None else fewest
    wanted = next((name.label for name in setup.options.promises if name.kind == "recall"), None)
    drawn = check_job(askable, setup.teacher.labels, sample, needed, wanted=wanted)
    return texts, draw_rows(askable, drawn, setup.options.seed)


def askable_texts(teacher: Teacher, texts: Texts) -> Texts:
    """The column without the rows that the teacher has no record of.

    Only recorded labels know beforehand which rows they can label. That those rows are a
    random sample of the column is then an assumption, and the promise is worded under it.

    Raises
    ------
    InvalidInput
        No text has a recorded label.
    """
    if not isinstance(teacher, ReplayTeacher):
        return texts
    recorded = np.array([teacher.knows(text) for text in texts.unique])
    if not recorded.any():
        raise InvalidInput(
            f"none of the {len(texts.unique)} texts has a recorded label; check the record"
        )
    known = (texts.codes >= 0) & recorded[texts.codes]
    return replace(texts, codes=np.where(known, texts.codes, -1))


def check_sample(sample: Any) -> int:
    """``sample`` as int.

    Raises
    ------
    InvalidInput
        Not a positive whole number.
    """
    if not is_number(sample) or not 1 <= sample < math.inf or sample != int(sample):
        raise InvalidInput(f"sample must be a positive whole number of rows, got {sample!r}")
    return int(sample)


def check_job(
    texts: Texts,
    labels: Sequence[str],
    sample: int | None,
    fewest: int,
    *,
    wanted: str | None = None,
) -> int:
    """Refuse, before money is spent, a job that cannot end in a certificate.

    ``wanted`` is the label whose recall is to be promised.

    Returns
    -------
    int
        Rows to draw: ``sample``, or all rows with text when there are fewer.

    Raises
    ------
    InvalidInput
        ``sample`` is not a positive whole number, or there are more labels than rows.
    NotEnoughData
        Too few rows for the target.
    """
    drawn = _SAMPLE if sample is None else check_sample(sample)
    n_texts = len(texts.usable)
    if len(labels) > n_texts:
        raise InvalidInput(
            f"{count(len(labels), 'label')} but only {count(n_texts, 'row')} with text; check labels and column"
        )
    _check_told_apart(labels, texts.unique)
    drawn = min(drawn, n_texts)
    if drawn < fewest:
        even = "when surrogate and teacher always agree"
        even = even if wanted is None else f"if the teacher calls each of them {wanted}"
        do = f"sample at least {fewest}" if n_texts >= fewest else "ask the teacher about every row"
        raise NotEnoughData(
            f"{count(drawn, 'labelled row')} cannot certify this target: at least {fewest:,} are needed even "
            f"{even}; {do}, or lower target or confidence"
        )
    return drawn


def _check_told_apart(labels: Sequence[str], texts: Sequence[str]) -> None:
    """Refuse texts in the place of labels."""
    if len(labels) < _FEWEST_TEXTS:
        return
    names = set(labels)
    n = sum(" ".join(text.split()) in names for text in texts)
    if 2 * n > len(labels) and n >= _FEWEST_TEXTS:
        raise InvalidInput(
            f"{n:,} of the {len(labels):,} labels are texts of the column; give the labels alone: "
            "first,second,third, or a list. A dict from text to label is a teacher (--teacher NAME)"
        )


def make_plan(
    teacher: Teacher,
    texts: Texts,
    sampled: Sequence[str],
    stored: Mapping[str, Answer],
    past: Past,
    *,
    n_sample: int,
    target: float,
    confidence: float,
    fewest: int,
    caps: Caps,
    reject: RejectOption,
    guard: float,
    again: AskedAgain | None = None,
    labelling: str = "random",
    bill: tuple[int, int, str] | None = None,
    panel: Callable[[Sequence[str], Mapping[str, Answer], Forecast], tuple[PanelPlan, Forecast]]
    | None = None,
) -> Plan:
    """Count and price a job.

    Parameters
    ----------
    teacher : Teacher
    texts : Texts
        The column.
    sampled : sequence of str
        Distinct texts of the random sample.
    stored : mapping of str to Answer
        Answers of the sampled texts that the store holds already, and that stay.
    past : Past
        What earlier runs tell about this one.
    n_sample : int
        Rows of the sample.
    target, confidence, caps
        Of the job.
    fewest : int
        Labels without which the target cannot be certified.
    reject : RejectOption
    guard : float
        The guard's share.
    again : AskedAgain, optional
        Texts that are asked about again.
    labelling : str
        How rows are chosen.
    bill : tuple, optional
        Texts that will be asked about in all, from where to where, and what says so.
    panel : callable, optional
        Prices what a panel is asked about texts, with its stored answers.

    Raises
    ------
    InvalidInput
        A cap that cannot be kept, because the price is unknown.
    """
    if sampled:
        check_caps(teacher, sampled[0], caps)
    stored = {text: answer for text, answer in stored.items() if answer.keep}
    to_ask = [text for text in sampled if text not in stored and text not in past.waiting]
    takes = forecast(teacher, to_ask, sampled, past.experience)
    members = None
    if panel is not None:
        members, takes = panel(to_ask, stored, takes)
    rate = past.experience.rate
    halved = getattr(teacher, "batch_price", None)
    if halved == getattr(teacher, "price", None):  # nothing to be gained
        halved = None
    return Plan(
        teacher=teacher.name,
        n_rows=texts.n_rows,
        n_texts=len(texts.usable),
        n_unique=len(texts.unique),
        n_sample=n_sample,
        n_ask=len(to_ask),
        n_stored=len(stored),
        n_waiting=len(past.waiting),
        fewest_labels=fewest,
        target=target,
        confidence=confidence,
        prompt_tokens=round(takes.prompt_tokens),
        completion_tokens=round(takes.completion_tokens),
        cost=takes.cost,
        cost_low=takes.cost_low,
        cost_high=takes.cost_high,
        cost_all=None if takes.each is None else takes.each * len(texts.unique),
        max_cost=caps.max_cost,
        max_tokens=caps.max_tokens,
        max_rows=caps.max_rows,
        token_source=token_source(teacher, takes.source),
        price_source=price_source(teacher, takes.cost),
        seconds=None if rate is None else len(to_ask) / rate,
        time_source=_time_source(teacher, rate),
        superseded=past.superseded,
        batch_cost=None
        if halved is None
        else halved.of(takes.prompt_tokens, takes.completion_tokens),
        reject=reject,
        guard=guard,
        distribution=getattr(teacher, "distribution", None),
        models=count_models(stored.values()),
        again=again,
        labelling=labelling,
        bill_low=None if bill is None else bill[0],
        bill_high=None if bill is None else bill[1],
        bill_source="" if bill is None else bill[2],
        panel=members,
        fits=n_sample >= FEWEST_ROWS,
    )


def _time_source(teacher: Teacher, rate: float | None) -> str:
    """Whose rate was observed; of a record, which is looked up at once, nothing."""
    if isinstance(teacher, ReplayTeacher):
        return ""
    if rate is None:
        return "unknown until the first answers"
    if getattr(teacher, "simulated", False):
        return "as in the last run, with a stand-in: a model takes its own time"
    return "as in the last run"


# Texts among the labels that are no coincidence.
_FEWEST_TEXTS = 10
# Rows of a random sample where nobody says how many.
_SAMPLE = 2000
PRICED_TEXTS = 5_000
"""Texts that are looked at one by one; beyond, the mean of these stands for the rest."""

# Estimates count 4 characters a token; English runs from 3 (names, numbers) to 5.
_LOW, _HIGH = 4 / 5, 4 / 3
_ESTIMATE = "estimated at 4 characters a token, spread 3 to 5"
# Standard deviations to each side: about 95 %.
_WIDE = 2.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Tokens and dollars of asking.

    Attributes
    ----------
    prompt_tokens, completion_tokens : float
    cost, cost_low, cost_high : float or None
        Dollars: expected, and their spread; None when the price is unknown.
    each : float or None
        Dollars for one text.
    source : str
        How tokens were counted.
    """

    prompt_tokens: float
    completion_tokens: float
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    each: float | None
    source: str


def forecast(
    teacher: Teacher, to_ask: Sequence[str], like: Sequence[str], experience: Experience
) -> Forecast:
    """Tell what asking about ``to_ask`` will take.

    Parameters
    ----------
    teacher : Teacher
    to_ask : sequence of str
    like : sequence of str
        Texts that give the cost of one when there is none to ask; at least one.
    experience : Experience
        Of earlier answers; what it does not tell is estimated from the length of the texts.
    """
    priced = to_ask[:PRICED_TEXTS] or like[:PRICED_TEXTS]
    # A teacher without a price of tokens may charge in a way of its own.
    if experience.n_answers and hasattr(teacher, "price"):
        if experience.same_prompt:
            return _learned(teacher.price, priced, len(to_ask), experience)
        return _estimated(teacher, priced, len(to_ask), experience)
    return _estimated(teacher, priced, len(to_ask))


def _learned(
    price: Price | None, priced: Sequence[str], n: int, experience: Experience
) -> Forecast:
    sizes = [len(text.encode("utf-8", "replace")) for text in priced]
    one = experience.prompt_tokens(sizes, 1).mean, experience.completion_tokens(1).mean
    prompt = experience.prompt_tokens(sizes, n) if n else Tokens(0.0, 0.0)
    completion = experience.completion_tokens(n) if n else Tokens(0.0, 0.0)
    # Both wide to the same side: a text that is asked twice costs twice of either.
    low, mean, high = (
        _dollars(
            price,
            max(prompt.mean + k * prompt.deviation, 0.0),
            max(completion.mean + k * completion.deviation, 0.0),
        )
        for k in (-_WIDE, 0.0, _WIDE)
    )
    return Forecast(
        prompt.mean,
        completion.mean,
        cost=mean,
        cost_low=low,
        cost_high=high,
        each=_dollars(price, *one),
        source=f"by the server's own count of {experience.n_answers:,} stored answers",
    )


def _estimated(
    teacher: Any, priced: Sequence[str], n: int, experience: Experience | None = None
) -> Forecast:
    """By the length of the texts; the tokens of answers from ``experience``, if there is any."""
    estimates = [teacher.cost_estimate(text) for text in priced]
    prompt = sum(e[0] for e in estimates) / len(priced)
    completion = sum(e[1] for e in estimates) / len(priced)
    known = [e[2] for e in estimates if e[2] is not None]
    each = sum(known) / len(known) if len(known) == len(priced) else None
    source = _ESTIMATE
    if experience is not None:
        completion = experience.completion
        each = _dollars(teacher.price, prompt, completion)
        source = (
            f"prompts {_ESTIMATE}; answers by the server's count of {experience.n_answers:,} "
            "stored ones to another prompt"
        )
    cost = None if each is None else each * n
    low, cost, high = [None] * 3 if cost is None else widened([cost] * 3, prompt)
    return Forecast(
        prompt * n,
        completion * n,
        cost=cost,
        cost_low=low,
        cost_high=high,
        each=each,
        source=source,
    )


def widened(dollars: Sequence[float], prompt_tokens: float) -> list[float | None]:
    """Dollars, the least, as expected, and the most, with how unsure a count of tokens is."""
    low, cost, high = dollars
    # What has no tokens costs what its owner says.
    return [low * _LOW, cost, high * _HIGH] if prompt_tokens else [low, cost, high]


def _dollars(price: Price | None, prompt: float, completion: float) -> float | None:
    return None if price is None else price.of(prompt, completion)
