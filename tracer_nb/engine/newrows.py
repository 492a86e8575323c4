"""The size of the guard against new rows of another kind: the largest that is worth its price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gates.guard import fit_new_limit
from tracer_nb.engine.judge import Judge, Rows
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Answers

__all__ = ["new_limit"]


# Shares of its full size that the guard for new rows is tried at. Fewer rows pass fewer tests, and a
# stricter threshold may cost more than what it defers: then it is smaller.
_SIZES = (1.0, 0.6, 0.3)
_DEARER = 1.1
# Below this coverage to expect, rows of any score may be handled in the end.
_LEAST_EXPECTED = 0.5


def new_limit(
    near: NDArray[np.float64],
    left_out: Answers,
    rows: Rows,
    *,
    options: Options,
    judge: Judge,
    before: float,
) -> float:
    """The guard's limit for new rows: of the largest size that is worth its price.

    Parameters
    ----------
    near : ndarray of shape (n,)
        :func:`~tracer_nb.engine.gates.guard.closeness` out of fold.
    left_out : Answers
    rows, options, judge
        As in :func:`~tracer_nb.engine.race.choose_pipeline`: rows drawn at random say what it costs.
    before : float
        Coverage to expect without it; nothing to lose where it is 0.
    """
    own, share = np.flatnonzero(rows.judged), options.new_share
    # A lucky test certifies more than is to be expected, and the guard should not be what ends it.
    by_threshold = before >= _LEAST_EXPECTED and options.fixed_sequence is None
    handled = (1.0 + before) / 2.0 if by_threshold else 1.0
    for size in _SIZES:
        limit = fit_new_limit(
            near[own],
            left_out.scores[own],
            left_out.far[own],
            handled=handled,
            share=size * share,
        )
        scores = np.where(left_out.far | (near < limit), -np.inf, left_out.scores)
        after = judge.expected_coverage(rows.pilot(left_out.codes, scores))
        if before - after <= _DEARER * share:
            return limit
    return -np.inf
