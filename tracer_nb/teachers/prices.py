"""What a model's tokens cost. An unknown price is None, never a guess."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from importlib.util import find_spec

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

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Dollars for so many tokens.

        >>> Price(0.25, 2.0).of(1_000_000, 500_000)
        1.25
        """
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6

    def at_batch_rate(self) -> Price:
        """Half of it: OpenAI's rule for batches.

        >>> Price(0.25, 2.0).at_batch_rate()
        Price(input=0.125, output=1.0, source='given, half for batches')
        """
        return Price(self.input / 2, self.output / 2, f"{self.source}, half for batches")


_PLAIN = "without discounts for cached input"
_OPENAI = f"OpenAI's price list of October 2026, {_PLAIN}"
# These models charge 1.25 times the price for input that they write to their cache, which they
# do by themselves from 1,024 tokens on: the dearer of the two is what a bound must stand on.
_OPENAI_WRITING = (
    "OpenAI's price list of October 2026; input as if all were written to the cache, "
    "prompts up to 272,000 tokens"
)
_OPENAI_LONG = f"{_OPENAI}, prompts up to 272,000 tokens"
_ANTHROPIC = f"Anthropic's price list of October 2026, {_PLAIN}"
_ANTHROPIC_LONG = f"{_ANTHROPIC}, prompts up to 100,000 tokens"
_MISTRAL = f"Mistral's price list of June 2026, {_PLAIN}"
_GROQ = f"Groq's price list of June 2026, {_PLAIN}"
_GEMINI = f"Google's price list of October 2026, paid tier, {_PLAIN}"

PRICES: dict[str, dict[str, Price]] = {
    "api.openai.com": {
        "gpt-6.1-terra": Price(1.25, 5.0, _OPENAI_WRITING),
        "gpt-6.1-sol": Price(2.50, 10.0, _OPENAI_WRITING),
        "gpt-6-luna": Price(0.125, 0.50, _OPENAI_WRITING),
        "gpt-6-sol": Price(2.50, 10.0, _OPENAI_WRITING),
        "gpt-5.6-luna": Price(0.25, 1.20, _OPENAI_WRITING),
        "gpt-5.6-terra": Price(2.50, 12.0, _OPENAI_WRITING),
        "gpt-5.6-sol": Price(5.0, 20.0, _OPENAI_WRITING),
        "gpt-5.5": Price(5.0, 30.0, _OPENAI_LONG),
        "gpt-5.4": Price(2.50, 15.0, _OPENAI_LONG),
        "gpt-5.4-mini": Price(0.75, 4.50, _OPENAI),
        "gpt-5.4-nano": Price(0.20, 1.25, _OPENAI),
        "gpt-5.2": Price(1.75, 14.0, _OPENAI),
        "gpt-5.1": Price(1.25, 10.0, _OPENAI),
        "gpt-5": Price(1.25, 10.0, _OPENAI),
        "gpt-5-mini": Price(0.25, 2.0, _OPENAI),
        "gpt-5-nano": Price(0.05, 0.40, _OPENAI),
        "gpt-4.1": Price(2.0, 8.0, _OPENAI),
        "gpt-4.1-mini": Price(0.40, 1.60, _OPENAI),
        "gpt-4o": Price(2.50, 10.0, _OPENAI),
        "gpt-4o-mini": Price(0.15, 0.60, _OPENAI),
        "gpt-4o-2024-05-13": Price(5.0, 15.0, _OPENAI),
        "o3": Price(2.0, 8.0, _OPENAI),
    },
    "api.anthropic.com": {
        "claude-haiku-5-5": Price(0.10, 0.50, _ANTHROPIC_LONG),
        "claude-haiku-4-5": Price(1.0, 5.0, _ANTHROPIC),
        "claude-sonnet-5-5": Price(2.0, 10.0, _ANTHROPIC),
        "claude-sonnet-5": Price(2.0, 10.0, _ANTHROPIC),
        "claude-opus-5-5": Price(4.0, 20.0, _ANTHROPIC),
        "claude-opus-5": Price(5.0, 25.0, _ANTHROPIC),
    },
    "api.groq.com": {
        "openai/gpt-oss-20b": Price(0.075, 0.30, _GROQ),
        "openai/gpt-oss-120b": Price(0.15, 0.60, _GROQ),
    },
    "api.mistral.ai": {
        "mistral-small-2603": Price(0.15, 0.60, _MISTRAL),
        "mistral-medium-3-5": Price(1.50, 7.50, _MISTRAL),
        "mistral-large-2512": Price(0.50, 1.50, _MISTRAL),
    },
    "generativelanguage.googleapis.com": {
        "gemini-2.5-flash-lite": Price(0.10, 0.40, _GEMINI),
        "gemini-2.5-flash": Price(0.30, 2.50, _GEMINI),
    },
}
"""Prices by host and by model, at the standard rate.

By host, because a gateway has prices of its own, and so has a provider's other region. Left out
is what has no one price: models priced by the hour of the day or at an introductory rate, and
names ending in "latest", which move from model to model.
"""

_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|20\d{6})$")


def price_of(host: str, model: str) -> Price | None:
    """Price of a model at a host, by its name, or its name and a date; None when unknown.

    >>> price_of("api.openai.com", "gpt-6-luna-2026-09-01").output
    0.5
    >>> price_of("openrouter.ai", "gpt-6-luna") is None
    True
    """
    known, undated = PRICES.get(host, {}), _DATE.sub("", model)
    return known.get(model) or known.get(undated) or _listed(host, {model, undated})


def _listed(host: str, names: set[str]) -> Price | None:
    """The price that the package genai-prices has, where it is installed; it fetches nothing.

    Only of a model of exactly this name at exactly this host, with one price at all hours and
    for all lengths: anything else would be a guess.
    """
    is_public = "." in host and not host.rpartition(".")[2].isdigit()
    if not is_public or find_spec("genai_prices") is None:
        return None
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  an extra

    address = f"https://{host}"
    providers = [
        provider
        for provider in get_snapshot().providers
        if any(re.fullmatch(provider.api_pattern, end) for end in (address, f"{address}/"))
    ]
    found = [m.prices for p in providers for m in p.models if m.id in names]
    if len(found) != 1 or isinstance(found[0], list):  # a list: by date or hour
        return None
    written = getattr(found[0], "cache_write_mtok", None)
    said = (found[0].input_mtok, written or 0, found[0].output_mtok)
    figures = [float(figure) for figure in said if isinstance(figure, (int, float, Decimal))]
    if len(figures) < len(said):  # unknown, or by the length of the prompt
        return None
    read, cached, out = figures
    return Price(max(read, cached), out, f"genai-prices {version('genai-prices')}, {_PLAIN}")


def parse_price(given: str | Sequence[float] | Price, name: str = "price") -> Price:
    """Read a price written as ``IN,OUT``, or two numbers: dollars per million tokens.

    ``name`` is its option's, for messages.

    Raises
    ------
    InvalidInput
        Not two finite numbers of at least 0.

    Examples
    --------
    >>> parse_price("0.25,2")
    Price(input=0.25, output=2.0, source='given')
    >>> parse_price((0, 0))
    Price(input=0.0, output=0.0, source='given')
    """
    if isinstance(given, Price):
        return given
    parts = given.split(",") if isinstance(given, str) else given
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 2 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise InvalidInput(
            f"{name} must be IN,OUT in dollars per million tokens, got {given!r}; "
            f'for $0.25 in and $2 out write {name}="0.25,2" (on a line --{name.replace("_", "-")} 0.25,2), '
            "for nothing 0,0"
        )
    return Price(numbers[0], numbers[1])
