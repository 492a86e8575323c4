"""Which labels the surrogate takes for which, the teacher's being right by definition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.records import ConfusedPair, Confusion

__all__ = ["confusion"]

_SHOWN = 25
_PAIRS = 50


def confusion(judged: Judged, *, shown: int = _SHOWN) -> Confusion:
    """Count rows by both labels.

    Parameters
    ----------
    judged : Judged
    shown : int
        Labels with a row and a column of their own, at most; those with fewest disagreements
        share one, if there are at least two of them.

    Returns
    -------
    Confusion
        Empty arrays when no row has a label.
    """
    known = judged.teacher >= 0
    # One entry per pair that occurs: a matrix of thousands of labels would not be small.
    (teacher, surrogate), n, n_handled = _pairs(judged, known)
    wrong = teacher != surrogate
    k = len(judged.names)
    rows = _per_label(teacher, surrogate, n, k)
    wrongs = _per_label(teacher[wrong], surrogate[wrong], n[wrong], k)
    present = np.flatnonzero(rows)
    order = present[np.lexsort((present, -rows[present], -wrongs[present]))]
    if len(order) > shown + 1:
        order, folded = order[:shown], order[shown:]
    else:
        folded = order[:0]
    m = len(order) + bool(len(folded))
    place = np.full(k, m - 1)
    place[order] = np.arange(len(order))
    counts, handled = np.zeros((m, m), dtype=np.intp), np.zeros((m, m), dtype=np.intp)
    np.add.at(counts, (place[teacher], place[surrogate]), n)
    np.add.at(handled, (place[teacher], place[surrogate]), n_handled)
    return Confusion(
        labels=tuple(judged.names[i] for i in order),
        folded=tuple(judged.names[i] for i in folded),
        counts=counts,
        handled=handled,
        n_folded_agree=int(n[~wrong & np.isin(teacher, folded)].sum()),
        pairs=_ranked(judged.names, teacher[wrong], surrogate[wrong], n[wrong], n_handled[wrong]),
        n_rows=int(known.sum()),
        n_agree=int(n[~wrong].sum()),
        n_missing=int((~known).sum()),
        basis=judged.basis,
    )


def _pairs(
    judged: Judged, known: NDArray[np.bool_]
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of labels that occur, how often, and how often handled."""
    k = max(len(judged.names), 1)
    both = judged.teacher[known] * k + judged.surrogate[known]
    pairs, which, n = np.unique(both, return_inverse=True, return_counts=True)
    n_handled = np.bincount(which.ravel()[judged.handled[known]], minlength=len(pairs))
    return (pairs // k, pairs % k), n, n_handled


def _per_label(
    teacher: NDArray[np.intp], surrogate: NDArray[np.intp], n: NDArray[np.intp], k: int
) -> NDArray[np.float64]:
    """Rows in which each label takes part, on either side."""
    return np.asarray(np.bincount(teacher, n, k) + np.bincount(surrogate, n, k), dtype=np.float64)


def _ranked(
    names: tuple[str, ...],
    teacher: NDArray[np.intp],
    surrogate: NDArray[np.intp],
    n: NDArray[np.intp],
    n_handled: NDArray[np.intp],
) -> tuple[ConfusedPair, ...]:
    order = np.lexsort((surrogate, teacher, -n_handled, -n))[:_PAIRS]
    return tuple(
        ConfusedPair(names[teacher[i]], names[surrogate[i]], int(n[i]), int(n_handled[i]))
        for i in order
    )
