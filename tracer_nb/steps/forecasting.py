"""What texts will take to be asked about, from what earlier ones took or from their length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracer_nb.teachers import Price, Teacher
from tracer_nb.teachers.experience import Experience, Tokens

__all__ = ["Forecast", "forecast"]

# Texts that are looked at one by one; beyond, the mean of these stands for the rest.
_PRICED_TEXTS = 5_000
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
    priced = to_ask[:_PRICED_TEXTS] or like[:_PRICED_TEXTS]
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
    # What has no tokens costs what its owner says.
    low, high = (_LOW, _HIGH) if prompt else (1.0, 1.0)
    return Forecast(
        prompt * n,
        completion * n,
        cost=cost,
        cost_low=None if cost is None else cost * low,
        cost_high=None if cost is None else cost * high,
        each=each,
        source=source,
    )


def _dollars(price: Price | None, prompt: float, completion: float) -> float | None:
    return None if price is None else price.of(prompt, completion)
