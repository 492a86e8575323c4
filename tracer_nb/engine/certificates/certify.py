"""From a promise and its evidence to a certificate: over all labels, or for each its own threshold.

Or why nothing was certified, and about how many labels would change that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.bounds import (
    agreement_interval,
    agreement_lower,
    fewest_handled,
    held_out_p_value,
)
from tracer_nb.engine.certificates.kinds import Rows, agreement_of
from tracer_nb.engine.certificates.promise import Evidence, Promise
from tracer_nb.engine.certificates.tally import Tally
from tracer_nb.engine.sequence import N_THRESHOLDS, threshold_grid
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.records import Certificate, ClassCertificate, Pilot, Setting

__all__ = [
    "certificate_of",
    "certify",
    "certify_classes",
    "explain",
    "walk",
    "whole_output_lower",
]


def explain(
    certificate: Certificate, tally: Tally, thresholds: NDArray[np.float64] | None
) -> Certificate:
    """Add the note and the rows that are needed to a refusal.

    Parameters
    ----------
    certificate : Certificate
        The refusal.
    tally : Tally
    thresholds : ndarray or None
        The sequence, if the user fixed it.
    """
    pilot, column = tally.pilot, tally.column
    target, level = tally.promise.target, tally.promise.level
    n = certificate.n_calibration
    n_labels = certificate.n_fit + n
    words = tally.promise.words
    kind = tally.promise.kind
    # Without one disagreement among them all.
    n_best = n if tally.counted is None else int(tally.counted.sum())
    best_p = float(kind.held_out(np.array([n_best]), np.array([n_best]), target)[0])
    if column is not None:
        known = len(column.scores)
        none, best = np.array([0]), np.array([n_best])
        best_p = float(kind.column(none, best, np.array([known]), tally.n_delivered, target)[0])
    if kind.may is not None and not np.isfinite(tally.about.scores).any():
        return replace(certificate, note=f"the surrogate calls no row {kind.name.label}")
    if kind.name.kind == "recall" and best_p > 1.0 - level:
        return _too_few_wanted(certificate, tally, n_best)
    if best_p > 1.0 - level:
        levels = words.replace(f" {tally.promise.kind.noun}", "")
        note = f"{n} calibration rows cannot certify {levels}, "
        note += f"which needs at least {fewest_handled(target, level)} handled ones"
        if column is not None:
            note = f"{n} calibration rows cannot certify {levels} here, even if all of them agree"
    elif thresholds is not None and len(thresholds):
        note = f"{_seen(tally, float(thresholds[0]))}, which does not certify {words}"
    else:
        note = f"no threshold passed the test for {words}"
    per_calibration_row = n_labels / n if n else 1 / (1 - FIT_SHARE)
    grid = threshold_grid(pilot.scores) if thresholds is None else thresholds
    needed = _needed_calibration_rows(pilot, grid, target, level) if kind.of_handled else n
    rows = None if needed is None else math.ceil(needed * per_calibration_row)
    # A need below what is there means bad luck of the draw, not a lack of rows.
    if rows is not None and rows <= n_labels:
        rows = math.ceil(1.5 * n_labels)
    if rows is None and len(grid) and (pilot.scores >= grid[-1]).any():
        note += "; the surrogate does not agree often enough for more rows alone to help"
    if rows is not None and column is not None and rows >= certificate.n_fit + len(column.scores):
        rows = None
        note += "; it would take more labels than the column has rows"
    return replace(certificate, needed_rows=rows, note=note)


def _too_few_wanted(certificate: Certificate, tally: Tally, n_wanted: int) -> Certificate:
    """A refusal of recall for want of rows with the label, and how many it takes."""
    promise, column, n = tally.promise, tally.column, certificate.n_calibration
    label, fewest = promise.kind.name.label, fewest_handled(promise.target, promise.level)
    found = f"{n_wanted} of them" if n_wanted else "none of them"
    note = (
        f"{promise.words} needs at least {fewest} calibration rows that the teacher calls {label}, "
        f"and of {n} {found} {'is' if n_wanted < 2 else 'are'}"
    )
    if not n_wanted:
        chosen = "" if promise.kind.several else "hard rows first, "  # these have one label each
        note += f"; so rare a label takes more of them, {chosen}or another promise"
        return replace(certificate, note=note)
    n_labels = certificate.n_fit + n
    rows = math.ceil(n_labels * fewest / n_wanted)
    if column is not None and rows >= certificate.n_fit + len(column.scores):
        note += "; it would take more labels than the column has rows"
        return replace(certificate, note=note)
    return replace(certificate, needed_rows=rows, note=note)


def _seen(tally: Tally, threshold: float) -> str:
    """What the calibration rows show at a threshold that was not certified."""
    at = np.array([threshold])
    (handled, wrong), counted = (int(c[0]) for c in tally.handled(at)), int(tally.share_of(at)[0])
    if not handled:
        return f"at the threshold {threshold:g} no calibration row is handled"
    if not tally.promise.kind.of_handled:
        return (
            f"at the threshold {threshold:g} {wrong} of {counted} calibration rows that the "
            f"promise counts break it"
        )
    right = handled - wrong
    lower = agreement_lower(right, handled, tally.promise.level)
    return (
        f"at the threshold {threshold:g} {right} of {handled} handled calibration rows agree "
        f"({100 * right / handled:.1f} %, lower bound {100 * lower:.1f} %)"
    )


def _needed_calibration_rows(
    pilot: Pilot, grid: NDArray[np.float64], target: float, confidence: float
) -> int | None:
    """Fewest calibration rows that pass at some threshold with about 80 % power."""
    if not len(grid) or not len(pilot.scores):
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
    certificate = certificate_of(tally, passed[tally.about.handled(passed) > 0], n_tested)
    return certificate if certificate.certified else explain(certificate, tally, thresholds)


def walk(tally: Tally, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Thresholds passed before the first failure, and tests made."""
    failed = np.flatnonzero(~(tally.p_values(thresholds) <= 1.0 - tally.promise.level))
    passed = int(failed[0]) if len(failed) else len(thresholds)
    return thresholds[:passed], min(passed + 1, len(thresholds))


def certificate_of(tally: Tally, passed: NDArray[np.float64], n_tested: int) -> Certificate:
    """What the calibration rows show at the last threshold passed."""
    promise, about, known = tally.promise, tally.about, tally.column is not None
    threshold = float(passed[-1]) if len(passed) else math.inf
    at = np.array([threshold])
    handled, wrong = (int(count[0]) for count in tally.handled(at))
    n_about, about_handled = len(about.scores), int(about.handled(at)[0])
    agreeing = int(tally.agreeing(at)[0])
    # Where every threshold is tried, a fourth of those that passed tells as much.
    passed = passed[::-1][:: math.ceil(len(passed) / N_THRESHOLDS) or 1][::-1]
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
        whole_output_lower=_implied(tally, about_handled, n_about if known else None),
        n_fit=len(tally.pilot.scores),
        n_calibration=len(tally.wrong),
        n_handled=handled,
        n_agree=agreeing,
        n_tested=n_tested,
        n_targets=promise.n_shares,
        n_population=n_about if known else None,
        n_population_handled=about_handled if known else None,
        settings=tuple(Setting(*map(float, row)) for row in zip(passed, *coverages, strict=True)),
        promise=promise.kind.name,
        n_counted=int(tally.share_of(at)[0]),
        n_wrong=wrong,
        n_delivered=tally.n_delivered if known and promise.kind.name.kind == "output" else None,
    )


def _implied(tally: Tally, n_handled: int, n_known: int | None) -> float:
    """Agreement of the whole output that a promise of its kind implies."""
    promise = tally.promise
    if n_handled and promise.kind.name.kind == "precision" and promise.kind.several:
        return 0.0  # of the other labels of a set nothing is said
    if n_handled == 0 or promise.kind.of_handled:
        return whole_output_lower(promise.target, n_handled, n_known)
    return promise.target if promise.kind.name.kind == "output" else 0.0


def whole_output_lower(target: float, n_handled: int, n_known: int | None) -> float:
    """Agreement of the whole output, deferred rows counted as agreeing, that a certificate implies.

    At most a share 1 - ``target`` of the handled rows disagree, and no other row does. For
    rows that are not known, all of them may be handled.
    """
    if n_handled == 0:
        return 1.0
    return target if n_known is None else 1.0 - (1.0 - target) * n_handled / n_known


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
    whole = _together(promise, evidence, parts)
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


def _together(promise: Promise, evidence: Evidence, parts: list[ClassCertificate]) -> Certificate:
    """The certificate over the handled rows of all classes, each with its own threshold."""
    thresholds = np.array([part.threshold for part in parts])
    passed = np.ones(int(np.isfinite(thresholds).any()))

    def decided(rows: Rows) -> Rows:
        """Rows at 1 where they are handled, and at 0 elsewhere."""
        return replace(rows, scores=(rows.scores >= thresholds[rows.codes]).astype(float))

    tested, others = decided(evidence.tested), evidence.others
    counted = Evidence(evidence.pilot, tested, None if others is None else decided(others))
    whole = certificate_of(Tally.of(promise, counted), passed, 0)
    return replace(
        whole,
        method=f"{whole.method}, per class",
        threshold=math.nan if whole.certified else math.inf,
        cost_coverage=whole.coverage,
        settings=(),
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
