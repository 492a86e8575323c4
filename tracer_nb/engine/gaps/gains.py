"""What would gain coverage: more labels, a better gate or surrogate, merged labels, the prompt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.fitting import SurrogateFit
from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.engine.gaps.losses import best_in_hindsight, perfect_gate
from tracer_nb.engine.gaps.targets import expected_coverage
from tracer_nb.records import Gain, LearningCurve, LostCoverage, SelfAgreement

__all__ = ["label_gain", "loss_gains", "merge_gains"]

_TRIED = 50
_FEWEST = 50


def label_gain(fit: SurrogateFit, lost: LostCoverage, curve: LearningCurve | None) -> Gain:
    """Gain of twice as many labels.

    Parameters
    ----------
    fit : SurrogateFit
    lost : LostCoverage
        Which the gain cannot exceed.
    curve : LearningCurve or None
        Of the same labels; without one, only the test gains, and the surrogate stays.
    """
    if curve is not None:
        sizes, coverage = curve.sizes, curve.projected_coverage
        now, then = np.interp([sizes[0], 2 * sizes[0]], sizes, coverage).tolist()
        gain = min(max(then - now, 0.0), 1.0 - lost.coverage)
        return Gain("labels", gain, at_most=False, basis="curve")
    n = len(fit.calibration_rows)
    now, then = (expected_coverage(fit, size, lost.target) for size in (n, 2 * n))
    gain = min(max(then - now, 0.0), lost.by_statistics)
    return Gain("labels", gain, at_most=False, basis="test")


def loss_gains(lost: LostCoverage, asked_twice: SelfAgreement | None) -> tuple[Gain, ...]:
    """Bounds on what a better gate, a better surrogate and a clearer prompt gain.

    Parameters
    ----------
    lost : LostCoverage
    asked_twice : SelfAgreement or None
        Only with it something is known of the prompt.

    Notes
    -----
    All count from the coverage of now: with a better gate or surrogate the test loses less, too.
    A surrogate that always gave the teacher's likeliest label would agree on E[max p], which is
    between the share s of texts with the same label twice and its root. So the root of the upper
    bound of s bounds any surrogate, as far as that bound holds. What the teacher's wavering costs
    in all, in ranking and fit as well, nothing tells: a clearer prompt may gain everything.
    """
    now = lost.coverage
    gate = Gain("gate", max(lost.ceiling - now, 0.0), at_most=True, basis="perfect gate")
    if asked_twice is None or asked_twice.share is None:
        return gate, Gain("surrogate", 1.0 - now, at_most=True, basis="all")
    best = min(1.0, asked_twice.upper**0.5 / lost.target)
    surrogate = Gain("surrogate", max(best - now, 0.0), at_most=True, basis="self-agreement")
    if asked_twice.share == 1.0:
        return gate, surrogate
    return gate, surrogate, Gain("prompt", 1.0 - now, at_most=True, basis="wavering")


def merge_gains(
    judged: Judged, choosing: Judged, *, target: float, most: int = 3
) -> tuple[Gain, ...]:
    """Gains of taking two labels for one, the largest first.

    The pairs are chosen on other rows than those that tell their gain, where there are
    enough: the best of many pairs looks better than it is on the rows that it was chosen by.

    Parameters
    ----------
    judged : Judged
        The tested rows.
    choosing : Judged
        Rows to choose by, of the same label set.
    target : float
        Agreement that the handled rows must reach, in (0, 1].
    most : int
        Pairs to give.

    Notes
    -----
    The coverage is that of the best threshold in hindsight on the scores of now, before and
    after. A fit on merged labels would score these rows higher; how far that may go, the
    perfect gate tells.
    """
    if len(judged.names) < 3:  # one label would be left
        return ()
    basis = "fitting rows"
    if len(choosing.teacher) < _FEWEST:
        choosing, basis = judged, "tested rows"
    tried = [
        (gain.coverage, pair)
        for pair in _confused(choosing)
        if (gain := _merged(choosing, pair, target))
    ]
    chosen = [pair for _, pair in sorted(tried, key=lambda one: -one[0])[:most]]
    found = [
        replace(gain, basis=basis) for pair in chosen if (gain := _merged(judged, pair, target))
    ]
    return tuple(sorted(found, key=lambda gain: -gain.coverage))


def _confused(judged: Judged) -> list[tuple[int, int]]:
    """Pairs of labels that are taken for one another, the most frequent first."""
    wrong = (judged.teacher >= 0) & ~judged.agree
    pairs = np.sort(np.stack([judged.teacher[wrong], judged.surrogate[wrong]], axis=1), axis=1)
    found, n = np.unique(pairs, axis=0, return_counts=True)
    order = np.argsort(-n, kind="stable")[:_TRIED]
    return [(int(a), int(b)) for a, b in found[order]]


def _merged(judged: Judged, pair: tuple[int, int], target: float) -> Gain | None:
    """What merging gains on these rows; None for nothing."""
    agree = judged.agree
    merged = agree | _in(judged.teacher, pair) & _in(judged.surrogate, pair)
    n = len(agree)
    before, after = (best_in_hindsight(judged.scores, each, target) for each in (agree, merged))
    if after <= before:
        return None
    ceiling = perfect_gate(merged, target) - perfect_gate(agree, target)
    names = tuple(judged.names[code] for code in pair)
    return Gain(
        "merge", (after - before) / n, at_most=False, basis="", labels=names, ceiling=ceiling
    )


def _in(codes: NDArray[np.intp], pair: tuple[int, int]) -> NDArray[np.bool_]:
    return np.isin(codes, pair)
