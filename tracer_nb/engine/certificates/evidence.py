"""The calibration rows of a test, what they are compared with, and what they show."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import (
    agreement_lower,
    column_agreement_lower,
    column_p_value,
    held_out_p_value,
)
from tracer_nb.engine.sequence import plan_sequence, threshold_grid
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Pilot, Setting

__all__ = ["Column", "Evidence", "check_scores", "whole_output_lower"]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """All known rows that a certificate speaks about, calibration rows included.

    Attributes
    ----------
    scores : ndarray of shape (n,), increasing
    costs : ndarray of shape (n,), or None
        In the same order.
    """

    scores: NDArray[np.float64]
    costs: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, scores: NDArray[np.float64], costs: NDArray[np.float64] | None = None) -> Column:
        """From rows in any order."""
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], None if costs is None else costs[order])

    def handled(self, thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
        """Rows at or above each threshold."""
        return np.asarray(len(self.scores) - np.searchsorted(self.scores, thresholds, side="left"))

    def cost_coverage(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of all costs that the rows at or above each threshold make up."""
        n_handled = self.handled(thresholds)
        if self.costs is None:
            return n_handled / max(len(self.scores), 1)
        upward = np.r_[0.0, self.costs[::-1].cumsum()]
        return np.asarray(upward[n_handled] / max(float(upward[-1]), 1e-300))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Calibration rows and the promise they are to support.

    Attributes
    ----------
    rows : Column
        Scores and costs of the calibration rows.
    agree : ndarray of shape (n,), bool
        In the order of ``rows``.
    column : Column or None
        The known rows that the promise is about; None for rows drawn like these.
    target, confidence : float
    n_targets : int
        Targets that share the error budget.
    n_fit : int
    """

    rows: Column
    agree: NDArray[np.bool_]
    column: Column | None
    target: float
    confidence: float
    n_targets: int
    n_fit: int

    @property
    def level(self) -> float:
        """Confidence of each of the tests."""
        return 1.0 - (1.0 - self.confidence) / self.n_targets

    @property
    def about(self) -> Column:
        """The rows whose coverage is stated."""
        return self.column or self.rows

    def counts(self, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Handled and agreeing calibration rows at each threshold."""
        agreeing = np.r_[0, self.agree[::-1].cumsum()]
        handled = self.rows.handled(thresholds)
        return handled, agreeing[handled]

    def p_values(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """P-value of "selective agreement is below the target" at each threshold."""
        handled, agreeing = self.counts(thresholds)
        if self.column is None:
            return held_out_p_value(agreeing, handled, self.target)
        total = self.column.handled(thresholds)
        p = column_p_value(handled - agreeing, handled, total, self.target)
        # About no row at all the promise is kept, but there is nothing to certify.
        return np.where(total > 0, p, 1.0)

    def plan(self, pilot: Pilot, seed: int) -> NDArray[np.float64]:
        """Thresholds in the order of testing, from the pilot and from scores without labels."""
        n = len(self.agree)
        if self.column is None:
            planned = plan_sequence(pilot, n, target=self.target, confidence=self.level, seed=seed)
            return planned.thresholds
        # Ranks of all scores: they hold no label, so the grid is fixed before labels are seen.
        grid = threshold_grid(self.column.scores)
        total = self.column.handled(grid)
        planned = plan_sequence(
            # The pilot's rows stand for the column's: matched by rank, so that a shift between
            # out-of-fold and deployed scores does not misplace the start.
            _match_ranks(pilot, self.column.scores),
            n,
            target=self.target,
            confidence=self.level,
            grid=grid,
            p_value=lambda k, m, i: column_p_value(
                np.minimum(m - k, total[i]), np.minimum(m, total[i]), total[i], self.target
            ),
            seed=seed,
        )
        return planned.thresholds

    def certificate(self, passed: NDArray[np.float64], n_tested: int) -> Certificate:
        """What the calibration rows show at the last threshold passed."""
        threshold = float(passed[-1]) if len(passed) else math.inf
        at = np.array([threshold])
        handled, agreeing = (int(c[0]) for c in self.counts(at))
        n, about = len(self.agree), self.about
        about_handled, n_about = int(about.handled(at)[0]), len(about.scores)
        coverages = about.handled(passed) / max(n_about, 1), about.cost_coverage(passed)
        if self.column is None:
            lower = agreement_lower(agreeing, handled, self.level)
        else:
            lower = column_agreement_lower(agreeing, handled, about_handled, self.level)
        return Certificate(
            method="held-out" if self.column is None else "column",
            target=self.target,
            confidence=self.confidence,
            threshold=threshold,
            certified=math.isfinite(threshold),
            coverage=about_handled / n_about if n_about else 0.0,
            cost_coverage=float(about.cost_coverage(at)[0]),
            agreement=agreeing / handled if handled else math.nan,
            agreement_lower=lower,
            whole_output_lower=whole_output_lower(
                self.target, about_handled, None if self.column is None else n_about
            ),
            n_fit=self.n_fit,
            n_calibration=n,
            n_handled=handled,
            n_agree=agreeing,
            n_tested=n_tested,
            n_targets=self.n_targets,
            n_population=None if self.column is None else n_about,
            n_population_handled=None if self.column is None else about_handled,
            settings=tuple(
                Setting(*map(float, row)) for row in zip(passed, *coverages, strict=True)
            ),
        )


def whole_output_lower(target: float, n_handled: int, n_known: int | None) -> float:
    """Agreement of the whole output, deferred rows counted as agreeing, that a certificate implies.

    At most a share 1 - ``target`` of the handled rows disagree, and no other row does. For
    rows that are not known, all of them may be handled.
    """
    if n_handled == 0:
        return 1.0
    return target if n_known is None else 1.0 - (1.0 - target) * n_handled / n_known


def check_scores(name: str, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """``scores`` as float64; a NaN would be handled in one count and deferred in another.

    Raises
    ------
    InvalidInput
        A value outside [0, 1] that is not -inf.
    """
    values = np.asarray(scores, dtype=np.float64)
    n_bad = int((~(((values >= 0.0) & (values <= 1.0)) | np.isneginf(values))).sum())
    if n_bad:
        raise InvalidInput(f"{name} holds {n_bad} values that are not in [0, 1]; pass gate scores")
    return values


def _match_ranks(pilot: Pilot, everyone: NDArray[np.float64]) -> Pilot:
    """The pilot with its scores replaced by those of equal rank among ``everyone`` (sorted)."""
    if not len(pilot.scores) or not len(everyone):
        return pilot
    order = np.argsort(pilot.scores, kind="stable")
    ranks = (np.arange(len(order)) + 0.5) / len(order)
    matched = everyone[np.minimum((ranks * len(everyone)).astype(int), len(everyone) - 1)]
    costs = None if pilot.costs is None else pilot.costs[order]
    return Pilot(scores=matched, agree=pilot.agree[order], costs=costs)
