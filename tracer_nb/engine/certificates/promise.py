"""Promises as records: what is counted, among which rows, and by which exact test.

All of them are about the rows that one threshold along a path hands over, so handled rows are
nested. With d rows that break a promise among m, held-out rows are tested by the binomial
distribution and the known rows of a column by the hypergeometric one: two tests of one promise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import column_p_value, held_out_p_value
from tracer_nb.engine.certificates.evidence import Rows
from tracer_nb.engine.certificates.levels import check_level
from tracer_nb.records import Pilot

__all__ = ["AGREEMENT", "Kind", "Promise", "agreement_of"]

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
