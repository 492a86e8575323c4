"""XGBoost: for rows that numbers describe; on texts it is behind the others.

It is the one surrogate that is not saved: its own format trusts what it loads, so a tampered
file can take the interpreter down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.zoo.base import Fit, fit_with_folds, unsaved, weighted_entries
from tracer_nb.engine.zoo.matrix import Matrix, dense_rows, row_chunks

__all__ = ["XGBoost", "fit_xgboost"]

_ROUNDS = 60
_DEPTH = 4
# Columns drawn for each tree.
_TREE_COLUMNS = 40
# It works on dense columns. Of a wide sparse matrix it gets those with most entries: all of them
# would not fit into memory, and trees split rare words last.
_DENSE_COLUMNS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class XGBoost:
    """Class probabilities of boosted trees.

    Attributes
    ----------
    booster : xgboost.Booster, or None
        None where all fitting rows had one class.
    columns : ndarray of int
        Those of the rows that it was given.
    classes : ndarray of shape (C,), int
        Classes that fitting rows had; the others get probability 0.
    n_classes : int
    """

    kind: ClassVar[str] = "xgboost"

    booster: Any
    columns: NDArray[np.intp]
    classes: NDArray[np.intp]
    n_classes: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Class probabilities (n, K) of rows that ``unit_rows`` has prepared."""
        out = np.zeros((X.shape[0], self.n_classes), dtype=np.float32)
        if self.booster is None:
            out[:, self.classes] = 1.0
            return out
        for rows in row_chunks(len(out), len(self.columns)):
            part = dense_rows(X[rows][:, self.columns])
            out[rows, self.classes] = self.booster.inplace_predict(part)
        return out

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Refuse.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise unsaved("surrogate 'xgboost'")


def fit_xgboost(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit XGBoost, out of fold by refits."""

    def fit(X: Matrix, Y: NDArray[np.float32]) -> XGBoost:
        return _fit(X, Y, seed)

    return fit_with_folds(X, Y, seed, fit, f"{_ROUNDS} rounds, depth {_DEPTH}")


def _fit(X: Matrix, Y: NDArray[np.float32], seed: int) -> XGBoost:
    rows, codes, sample_weight = weighted_entries(Y)
    classes, labels = np.unique(codes, return_inverse=True)
    columns = _columns(X)
    booster = None
    if len(classes) > 1:
        dense = dense_rows(X[:, columns])
        booster = _train(dense[rows], labels, sample_weight, seed, len(classes))
    return XGBoost(booster, columns, classes, Y.shape[1])


def _columns(X: Matrix) -> NDArray[np.intp]:
    """All columns of a dense matrix; of a sparse one those with most entries."""
    numbers = np.arange(X.shape[1])
    if sparse.issparse(X) and len(numbers) > _DENSE_COLUMNS:
        entries = np.bincount(X.indices, minlength=len(numbers))
        numbers = np.sort(np.argsort(-entries, kind="stable")[:_DENSE_COLUMNS])
    return numbers


def _train(
    X: NDArray[np.float32],
    labels: NDArray[np.intp],
    sample_weight: NDArray[np.float32],
    seed: int,
    n_classes: int,
) -> Any:
    # Imported here: it takes longer than everything else in the engine together.
    import xgboost  # noqa: PLC0415

    settings = {
        "objective": "multi:softprob",
        "num_class": n_classes,
        "tree_method": "hist",
        "max_bin": 32,
        "max_depth": _DEPTH,
        "eta": 0.2,
        # Curvature, not rows: those of rare classes have next to none.
        "min_child_weight": 0.1,
        "colsample_bytree": min(1.0, _TREE_COLUMNS / X.shape[1]),
        "base_score": 0.0,
        # Trees this small lose more to handing work between threads than they gain.
        "nthread": 1,
        "seed": seed,
        "verbosity": 0,
    }
    data = xgboost.QuantileDMatrix(
        X, label=labels, weight=sample_weight, max_bin=settings["max_bin"], nthread=1
    )
    return xgboost.train(settings, data, _ROUNDS)
