"""Boosted trees as flat arrays, and scikit-learn's histogram gradient boosting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from tracer_nb.engine.zoo.base import Fit
from tracer_nb.engine.zoo.crossfit import fit_with_folds
from tracer_nb.engine.zoo.matrix import Matrix, dense_columns, row_chunks
from tracer_nb.engine.zoo.soft import weighted_entries
from tracer_nb.engine.zoo.state import read_array, read_codes, read_count, require
from tracer_nb.engine.zoo.tree_arrays import Trees, at_most

__all__ = ["BoostedTrees", "constant_boosting", "fit_hist_gradient_boosting", "flat_boosting"]

# Each round grows a tree per class; many classes get fewer rounds, to stay affordable.
_ROUNDS, _FEWEST_ROUNDS, _ALL_TREES = 100, 20, 1600
# Columns drawn for each split.
_SPLIT_COLUMNS = 40


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """Class probabilities, the softmax of sums over trees.

    Attributes
    ----------
    trees : Trees
        Round by round, in each round one tree for each column of scores.
    values : ndarray of shape (n_nodes, ), float32
        What a leaf adds to its column.
    baseline : ndarray of shape (C,) or (C - 1,), float64
        Scores before the first round. With one column fewer than classes, the first class
        has score 0.
    classes : ndarray of shape (C,), int32
        The classes that fitting rows had; the others get probability 0.
    n_features, n_classes : int
    """

    kind: ClassVar[str] = "boosted-trees"

    trees: Trees
    values: NDArray[np.float32]
    baseline: NDArray[np.float64]
    classes: NDArray[np.int32]
    n_features: int
    n_classes: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Class probabilities (n, K) of rows that ``unit_rows`` has prepared."""
        out = np.zeros((X.shape[0], self.n_classes), dtype=np.float32)
        scores = np.zeros((X.shape[0], len(self.classes)))
        columns = len(self.baseline)
        for rows in row_chunks(len(out), X.shape[1] + 8 * len(self.trees.roots)):
            added = self.values[self.trees.leaves(X[rows])].astype(np.float64)
            sums = added.reshape(len(added), len(self.trees.roots) // columns, columns).sum(axis=1)
            scores[rows, -columns:] = self.baseline + sums
        out[:, self.classes] = softmax(scores, axis=1)
        return out

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Sizes, and the arrays of the trees, their values and classes."""
        settings = {"n_features": self.n_features, "n_classes": self.n_classes}
        more: dict[str, NDArray[Any]] = {
            "values": self.values,
            "baseline": self.baseline,
            "classes": self.classes,
        }
        return settings, self.trees.arrays() | more

    @classmethod
    def from_state(
        cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> BoostedTrees:
        """Model with this state, or ``InvalidInput``."""
        n_features, n_classes = (read_count(settings, f"n_{s}") for s in ("features", "classes"))
        trees = Trees.from_arrays(arrays, n_features)
        values = read_array(arrays, "values", np.float32, (len(trees.left),))
        baseline = read_array(arrays, "baseline", np.float64, (None,))
        classes = read_codes(arrays, "classes", None, n_classes)
        columns = len(baseline)
        fits = columns > 0 and len(classes) - columns in {0, 1}
        require(fits and len(trees.roots) % columns == 0, "the columns of the trees")
        return cls(trees, values, baseline, classes, n_features, n_classes)


def flat_boosting(
    trees: Trees,
    values: list[NDArray[np.floating]],
    baseline: NDArray[np.floating],
    classes: NDArray[np.integer],
    sizes: tuple[int, int],
) -> BoostedTrees:
    """Boosted trees whose values come tree by tree; sizes are n_features and n_classes."""
    flat = np.concatenate([*values, np.empty(0)]).astype(np.float32)
    start = np.asarray(baseline, dtype=np.float64).ravel()
    return BoostedTrees(trees, flat, start, classes.astype(np.int32), *sizes)


def constant_boosting(classes: NDArray[np.integer], sizes: tuple[int, int]) -> BoostedTrees:
    """No trees: all that a single class teaches."""
    return flat_boosting(Trees.join([]), [], np.zeros(1), classes, sizes)


def fit_hist_gradient_boosting(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit scikit-learn's histogram gradient boosting, out of fold by refits."""
    rounds = int(np.clip(_ALL_TREES // Y.shape[1], _FEWEST_ROUNDS, _ROUNDS))

    def fit(X: Matrix, Y: NDArray[np.float32]) -> BoostedTrees:
        return _fit(X, Y, seed, rounds)

    # Trees this small lose more to handing work between threads than they gain.
    with threadpool_limits(1):
        return fit_with_folds(X, Y, seed, fit, f"{rounds} rounds of trees with 8 leaves")


def _fit(X: Matrix, Y: NDArray[np.float32], seed: int, rounds: int) -> BoostedTrees:
    rows, codes, sample_weight = weighted_entries(Y)
    sizes = X.shape[1], Y.shape[1]
    if len(np.unique(codes)) < 2:
        return constant_boosting(codes[:1], sizes)
    dense, columns = dense_columns(X)
    model = HistGradientBoostingClassifier(
        learning_rate=0.15,
        max_iter=rounds,
        max_leaf_nodes=8,
        # A penalty, because leaves of rare classes hold next to no curvature.
        l2_regularization=1.0,
        min_samples_leaf=5,
        max_bins=32,
        max_features=min(1.0, _SPLIT_COLUMNS / len(columns)),
        early_stopping=False,
        random_state=seed,
    ).fit(dense[rows], codes, sample_weight=sample_weight)
    return _flatten(model, columns, sizes)


def _flatten(
    model: HistGradientBoostingClassifier, columns: NDArray[np.int32], sizes: tuple[int, int]
) -> BoostedTrees:
    # scikit-learn has no public view of these trees; a test compares every output.
    found = [tree.nodes for each_round in model._predictors for tree in each_round]  # noqa: SLF001
    trees = Trees.join(
        (
            np.where(nodes["is_leaf"], -1, nodes["left"].astype(np.int64)),
            nodes["right"].astype(np.int64),
            columns[nodes["feature_idx"]],
            at_most(nodes["num_threshold"]),
        )
        for nodes in found
    )
    values = [nodes["value"] for nodes in found]
    baseline = model._baseline_prediction  # noqa: SLF001
    return flat_boosting(trees, values, baseline, model.classes_, sizes)
