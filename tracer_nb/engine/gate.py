"""The gate: one number per row, how likely the surrogate's label is the teacher's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

__all__ = ["Gate", "fit_gate", "margin"]

# Keeps a perfectly separable pilot from an infinite slope, which would tie all scores at 1.
_SLOPE_PENALTY = 1e-3


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


@dataclass(frozen=True, slots=True)
class Gate:
    """Maps a margin to the estimated probability of agreement, strictly increasing.

    Being increasing it changes no ranking, hence no certificate; it makes scores of
    different surrogates readable on one scale.
    """

    slope: float
    intercept: float

    def scores(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Gate scores in [0, 1] of rows with these outputs (n, K)."""
        return np.asarray(expit(self.slope * margin(outputs) + self.intercept), dtype=np.float64)


def fit_gate(outputs: NDArray[np.floating], agree: NDArray[np.bool_]) -> Gate:
    """Fit the logistic curve of agreement against margin on out-of-fold outputs.

    Parameters
    ----------
    outputs : ndarray of shape (n, K)
        Out-of-fold outputs of the fitting rows.
    agree : ndarray of shape (n,), bool

    References
    ----------
    Platt scaling, with his prior-corrected targets so that all-agreeing rows stay finite
    (Platt 1999, section 2.2).
    """
    margins = margin(outputs)
    good, bad = int(agree.sum()), int((~agree).sum())
    targets = np.where(agree, (good + 1.0) / (good + 2.0), 1.0 / (bad + 2.0))
    spread = float(margins.std()) or 1.0

    def loss(parameters: NDArray[np.float64]) -> float:
        z = np.exp(parameters[0]) / spread * margins + parameters[1]
        fit = targets * log_expit(z) + (1.0 - targets) * log_expit(-z)
        return float(-fit.mean() + _SLOPE_PENALTY * parameters[0] ** 2)

    # The slope is fitted through its logarithm, so that a larger margin is always safer.
    found = minimize(loss, np.zeros(2), method="BFGS").x
    slope = float(np.exp(np.clip(found[0], -7.0, 4.0)) / spread)
    return Gate(slope, float(np.clip(found[1], -20.0, 20.0)))
