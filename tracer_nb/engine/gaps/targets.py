"""What each target would give, what a threshold moved by hand does, and what would gain coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.fitting import SurrogateFit
from tracer_nb.engine.gaps.agreement import CONFIDENCE, Judged
from tracer_nb.engine.judge import Judge, frontier
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import (
    Choice,
    Gain,
    HandThreshold,
    LostCoverage,
    SelfAgreement,
    Targets,
)

__all__ = [
    "Labelled",
    "Others",
    "at_threshold",
    "best_in_hindsight",
    "expected_coverage",
    "label_gain",
    "loss_gains",
    "lost_coverage",
    "merge_gains",
    "perfect_gate",
    "risk_area",
    "target_estimates",
]


_GRID = np.arange(80, 100) / 100


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Calibration rows.

    Attributes
    ----------
    answers : Answers
    agree : ndarray of shape (n,), bool
    costs : ndarray of shape (n,) or None
        What asking about each costs, where the strategy goes by it.
    """

    answers: Answers
    agree: NDArray[np.bool_]
    costs: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Others:
    """Distinct texts of the column, (n_texts,) each.

    Attributes
    ----------
    answers : Answers
    n_rows : ndarray of int
        Rows with this text that the column certificate speaks about, without the tested ones.
    costs : ndarray of float, or None
        As in :class:`Labelled`.
    dollars : ndarray of float, or None
        What not asking about the text saves: 0 where it was asked. None when unknown.
    """

    answers: Answers
    n_rows: NDArray[np.intp]
    costs: NDArray[np.float64] | None
    dollars: NDArray[np.float64] | None


def target_estimates(
    fit: SurrogateFit,
    tested: Labelled,
    others: Others,
    *,
    certified: Sequence[Choice],
    main: float,
) -> Targets:
    """Estimate coverage and money for targets from .80 to .99 and the certified ones.

    Parameters
    ----------
    fit : SurrogateFit
    tested : Labelled
    others : Others
    certified : sequence of Choice
    main : float
        The target in use.

    Notes
    -----
    For each target the loosest threshold at which the tested rows agree that often is found on
    the same rows, so it is met by chance about every second time. ``expected`` is what
    :func:`~tracer_nb.engine.sequence.plan_sequence` expects of a test.
    """
    targets = np.union1d(_GRID, [choice.target for choice in certified])
    n = len(targets)
    thresholds, agreement, lower = np.full(n, np.inf), np.full(n, np.nan), np.zeros(n)
    upper, n_handled = np.ones(n), np.zeros(n, dtype=np.intp)
    coverage, saved, expected = np.zeros(n), np.zeros(n), np.zeros(n)
    for i, target in enumerate(targets.tolist()):
        path = fit.path(tested.answers, tested.costs, target)
        curve = frontier(path, tested.agree)
        enough = np.flatnonzero(curve.agreement >= target)
        if len(enough):
            at = enough[-1]
            thresholds[i], agreement[i] = curve.thresholds[at], curve.agreement[at]
            lower[i], upper[i] = curve.lower[at], curve.upper[at]
            n_handled[i] = curve.n_handled[at]
        other_path = fit.path(others.answers, others.costs, target)
        coverage[i], saved[i] = _reach(path, other_path, others, thresholds[i])
        expected[i] = expected_coverage(fit, len(path), target)
    return Targets(
        targets=targets,
        thresholds=thresholds,
        coverage=coverage,
        agreement=agreement,
        lower=lower,
        upper=upper,
        n_handled=n_handled,
        expected=expected,
        saved=saved,
        certified=tuple(certified),
        main=main,
        n_rows=len(tested.agree),
        n_population=len(tested.agree) + int(others.n_rows.sum()),
    )


def at_threshold(
    fit: SurrogateFit, tested: Labelled, others: Others, threshold: float, *, main: float
) -> HandThreshold:
    """What handling all rows with a path score of at least ``threshold`` gives.

    Parameters
    ----------
    fit : SurrogateFit
    tested : Labelled
    others : Others
    threshold : float
        In [0, 1].
    main : float
        The target in use, whose path is taken.
    """
    path = fit.path(tested.answers, tested.costs, main)
    handled = path >= threshold
    n_handled, n_agree = int(handled.sum()), int((handled & tested.agree).sum())
    lower, upper = agreement_interval(np.array([n_agree]), np.array([n_handled]), CONFIDENCE)
    other_path = fit.path(others.answers, others.costs, main)
    coverage, saved = _reach(path, other_path, others, threshold)
    return HandThreshold(
        threshold=threshold,
        coverage=coverage,
        n_rows=len(path),
        n_handled=n_handled,
        n_agree=n_agree,
        lower=float(lower[0]),
        upper=float(upper[0]),
        saved=None if np.isnan(saved) else saved,
    )


def _reach(
    path: NDArray[np.float64], other_path: NDArray[np.float64], others: Others, threshold: float
) -> tuple[float, float]:
    """Share of the column's rows at or above a threshold, and dollars that it saves."""
    handled = other_path >= threshold
    n_handled = int((path >= threshold).sum()) + int(others.n_rows[handled].sum())
    n = len(path) + int(others.n_rows.sum())
    saved = np.nan if others.dollars is None else float(others.dollars[handled].sum())
    return n_handled / max(n, 1), saved


def expected_coverage(fit: SurrogateFit, n_calibration: int, target: float) -> float:
    """Coverage to expect of a certificate at this target alone."""
    alone = replace(fit.options, targets=(target,))
    return Judge(alone, n_calibration, fit.typical_cost).expected_coverage(fit.pilot)


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


_TRIED = 50
_FEWEST = 50


def label_gain(fit: SurrogateFit, lost: LostCoverage) -> Gain:
    """Gain of twice as many labels: of the test alone, the surrogate stays.

    Parameters
    ----------
    fit : SurrogateFit
    lost : LostCoverage
        Which the gain cannot exceed.
    """
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
