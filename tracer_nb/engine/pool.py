"""What a surrogate and cheap LLMs say about rows, pooled into one answer and one score.

An LLM's answer is one more opinion beside the surrogate's: the pool weighs them by how they fared
on labelled rows. Its probability of the pooled label is a score on one scale for all rows, whoever
was heard about them, so one threshold decides about all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["FEWEST_POOLED", "Pool", "Pooled", "fit_pool"]

FEWEST_POOLED = 30
"""Labelled rows without which no pool is fitted."""
# Outputs of a least-squares surrogate may be below zero.
_LEAST_OUTPUT = 1e-3
# Standard deviation of the normal distribution that weights are held by: it only matters where
# opinions tell all labelled rows apart, and weights would grow without end.
_SPREAD = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """A logarithmic opinion pool.

    Attributes
    ----------
    weights : ndarray of shape (2 + S,)
        Of the logarithm of the surrogate's outputs, of these themselves, and of each of the S
        LLMs' distributions (one-hot where an LLM gave a label only).

    References
    ----------
    Genest and Zidek 1986, "Combining probability distributions", section 3; weights by maximum
    likelihood, as in a conditional logit model (McFadden 1974).
    """

    weights: NDArray[np.float64]

    def probabilities(
        self, outputs: NDArray[np.floating], opinions: Sequence[NDArray[np.floating]]
    ) -> NDArray[np.float64]:
        """The pooled distribution of each row, (n, K).

        Parameters
        ----------
        outputs : ndarray of shape (n, K)
            The surrogate's.
        opinions : sequence of S ndarrays of shape (n, K)
            An LLM's distribution; a row of zeros where it named no label.
        """
        parts = _parts(outputs, opinions)
        return _softmax(sum(w * part for w, part in zip(self.weights, parts, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Whom a frozen chain hears about a row, and how all that is said is weighed.

    Attributes
    ----------
    stages : tuple of S ints
        LLMs in the order in which they are heard: the next while the score is below the cut.
    cut : float
    pools : tuple of 1 + S Pool
        By how many of them were heard; weights in that order.
    """

    stages: tuple[int, ...]
    cut: float
    pools: tuple[Pool, ...]

    def answer(
        self,
        outputs: NDArray[np.floating],
        heard: Sequence[NDArray[np.bool_]],
        opinions: Sequence[NDArray[np.floating]],
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
        """Labels and scores of n rows, and which of ``stages`` is still to be heard, -1 for none.

        Parameters
        ----------
        outputs : ndarray of shape (n, K)
            The surrogate's.
        heard : sequence of S ndarrays of shape (n,), bool
        opinions : sequence of S ndarrays of shape (n, K)
            As in :meth:`Pool.probabilities`.
        """
        p = self.pools[0].probabilities(outputs, ())
        waiting = np.full(len(p), -1, dtype=np.intp)
        rows = np.flatnonzero(p.max(axis=1) < self.cut)
        for i, asked in enumerate(heard):
            waiting[rows[~asked[rows]]] = i
            rows = rows[asked[rows]]
            said = [opinion[rows] for opinion in opinions[: i + 1]]
            p[rows] = self.pools[i + 1].probabilities(outputs[rows], said)
            rows = rows[p[rows].max(axis=1) < self.cut]
        return p.argmax(axis=1), p.max(axis=1), waiting


def fit_pool(
    outputs: NDArray[np.floating],
    opinions: Sequence[NDArray[np.floating]],
    codes: NDArray[np.intp],
) -> Pool | None:
    """Weigh the opinions by how likely they make the teacher's labels.

    Parameters
    ----------
    outputs : ndarray of shape (n, K)
        The surrogate's on labelled rows, each from a fit without the row.
    opinions : sequence of S ndarrays of shape (n, K)
    codes : ndarray of shape (n,), int
        The teacher's labels.

    Returns
    -------
    Pool or None
        None for fewer than 30 rows.
    """
    n = len(codes)
    if n < FEWEST_POOLED:
        return None
    parts = _parts(outputs, opinions)
    right = np.arange(n), codes

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        p = _softmax(sum(w * part for w, part in zip(weights, parts, strict=True)))
        held = weights / (n * _SPREAD**2)
        loss = -float(np.log(np.maximum(p[right], 1e-300)).mean()) + float(weights @ held) / 2.0
        p[right] -= 1.0
        return loss, np.array([float((p * part).sum()) / n for part in parts]) + held

    start = np.ones(len(parts))
    return Pool(np.asarray(minimize(cost, start, jac=True, method="L-BFGS-B").x))


def _parts(
    outputs: NDArray[np.floating], opinions: Sequence[NDArray[np.floating]]
) -> list[NDArray[np.float64]]:
    own = np.asarray(outputs, dtype=np.float64)
    logs = np.log(np.maximum(own, _LEAST_OUTPUT))
    return [logs, own, *(np.asarray(each, dtype=np.float64) for each in opinions)]


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return np.asarray(p)
