"""What each target would give, and what a threshold moved by hand does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.fitting import SurrogateFit
from tracer_nb.engine.frontier import frontier
from tracer_nb.engine.gaps.judged import CONFIDENCE
from tracer_nb.engine.judge import path_pilot
from tracer_nb.engine.pipeline import Answers
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.records import Choice, HandThreshold, Targets

__all__ = ["Labelled", "Others", "at_threshold", "expected_coverage", "target_estimates"]

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
    options = fit.options
    return plan_sequence(
        path_pilot(fit.pilot, options, target, fit.typical_cost),
        n_calibration,
        target=target,
        confidence=options.confidence,
        grid=options.fixed_sequence,
        seed=options.seed,
    ).expected_coverage
