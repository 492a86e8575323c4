"""What a test that is still to come is likely to show: for advice, where a plan's own hopes are too high.

A plan is the best of many on the same few answers, so it looks brighter than it is. Here it is made by one
half of the left-out answers, and what it shows is expected by the other half, and the other way round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.outlook import draw_agreement, look_ahead, passed_in
from tracer_nb.engine.sequence import gained_coverage

__all__ = ["likely_outcome"]

_SPLITS = 2
_DRAWS = 100


def likely_outcome(
    scores: NDArray[np.float64],
    left_out: NDArray[np.float64],
    agree: NDArray[np.bool_],
    by_chance: NDArray[np.bool_],
    *,
    target: float,
    delta: float,
    n_test: int,
    seed: int = 0,
) -> tuple[float, float]:
    """How likely the last test of a job certifies anything, and how much of the open rows if it does.

    Parameters
    ----------
    scores : ndarray of shape (n_open,)
        Of the open rows.
    left_out, agree, by_chance : ndarray of shape (n_labelled,)
        As in :func:`~tracer_nb.engine.outlook.look_ahead`.
    target, delta : float
        Of the test.
    n_test : int
        Its rows.
    seed : int

    Returns
    -------
    chance : float
    coverage : float
        Share of the open rows, where anything is certified.
    """
    near = np.isfinite(left_out)
    left_out, agree, by_chance = left_out[near], agree[near], by_chance[near]
    ordered = np.sort(scores[np.isfinite(scores)])[::-1]
    rng = np.random.default_rng([seed, 17])
    chances, coverages = [], []
    for _ in range(_SPLITS):
        half = rng.permutation(len(left_out)) < len(left_out) // 2
        for own, other in ((half, ~half), (~half, half)):
            plan = look_ahead(
                *(scores, left_out[own], agree[own], by_chance[own]),
                n_open=len(scores),
                n_labels=int(own.sum()),
                target=target,
                delta=delta,
                most=n_test,
                last=True,
                seed=seed,
            )
            if not plan.n_test or not by_chance[other].any():
                chances.append(0.0)
                coverages.append(0.0)
                continue
            told = left_out[other], agree[other].astype(float), by_chance[other]
            theta, ends = draw_agreement(ordered, *told, worse=1.0, n_draws=_DRAWS, rng=rng)
            handled = ends[: plan.top]
            share = np.diff(np.r_[0, handled]) / handled[-1]
            passed = passed_in(
                *(theta, handled, share / share.sum(), plan.n_test),
                n_open=len(scores),
                target=target,
                delta=delta,
                rng=rng,
            )
            gained = gained_coverage(passed, handled / len(scores), plan.stride)[:, plan.start]
            chances.append(float((gained > 0).mean()))
            coverages.append(float(gained.mean()))
    chance = float(np.mean(chances))
    return chance, float(np.mean(coverages)) / max(chance, 1e-9)
