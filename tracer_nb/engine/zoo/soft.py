"""Soft labels for classifiers that take one label a row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["weighted_entries"]

# Smaller probabilities are dropped, so that a row is entered a hundred times at the most.
_LEAST_WEIGHT = 0.01


def weighted_entries(
    Y: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Enter each row once per class, weighted by the class's probability.

    The weighted log loss of the entries is the cross-entropy with the soft labels.

    Parameters
    ----------
    Y : ndarray of shape (n, K)

    Returns
    -------
    rows, codes : ndarray of shape (n_entries,), int
        Number of the row, and of the class.
    weights : ndarray of shape (n_entries,), float32
        Those of a row sum to 1.
    """
    weights = np.where(Y >= _LEAST_WEIGHT, Y, np.float32(0.0))
    # The likeliest class stays however many there are.
    top = np.arange(len(Y)), Y.argmax(axis=1)
    weights[top] = Y[top]
    sums = weights.sum(axis=1, keepdims=True)
    weights /= np.where(sums > 0, sums, np.float32(1.0))
    rows, codes = np.nonzero(weights)
    return rows, codes, weights[rows, codes]
