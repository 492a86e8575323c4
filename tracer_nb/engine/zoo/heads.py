"""The last layer of a classifier by softmax, over all classes of the router."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["constant_head", "softmax_head"]


def softmax_head(
    weights: NDArray[np.floating],
    intercepts: NDArray[np.floating],
    classes: NDArray[np.integer],
    n_classes: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Spread the layer of some classes over all of them.

    Classes that no fitting row had get the intercept minus infinity, hence probability 0.

    Parameters
    ----------
    weights : ndarray of shape (d, C), or (d, 1) of two classes
        A single column is the log-odds of the second class, as scikit-learn has it.
    intercepts : ndarray of shape (C,) or (1,)
    classes : ndarray of shape (C,), int
    n_classes : int

    Returns
    -------
    weights : ndarray of shape (d, n_classes), float32
    intercepts : ndarray of shape (n_classes,), float32
    """
    wide = np.zeros((len(weights), n_classes), dtype=np.float32)
    offsets = np.full(n_classes, -np.inf, dtype=np.float32)
    offsets[classes] = 0.0
    columns = classes[-weights.shape[1] :]
    wide[:, columns], offsets[columns] = weights, intercepts
    return wide, offsets


def constant_head(
    n_features: int, code: int, n_classes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and intercepts that always say one class: all that a single class teaches."""
    return softmax_head(np.zeros((n_features, 1)), np.zeros(1), np.array([code]), n_classes)
