"""What the fitting rows near a row say: how near they are, and how many bear its label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.zoo import Matrix
from tracer_nb.engine.zoo.matrix import similarities

__all__ = ["Neighbours"]

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
