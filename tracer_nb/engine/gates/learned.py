"""A gate learned from several signs at once: margins, neighbours, and the class's history.

And all gates that can be fitted to one surrogate's out-of-fold outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from tracer_nb.engine.gates.statistics import (
    STATISTICS,
    entropy,
    fit_simple_gate,
    margin,
    max_probability,
)
from tracer_nb.engine.zoo import Matrix, folds
from tracer_nb.engine.zoo.matrix import pack_matrix, similarities, unpack_matrix
from tracer_nb.errors import InvalidInput

__all__ = ["GATES", "Gate", "LearnedGate", "Neighbours", "fit_gates", "fit_learned_gate"]


_NEAREST = 5
# Single precision products differ by batch, and copies of one row are equally near in every one.
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Labelled unit rows to look among.

    Attributes
    ----------
    rows : matrix of shape (m, d), float32
    codes : ndarray of shape (m,), int
        The teacher's labels.
    """

    rows: Matrix
    codes: NDArray[np.intp]

    def features(
        self, X: Matrix, predicted: NDArray[np.intp], own: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Similarity to the nearest row, and share of the five nearest with this label.

        Rows that are as near as the fifth count too, so that a row's share does not depend on
        the batch in which it comes.

        Parameters
        ----------
        X : matrix of shape (n, d)
        predicted : ndarray of shape (n,), int
        own : ndarray of shape (n,), int, optional
            Which of ``self.rows`` a row is itself (-1: none); it is not its own neighbour.

        Returns
        -------
        ndarray of shape (n, 2)
        """
        k = min(_NEAREST, self.rows.shape[0])
        out = np.empty((X.shape[0], 2))
        for rows, similarity in similarities(X, self.rows):
            if own is not None:
                here = np.flatnonzero(own[rows] >= 0)
                similarity[here, own[rows][here]] = -1.0
            fifth = np.partition(similarity, -k, axis=1)[:, -k]
            near = similarity >= (fifth - np.float32(_ROUNDING))[:, None]
            right = near & (self.codes == predicted[rows, None])
            out[rows, 0] = similarity.max(axis=1)
            out[rows, 1] = right.sum(axis=1) / near.sum(axis=1)
        return out


_NEIGHBOUR_ROWS = 3000
# Rows of overall agreement that a class's own history is mixed with.
_PRIOR_ROWS = 5.0
# A sign that varies less says nothing, and scaled to 1 it would be rounding errors of the batch.
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class LearnedGate:
    """Logistic regression on six signs of agreement.

    Attributes
    ----------
    mean, scale, weights : ndarray of shape (6,)
        Of margin, largest output, entropy, similarity to the nearest fitting row, share of
        the five nearest that bear the predicted label, out-of-fold agreement of its class.
    intercept : float
    history : ndarray of shape (K,)
        Out-of-fold agreement of the rows predicted as each class.
    neighbours : Neighbours
    """

    kind: ClassVar[str] = "learned"
    name: ClassVar[str] = "learned"
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    history: NDArray[np.float64]
    neighbours: Neighbours

    def scores(self, outputs: NDArray[np.floating], X: Matrix) -> NDArray[np.float64]:
        """Gate scores in [0, 1] of rows (n, d) with these outputs (n, K)."""
        predicted = outputs.argmax(axis=1)
        near = self.neighbours.features(X, predicted)
        return self.of_signs(_signs(outputs, near, self.history[predicted]))

    def of_signs(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gate scores from the six signs, (n, 6)."""
        z = (signs - self.mean) / self.scale @ self.weights + self.intercept
        return np.asarray(expit(z), dtype=np.float64)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings as JSON values, and arrays."""
        arrays = {k: getattr(self, k) for k in ("mean", "scale", "weights", "history")}
        arrays["codes"] = self.neighbours.codes.astype(np.int64)
        arrays |= pack_matrix(self.neighbours.rows)
        return {"intercept": self.intercept}, arrays

    @classmethod
    def from_state(cls, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> LearnedGate:
        """From what :meth:`state` gave.

        Raises
        ------
        InvalidInput
            Not such settings and arrays.
        """
        try:
            mean, scale, weights = (
                np.asarray(arrays[k], dtype=np.float64) for k in ("mean", "scale", "weights")
            )
            history = np.asarray(arrays["history"], dtype=np.float64)
            codes = arrays["codes"].astype(np.intp)
            intercept = float(settings["intercept"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput("the learned gate lacks an array or its intercept") from error
        rows = unpack_matrix(arrays)
        shapes = all(s.shape == (6,) for s in (mean, scale, weights)) and history.ndim == 1
        if not shapes or codes.shape != rows.shape[:1] or not len(codes):
            raise InvalidInput("the learned gate has arrays of other shapes than it was saved with")
        numbers = (mean, scale, weights, history, np.array([intercept]))
        if not all(np.isfinite(values).all() for values in numbers) or not (scale > 0).all():
            raise InvalidInput("the learned gate holds NaN or infinity; fit and save it again")
        return cls(mean, scale, weights, intercept, history, Neighbours(rows, codes))


def fit_learned_gate(
    outputs: NDArray[np.floating],
    agree: NDArray[np.bool_],
    X: Matrix,
    codes: NDArray[np.intp],
    seed: int,
) -> tuple[LearnedGate, NDArray[np.float64]] | None:
    """Fit on out-of-fold outputs of the fitting rows.

    Parameters
    ----------
    outputs : ndarray of shape (n, K)
    agree : ndarray of shape (n,), bool
    X : matrix of shape (n, d)
        The fitting rows.
    codes : ndarray of shape (n,), int
        The teacher's labels.
    seed : int

    Returns
    -------
    gate : LearnedGate
    scores : ndarray of shape (n,)
        Of the fitting rows themselves, each from a fit without its fold, so that the pilot
        does not flatter the gate. None instead of both when all rows agree, or none does.
    """
    n = len(agree)
    if agree.all() or not agree.any() or n < 20:
        return None
    chosen = np.arange(n)
    if n > _NEIGHBOUR_ROWS:
        chosen = np.sort(np.random.default_rng([seed, 4]).choice(n, _NEIGHBOUR_ROWS, replace=False))
    own = np.full(n, -1, dtype=np.intp)
    own[chosen] = np.arange(len(chosen))
    neighbours = Neighbours(X[chosen], codes[chosen])
    predicted = outputs.argmax(axis=1)
    near = neighbours.features(X, predicted, own)

    def history_of(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return _history(predicted[rows], agree[rows], outputs.shape[1])

    def fit_on(rows: NDArray[np.intp]) -> LearnedGate | None:
        # Each half is judged by the history of the other. Leaving out a row's own outcome only
        # would give it away: in each class the rows that agree would have the lower history.
        judged_by = np.empty(len(rows))
        halves = np.random.default_rng([seed, 5]).permutation(len(rows)) % 2 == 0
        for half in (halves, ~halves):
            judged_by[half] = history_of(rows[~half])[predicted[rows[half]]]
        signs = _signs(outputs[rows], near[rows], judged_by)
        return _fit(signs, agree[rows], history_of(rows), neighbours)

    scores = np.empty(n)
    with threadpool_limits(1):
        for rows, held in folds(n, seed):
            part = fit_on(rows)
            if part is None:
                scores[held] = agree[rows].mean()
                continue
            signs = _signs(outputs[held], near[held], part.history[predicted[held]])
            scores[held] = part.of_signs(signs)
        gate = fit_on(np.arange(n))
    return None if gate is None else (gate, scores)


def _history(
    predicted: NDArray[np.intp], agree: NDArray[np.bool_], n_classes: int
) -> NDArray[np.float64]:
    """Agreement of the rows predicted as each class, few rows mixed with the overall one."""
    rows = np.bincount(predicted, minlength=n_classes)
    hits = np.bincount(predicted, weights=agree, minlength=n_classes)
    return np.asarray((hits + _PRIOR_ROWS * agree.mean()) / (rows + _PRIOR_ROWS))


def _fit(
    signs: NDArray[np.float64],
    agree: NDArray[np.bool_],
    history: NDArray[np.float64],
    neighbours: Neighbours,
) -> LearnedGate | None:
    if agree.all() or not agree.any():
        return None
    mean, scale = signs.mean(axis=0), np.maximum(signs.std(axis=0), _LEAST_SPREAD)
    model = LogisticRegression(C=1.0, max_iter=300).fit((signs - mean) / scale, agree)
    intercept = float(model.intercept_[0])
    return LearnedGate(mean, scale, model.coef_[0], intercept, history, neighbours)


def _signs(
    outputs: NDArray[np.floating], near: NDArray[np.float64], history: NDArray[np.float64]
) -> NDArray[np.float64]:
    columns = [margin(outputs), max_probability(outputs), entropy(outputs), *near.T, history]
    return np.column_stack(columns)


GATES = (*STATISTICS, "learned")


class Gate(Protocol):
    """From a surrogate's outputs to the estimated probability of agreement."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """One of ``GATES``."""
        ...

    def scores(self, outputs: NDArray[np.floating], X: Matrix) -> NDArray[np.float64]:
        """Gate scores in [0, 1] of rows (n, d) with these outputs (n, K)."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Settings as JSON values, and arrays."""
        ...


def fit_gates(
    names: tuple[str, ...],
    outputs: NDArray[np.floating],
    agree: NDArray[np.bool_],
    X: Matrix,
    codes: NDArray[np.intp],
    *,
    seed: int,
) -> list[tuple[Gate, NDArray[np.float64]]]:
    """Fit the named gates, each with the out-of-fold scores of the fitting rows.

    Parameters
    ----------
    names : tuple of str
        Some of ``GATES``. The learned one falls away when there is nothing to learn, and a
        gate on the margin takes its place when it is the only one.
    outputs, agree, X, codes, seed
        As in :func:`~tracer_nb.engine.gates.learned.fit_learned_gate`.
    """
    fitted: list[tuple[Gate, NDArray[np.float64]]] = []
    for name in names:
        if name in STATISTICS:
            gate = fit_simple_gate(name, outputs, agree)
            # A curve with two parameters fits no single row: its own rows will do.
            fitted.append((gate, gate.scores(outputs, X)))
        elif (learned := fit_learned_gate(outputs, agree, X, codes, seed)) is not None:
            fitted.append(learned)
    if not fitted:
        gate = fit_simple_gate("margin", outputs, agree)
        fitted.append((gate, gate.scores(outputs, X)))
    return fitted
