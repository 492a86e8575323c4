"""Soft labels from repeated answers of one teacher, or from answers of several."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracer_nb.engine.checks import check_labels, missing_labels
from tracer_nb.errors import InvalidInput

__all__ = ["vote_shares"]


def vote_shares(y: ArrayLike, answers: ArrayLike) -> NDArray[np.float64]:
    """The share of answers that each label got, row by row.

    Parameters
    ----------
    y : array_like of shape (n,)
        The recorded labels, which the certificate will be about.
    answers : array_like of shape (n, k)
        Further answers: of the same teacher asked k times, or of k teachers. None or NaN
        where there is none.

    Returns
    -------
    ndarray of shape (n, K)
        For ``soft_labels``: columns in sorted order of the labels in ``y``, a row of NaN
        where no answer is one of them.

    Raises
    ------
    InvalidInput, NotEnoughData
        Another shape, or labels that :func:`~tracer_nb.engine.fit_surrogate` refuses.

    Examples
    --------
    >>> y = ["a", "b"] * 5
    >>> vote_shares(y, [["a", "b", "a", None]] * 10)[0].round(2).tolist()
    [0.67, 0.33]
    """
    given: Any = np.asarray(answers, dtype=object)
    n_rows = len(np.asarray(y, dtype=object))
    labels, _ = check_labels(y, n_rows)
    if given.ndim != 2 or len(given) != n_rows:
        raise InvalidInput(
            f"answers must have shape (rows, answers) with one row for each label, got {given.shape}"
        )
    number = {label: code for code, label in enumerate(labels.tolist())}
    counts = np.zeros((len(given), len(labels)))
    for column in given.T:
        there = ~missing_labels(column)
        for row in np.flatnonzero(there).tolist():
            if column[row] in number:
                counts[row, number[column[row]]] += 1.0
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), np.nan)
