"""Why nothing was certified, and what could be done about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["CAUSES", "Refused", "WayOut"]

CAUSES = (
    "stopped",
    "labels",
    "teacher",
    "threshold",
    "classes",
    "rows",
    "late",
    "column",
    "luck",
    "few",
    "gate",
    "surrogate",
)
"""What stands in the way, in the order in which it is looked for."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """One thing to do, with its price.

    Attributes
    ----------
    name : str
        "labels" (more of them), "target" (a lower one), "hard-first", "features", "reask", "again" (go
        on after a stop, or ask again for missing labels) or "ask" (the teacher about every row).
    n_texts : int
        Texts that are asked about beyond those that are answered.
    cost : float or None
        Dollars for them, estimated; None where the price is unknown.
    chance : float
        That something is certified then, judged by the pilot; nan where nothing tells.
    confidence : float
        What is left for all certificates on the column together after one more; nan where none is
        made, and unchanged where every test has its own part of the error.
    n_labels : int or None
        Labelled rows in all, where that is what changes.
    target : float or None
        The target, where that is what changes.
    """

    name: str
    n_texts: int = 0
    cost: float | None = 0.0
    chance: float = math.nan
    confidence: float = math.nan
    n_labels: int | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing was certified.

    Attributes
    ----------
    cause : str
        One of :data:`CAUSES`.
    agreement, surest : float
        Share of the fitting rows on which surrogate and teacher agree out of fold: of all, and of the
        fifth with the highest scores. nan where there are none.
    ceiling : float
        How often the best possible surrogate can agree with a teacher that wavers as this one does;
        nan where it was not asked twice.
    unlabelled : float
        Share of the texts asked about that got no label.
    chance : float
        That as many rows as were asked about certify something, judged by the pilot; nan where
        nothing tells.
    ways : tuple of WayOut
    """

    cause: str
    agreement: float = math.nan
    surest: float = math.nan
    ceiling: float = math.nan
    unlabelled: float = 0.0
    chance: float = math.nan
    ways: tuple[WayOut, ...] = ()
