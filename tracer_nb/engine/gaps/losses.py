"""What ranking and statistics cost in coverage."""

from __future__ import annotations

import numpy as np

from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.records import LostCoverage

__all__ = ["lost_coverage", "risk_area"]


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
    order = np.argsort(-judged.scores, kind="stable")
    scores = judged.scores[order]
    taken, right = np.arange(1, n + 1), np.cumsum(agree[order])
    # Equal scores are on one side of a threshold; where the guard defers, there is none.
    last = np.r_[scores[1:] != scores[:-1], True] & np.isfinite(scores)
    best = int(taken[last & (right >= target * taken - 1e-9)].max(initial=0))
    if int(agree[judged.handled].sum()) >= target * now - 1e-9:
        best = max(best, now)
    ceiling = min(1.0, int(agree.sum()) / n / target)
    # Rows handled now below the target owe the statistics nothing.
    return LostCoverage(target, n, now / n, max(best, now) / n, max(ceiling, now / n, best / n))
