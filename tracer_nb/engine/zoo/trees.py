"""Random forests and extra trees on soft labels: scikit-learn's fit, kept as flat arrays.

The trees regress on all class indicators at once. On hard labels the squared error is Gini's
impurity, so these are the usual forests; soft labels need no second entry of a row, which
would stand in the bag beside the one that is out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from tracer_nb.engine.zoo.base import Fit
from tracer_nb.engine.zoo.crossfit import fit_with_folds
from tracer_nb.engine.zoo.matrix import Matrix, row_chunks
from tracer_nb.engine.zoo.state import read_array, read_codes, read_count, require
from tracer_nb.engine.zoo.tree_arrays import Trees, at_most

__all__ = ["Forest", "fit_extra_trees", "fit_random_forest", "flat_forest"]

_TREES = 200
# scikit-learn's trees hold K numbers at every node, so forests are grown and flattened in
# parts, and a tree of a large table sees a sample of it.
_TREES_AT_ONCE = 25
_TREE_ROWS = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """The mean over trees of the class distribution in a row's leaf.

    Attributes
    ----------
    trees : Trees
    distributions : csr_matrix of shape (n_nodes, K), float32
        Of the leaves; most hold one class, so zeros are not stored.
    n_features : int
    """

    kind: ClassVar[str] = "forest"

    trees: Trees
    distributions: Matrix
    n_features: int

    def outputs(self, X: Matrix) -> NDArray[np.floating]:
        """Class probabilities (n, K) of rows that ``unit_rows`` has prepared."""
        n_trees = len(self.trees.roots)
        out = np.empty((X.shape[0], self.distributions.shape[1]), dtype=np.float32)
        for rows in row_chunks(len(out), X.shape[1] + 8 * n_trees):
            leaves = self.trees.leaves(X[rows])
            out[rows] = self._sums(leaves, np.ones(leaves.shape, dtype=bool)) / n_trees
        return out

    def out_of_bag(self, X: Matrix, in_bag: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Outputs (n, K) of the trees that have not seen a row; zeros where all have.

        Parameters
        ----------
        X : matrix of shape (n, d)
        in_bag : ndarray of shape (n, T), bool
        """
        out = np.empty((X.shape[0], self.distributions.shape[1]), dtype=np.float32)
        for rows in row_chunks(len(out), X.shape[1] + 8 * in_bag.shape[1]):
            counted = ~in_bag[rows]
            sums = self._sums(self.trees.leaves(X[rows]), counted)
            out[rows] = sums / np.maximum(counted.sum(axis=1, keepdims=True), 1)
        return out

    def _sums(self, leaves: NDArray[np.int32], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Sums (n, K) of the distributions of the leaves counted (n, T)."""
        starts = np.concatenate([[0], counted.sum(axis=1).cumsum()])
        shape = (len(leaves), self.distributions.shape[0])
        chosen = sparse.csr_matrix((np.ones(starts[-1]), leaves[counted], starts), shape=shape)
        return np.asarray((chosen @ self.distributions).toarray())

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Sizes, and the arrays of trees and distributions."""
        settings = {"n_features": self.n_features, "n_classes": self.distributions.shape[1]}
        leaves = {
            "shares": self.distributions.data,
            "codes": self.distributions.indices.astype(np.int32),
            "starts": self.distributions.indptr.astype(np.int64),
        }
        return settings, self.trees.arrays() | leaves

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Forest:
        """Model with this state, or ``InvalidInput``."""
        n_features, n_classes = (read_count(settings, f"n_{s}") for s in ("features", "classes"))
        trees = Trees.from_arrays(arrays, n_features)
        require(len(trees.roots) > 0, "no trees")
        shares = read_array(arrays, "shares", np.float32, (None,))
        codes = read_codes(arrays, "codes", len(shares), n_classes)
        starts = read_array(arrays, "starts", np.int64, (len(trees.left) + 1,))
        ends = starts[0] == 0 and starts[-1] == len(shares)
        require(ends and (np.diff(starts) >= 0).all(), "the leaves of the trees")
        shape = (len(trees.left), n_classes)
        distributions = sparse.csr_matrix((shares, codes, starts), shape=shape)
        return cls(trees, distributions, n_features)


def fit_extra_trees(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit 200 extra trees, out of fold by refits.

    Every tree sees every row, so nothing is out of the bag: on 77 classes of nine rows each,
    bootstrap samples cost eight points of accuracy, and refits are cheap.
    """

    def fit(X: Matrix, Y: NDArray[np.float32]) -> Forest:
        large = X.shape[0] > _TREE_ROWS
        return flat_forest(_grow(ExtraTreesRegressor, X, Y, seed, bootstrap=large))

    return fit_with_folds(X, Y, seed, fit, f"{_TREES} trees")


def fit_random_forest(X: Matrix, Y: NDArray[np.float32], seed: int) -> Fit:
    """Fit a random forest of 200 trees, out of fold by the trees that have not seen a row."""
    n = X.shape[0]
    samples: list[NDArray[np.integer]] = []

    def grown() -> Iterator[Any]:
        for forest in _grow(RandomForestRegressor, X, Y, seed, bootstrap=True):
            samples.extend(forest.estimators_samples_)
            yield forest

    model = flat_forest(grown())
    in_bag = np.zeros((n, len(samples)), dtype=bool)
    for tree, sample in enumerate(samples):
        in_bag[sample, tree] = True
    out_of_fold = model.out_of_bag(X, in_bag)
    # A row that is in every bag gets the class shares of the other rows.
    never_out = in_bag.all(axis=1)
    out_of_fold[never_out] = (Y.sum(axis=0) - Y[never_out]) / max(n - 1, 1)
    return Fit(model, out_of_fold, f"{_TREES} trees, out of bag")


def flat_forest(forests: Iterable[Any]) -> Forest:
    """Flatten fitted scikit-learn forests of regression trees, all trees of all of them."""
    trees, distributions, n_features = [], [], 0
    for forest in forests:
        n_features = int(forest.n_features_in_)
        for tree in (fitted.tree_ for fitted in forest.estimators_):
            left, right = tree.children_left, tree.children_right
            trees.append((left, right, tree.feature, at_most(tree.threshold)))
            values = tree.value.reshape(tree.node_count, -1).astype(np.float32)
            values[left >= 0] = 0.0
            distributions.append(sparse.csr_matrix(values))
    return Forest(Trees.join(trees), sparse.vstack(distributions, format="csr"), n_features)


def _grow(
    kind: type[Any], X: Matrix, Y: NDArray[np.float32], seed: int, *, bootstrap: bool
) -> Iterator[Any]:
    """Grow 200 trees in scikit-learn forests of 25, one forest at a time."""
    # scikit-learn warns of a single column.
    targets = Y if Y.shape[1] > 1 else Y[:, 0]
    for part in np.random.default_rng(seed).integers(2**31, size=_TREES // _TREES_AT_ONCE):
        yield kind(
            _TREES_AT_ONCE,
            max_features="sqrt",
            bootstrap=bootstrap,
            max_samples=min(X.shape[0], _TREE_ROWS) if bootstrap else None,
            n_jobs=2 if X.shape[0] > 500 else 1,
            random_state=int(part),
        ).fit(X, targets)
