"""Certificates per class: a threshold of its own for each predicted label.

Rows are grouped by the label that the surrogate gives them, which is known for every row.
Each class that is large enough gets its own chain of tests at an equal part of the error
budget, so all certified classes keep their promise together, and the union of their handled
rows keeps the overall one. The others are refused, and only diagnosed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import (
    agreement_interval,
    agreement_lower,
    column_agreement_lower,
    fewest_handled,
)
from tracer_nb.engine.certificates.certify import gather, walk
from tracer_nb.engine.certificates.evidence import Evidence, whole_output_lower
from tracer_nb.records import Certificate, ClassCertificate, Pilot

__all__ = ["certify_classes"]


def certify_classes(
    pilot: Pilot,
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    codes: NDArray[np.intp],
    labels: Sequence[object],
    *,
    target: float,
    confidence: float,
    others: tuple[NDArray[np.float64], NDArray[np.intp]] | None = None,
    thresholds: NDArray[np.float64] | None = None,
    n_targets: int = 1,
    seed: int = 0,
) -> Certificate:
    """Certify a threshold for each predicted class.

    Parameters
    ----------
    pilot, scores, agree, target, confidence, thresholds, n_targets, seed
        As in :func:`~tracer_nb.engine.certificates.certify_held_out`; the pilot with codes.
    codes : ndarray of shape (n,), int
        Predicted classes of the calibration rows.
    labels : sequence of length K
        What the codes stand for.
    others : tuple of ndarray, optional
        Scores and predicted classes of a column's other rows; the certificate is then about
        that column.

    Returns
    -------
    Certificate
        Over all certified classes together, with one entry of ``classes`` for each label.
        Its error budget is split over the classes that can pass by their number of rows in
        the pilot; which these are uses no calibration row.

    References
    ----------
    GUARANTEES section 6; the union bound over chains.
    """
    assert pilot.codes is not None  # noqa: S101  the engine's own pilots have them
    n_classes = len(labels)
    tried = _large_classes(pilot, len(scores), n_classes, target, (1.0 - confidence) / n_targets)
    parts: list[ClassCertificate] = []
    walked = 0
    for code in range(n_classes):
        own = codes == code
        evidence = gather(
            _part(pilot, code),
            scores[own],
            agree[own],
            target=target,
            confidence=confidence,
            n_targets=n_targets * max(len(tried), 1),
            others=None if others is None else (others[0][others[1] == code], None),
        )
        if code in tried:
            planned = evidence.plan(_part(pilot, code), seed) if thresholds is None else thresholds
            passed, n_tested = walk(evidence, planned)
        else:
            passed, n_tested = np.empty(0), 0
        walked += n_tested
        parts.append(_class_certificate(labels[code], evidence, passed))
    return _together(
        parts,
        scores,
        agree,
        codes,
        others=others,
        sizes=_Sizes(target, confidence, n_targets, len(pilot.scores), walked, len(tried)),
    )


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Levels and sizes of the certificate over all classes."""

    target: float
    confidence: float
    n_targets: int
    n_fit: int
    n_tested: int
    n_tried: int


def _large_classes(
    pilot: Pilot, n_calibration: int, n_classes: int, target: float, delta: float
) -> set[int]:
    """Classes that can pass when the budget is split over them, by the pilot's predictions.

    The more classes share the budget, the more rows each needs; this is the largest number
    for which all of them may be expected to have enough.
    """
    assert pilot.codes is not None  # noqa: S101
    rows = np.bincount(pilot.codes, minlength=n_classes) / max(len(pilot.codes), 1) * n_calibration
    largest = np.argsort(-rows, kind="stable")
    for k in range(n_classes, 0, -1):
        if rows[largest[k - 1]] >= fewest_handled(target, 1.0 - delta / k):
            return set(largest[:k].tolist())
    return set()


def _part(pilot: Pilot, code: int) -> Pilot:
    own = pilot.codes == code
    return Pilot(pilot.scores[own], pilot.agree[own])


def _class_certificate(
    label: object, evidence: Evidence, passed: NDArray[np.float64]
) -> ClassCertificate:
    certified = len(passed) > 0
    threshold = float(passed[-1]) if certified else math.inf
    shown = np.array([threshold if certified else -math.inf])
    handled, agreeing = evidence.counts(shown)
    low, high = agreement_interval(agreeing, handled, evidence.confidence)
    return ClassCertificate(
        label=label,
        threshold=threshold,
        certified=certified,
        n_calibration=len(evidence.agree),
        n_handled=int(handled[0]),
        n_agree=int(agreeing[0]),
        agreement_low=float(low[0]),
        agreement_high=float(high[0]),
        needed_rows=None if certified else fewest_handled(evidence.target, evidence.level),
    )


def _together(
    parts: list[ClassCertificate],
    scores: NDArray[np.float64],
    agree: NDArray[np.bool_],
    codes: NDArray[np.intp],
    *,
    others: tuple[NDArray[np.float64], NDArray[np.intp]] | None,
    sizes: _Sizes,
) -> Certificate:
    """The certificate over the handled rows of all classes."""
    thresholds = np.array([part.threshold for part in parts])
    handled = scores >= thresholds[codes]
    m, k, n = int(handled.sum()), int(agree[handled].sum()), len(scores)
    level = 1.0 - (1.0 - sizes.confidence) / sizes.n_targets
    about_handled, n_about = m, n
    lower = agreement_lower(k, m, level)
    if others is not None:
        about_handled += int((others[0] >= thresholds[others[1]]).sum())
        n_about += len(others[0])
        lower = column_agreement_lower(k, m, about_handled, level)
    certified = bool(np.isfinite(thresholds).any())
    coverage = about_handled / n_about if n_about else 0.0
    return Certificate(
        method=f"{'held-out' if others is None else 'column'}, per class",
        target=sizes.target,
        confidence=sizes.confidence,
        threshold=math.nan if certified else math.inf,
        certified=certified,
        coverage=coverage,
        cost_coverage=coverage,
        agreement=k / m if m else math.nan,
        agreement_lower=lower,
        whole_output_lower=whole_output_lower(
            sizes.target, about_handled, None if others is None else n_about
        ),
        n_fit=sizes.n_fit,
        n_calibration=n,
        n_handled=m,
        n_agree=k,
        n_tested=sizes.n_tested,
        n_targets=sizes.n_targets,
        n_population=None if others is None else n_about,
        n_population_handled=None if others is None else about_handled,
        note="" if certified else _refusal(parts, sizes.n_tried),
        classes=tuple(parts),
    )


def _refusal(parts: list[ClassCertificate], tried: int) -> str:
    if not tried:
        needed: Any = parts[0].needed_rows if parts else 0
        return (
            f"no class has enough calibration rows for a certificate of its own (at least {needed} "
            "without a disagreement); label more rows, or certify all classes together"
        )
    which = f"{tried} classes" if tried > 1 else "one class"
    return f"no test was passed by the {which} with enough calibration rows"
