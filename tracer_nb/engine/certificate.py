"""Certificates: which threshold keeps the promise, on the evidence of calibration rows.

Both tests walk a sequence of thresholds that was fixed without their labels, each at the
full error budget, and stop at the first failure: the certified threshold is the last one
passed. The first false null of a fixed sequence is itself fixed, so an error needs that
one test to fail, whatever the shape of agreement against score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import (
    agreement_lower,
    column_agreement_lower,
    column_p_value,
    fewest_handled,
    held_out_p_value,
)
from tracer_nb.engine.sequence import plan_sequence, threshold_grid
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate, Pilot

__all__ = ["certify_column", "certify_held_out", "check_level"]


def check_level(name: str, value: float) -> float:
    """Return ``value`` as float, or raise ``InvalidInput`` unless it is in (0, 1)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise InvalidInput(f"{name} must be a number in (0, 1), got {value!r}; for 92 % write 0.92")
    number = float(value)
    if not 0.0 < number < 1.0:
        percent = f"; for {number:g} % write {number / 100:g}" if 1.0 < number < 100.0 else ""
        hint = percent or "; write a fraction such as 0.92"
        raise InvalidInput(f"{name} must be in (0, 1), got {number:g}{hint}")
    return number


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """Calibration rows and who the certificate is for; shared by the three methods."""

    scores: NDArray[np.float64]
    agree: NDArray[np.bool_]
    target: float
    confidence: float
    n_fit: int

    def counts(self, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Handled and agreeing calibration rows at each threshold."""
        ordered = np.sort(self.scores)
        order = np.argsort(self.scores, kind="stable")
        agreeing = np.r_[0, self.agree[order].cumsum()]
        below = np.searchsorted(ordered, thresholds, side="left")
        return len(ordered) - below, agreeing[-1] - agreeing[below]

    def certificate(self, method: str, threshold: float, n_tested: int) -> Certificate:
        """What the calibration rows show at ``threshold``."""
        handled, agreeing = (int(c[0]) for c in self.counts(np.array([threshold])))
        n = len(self.scores)
        return Certificate(
            method=method,
            target=self.target,
            confidence=self.confidence,
            threshold=threshold,
            certified=math.isfinite(threshold),
            coverage=handled / n if n else 0.0,
            agreement=agreeing / handled if handled else math.nan,
            agreement_lower=agreement_lower(agreeing, handled, self.confidence),
            n_fit=self.n_fit,
            n_calibration=n,
            n_handled=handled,
            n_agree=agreeing,
            n_tested=n_tested,
        )


def certify_held_out(
    pilot: Pilot,
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    *,
    target: float,
    confidence: float,
    seed: int = 0,
) -> Certificate:
    """Certify a threshold for rows drawn like the calibration rows.

    Parameters
    ----------
    pilot : Pilot
        Out-of-fold scores and agreement of the fitting rows.
    scores : ndarray of shape (n,)
        Gate scores of the calibration rows under the frozen surrogate and gate.
    agree : ndarray of shape (n,), bool
        Surrogate and teacher give the same label.
    target, confidence : float
        Fractions in (0, 1).
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
    evidence = _evidence(pilot, scores, agree, target, confidence)
    sequence = plan_sequence(
        pilot, len(scores), target=target, confidence=confidence, seed=seed
    ).thresholds
    handled, agreeing = evidence.counts(sequence)
    p = held_out_p_value(agreeing, handled, target)
    certificate = evidence.certificate("held-out", *_walk(sequence, p, confidence))
    return certificate if certificate.certified else _explain(certificate, pilot)


def certify_column(
    pilot: Pilot,
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    other_scores: NDArray[np.float64],
    *,
    target: float,
    confidence: float,
    seed: int = 0,
) -> Certificate:
    """Certify a threshold for the known rows of one column.

    Nothing is assumed about a distribution, only that the calibration rows were drawn at
    random without replacement from these rows.

    Parameters
    ----------
    pilot, scores, agree, target, confidence, seed
        As in :func:`certify_held_out`.
    other_scores : ndarray of shape (n_others,)
        Gate scores of the column's rows that are neither fitting nor calibration rows.

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
    evidence = _evidence(pilot, scores, agree, target, confidence)
    everyone = np.sort(np.r_[evidence.scores, _scores("other_scores", other_scores)])
    # Ranks of all scores: they hold no label, so the grid is fixed before labels are seen.
    grid = threshold_grid(everyone)
    population = len(everyone) - np.searchsorted(everyone, grid, side="left")
    # The pilot's rows stand for the population's: matched by rank, so that a shift between
    # out-of-fold and deployed scores does not misplace the start.
    matched = _match_ranks(pilot, everyone)
    sequence = plan_sequence(
        matched,
        len(scores),
        target=target,
        confidence=confidence,
        grid=grid,
        p_value=lambda k, m, i: column_p_value(
            np.minimum(m - k, population[i]), np.minimum(m, population[i]), population[i], target
        ),
        seed=seed,
    ).thresholds
    handled, agreeing = evidence.counts(sequence)
    total = len(everyone) - np.searchsorted(everyone, sequence, side="left")
    p = column_p_value(handled - agreeing, handled, total, target)
    certificate = evidence.certificate("column", *_walk(sequence, p, confidence))
    n_handled = int((everyone >= certificate.threshold).sum())
    certificate = replace(
        certificate,
        coverage=n_handled / max(len(everyone), 1),
        agreement_lower=column_agreement_lower(
            certificate.n_agree, certificate.n_handled, n_handled, certificate.confidence
        ),
        n_population=len(everyone),
        n_population_handled=n_handled,
    )
    return certificate if certificate.certified else _explain(certificate, pilot)


def _evidence(
    pilot: Pilot,
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    target: float,
    confidence: float,
) -> _Evidence:
    if len(scores) != len(agree):
        raise InvalidInput(
            f"scores and agree must be equally long, got {len(scores)} and {len(agree)}; "
            "pass one entry per calibration row"
        )
    _scores("pilot.scores", pilot.scores)
    agreeing = np.asarray(agree)
    if agreeing.dtype != bool and len(agreeing):
        raise InvalidInput(
            f"agree must be bool, got {agreeing.dtype}; a row without a label is a disagreement"
        )
    return _Evidence(
        _scores("scores", scores),
        agreeing.astype(bool),
        check_level("target", target),
        check_level("confidence", confidence),
        len(pilot.scores),
    )


def _scores(name: str, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """``scores`` as float64; a NaN would be handled in one count and deferred in another."""
    values = np.asarray(scores, dtype=np.float64)
    n_bad = int((~((values >= 0.0) & (values <= 1.0))).sum())
    if n_bad:
        raise InvalidInput(f"{name} holds {n_bad} values that are not in [0, 1]; pass gate scores")
    return values


def _walk(
    thresholds: NDArray[np.float64], p: NDArray[np.float64], confidence: float
) -> tuple[float, int]:
    """Last threshold passed before the first failure (inf for none), and tests made."""
    failed = np.flatnonzero(~(p <= 1.0 - confidence))
    passed = int(failed[0]) if len(failed) else len(p)
    threshold = float(thresholds[passed - 1]) if passed else math.inf
    return threshold, min(passed + 1, len(p))


def _match_ranks(pilot: Pilot, everyone: NDArray[np.float64]) -> Pilot:
    """The pilot with its scores replaced by those of equal rank among ``everyone`` (sorted)."""
    if not len(pilot.scores) or not len(everyone):
        return pilot
    order = np.argsort(pilot.scores, kind="stable")
    ranks = (np.arange(len(order)) + 0.5) / len(order)
    matched = everyone[np.minimum((ranks * len(everyone)).astype(int), len(everyone) - 1)]
    return Pilot(scores=matched, agree=pilot.agree[order])


def _explain(certificate: Certificate, pilot: Pilot) -> Certificate:
    """Say why nothing was certified, and about how many labels would change that."""
    target, confidence = certificate.target, certificate.confidence
    fewest = fewest_handled(target, confidence)
    n_labels = certificate.n_fit + certificate.n_calibration
    if certificate.n_calibration < fewest:
        note = (
            f"{certificate.n_calibration} calibration rows cannot certify {100 * target:.10g} % at "
            f"{100 * confidence:.10g} % confidence, which needs at least {fewest} handled ones"
        )
    else:
        note = (
            f"no threshold passed the test for {100 * target:.10g} % agreement at "
            f"{100 * confidence:.10g} % confidence"
        )
    per_calibration_row = (
        n_labels / certificate.n_calibration if certificate.n_calibration else 1 / (1 - FIT_SHARE)
    )
    needed = _needed_calibration_rows(pilot, target, confidence)
    rows = None if needed is None else math.ceil(needed * per_calibration_row)
    # A need below what is there means bad luck of the draw, not a lack of rows.
    if rows is not None and rows <= n_labels:
        rows = math.ceil(1.5 * n_labels)
    if rows is None and len(pilot.scores):
        note += "; the surrogate does not agree often enough for more rows alone to help"
    return replace(certificate, needed_rows=rows, note=note)


def _needed_calibration_rows(pilot: Pilot, target: float, confidence: float) -> int | None:
    """Fewest calibration rows that pass at some threshold with about 80 % power."""
    grid = threshold_grid(pilot.scores)
    if not len(grid):
        return None
    everyone = np.sort(pilot.scores)
    handled = len(everyone) - np.searchsorted(everyone, grid, side="left")
    agreeing = np.array([pilot.agree[pilot.scores >= t].sum() for t in grid])
    share, agreement = handled / len(everyone), (agreeing + 0.5) / (handled + 1.0)
    # A few rows without one disagreement refute no target: expect half of what is allowed.
    flawless = (agreeing == handled) & (handled >= 5)
    agreement[flawless] = np.maximum(agreement[flawless], (1.0 + target) / 2.0)
    for n in np.geomspace(10, 1e6, 200).astype(int):
        m = np.floor(n * share)
        luck = 0.84 * np.sqrt(m * agreement * (1.0 - agreement))
        k = np.floor(m * agreement - luck)
        if (held_out_p_value(k, m, target) <= 1.0 - confidence).any():
            return int(n)
    return None
