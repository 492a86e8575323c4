"""Promises as records: what is counted, among which rows, and by which exact test.

Targets and confidences are fractions, of an error budget if there are rounds. A promise is tested
on evidence: the pilot that orders, the rows of the test, and the column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import column_p_value, held_out_p_value
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

__all__ = [
    "AGREEMENT",
    "Counts",
    "Evidence",
    "Kind",
    "Promise",
    "Rows",
    "agreement_of",
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
        percent = f"; for {number:g} % write {number / 100:g}" if 2.0 <= number < 100.0 else ""
        hint = percent or "; write a fraction such as 0.92"
        raise InvalidInput(f"{name} must be in (0, 1), got {number:g}{hint}")
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


Flags = Callable[[Rows | Pilot], NDArray[np.bool_]]
Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of promise: "at least a share T of these rows is right".

    Attributes
    ----------
    noun : str
        What there is at least a share T of, in messages.
    among : callable
        Rows that the promise is about at all; known without a label of the teacher's where the
        promise is to be made about a column.
    wrong : callable
        Rows that break it if they are handled; read on labelled rows only.
    of_handled : bool
        The share is one of the handled rows among these, so both counts grow along the path:
        tests follow the order that the pilot planned, and stop at the first failure. False: of
        all of these, handled or not, so only the wrong ones grow, and every threshold is tried.
    held_out : callable
        P-values from right rows, rows and T; (n_thresholds,).
    column : callable
        P-values from wrong rows, rows, rows of the column and T.
    """

    noun: str
    among: Flags
    wrong: Flags
    of_handled: bool = True
    held_out: Callable[[Counts, Counts, float], NDArray[np.float64]] = held_out_p_value
    column: Callable[[Counts, Counts, Counts, float], NDArray[np.float64]] = column_p_value


def _disagrees(rows: Rows | Pilot) -> NDArray[np.bool_]:
    return ~rows.agree


AGREEMENT = Kind("agreement", lambda rows: np.ones(len(rows.scores), dtype=bool), _disagrees)
"""Selective agreement: of the handled rows, a share T carries the teacher's label."""


def agreement_of(code: int) -> Kind:
    """Selective agreement of the rows that the surrogate puts into one class."""
    return Kind(AGREEMENT.noun, lambda rows: np.asarray(rows.codes == code), _disagrees)


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
