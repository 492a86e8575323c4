"""Frozen records that travel between the steps, in the order in which the steps run.

label → featurize → fit → calibrate → route → audit. A step takes records and returns a
new one; nothing is written back. Only numpy is imported here, so that everything else,
charts and widgets included, can depend on these without depending on the engine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Answer",
    "Certificate",
    "Frontier",
    "Labels",
    "Plan",
    "Progress",
    "Routing",
    "Spending",
    "Trial",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


# --- label ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What the teacher said about one text.

    Attributes
    ----------
    label : str or None
        One of the labels, or None when there is none; then ``reason`` says why.
    reason : str or None
        Why there is no label, in words a user can act on ("answer is not one of the
        labels: 'foo'", "refused", "truncated", "server error 500 after 5 tries").
    mode : str
        How the label was obtained: "json_schema", "repair", "recorded", "function".
    probabilities : mapping of str to float, or None
        The teacher's own distribution over labels, where it gave one.
    prompt_tokens, completion_tokens : int
        Tokens that the server reported (or the estimate, where it reported none).
    cost : float or None
        Dollars for all requests this answer took; None when the price is unknown.
    keep : bool
        False for a failure that was not an answer (no connection, time-out, server
        error): it is not stored, so a later run asks again.
    """

    label: str | None
    reason: str | None = None
    mode: str = ""
    probabilities: Mapping[str, float] | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Spending:
    """What a labelling run asked for and paid. Costs in dollars, None when unknown."""

    asked: int = 0
    reused: int = 0
    missing: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a labelling run, for a progress display."""

    done: int
    total: int
    spending: Spending
    seconds: float
    step: str = "label"

    @property
    def rate(self) -> float:
        """Answers per second of this run (reused answers do not count)."""
        return self.spending.asked / self.seconds if self.seconds > 0 else math.nan
