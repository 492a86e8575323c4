"""Certificates per class: a threshold of its own for each predicted label.

Rows are grouped by the label that the surrogate gives them, which is known for every row.
Each class that is large enough gets its own chain of tests at an equal part of the error
budget, so all certified classes keep their promise together, and the union of their handled
rows keeps the overall one. The others are refused, and only diagnosed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import agreement_interval, fewest_handled
from tracer_nb.engine.certificates.certify import walk, whole_output_lower
from tracer_nb.engine.certificates.evidence import Evidence
from tracer_nb.engine.certificates.promise import Promise, agreement_of
from tracer_nb.engine.certificates.tally import Tally
from tracer_nb.records import Certificate, ClassCertificate, Pilot

__all__ = ["certify_classes"]


def certify_classes(
    promise: Promise,
    evidence: Evidence,
    labels: Sequence[object],
    *,
    thresholds: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> Certificate:
    """Certify a threshold for each predicted class.

    Parameters
    ----------
    promise : Promise
        Selective agreement; each class gets its part of the error budget.
    evidence : Evidence
        With codes everywhere.
    labels : sequence of length K
        What the codes stand for.
    thresholds, seed
        As in :func:`~tracer_nb.engine.certificates.certify`.

    Returns
    -------
    Certificate
        Over all certified classes together, with one entry of ``classes`` for each label.
        Its error budget is split over the classes that can pass by their number of rows in
        the pilot; which these are uses no calibration row.

    References
    ----------
    GUARANTEES, "A promise for each label"; the union bound over chains.
    """
    # The chain of a class is planned for rows handled, whatever they cost.
    evidence = replace(evidence, pilot=replace(evidence.pilot, costs=None))
    tried = _large_classes(promise, evidence.pilot, len(evidence.tested.scores), len(labels))
    parts: list[ClassCertificate] = []
    walked = 0
    for code, label in enumerate(labels):
        share = promise.n_shares * max(len(tried), 1)
        own = Tally.of(replace(promise, n_shares=share, kind=agreement_of(code)), evidence)
        passed, n_tested = np.empty(0), 0
        if code in tried:
            passed, n_tested = walk(own, own.sequence(seed) if thresholds is None else thresholds)
        walked += n_tested
        parts.append(_class_certificate(label, own, passed))
    whole = _together(Tally.of(promise, evidence), evidence, parts)
    note = "" if whole.certified else _refusal(parts, len(tried))
    return replace(whole, n_tested=walked, note=note)


def _large_classes(promise: Promise, pilot: Pilot, n_calibration: int, n_classes: int) -> set[int]:
    """Classes that can pass when the budget is split over them, by the pilot's predictions.

    The more classes share the budget, the more rows each needs; this is the largest number
    for which all of them may be expected to have enough.
    """
    assert pilot.codes is not None  # noqa: S101  the engine's own pilots have them
    rows = np.bincount(pilot.codes, minlength=n_classes) / max(len(pilot.codes), 1) * n_calibration
    largest = np.argsort(-rows, kind="stable")
    delta = 1.0 - promise.level
    for k in range(n_classes, 0, -1):
        if rows[largest[k - 1]] >= fewest_handled(promise.target, 1.0 - delta / k):
            return set(largest[:k].tolist())
    return set()


def _class_certificate(
    label: object, tally: Tally, passed: NDArray[np.float64]
) -> ClassCertificate:
    promise, certified = tally.promise, len(passed) > 0
    threshold = float(passed[-1]) if certified else math.inf
    handled, wrong = tally.handled(np.array([threshold if certified else -math.inf]))
    agreeing = handled - wrong
    low, high = agreement_interval(agreeing, handled, promise.confidence)
    return ClassCertificate(
        label=label,
        threshold=threshold,
        certified=certified,
        n_calibration=len(tally.wrong),
        n_handled=int(handled[0]),
        n_agree=int(agreeing[0]),
        agreement_low=float(low[0]),
        agreement_high=float(high[0]),
        needed_rows=None if certified else fewest_handled(promise.target, promise.level),
    )


def _together(tally: Tally, evidence: Evidence, parts: list[ClassCertificate]) -> Certificate:
    """The certificate over the handled rows of all classes, each with its own threshold."""
    thresholds = np.array([part.threshold for part in parts])
    promise, tested, others = tally.promise, evidence.tested, evidence.others
    handled = tested.scores >= thresholds[tested.codes]
    n, m, k = len(handled), int(handled.sum()), int(tested.agree[handled].sum())
    about_handled, n_about = m, n
    if others is not None:
        about_handled += int((others.scores >= thresholds[others.codes]).sum())
        n_about += len(others.scores)
    certified = bool(np.isfinite(thresholds).any())
    coverage = about_handled / n_about if n_about else 0.0
    known = None if others is None else n_about
    return Certificate(
        method=f"{'held-out' if others is None else 'column'}, per class",
        target=promise.target,
        confidence=promise.confidence,
        threshold=math.nan if certified else math.inf,
        certified=certified,
        coverage=coverage,
        cost_coverage=coverage,
        agreement=k / m if m else math.nan,
        agreement_lower=tally.lower(k, m, about_handled, promise.level),
        whole_output_lower=whole_output_lower(promise.target, about_handled, known),
        n_fit=len(evidence.pilot.scores),
        n_calibration=n,
        n_handled=m,
        n_agree=k,
        n_targets=promise.n_shares,
        n_population=known,
        n_population_handled=None if others is None else about_handled,
        classes=tuple(parts),
    )


def _refusal(parts: list[ClassCertificate], tried: int) -> str:
    if not tried:
        needed = parts[0].needed_rows if parts else 0
        return (
            f"no class has enough calibration rows for a certificate of its own (at least {needed} "
            "without a disagreement); label more rows, or certify all classes together"
        )
    which = f"{tried} classes" if tried > 1 else "one class"
    return f"no test was passed by the {which} with enough calibration rows"
