"""What asking the teacher about each text costs, for routing by cost and for what was saved.

And what a job may cost: its caps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Caps, Labels, Spending
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.state import JobState
from tracer_nb.teachers import Teacher
from tracer_nb.teachers.base import members_of

__all__ = [
    "check_latency_weight",
    "costs_of",
    "make_caps",
    "mean_cost",
    "mean_wait",
    "price_source",
    "text_costs",
    "token_source",
    "unasked_dollars",
]

# Seconds that an answer is taken to need while none has been waited for.
_GUESSED_SECONDS = 1.0
# Texts whose cost is worked out to know the mean.
_PRICED_TEXTS = 1000


def check_latency_weight(value: object) -> float:
    """Dollars that a second of waiting is worth.

    Raises
    ------
    InvalidInput
        Not a number, or below 0.
    """
    if not is_number(value) or not 0.0 <= value < np.inf:
        raise InvalidInput(f"latency_weight must be dollars a second, 0 or more, got {value!r}")
    return float(value)


def costs_of(state: JobState, texts: Texts) -> NDArray[np.float64] | None:
    """Dollars for each distinct text, where the strategy asks for them."""
    setup = state.setup
    if setup.options.strategy != "cost-aware":
        return None
    weight = setup.latency_weight
    return text_costs(setup.teacher, texts.unique, seconds=state.seconds, latency_weight=weight)


def text_costs(
    teacher: Teacher, texts: Sequence[str], *, seconds: float, latency_weight: float
) -> NDArray[np.float64]:
    """Dollars for each text: tokens at their price, and waiting at what a second is worth.

    Parameters
    ----------
    teacher : Teacher
    texts : sequence of str
    seconds : float
        What an answer takes, from :func:`mean_wait`.
    latency_weight : float

    Raises
    ------
    InvalidInput
        The price is unknown, or everything costs nothing.
    """
    dollars = [teacher.cost_estimate(text)[2] for text in texts]
    known = [d for d in dollars if d is not None]
    if len(known) < len(dollars):
        price = "price as IN,OUT in dollars per million tokens"
        if teacher.token_bound(texts[0]) is None:  # as of a function
            price = "cost=, the dollars of one answer"
        raise InvalidInput(
            f"strategy 'cost-aware' needs a price, and that of {teacher.name} is unknown; give "
            f"{price}"
        )
    costs = np.array(known) + latency_weight * seconds
    if len(costs) and not (costs > 0).all():
        raise InvalidInput(
            f"strategy 'cost-aware' has nothing to save: {teacher.name} costs nothing; give a "
            "latency_weight, or use 'adaptive-threshold'"
        )
    return costs


def mean_wait(answers: Iterable[Answer]) -> float:
    """Seconds that one of these answers took, whenever it was; a second where nobody measured it.

    Rounded to one digit, so that it does not depend on which rows were drawn.
    """
    took = [answer.seconds for answer in answers if answer.seconds is not None]
    return float(f"{sum(took) / len(took):.0e}") if took else _GUESSED_SECONDS


def mean_cost(
    teacher: Teacher, texts: Sequence[str], spending: Spending, known: Mapping[str, Answer]
) -> float | None:
    """Dollars for a text: what was paid for each, in this run or before it, else an estimate."""
    if spending.asked and spending.cost:
        return spending.cost / spending.asked
    paid = [answer.cost for answer in known.values() if answer.cost]
    if paid:
        return sum(paid) / len(paid)
    costs = [teacher.cost_estimate(text)[2] for text in texts[:_PRICED_TEXTS]]
    estimated = [cost for cost in costs if cost is not None]
    return sum(estimated) / len(estimated) if estimated and len(estimated) == len(costs) else None


def token_source(teacher: Teacher, counted: str) -> str:
    """How tokens were counted, and that a part of them is explanations, where it is."""
    explain = any(member.identity.get("reasons") for member in members_of(teacher))
    return f"{counted}, an explanation with each label" if explain else counted


def price_source(teacher: Teacher, cost: float | None) -> str:
    """Where the price behind ``cost`` is from."""
    prices = [getattr(each, "price", None) for each in members_of(teacher)]
    if None in prices:
        return "unknown" if cost is None else "none needed" if cost == 0 else "as given (cost=)"
    return "; ".join(dict.fromkeys(map(str, prices)))


def unasked_dollars(
    texts: Texts, labels: Labels, costs: NDArray[np.float64] | None, each: float | None
) -> NDArray[np.float64] | None:
    """Dollars that not asking about each distinct text saves; 0 for texts of the sample.

    Parameters
    ----------
    texts : Texts
        The column.
    labels : Labels
    costs : ndarray of shape (n_texts,), or None
        Of each distinct text, where they are known.
    each : float or None
        Of a text, for when they are not.

    Returns
    -------
    ndarray of shape (n_texts,), or None
        None when neither is known.
    """
    if costs is None and each is None:
        return None
    dollars = np.full(len(texts.unique), each) if costs is None else costs.copy()
    dollars[texts.codes[labels.rows]] = 0.0
    return np.asarray(dollars, dtype=np.float64)


def make_caps(max_cost: Any = None, max_tokens: Any = None, max_rows: Any = None) -> Caps:
    """Caps of a job; None, also for infinity, is no cap.

    Raises
    ------
    InvalidInput
        Not a number of dollars, or no whole number of tokens or rows.
    """
    if max_cost is not None and not (is_number(max_cost) and max_cost >= 0):
        raise InvalidInput(f"max_cost must be dollars, 0 or more, got {max_cost!r}")
    return Caps(
        max_cost=None if max_cost is None or max_cost == math.inf else float(max_cost),
        max_tokens=_whole_cap("max_tokens", max_tokens),
        max_rows=_whole_cap("max_rows", max_rows),
    )


def _whole_cap(name: str, cap: Any) -> int | None:
    if cap is None:
        return None
    if not (is_number(cap) and cap >= 0 and (cap == math.inf or cap == int(cap))):
        raise InvalidInput(f"{name} must be a whole number, 0 or more, got {cap!r}")
    return None if cap == math.inf else int(cap)
