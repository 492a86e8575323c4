"""What ranking and statistics cost in coverage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.records import LostCoverage

__all__ = ["best_in_hindsight", "lost_coverage", "perfect_gate", "risk_area"]


def risk_area(judged: Judged) -> float:
    """Mean share of disagreements among the rows with the best scores, over all numbers of them.

    Rows with equal scores come in random order, of which the mean is taken; rows that the guard
    defers come last. nan for no rows.
    """
    n = len(judged.scores)
    if not n:
        return float("nan")
    group = np.unique(-judged.scores, return_inverse=True)[1].ravel()
    mean = np.bincount(group, ~judged.agree) / np.bincount(group)
    return float(np.mean(np.cumsum(mean[np.sort(group)]) / np.arange(1, n + 1)))


def lost_coverage(judged: Judged, *, target: float) -> LostCoverage:
    """Coverage of a perfect gate, of the best threshold in hindsight, and of now.

    Parameters
    ----------
    judged : Judged
    target : float
        Agreement that the handled rows must reach, in (0, 1].

    Notes
    -----
    A gate that knew the agreements would hand over all of them, and as many disagreements as
    the target allows. Where another rule than one threshold on the gate's score is in use (by
    label, or by cost) and does better, it stands for the best in hindsight.
    """
    n, agree = len(judged.scores), judged.agree
    if not n:
        return LostCoverage(target, 0, 0.0, 0.0, 0.0)
    now = int(judged.handled.sum())
    best = best_in_hindsight(judged.scores, agree, target)
    if int(agree[judged.handled].sum()) >= target * now - 1e-9:
        best = max(best, now)
    ceiling = perfect_gate(agree, target)
    # Rows handled now below the target owe the statistics nothing.
    return LostCoverage(target, n, now / n, max(best, now) / n, max(ceiling, now / n, best / n))


def best_in_hindsight(scores: NDArray[np.float64], agree: NDArray[np.bool_], target: float) -> int:
    """Most of these n rows that one threshold hands over at the target, had it been known."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    taken, right = np.arange(1, len(ranked) + 1), np.cumsum(agree[order])
    # Equal scores are on one side of a threshold; where the guard defers, there is none.
    last = np.r_[ranked[1:] != ranked[:-1], True] & np.isfinite(ranked)
    return int(taken[last & (right >= target * taken - 1e-9)].max(initial=0))


def perfect_gate(agree: NDArray[np.bool_], target: float) -> float:
    """Coverage of a gate that knows on which of these rows, one at least, both agree."""
    return min(1.0, int(agree.sum()) / len(agree) / target)
