"""Whether a gate score of .9 means that nine of ten agree."""

from __future__ import annotations

import numpy as np

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.gaps.judged import CONFIDENCE, Judged
from tracer_nb.records import Reliability

__all__ = ["reliability"]

_BINS = 10
# Intervals of fewer rows say nothing.
_ROWS_PER_BIN = 20


def reliability(judged: Judged) -> Reliability:
    """Bin scores into at most ten bins of about equally many rows.

    Equal scores are never parted, so there may be fewer bins. Empty arrays when there is no
    row, or the guard defers all.
    """
    scored = np.isfinite(judged.scores)
    order = np.argsort(judged.scores[scored], kind="stable")
    scores, agree = judged.scores[scored][order], judged.agree[scored][order]
    n = len(scores)
    n_bins = min(_BINS, max(n // _ROWS_PER_BIN, 1))
    # A cut between equal scores moves down to the first of them.
    cuts = np.searchsorted(scores, scores[np.arange(n_bins) * n // n_bins]) if n else np.empty(0)
    starts = np.unique(cuts).astype(np.intp)
    n_rows = np.diff(np.r_[starts, n]) if n else starts
    n_agree = np.add.reduceat(agree.astype(np.intp), starts) if n else starts
    total = np.add.reduceat(scores, starts) if n else np.empty(0)
    lower, upper = agreement_interval(n_agree, n_rows, CONFIDENCE)
    return Reliability(
        low=scores[starts],
        high=scores[starts + n_rows - 1],
        score=total / np.maximum(n_rows, 1),
        n_rows=n_rows,
        n_agree=n_agree,
        lower=lower,
        upper=upper,
        n_far=int((~scored).sum()),
        basis=judged.basis,
    )
