"""A promise with its numbers, and the evidence that it is tested on.

Targets and confidences are fractions, of an error budget if there are rounds. A promise is tested
on evidence: the pilot that orders, the rows of the test, and the column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.certificates.kinds import AGREEMENT, Kind, Rows
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

__all__ = [
    "Evidence",
    "Promise",
    "check_level",
    "check_targets",
    "round_confidence",
    "round_delta",
]


def check_level(name: str, value: Any) -> float:
    """Return ``value`` as float, or raise ``InvalidInput`` unless it is in (0, 1)."""
    if not is_number(value):
        raise InvalidInput(f"{name} must be a number in (0, 1), got {value!r}; for 92 % write 0.92")
    number = float(value)
    if not 0.0 < number < 1.0:
        hint = f"write a fraction such as {0.95 if name == 'confidence' else 0.92}"
        if 2.0 <= number < 100.0:
            hint = f"for {number:g} % write {number / 100:g}"
        elif number in (1.0, 100.0):
            hint = f"no number of rows short of all promises 100 %: {hint}"
        elif number == 0.0:
            hint = f"that would promise nothing: {hint}"
        raise InvalidInput(f"{name} must be in (0, 1), got {number:g}; {hint}")
    return number


def check_targets(target: Any) -> tuple[float, ...]:
    """One target or several, each once and in the order given; the first is the main one.

    Raises
    ------
    InvalidInput
        None, or one outside (0, 1).
    """
    several = isinstance(target, Iterable) and not isinstance(target, (str, bytes))
    targets = tuple(check_level("target", t) for t in (target if several else [target]))
    if not targets:
        raise InvalidInput("target is empty; write a fraction such as 0.92, or a list of them")
    return tuple(dict.fromkeys(targets))


def round_delta(delta: float, n_round: int, *, first: float | None = None) -> float:
    """Error budget of the ``n_round``-th calibration, so that all of them together keep delta.

    6 delta / (pi^2 r^2), whose sum over r = 1, 2, … is delta; GUARANTEES,
    "Several targets, several rounds".

    Parameters
    ----------
    delta : float
    n_round : int
    first : float, optional
        Share of delta, in (0, 1), that is the first round's; the others divide the rest in the
        same way among themselves. For jobs whose first test is planned to be the last.

    Raises
    ------
    InvalidInput
        Not a round of 1 or more.

    Examples
    --------
    >>> sum(round_delta(0.1, r) for r in range(1, 100_000)) < 0.1
    True
    >>> [round(round_delta(0.1, r, first=0.8), 4) for r in (1, 2, 3)]
    [0.08, 0.0122, 0.003]
    """
    if n_round < 1:
        raise InvalidInput(f"rounds count from 1, got {n_round!r}")
    if first is not None:
        return first * delta if n_round == 1 else round_delta((1.0 - first) * delta, n_round - 1)
    return 6.0 * delta / (math.pi**2 * n_round**2)


def round_confidence(confidence: float, n_round: int) -> float:
    """Confidence at which the ``n_round``-th calibration is to be tested.

    1 - :func:`round_delta`, the budget rounded down to two digits: what is said of it is then
    exactly what was tested.

    Examples
    --------
    >>> round_confidence(0.95, 2), round_confidence(0.95, 20)
    (0.9925, 0.999925)
    """
    delta = round_delta(1.0 - confidence, n_round)
    step = 10.0 ** (math.floor(math.log10(delta)) - 1)
    return round(1.0 - math.floor(delta / step) * step, 15)


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
    n_delivered : int or None
        All rows that come out of the column, those that the teacher has answered among them, of
        which a promise of the whole output speaks; None: the tested and the other ones.

    Raises
    ------
    InvalidInput
        Lengths that differ, a score outside [0, 1], agreement that is not bool, or fewer rows
        delivered than there are.
    """

    pilot: Pilot
    tested: Rows
    others: Rows | None = None
    n_delivered: int | None = None

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
        known = n + (0 if self.others is None else len(self.others.scores))
        if self.n_delivered is not None and self.n_delivered < known:
            raise InvalidInput(
                f"n_delivered is {self.n_delivered}, fewer than the {known} tested and other rows; "
                "count every row that comes out"
            )


def _check_scores(name: str, scores: NDArray[np.float64]) -> None:
    """Refuse NaN above all: it would be handled in one count and deferred in another."""
    n_bad = int((~(((scores >= 0.0) & (scores <= 1.0)) | np.isneginf(scores))).sum())
    if n_bad:
        raise InvalidInput(f"{name} holds {n_bad} values that are not in [0, 1]; pass gate scores")


@dataclass(frozen=True, slots=True)
class Promise:
    """A kind of promise with its numbers.

    Attributes
    ----------
    target, confidence : float
        Fractions in (0, 1).
    n_shares : int
        Promises that share the error budget: several targets, or several classes.
    kind : Kind

    Raises
    ------
    InvalidInput
        A level outside (0, 1).
    """

    target: float
    confidence: float
    n_shares: int = 1
    kind: Kind = AGREEMENT

    def __post_init__(self) -> None:
        for name in ("target", "confidence"):
            object.__setattr__(self, name, check_level(name, getattr(self, name)))

    @property
    def level(self) -> float:
        """Confidence of each of the tests."""
        return 1.0 - (1.0 - self.confidence) / self.n_shares

    @property
    def words(self) -> str:
        """``92 % agreement at 90 % confidence``."""
        return (
            f"{100 * self.target:.10g} % {self.kind.noun} at "
            f"{100 * self.confidence:.10g} % confidence"
        )
