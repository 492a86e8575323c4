"""Out-of-fold outputs by refits, the same five folds for every model that needs them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from tracer_nb.engine.zoo.base import Fit, Model
from tracer_nb.engine.zoo.matrix import Matrix

__all__ = ["fit_with_folds", "folds"]

_FOLDS = 5


def folds(n_rows: int, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Five times the rows to fit on and the rows held out; as many as rows when those are fewer.

    Folds are not stratified: with soft labels there is nothing to stratify by, and a class
    of one row has to be missing from the fit that predicts it.
    """
    if n_rows < 2:
        return []
    splitter = KFold(min(_FOLDS, n_rows), shuffle=True, random_state=seed)
    return list(splitter.split(np.empty(n_rows)))


def fit_with_folds(
    X: Matrix,
    Y: NDArray[np.float32],
    seed: int,
    fit: Callable[[Matrix, NDArray[np.float32]], Model],
    settings: str,
) -> Fit:
    """Fit on all rows, and once without each fold to predict it.

    Parameters
    ----------
    X : matrix of shape (n, d)
    Y : ndarray of shape (n, K)
    seed : int
        Shuffles rows into folds.
    fit : callable
        ``fit(X, Y)`` returns a model.
    settings : str
        Hyper-parameters in words.

    Returns
    -------
    Fit
    """
    out_of_fold = np.zeros(Y.shape, dtype=np.float32)
    parts = folds(len(Y), seed)
    for kept, held in parts:
        out_of_fold[held] = fit(X[kept], Y[kept]).outputs(X[held])
    return Fit(fit(X, Y), out_of_fold, f"{settings}, {len(parts)} folds")
