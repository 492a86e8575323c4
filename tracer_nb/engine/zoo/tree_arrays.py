"""Decision trees as flat arrays: walking them needs no library and no trust in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.zoo.matrix import Matrix, dense_rows, row_chunks
from tracer_nb.engine.zoo.state import read_array, read_codes, require

__all__ = ["Trees", "at_most"]


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """T binary trees, their nodes one after another.

    Attributes
    ----------
    roots : ndarray of shape (T,), int32
        Node that each tree starts at.
    left, right : ndarray of shape (n_nodes,), int32
        Children, always behind their parent; -1 in leaves.
    feature : ndarray of shape (n_nodes,), int32
    threshold : ndarray of shape (n_nodes,), float32
        A row goes left when its feature is at most this.
    """

    roots: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]

    @classmethod
    def join(
        cls, trees: Iterable[tuple[ArrayLike, ArrayLike, ArrayLike, NDArray[np.float32]]]
    ) -> Trees:
        """Join trees given as left, right, feature and threshold, their children from 0 on."""
        roots: list[int] = []
        parts: list[tuple[NDArray[Any], ...]] = []
        offset = 0
        for left, right, feature, threshold in trees:
            is_leaf = np.asarray(left) < 0
            children = [np.where(is_leaf, -1, np.asarray(c) + offset) for c in (left, right)]
            split = np.where(is_leaf, 0, feature), np.where(is_leaf, 0.0, threshold)
            parts.append((*children, *split))
            roots.append(offset)
            offset += len(is_leaf)
        columns = zip(*parts, strict=True) if parts else ((np.empty(0),),) * 4
        nodes = [np.concatenate(column) for column in columns]
        left, right, feature = (values.astype(np.int32) for values in nodes[:3])
        threshold = nodes[3].astype(np.float32)
        return cls(np.array(roots, dtype=np.int32), left, right, feature, threshold)

    def leaves(self, X: Matrix) -> NDArray[np.int32]:
        """Leaf (n, T) that each row ends in, in each tree."""
        n_trees = len(self.roots)
        out = np.empty((X.shape[0], n_trees), dtype=np.int32)
        # A walk holds about eight numbers for each row and tree.
        for rows in row_chunks(len(out), X.shape[1] + 8 * n_trees):
            out[rows] = self._walk(dense_rows(X[rows]))
        return out

    def _walk(self, X: NDArray[np.float32]) -> NDArray[np.int32]:
        """All rows and trees take a step down at a time, those in a leaf stay."""
        # Tree by tree, so that neighbours look at the same nodes.
        at = np.repeat(self.roots, len(X))
        row = np.tile(np.arange(len(X), dtype=np.int32), len(self.roots))
        walking = np.flatnonzero(self.left[at] >= 0)
        while len(walking):
            node = at[walking]
            goes_left = X[row[walking], self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
            at[walking] = node
            walking = walking[self.left[node] >= 0]
        return np.asarray(at.reshape(len(self.roots), len(X)).T)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n_features: int) -> Trees:
        """Trees with these arrays, or ``InvalidInput``: every walk ends, and in range."""
        left = read_array(arrays, "left", np.int32, (None,))
        n_nodes = len(left)
        right = read_array(arrays, "right", np.int32, (n_nodes,))
        threshold = read_array(arrays, "threshold", np.float32, (n_nodes,))
        roots = read_codes(arrays, "roots", None, n_nodes)
        feature = read_codes(arrays, "feature", n_nodes, n_features)
        inner = left >= 0
        # Children behind their parents: no cycles.
        parents = np.arange(n_nodes)[inner]
        for children in (left[inner], right[inner]):
            require(
                ((children > parents) & (children < n_nodes)).all(), "children of a tree's node"
            )
        return cls(roots, left, right, feature, threshold)


def at_most(thresholds: ArrayLike) -> NDArray[np.float32]:
    """Thresholds rounded down to single precision: single precision x compares as before."""
    exact = np.asarray(thresholds, dtype=np.float64)
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
