"""What another target, or another threshold, would mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer_nb.records.arrays import FloatArray, IntArray
from tracer_nb.records.certificates import Frontier
from tracer_nb.records.reports import Choice

__all__ = ["HandThreshold", "Preview", "Targets"]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What each target would give: estimates for a picture, beside what is certified.

    Attributes
    ----------
    targets : ndarray of shape (n,), float
        Ascending; those that were certified among them.
    thresholds : ndarray of shape (n,), float
        The loosest at which the tested rows agree that often; inf where none does.
    coverage : ndarray of shape (n,), float
        Share of the column's rows at or above it, without the fitting rows. Counted, not
        estimated.
    agreement, lower, upper : ndarray of shape (n,), float
        Observed on the tested rows there, with two-sided, pointwise 90 % Clopper-Pearson
        interval. The threshold was found on the same rows, which flatters it.
    n_handled : ndarray of shape (n,), int
        Tested rows there.
    expected : ndarray of shape (n,), float
        Coverage that a certificate may be expected to reach if calibrated at this target
        alone; judged by the pilot.
    saved : ndarray of shape (n,), float
        Dollars that not asking about the rows of ``coverage`` saves; nan when unknown.
    certified : tuple of Choice
        What was certified.
    main : float
        The target in use.
    n_rows, n_population : int
        Tested rows; rows of the column that ``coverage`` is a share of.
    """

    targets: FloatArray
    thresholds: FloatArray
    coverage: FloatArray
    agreement: FloatArray
    lower: FloatArray
    upper: FloatArray
    n_handled: IntArray
    expected: FloatArray
    saved: FloatArray
    certified: tuple[Choice, ...]
    main: float
    n_rows: int
    n_population: int


@dataclass(frozen=True, slots=True)
class HandThreshold:
    """A threshold that somebody moved by hand. It is never certified.

    Attributes
    ----------
    threshold : float
    coverage : float
        As in :class:`Targets`.
    n_rows, n_handled, n_agree : int
        Tested rows; those handled; those on which both agree among them.
    agreement, lower, upper : float
        As in :class:`Targets`; nan, 0 and 1 when none is handled.
    saved : float or None
        Dollars; None when unknown.
    """

    threshold: float
    coverage: float
    n_rows: int
    n_handled: int
    n_agree: int
    lower: float
    upper: float
    saved: float | None

    @property
    def agreement(self) -> float:
        """Observed on the handled tested rows; nan when none is handled."""
        return self.n_agree / self.n_handled if self.n_handled else math.nan

    @property
    def certified(self) -> bool:
        """Never: moving the threshold by hand voids the certificate.

        GUARANTEES, "Several targets, several rounds".
        """
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """The frontier while labelling goes on, by a quick surrogate.

    Made of fitting rows alone, out of fold: no calibration label is looked at, so that
    watching it, and stopping by it, costs the certificate nothing.

    Attributes
    ----------
    n_labels : int
        Rows of the sample so far, calibration rows included.
    n_fit : int
        Fitting rows among them, which is all that was looked at.
    frontier : Frontier
        On them, out of fold.
    target : float
    expected_coverage : float
        Coverage that a certificate with so many labels may be expected to reach.
    """

    n_labels: int
    n_fit: int
    frontier: Frontier
    target: float
    expected_coverage: float
