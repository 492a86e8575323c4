"""What a model's tokens cost. An unknown price is None, never a guess."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tracer_nb.errors import InvalidInput

__all__ = ["PRICES", "Price", "parse_price", "price_of"]


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, and where the figures come from."""

    input: float
    output: float
    source: str = "given"

    def __str__(self) -> str:
        """As people write it.

        >>> str(Price(0.25, 2.0))
        '$0.25 in, $2 out per million tokens (given)'
        """
        return f"${self.input:g} in, ${self.output:g} out per million tokens ({self.source})"

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Dollars for so many tokens.

        >>> Price(0.25, 2.0).of(1_000_000, 500_000)
        1.25
        """
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


_SOURCE = "OpenAI's price list, August 2025"

PRICES: dict[str, Price] = {
    "gpt-5": Price(1.25, 10.0, _SOURCE),
    "gpt-5-mini": Price(0.25, 2.0, _SOURCE),
    "gpt-5-nano": Price(0.05, 0.40, _SOURCE),
    "gpt-4.1": Price(2.0, 8.0, _SOURCE),
    "gpt-4.1-mini": Price(0.40, 1.60, _SOURCE),
    "gpt-4.1-nano": Price(0.10, 0.40, _SOURCE),
    "gpt-4o": Price(2.50, 10.0, _SOURCE),
    "gpt-4o-mini": Price(0.15, 0.60, _SOURCE),
}
"""OpenAI's own models on OpenAI's own servers, at the standard rate without discounts."""

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def price_of(model: str) -> Price | None:
    """Price of an OpenAI model, by its name or its name and a date; None when unknown.

    >>> price_of("gpt-5-mini-2025-08-07").output
    2.0
    >>> price_of("gpt-5-mini-turbo") is None
    True
    """
    return PRICES.get(_DATE.sub("", model))


def parse_price(text: str) -> Price:
    """Read a price written as ``IN,OUT``, dollars per million tokens.

    Raises
    ------
    InvalidInput
        Not two finite numbers of at least 0.

    Examples
    --------
    >>> parse_price("0.25,2")
    Price(input=0.25, output=2.0, source='given')
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 2 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise InvalidInput(
            f"price must be IN,OUT in dollars per million tokens, got {text!r}; "
            "for $0.25 in and $2 out write 0.25,2"
        )
    return Price(numbers[0], numbers[1])
