"""From a promise and its evidence to a certificate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.certificates.evidence import Evidence
from tracer_nb.engine.certificates.promise import Promise
from tracer_nb.engine.certificates.refusal import explain
from tracer_nb.engine.certificates.tally import Tally
from tracer_nb.records import Certificate, Setting

__all__ = ["certify", "walk", "whole_output_lower"]


def certify(
    promise: Promise,
    evidence: Evidence,
    *,
    thresholds: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> Certificate:
    """Certify the loosest threshold that the evidence carries.

    Parameters
    ----------
    promise : Promise
    evidence : Evidence
    thresholds : ndarray, optional
        Strict to loose, fixed beforehand; by default planned on the pilot.
    seed : int
        Of the simulation that orders the tests.

    Returns
    -------
    Certificate
        ``certified=False``, coverage 0 and a note when no threshold passes. About a column it
        speaks about all handled rows together, the labelled calibration rows included, not
        about the unlabelled ones alone.

    References
    ----------
    GUARANTEES, "Rows drawn like the calibration rows" and "The rows of one column".
    """
    tally = Tally.of(promise, evidence)
    passed, n_tested = walk(tally, tally.sequence(seed) if thresholds is None else thresholds)
    certificate = _certificate(tally, passed, n_tested)
    return certificate if certificate.certified else explain(certificate, tally, thresholds)


def walk(tally: Tally, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Thresholds passed before the first failure, and tests made."""
    failed = np.flatnonzero(~(tally.p_values(thresholds) <= 1.0 - tally.promise.level))
    passed = int(failed[0]) if len(failed) else len(thresholds)
    return thresholds[:passed], min(passed + 1, len(thresholds))


def _certificate(tally: Tally, passed: NDArray[np.float64], n_tested: int) -> Certificate:
    """What the calibration rows show at the last threshold passed."""
    promise, about, known = tally.promise, tally.about, tally.column is not None
    threshold = float(passed[-1]) if len(passed) else math.inf
    at = np.array([threshold])
    handled, wrong = (int(count[0]) for count in tally.handled(at))
    n_about, about_handled = len(about.scores), int(about.handled(at)[0])
    agreeing = handled - wrong
    coverages = about.coverage(passed), about.cost_coverage(passed)
    return Certificate(
        method="column" if known else "held-out",
        target=promise.target,
        confidence=promise.confidence,
        threshold=threshold,
        certified=math.isfinite(threshold),
        coverage=float(about.coverage(at)[0]),
        cost_coverage=float(about.cost_coverage(at)[0]),
        agreement=agreeing / handled if handled else math.nan,
        agreement_lower=tally.lower(agreeing, handled, about_handled, promise.level),
        whole_output_lower=whole_output_lower(
            promise.target, about_handled, n_about if known else None
        ),
        n_fit=len(tally.pilot.scores),
        n_calibration=len(tally.wrong),
        n_handled=handled,
        n_agree=agreeing,
        n_tested=n_tested,
        n_targets=promise.n_shares,
        n_population=n_about if known else None,
        n_population_handled=about_handled if known else None,
        settings=tuple(Setting(*map(float, row)) for row in zip(passed, *coverages, strict=True)),
    )


def whole_output_lower(target: float, n_handled: int, n_known: int | None) -> float:
    """Agreement of the whole output, deferred rows counted as agreeing, that a certificate implies.

    At most a share 1 - ``target`` of the handled rows disagree, and no other row does. For
    rows that are not known, all of them may be handled.
    """
    if n_handled == 0:
        return 1.0
    return target if n_known is None else 1.0 - (1.0 - target) * n_handled / n_known
