"""How far a teacher agrees with itself, and what it costs to know."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer_nb.records.answers import Caps

__all__ = ["ReaskPlan", "SelfAgreement"]


@dataclass(frozen=True, slots=True)
class ReaskPlan:
    """What asking a second time would ask for and may cost, before anything is sent.

    Attributes
    ----------
    teacher : str
    n_drawn, n_ask : int
        Distinct texts that are drawn, and those of them without a second answer.
    cost, cost_low, cost_high : float or None
        Dollars: estimate and its spread; None when the price is unknown.
    price_source : str
        Where the price is from; "unknown" otherwise.
    caps : Caps
    """

    teacher: str
    n_drawn: int
    n_ask: int
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    price_source: str
    caps: Caps


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """The teacher's first answers against its second ones, on texts drawn at random.

    Attributes
    ----------
    n, n_same : int
        Distinct texts of the sample with two answers; those with the same label twice.
    lower, upper : float
        Two-sided Clopper-Pearson interval of the share that would stay the same; (0, 1) for
        no texts. It does not allow for asking about more until the figure pleases.
    confidence : float
        Of the interval.
    labels : tuple of (str, int, int)
        Label at first, texts with it that were asked again, and those with another answer;
        the label with most of the latter first, and only labels that have some.
    pairs : tuple of (str, str or None, int)
        First label, second one (None for an answer without one), and how many texts; the most
        frequent first.
    changed : tuple of (str, str, str or None)
        Texts with first and second label; at most twenty.
    repeats : str
        Why the same answer may come again whatever the text: "temperature 0", "function" or
        "stand-in"; empty when nothing is known of the kind.
    n_waiting : int
        Texts that were drawn and have no second answer yet.
    stopped : str or None
        Why the last call did not ask about all of them.
    """

    n: int
    n_same: int
    lower: float
    upper: float
    confidence: float
    labels: tuple[tuple[str, int, int], ...] = ()
    pairs: tuple[tuple[str, str | None, int], ...] = ()
    changed: tuple[tuple[str, str, str | None], ...] = ()
    repeats: str = ""
    n_waiting: int = 0
    stopped: str | None = None

    @property
    def share(self) -> float | None:
        """Share of texts with the same label twice; None for no texts."""
        return self.n_same / self.n if self.n else None

    @property
    def ceiling(self) -> float | None:
        """Agreement that no surrogate can be expected to exceed; None for no texts.

        The square root of the share. With p_k the chances of the labels on a text, two answers
        are the same with chance sum p_k^2 >= (max p)^2, and a surrogate agrees with chance
        max p at best; the mean of max p is at most the root of the mean of its square.
        """
        return math.sqrt(self.n_same / self.n) if self.n else None
