"""Labelled rows that are easy to learn, and rows whose labels cannot be learned."""

from __future__ import annotations

import numpy as np

LABELS = np.array(["delivery", "pin", "refund"])


def rows(n=400, seed=0, noise=0.5):
    """Three clusters, labelled by theirs."""
    rng = np.random.default_rng([seed, 50])
    codes = rng.integers(3, size=n)
    X = 2.0 * np.eye(3, 6)[codes] + noise * rng.normal(size=(n, 6))
    return X.astype(np.float32), LABELS[codes]


def hopeless(n=400, seed=0):
    """Labels that have nothing to do with the rows."""
    rng = np.random.default_rng([seed, 51])
    return rng.normal(size=(n, 6)), LABELS[rng.integers(3, size=n)]


OPTIONS = {"target": 0.9, "confidence": 0.9}
