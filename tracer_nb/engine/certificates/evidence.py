"""What a promise is tested on: the pilot that orders, the rows of the test, and the column."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

__all__ = ["Evidence", "Rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows under the frozen surrogate and gate.

    Attributes
    ----------
    scores : ndarray of shape (n,), float
        Along the path of the strategy, in [0, 1]; -inf for rows that are deferred whatever
        happens.
    agree : ndarray of shape (n,), bool
        Surrogate and teacher give the same label. Empty where the teacher was not asked.
    codes : ndarray of shape (n,), int, or None
        Predicted classes, for promises about classes.
    costs : ndarray of shape (n,), float, or None
        What asking the teacher about each row costs.
    """

    scores: NDArray[np.float64]
    agree: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    codes: NDArray[np.intp] | None = None
    costs: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The rows of one test, checked.

    Attributes
    ----------
    pilot : Pilot
        Out-of-fold scores and agreement of the fitting rows.
    tested : Rows
        The calibration rows: an independent (or simple random) sample, unused until here.
    others : Rows or None
        A column's rows that are neither fitting nor calibration rows. With them the promise is
        about the known rows of that column, these and the tested ones, and nothing is assumed
        about a distribution, only that the tested ones were drawn at random without replacement;
        without, about rows drawn like the tested ones.

    Raises
    ------
    InvalidInput
        Lengths that differ, a score outside [0, 1], or agreement that is not bool.
    """

    pilot: Pilot
    tested: Rows
    others: Rows | None = None

    def __post_init__(self) -> None:
        n, n_agree = len(self.tested.scores), len(self.tested.agree)
        if n != n_agree:
            raise InvalidInput(
                f"scores and agree must be equally long, got {n} and {n_agree}; "
                "pass one entry per calibration row"
            )
        _check_scores("pilot.scores", self.pilot.scores)
        _check_scores("scores", self.tested.scores)
        if self.others is not None:
            _check_scores("other_scores", self.others.scores)
        if n and self.tested.agree.dtype != bool:
            raise InvalidInput(
                f"agree must be bool, got {self.tested.agree.dtype}; a row without a label is a "
                "disagreement"
            )


def _check_scores(name: str, scores: NDArray[np.float64]) -> None:
    """Refuse NaN above all: it would be handled in one count and deferred in another."""
    n_bad = int((~(((scores >= 0.0) & (scores <= 1.0)) | np.isneginf(scores))).sum())
    if n_bad:
        raise InvalidInput(f"{name} holds {n_bad} values that are not in [0, 1]; pass gate scores")
