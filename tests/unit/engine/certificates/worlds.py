"""Rows whose agreement falls with the cube of their rank, for tests of certificates."""

from __future__ import annotations

import numpy as np

from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify
from tracer_nb.records import Pilot

LEVELS = {"target": 0.9, "confidence": 0.9}
NOTHING = np.array([]), np.array([], dtype=bool)


def world(n, *, drop=0.25, seed=0):
    """Scores, the rank's complement, and agreement with them."""
    rng = np.random.default_rng(seed)
    q = rng.random(n)
    return 1 - q, rng.random(n) < 1 - drop * q**3


PILOT = Pilot(*world(700, seed=1))


def held_out(pilot, scores, agree, *, target, confidence, costs=None, n_targets=1, **how):
    """A certificate for rows drawn like the calibration rows."""
    tested = Rows(scores, agree, costs=costs)
    return certify(Promise(target, confidence, n_targets), Evidence(pilot, tested), **how)


def column(
    pilot,
    scores,
    agree,
    other_scores,
    *,
    target,
    confidence,
    costs=None,
    other_costs=None,
    n_targets=1,
    **how,
):
    """A certificate for the known rows of a column."""
    others = Rows(other_scores, costs=other_costs)
    evidence = Evidence(pilot, Rows(scores, agree, costs=costs), others)
    return certify(Promise(target, confidence, n_targets), evidence, **how)
