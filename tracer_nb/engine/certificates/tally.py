"""The rows of a test, counted at thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_lower, column_agreement_lower
from tracer_nb.engine.certificates.kinds import Counts, Kind, Rows
from tracer_nb.engine.certificates.promise import Evidence, Promise
from tracer_nb.engine.sequence import plan_sequence, threshold_grid
from tracer_nb.records import Pilot

__all__ = ["Path", "Tally"]

# Thresholds where the order of testing does not matter: half a percent of the rows apart.
_EVERY = 200


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Rows in the order of the path.

    Attributes
    ----------
    scores : ndarray of shape (n,), increasing
    costs : ndarray of shape (n,), or None
        In the same order.
    """

    scores: NDArray[np.float64]
    costs: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, scores: NDArray[np.float64], costs: NDArray[np.float64] | None) -> Path:
        """From rows in any order."""
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], None if costs is None else costs[order])

    def handled(self, thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
        """Rows at or above each threshold."""
        return np.asarray(len(self.scores) - np.searchsorted(self.scores, thresholds, side="left"))

    def coverage(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of rows at or above each threshold."""
        return np.asarray(self.handled(thresholds) / max(len(self.scores), 1))

    def cost_coverage(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of all costs that the rows at or above each threshold make up."""
        if self.costs is None:
            return self.coverage(thresholds)
        upward = np.r_[0.0, self.costs[::-1].cumsum()]
        return np.asarray(upward[self.handled(thresholds)] / max(float(upward[-1]), 1e-300))


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What the rows of a test show of one promise, counted at any threshold.

    Attributes
    ----------
    promise : Promise
    pilot : Pilot
        Of the rows that the promise is about, and whether they keep it.
    tested : Path
        The calibration rows that it is about.
    wrong, agree : ndarray of shape (n,), bool
        Which of them break it if they are handled, and on which surrogate and teacher agree; in
        the order of ``tested``.
    counted : ndarray of shape (n,), bool, or None
        Which of them the share is of, handled or not; None for a share of the handled ones.
    column : Path or None
        The known rows that it is about, tested ones included; None for rows drawn like these.
    n_delivered : int
        Rows that come out, of which a promise of the whole output speaks.
    """

    promise: Promise
    pilot: Pilot
    tested: Path
    wrong: NDArray[np.bool_]
    agree: NDArray[np.bool_]
    counted: NDArray[np.bool_] | None
    column: Path | None
    n_delivered: int

    @classmethod
    def of(cls, promise: Promise, evidence: Evidence) -> Tally:
        """Pick the rows that the promise is about, and put them in order."""
        kind, rows, pilot, others = promise.kind, evidence.tested, evidence.pilot, evidence.others
        own, mine = kind.among(rows), kind.among(pilot)
        scores, costs = _taken(kind, rows, own)
        order = np.argsort(scores, kind="stable")
        column = None
        if others is not None:
            other_scores, other_costs = _taken(kind, others, kind.among(others))
            known = None if costs is None or other_costs is None else np.r_[costs, other_costs]
            column = Path.of(np.r_[scores, other_scores], known)
        pilot_scores, pilot_costs = _taken(kind, pilot, mine)
        known_rows = len(scores) if column is None else len(column.scores)
        right = pilot.agree if kind.counted is not None else ~kind.wrong(pilot)
        return cls(
            promise=promise,
            pilot=Pilot(pilot_scores, right[mine], costs=pilot_costs),
            tested=Path.of(scores, costs),
            wrong=kind.wrong(rows)[own][order],
            agree=rows.agree[own][order],
            counted=None if kind.counted is None else kind.counted(rows)[own][order],
            column=column,
            n_delivered=evidence.n_delivered or known_rows,
        )

    @property
    def about(self) -> Path:
        """The rows whose coverage is stated."""
        return self.column or self.tested

    def handled(self, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Handled calibration rows at each threshold, and the wrong ones among them."""
        n = self.tested.handled(thresholds)
        return n, _from_top(self.wrong, n)

    def agreeing(self, thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
        """Handled calibration rows at each threshold on which surrogate and teacher agree."""
        return _from_top(self.agree, self.tested.handled(thresholds))

    def share_of(self, thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
        """Calibration rows that the promised share is of, at each threshold."""
        n = self.tested.handled(thresholds)
        if self.counted is None:
            return n
        return int(self.counted.sum()) + _from_top(self.wrong & ~self.counted, n)

    def p_values(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """P-value of "the promise is broken" at each threshold."""
        kind, target = self.promise.kind, self.promise.target
        _, wrong = self.handled(thresholds)
        total, counted = self.about.handled(thresholds), self.share_of(thresholds)
        if self.column is None:
            p = kind.held_out(counted - wrong, counted, target)
        else:
            known = total if kind.of_handled else np.full_like(total, len(self.about.scores))
            p = kind.column(wrong, counted, known, self.n_delivered, target)
        # About no row at all the promise is kept, but there is nothing to certify; where every
        # threshold is tried, the loose ones may come after it.
        return np.where(total > 0, p, 1.0) if kind.of_handled else p

    def sequence(self, seed: int) -> NDArray[np.float64]:
        """Thresholds in the order of testing, from the pilot and from scores without labels."""
        promise, kind, pilot = self.promise, self.promise.kind, self.pilot
        # Ranks of all scores of a column: they hold no label, so the grid is fixed before labels
        # are seen.
        among = (self.column or pilot).scores
        if not kind.of_handled:
            # Any of them may be tried, so they stand closer.
            return threshold_grid(among, _EVERY)
        grid = threshold_grid(among)
        if self.column is not None:
            # The pilot's rows stand for the column's: matched by rank, so that a shift between
            # out-of-fold and deployed scores does not misplace the start.
            pilot = _match_ranks(pilot, self.column.scores)
        total = self.about.handled(grid)

        def p_value(k: Counts, m: Counts, i: Counts) -> NDArray[np.float64]:
            if self.column is None:
                return kind.held_out(k, m, promise.target)
            wrong, tested = np.minimum(m - k, total[i]), np.minimum(m, total[i])
            return kind.column(wrong, tested, total[i], self.n_delivered, promise.target)

        return plan_sequence(
            pilot,
            len(self.wrong),
            target=promise.target,
            confidence=promise.level,
            grid=grid,
            p_value=p_value,
            seed=seed,
        ).thresholds

    def lower(self, n_right: int, n_handled: int, n_known_handled: int, level: float) -> float:
        """Lower bound of the share of handled rows that are right, pointwise."""
        if self.column is None:
            return agreement_lower(n_right, n_handled, level)
        return column_agreement_lower(n_right, n_handled, n_known_handled, level)


def _from_top(flags: NDArray[np.bool_], n: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many of the ``n`` rows with the highest scores are flagged."""
    return np.asarray(np.r_[0, flags[::-1].cumsum()][n])


def _taken(
    kind: Kind, rows: Rows | Pilot, own: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Scores and costs of some rows."""
    return kind.scores_of(rows)[own], None if rows.costs is None else rows.costs[own]


def _match_ranks(pilot: Pilot, everyone: NDArray[np.float64]) -> Pilot:
    """The pilot with its scores replaced by those of equal rank among ``everyone`` (sorted)."""
    if not len(pilot.scores) or not len(everyone):
        return pilot
    order = np.argsort(pilot.scores, kind="stable")
    ranks = (np.arange(len(order)) + 0.5) / len(order)
    matched = everyone[(ranks * len(everyone)).astype(int)]
    costs = None if pilot.costs is None else pilot.costs[order]
    return Pilot(scores=matched, agree=pilot.agree[order], costs=costs)
