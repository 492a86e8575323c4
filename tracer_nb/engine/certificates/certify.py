"""Certificates over all rows at once: for rows drawn like the calibration rows, or a column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.certificates.evidence import Column, Evidence, check_scores
from tracer_nb.engine.certificates.levels import check_level
from tracer_nb.engine.certificates.refusal import explain
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Pilot

__all__ = ["certify_column", "certify_held_out", "gather", "walk"]


def certify_held_out(
    pilot: Pilot,
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    *,
    target: float,
    confidence: float,
    thresholds: NDArray[np.float64] | None = None,
    costs: NDArray[np.float64] | None = None,
    n_targets: int = 1,
    seed: int = 0,
) -> Certificate:
    """Certify a threshold for rows drawn like the calibration rows.

    Parameters
    ----------
    pilot : Pilot
        Out-of-fold scores and agreement of the fitting rows.
    scores : ndarray of shape (n,)
        Scores of the calibration rows under the frozen surrogate and gate; -inf for rows
        that are deferred whatever happens.
    agree : ndarray of shape (n,), bool
        Surrogate and teacher give the same label.
    target, confidence : float
        Fractions in (0, 1).
    thresholds : ndarray, optional
        Strict to loose, fixed beforehand; by default planned on the pilot.
    costs : ndarray of shape (n,), optional
        What asking the teacher about each row costs.
    n_targets : int
        How many targets are certified on these rows; the error budget is split over them.
    seed : int
        Of the simulation that orders the tests.

    Returns
    -------
    Certificate
        ``certified=False``, coverage 0 and a note when no threshold passes.

    Raises
    ------
    InvalidInput
        A level outside (0, 1), lengths that differ, a score outside [0, 1], or ``agree``
        not bool.

    Notes
    -----
    With confidence ``confidence``, P(agree | score >= threshold) >= ``target``, if the
    calibration rows are an independent (or simple random) sample, unused until here.

    References
    ----------
    GUARANTEES section 2.
    """
    evidence = gather(
        pilot, scores, agree, target=target, confidence=confidence, costs=costs, n_targets=n_targets
    )
    return _certify(pilot, evidence, thresholds, seed)


def certify_column(
    pilot: Pilot,
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    other_scores: NDArray[np.float64],
    *,
    target: float,
    confidence: float,
    thresholds: NDArray[np.float64] | None = None,
    costs: NDArray[np.float64] | None = None,
    other_costs: NDArray[np.float64] | None = None,
    n_targets: int = 1,
    seed: int = 0,
) -> Certificate:
    """Certify a threshold for the known rows of one column.

    Nothing is assumed about a distribution, only that the calibration rows were drawn at
    random without replacement from these rows.

    Parameters
    ----------
    pilot, scores, agree, target, confidence, thresholds, costs, n_targets, seed
        As in :func:`certify_held_out`.
    other_scores : ndarray of shape (n_others,)
        Scores of the column's rows that are neither fitting nor calibration rows.
    other_costs : ndarray of shape (n_others,), optional

    Returns
    -------
    Certificate
        It speaks about all handled rows together, the labelled calibration rows
        included, not about the unlabelled ones alone.

    Raises
    ------
    InvalidInput
        As in :func:`certify_held_out`.

    References
    ----------
    GUARANTEES section 3.
    """
    evidence = gather(
        pilot,
        scores,
        agree,
        target=target,
        confidence=confidence,
        costs=costs,
        n_targets=n_targets,
        others=(other_scores, other_costs),
    )
    return _certify(pilot, evidence, thresholds, seed)


def _certify(
    pilot: Pilot, evidence: Evidence, thresholds: NDArray[np.float64] | None, seed: int
) -> Certificate:
    sequence = evidence.plan(pilot, seed) if thresholds is None else thresholds
    certificate = evidence.certificate(*walk(evidence, sequence))
    if certificate.certified:
        return certificate
    return explain(certificate, pilot, evidence, thresholds)


def walk(evidence: Evidence, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Thresholds passed before the first failure, and tests made."""
    failed = np.flatnonzero(~(evidence.p_values(thresholds) <= 1.0 - evidence.level))
    passed = int(failed[0]) if len(failed) else len(thresholds)
    return thresholds[:passed], min(passed + 1, len(thresholds))


def gather(
    pilot: Pilot,
    scores: Any,
    agree: Any,
    *,
    target: float,
    confidence: float,
    costs: NDArray[np.float64] | None = None,
    n_targets: int = 1,
    others: tuple[Any, NDArray[np.float64] | None] | None = None,
) -> Evidence:
    """Check the rows of a test and put them in order.

    Raises
    ------
    InvalidInput
        As in :func:`certify_held_out`.
    """
    if len(scores) != len(agree):
        raise InvalidInput(
            f"scores and agree must be equally long, got {len(scores)} and {len(agree)}; "
            "pass one entry per calibration row"
        )
    check_scores("pilot.scores", pilot.scores)
    agreeing = np.asarray(agree)
    if agreeing.dtype != bool and len(agreeing):
        raise InvalidInput(
            f"agree must be bool, got {agreeing.dtype}; a row without a label is a disagreement"
        )
    values = check_scores("scores", scores)
    order = np.argsort(values, kind="stable")
    column = None
    if others is not None:
        other_scores, other_costs = check_scores("other_scores", others[0]), others[1]
        all_costs = None if costs is None or other_costs is None else np.r_[costs, other_costs]
        column = Column.of(np.r_[values, other_scores], all_costs)
    return Evidence(
        rows=Column(values[order], None if costs is None else costs[order]),
        agree=agreeing.astype(bool)[order],
        column=column,
        target=check_level("target", target),
        confidence=check_level("confidence", confidence),
        n_targets=n_targets,
        n_fit=len(pilot.scores),
    )
