"""What a labelling job will ask and cost, told before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tracer_nb.engine.bounds import column_p_value, fewest_handled
from tracer_nb.engine.checks import FEWEST_ROWS, is_number
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import Answer, Caps, Plan, RejectOption
from tracer_nb.steps.asking import Past
from tracer_nb.steps.forecasting import forecast
from tracer_nb.steps.frames import Texts
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.capping import check_caps
from tracer_nb.words import count

__all__ = ["check_job", "check_sample", "fewest_labels", "make_plan", "price_source"]


def fewest_labels(
    target: float, confidence: float, n_rows: int | None = None, *, cross_fit: bool = False
) -> int:
    """Labelled rows without which ``target`` cannot be certified, however good the surrogate.

    In a known column of ``n_rows`` rows fewer may do: the fewest with which the column test
    passes when every calibration row is handled and agrees.
    """
    share = 1.0 - (PILOT_SHARE if cross_fit else FIT_SHARE)
    fewest = math.ceil(fewest_handled(target, confidence) / share)
    if n_rows is None:
        return fewest
    n = np.arange(2, min(fewest, n_rows) + 1)
    n_calibration = np.ceil(n * share - 1e-9).astype(int)
    p = column_p_value(0, n_calibration, n_rows - (n - n_calibration), target)
    enough = n[(p <= 1.0 - confidence) & (n >= FEWEST_ROWS)]
    return min(int(enough[0]), fewest) if len(enough) else fewest


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


def check_job(texts: Texts, labels: Sequence[str], sample: int, fewest: int) -> int:
    """Refuse, before money is spent, a job that cannot end in a certificate.

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
    drawn = check_sample(sample)
    n_texts = len(texts.usable)
    if len(labels) > n_texts:
        raise InvalidInput(
            f"{count(len(labels), 'label')} but only {count(n_texts, 'row')} with text; check labels and column"
        )
    drawn = min(drawn, n_texts)
    if drawn < fewest:
        do = f"sample at least {fewest}" if n_texts >= fewest else "ask the teacher about every row"
        raise NotEnoughData(
            f"{count(drawn, 'labelled row')} cannot certify this target: at least {fewest:,} are needed even "
            f"when surrogate and teacher always agree; {do}, or lower target or confidence"
        )
    return drawn


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
        Answers of the sampled texts that the store holds already.
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
    rate = past.experience.rate
    halved = getattr(teacher, "batch_price", None)
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
        token_source=takes.source,
        price_source=price_source(teacher, takes.cost),
        seconds=None if rate is None else len(to_ask) / rate,
        time_source="" if rate is None else _of_whom(teacher),
        superseded=past.superseded,
        batch_cost=None
        if halved is None
        else halved.of(takes.prompt_tokens, takes.completion_tokens),
        reject=reject,
        guard=guard,
        distribution=getattr(teacher, "distribution", None),
    )


def _of_whom(teacher: Teacher) -> str:
    """Whose rate was observed."""
    if getattr(teacher, "simulated", False):
        return "as in the last run, with a stand-in: a model takes its own time"
    return "as in the last run"


def price_source(teacher: Teacher, cost: float | None) -> str:
    """Where the price behind ``cost`` is from."""
    price = getattr(teacher, "price", None)
    if price is None:
        return "none needed" if cost == 0 else "unknown"
    return str(price)
