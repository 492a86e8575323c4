"""Several promises about the same rows, kept by one threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.certificates.certify import certificate_of, explain, walk
from tracer_nb.engine.certificates.promise import Evidence, Promise
from tracer_nb.engine.certificates.tally import Tally
from tracer_nb.records import Certificate

__all__ = ["certify_together", "common_threshold"]


def certify_together(
    promises: Sequence[Promise],
    evidence: Evidence,
    *,
    thresholds: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> Certificate:
    """Certify the loosest threshold at which every one of some promises passes.

    Parameters
    ----------
    promises : sequence of Promise
        With ``n_shares`` the number of those that none of the others implies
        (:func:`~tracer_nb.records.tested_apart`): they hold together by the union bound. At most one
        has a share of the handled rows: its thresholds that passed are those to choose from. The
        others, which break along the path only, hold at every threshold that is stricter than
        their own.
    evidence, thresholds, seed
        As in :func:`~tracer_nb.engine.certificates.certify`.

    Returns
    -------
    Certificate
        Of the first promise, the others in ``also``; a refusal says which promise was refused.
    """
    tallies = [Tally.of(promise, evidence) for promise in promises]
    found = []
    for tally in tallies:
        passed, n_tested = walk(tally, tally.sequence(seed) if thresholds is None else thresholds)
        found.append((passed[tally.about.handled(passed) > 0], n_tested))
    at = common_threshold(
        [passed for passed, _ in found], [t.promise.kind.of_handled for t in tallies]
    )
    certificates = []
    for tally, (passed, n_tested) in zip(tallies, found, strict=True):
        kept = passed[passed > at]
        if math.isfinite(at):
            kept = np.r_[kept, at]
        certificates.append(certificate_of(tally, kept, max(n_tested, len(kept))))
    if not math.isfinite(at):
        # Each alone may pass, and none of the thresholds that passed be common to them.
        refused = next((i for i, (passed, _) in enumerate(found) if not len(passed)), 0)
        why = explain(certificates[refused], tallies[refused], thresholds)
        if len(found[refused][0]):
            why = replace(why, note="the promises hold at no common threshold")
        certificates = [
            replace(c, note=why.note, needed_rows=why.needed_rows) for c in certificates
        ]
    return replace(certificates[0], also=tuple(certificates[1:]))


def common_threshold(passed: Sequence[NDArray[np.float64]], of_handled: Sequence[bool]) -> float:
    """The loosest threshold at which several promises hold; inf where there is none.

    Parameters
    ----------
    passed : sequence of ndarray, decreasing
        Thresholds at which each passed.
    of_handled : sequence of bool
        Its share is of the handled rows, so that it holds at these only; else it holds at all that are
        stricter than the last. At most one is.
    """
    if not all(map(len, passed)):
        return math.inf
    strict = [float(p[-1]) for p, handled in zip(passed, of_handled, strict=True) if not handled]
    least = max(strict, default=-math.inf)
    chosen = [p for p, handled in zip(passed, of_handled, strict=True) if handled]
    if not chosen:
        return least
    enough = chosen[0][chosen[0] >= least]
    return float(enough[-1]) if len(enough) else math.inf
