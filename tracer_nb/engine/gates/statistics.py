"""What a surrogate's outputs say about its own certainty; higher is safer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["STATISTICS", "entropy", "margin", "max_probability"]


def margin(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Largest minus second largest output of each row; the largest itself for one column.

    Parameters
    ----------
    outputs : ndarray of shape (n, K)
        Regression outputs or class probabilities.
    """
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0], dtype=np.float64)
    top = np.partition(outputs, -2, axis=1)[:, -2:]
    return top[:, 1].astype(np.float64) - top[:, 0]


def max_probability(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Largest output of each row."""
    return np.asarray(outputs.max(axis=1), dtype=np.float64)


def entropy(outputs: NDArray[np.floating]) -> NDArray[np.float64]:
    """One minus the entropy of each row's outputs over that of the uniform distribution.

    Regression outputs are clipped at 0 and scaled to sum to 1; 0 where nothing is left.
    """
    p = np.maximum(outputs.astype(np.float64), 0.0)
    total = p.sum(axis=1, keepdims=True)
    p = np.where(total > 0, p / np.where(total > 0, total, 1.0), 1.0 / p.shape[1])
    spread = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1)
    return np.asarray(1.0 - spread / np.log(max(p.shape[1], 2)), dtype=np.float64)


STATISTICS: dict[str, Callable[[NDArray[np.floating]], NDArray[np.float64]]] = {
    "margin": margin,
    "max-probability": max_probability,
    "entropy": entropy,
}
