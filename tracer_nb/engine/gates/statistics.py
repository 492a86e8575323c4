"""What a surrogate's outputs say about its own certainty; higher is safer.

A gate on one of them: a logistic curve from it to the probability of agreement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from tracer_nb.engine.zoo import Matrix
from tracer_nb.errors import InvalidInput

__all__ = ["STATISTICS", "SimpleGate", "entropy", "fit_simple_gate", "margin", "max_probability"]


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


# Keeps a perfectly separable pilot from an infinite slope, which would tie all scores at 1.
_SLOPE_PENALTY = 1e-3


@dataclass(frozen=True, slots=True)
class SimpleGate:
    """Maps a statistic to the estimated probability of agreement, strictly increasing.

    Being increasing it changes no ranking, hence no certificate; it makes scores of
    different surrogates readable on one scale.
    """

    kind: ClassVar[str] = "simple"
    name: str
    slope: float
    intercept: float

    def scores(self, outputs: NDArray[np.floating], X: Matrix) -> NDArray[np.float64]:
        """Gate scores in [0, 1] of rows with these outputs (n, K)."""
        del X
        statistic = STATISTICS[self.name](outputs)
        return np.asarray(expit(self.slope * statistic + self.intercept), dtype=np.float64)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings as JSON values, and no arrays."""
        return {"name": self.name, "slope": self.slope, "intercept": self.intercept}, {}

    @classmethod
    def from_state(cls, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> SimpleGate:
        """From what :meth:`state` gave.

        Raises
        ------
        InvalidInput
            Not such settings.
        """
        del arrays
        name, slope, intercept = (settings.get(k) for k in ("name", "slope", "intercept"))
        numbers = isinstance(slope, float) and isinstance(intercept, float)
        if name not in STATISTICS or not numbers or not slope > 0:  # type: ignore[operator]
            raise InvalidInput(
                f"no gate has these settings: {name!r:.60}, {slope!r:.60}, {intercept!r:.60}"
            )
        return cls(str(name), float(slope), float(intercept))  # type: ignore[arg-type]


def fit_simple_gate(
    name: str, outputs: NDArray[np.floating], agree: NDArray[np.bool_]
) -> SimpleGate:
    """Fit the logistic curve of agreement against a statistic on out-of-fold outputs.

    Parameters
    ----------
    name : str
        A key of ``STATISTICS``.
    outputs : ndarray of shape (n, K)
        Out-of-fold outputs of the fitting rows.
    agree : ndarray of shape (n,), bool

    References
    ----------
    Platt scaling, with his prior-corrected targets so that all-agreeing rows stay finite
    (Platt 1999, section 2.2).
    """
    statistic = STATISTICS[name](outputs)
    good, bad = int(agree.sum()), int((~agree).sum())
    targets = np.where(agree, (good + 1.0) / (good + 2.0), 1.0 / (bad + 2.0))
    spread = float(statistic.std()) or 1.0

    def loss(parameters: NDArray[np.float64]) -> float:
        z = np.exp(parameters[0]) / spread * statistic + parameters[1]
        fit = targets * log_expit(z) + (1.0 - targets) * log_expit(-z)
        return float(-fit.mean() + _SLOPE_PENALTY * parameters[0] ** 2)

    # The slope is fitted through its logarithm, so that a larger statistic is always safer.
    found = minimize(loss, np.zeros(2), method="BFGS").x
    slope = float(np.exp(np.clip(found[0], -7.0, 4.0)) / spread)
    return SimpleGate(name, slope, float(np.clip(found[1], -20.0, 20.0)))
