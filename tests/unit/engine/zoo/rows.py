"""Rows in noisy clusters, and what tests of several models do with them."""

from __future__ import annotations

import json

import numpy as np
from scipy import sparse

from tracer_nb.engine.zoo import MODELS, unit_rows

MAKES = {"dense": np.asarray, "sparse": sparse.csr_matrix}


def clusters(n=120, d=6, n_classes=3, seed=0, noise=0.6):
    """Unit rows, class indicators and codes."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    centres = np.random.default_rng(99).normal(size=(n_classes, d))
    X = centres[codes] + noise * rng.normal(size=(n, d))
    return unit_rows(X), np.eye(n_classes, dtype=np.float32)[codes], codes


def reloaded(model):
    """The model from its own state, by way of JSON and copies of the arrays."""
    settings, arrays = model.state()
    assert all(array.dtype != object for array in arrays.values())
    copies = {name: array.copy() for name, array in arrays.items()}
    return MODELS[model.kind].from_state(json.loads(json.dumps(settings)), copies)
