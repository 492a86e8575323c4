"""XGBoost: its fit, kept as flat arrays.

XGBoost's own format is not kept: it trusts what it loads, so a tampered file can take the
interpreter down. Its trees are read once, right after the fit, from its JSON.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.zoo.base import Fit
from tracer_nb.engine.zoo.boosting import BoostedTrees, constant_boosting, flat_boosting
from tracer_nb.engine.zoo.crossfit import fit_with_folds
from tracer_nb.engine.zoo.matrix import Matrix, dense_columns
from tracer_nb.engine.zoo.soft import weighted_entries
from tracer_nb.engine.zoo.tree_arrays import Trees

__all__ = ["fit_xgboost"]

_ROUNDS = 60
_DEPTH = 4
# Columns drawn for each tree.
_TREE_COLUMNS = 40


def fit_xgboost(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit XGBoost, out of fold by refits."""

    def fit(X: Matrix, Y: NDArray[np.float32]) -> BoostedTrees:
        return _fit(X, Y, seed)

    return fit_with_folds(X, Y, seed, fit, f"{_ROUNDS} rounds, depth {_DEPTH}")


def _fit(X: Matrix, Y: NDArray[np.float32], seed: int) -> BoostedTrees:
    rows, codes, sample_weight = weighted_entries(Y)
    classes, labels = np.unique(codes, return_inverse=True)
    sizes = X.shape[1], Y.shape[1]
    if len(classes) < 2:
        return constant_boosting(classes, sizes)
    dense, columns = dense_columns(X)
    booster = _train(dense[rows], labels, sample_weight, seed, len(classes))
    return _flatten(booster, columns, classes, sizes)


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


def _flatten(
    booster: Any, columns: NDArray[np.int32], classes: NDArray[np.intp], sizes: tuple[int, int]
) -> BoostedTrees:
    saved = json.loads(bytes(booster.save_raw("json")))
    found = saved["learner"]["gradient_booster"]["model"]["trees"]
    # In leaves these are the values.
    splits = [np.array(tree["split_conditions"], dtype=np.float32) for tree in found]
    trees = Trees.join(
        (
            np.array(tree["left_children"]),
            np.array(tree["right_children"]),
            columns[np.array(tree["split_indices"])],
            # XGBoost goes left below a threshold, our trees at most at it.
            np.nextafter(split, np.float32(-np.inf)),
        )
        for tree, split in zip(found, splits, strict=True)
    )
    return flat_boosting(trees, splits, np.zeros(len(classes)), classes, sizes)
