"""Rows whose agreement falls with the cube of their rank, for tests of certificates."""

from __future__ import annotations

import numpy as np

from tracer_nb.records import Pilot

LEVELS = {"target": 0.9, "confidence": 0.9}
NOTHING = np.array([]), np.array([], dtype=bool)


def world(n, *, drop=0.25, seed=0):
    """Scores, the rank's complement, and agreement with them."""
    rng = np.random.default_rng(seed)
    q = rng.random(n)
    return 1 - q, rng.random(n) < 1 - drop * q**3


PILOT = Pilot(*world(700, seed=1))
