"""Neural networks of one and two hidden layers: scikit-learn's fit, kept as weight arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from tracer_nb.engine.zoo.base import Fit
from tracer_nb.engine.zoo.crossfit import fit_with_folds
from tracer_nb.engine.zoo.heads import constant_head, softmax_head
from tracer_nb.engine.zoo.matrix import Matrix, row_chunks
from tracer_nb.engine.zoo.soft import weighted_entries
from tracer_nb.engine.zoo.state import read_array, read_count, require

__all__ = ["Mlp", "fit_mlp_1", "fit_mlp_2"]

# Epochs are fixed: early stopping would hold rows out, and there are none to spare of a
# class that has one. Many rows need fewer passes, so work stops growing at 20,000.
_EPOCHS, _FEWEST_EPOCHS, _ROW_VISITS = 40, 10, 200_000
_BATCH = 64
_LEARNING_RATE = 3e-3


@dataclass(frozen=True, slots=True, eq=False)
class Mlp:
    """Class probabilities of a network of rectified linear layers and a softmax.

    Attributes
    ----------
    weights : tuple of ndarray of shape (inputs, outputs), float32
        One for each layer, the last with K outputs.
    biases : tuple of ndarray of shape (outputs,), float32
        In the last layer minus infinity for classes that no fitting row had.
    """

    kind: ClassVar[str] = "mlp"

    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Class probabilities (n, K) of rows that ``unit_rows`` has prepared."""
        out = np.empty((X.shape[0], len(self.biases[-1])), dtype=np.float32)
        for rows in row_chunks(len(out), sum(map(len, self.biases))):
            layer = X[rows]
            for weights, biases in zip(self.weights[:-1], self.biases[:-1], strict=True):
                layer = np.maximum(layer @ weights + biases, np.float32(0.0))
            out[rows] = softmax(layer @ self.weights[-1] + self.biases[-1], axis=1)
        return out

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Two arrays for each layer."""
        weights = {f"weights_{i}": layer for i, layer in enumerate(self.weights)}
        biases = {f"biases_{i}": layer for i, layer in enumerate(self.biases)}
        return {"n_layers": len(self.weights)}, weights | biases

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Mlp:
        """Model with this state, or ``InvalidInput``."""
        n_layers = read_count(settings, "n_layers")
        require(len(arrays) == 2 * n_layers, f"{n_layers} layers, {len(arrays)} arrays")
        weights: list[NDArray[np.float32]] = []
        biases: list[NDArray[np.float32]] = []
        for i in range(n_layers):
            inputs = weights[-1].shape[1] if weights else None
            weights.append(read_array(arrays, f"weights_{i}", np.float32, (inputs, None)))
            biases.append(read_array(arrays, f"biases_{i}", np.float32, (weights[i].shape[1],)))
        return cls(tuple(weights), tuple(biases))


def fit_mlp_1(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit one hidden layer of 256 units, out of fold by refits."""
    return _fit_mlp(X, Y, seed, (256,))


def fit_mlp_2(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit two hidden layers of 256 and 96 units, out of fold by refits."""
    return _fit_mlp(X, Y, seed, (256, 96))


def _fit_mlp(X: Matrix, Y: NDArray[np.float32], seed: int, hidden: tuple[int, ...]) -> Fit:
    epochs = int(np.clip(_ROW_VISITS // max(len(Y), 1), _FEWEST_EPOCHS, _EPOCHS))

    def fit(X: Matrix, Y: NDArray[np.float32]) -> Mlp:
        return _fit(X, Y, seed, hidden, epochs)

    units = " and ".join(str(size) for size in hidden)
    # Small products lose more to handing work between threads than they gain.
    with threadpool_limits(1):
        return fit_with_folds(X, Y, seed, fit, f"{units} hidden units, {epochs} epochs")


def _fit(X: Matrix, Y: NDArray[np.float32], seed: int, hidden: tuple[int, ...], epochs: int) -> Mlp:
    rows, codes, sample_weight = weighted_entries(Y)
    if len(np.unique(codes)) < 2:
        weights, biases = constant_head(X.shape[1], codes[0], Y.shape[1])
        return Mlp((weights,), (biases,))
    model = MLPClassifier(
        hidden,
        learning_rate_init=_LEARNING_RATE,
        batch_size=min(_BATCH, len(rows)),
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # It warns whenever the epochs are used up, which is what fixed epochs do.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X[rows], codes, sample_weight=sample_weight)
    *inner, last = (layer.astype(np.float32) for layer in model.coefs_)
    *inner_biases, last_biases = (layer.astype(np.float32) for layer in model.intercepts_)
    head, head_biases = softmax_head(last, last_biases, model.classes_, Y.shape[1])
    return Mlp((*inner, head), (*inner_biases, head_biases))
