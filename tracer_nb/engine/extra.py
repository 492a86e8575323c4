"""Labels beside one answer a random row.

Labelled rows that were not drawn at random, answers to deferred rows for example; soft labels from
repeated answers of one teacher, or from answers of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.engine.checks import (
    check_blocks,
    check_groups,
    check_labels,
    check_soft_labels,
    missing_labels,
    row_groups,
)
from tracer_nb.errors import InvalidInput

__all__ = ["ExtraRows", "LabelledRows", "join_rows", "stack_rows", "vote_shares"]


@dataclass(frozen=True, slots=True, eq=False)
class ExtraRows:
    """Rows to fit on and nothing else.

    Attributes
    ----------
    X : matrix of shape (m, d), or a list of several
        As that of the labelled rows.
    y : array_like of shape (m,)
        The teacher's labels; None or NaN where it gave none.
    groups : array_like of shape (m,), optional
        In the numbering of the labelled rows' ``groups``, and needed with them. A calibration
        row in a group of these rows is set aside.
    """

    X: Any
    y: ArrayLike
    groups: ArrayLike | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Checked rows: the n labelled ones that were given, and m extra ones behind them.

    Attributes
    ----------
    blocks : list of matrix of shape (n + m, d)
    classes : ndarray of shape (K,)
        Sorted labels of all of them.
    codes : ndarray of shape (n + m,), int
        -1 where there is no label.
    soft : ndarray of shape (n + m, K), or None
        A row of NaN where the teacher gave no distribution.
    groups : ndarray of shape (n + m,), int
    n : int
    n_names : int
        The last rows are names of labels.
    """

    blocks: list[Any]
    classes: NDArray[Any]
    codes: NDArray[np.intp]
    soft: NDArray[np.float32] | None
    groups: NDArray[np.intp]
    n: int
    n_names: int = 0

    @property
    def extra(self) -> NDArray[np.intp]:
        """Positions of the extra rows that have a label."""
        return self.n + np.flatnonzero(self.codes[self.n : len(self.codes) - self.n_names] >= 0)

    @property
    def names(self) -> NDArray[np.intp]:
        """Positions of the names of labels."""
        return np.arange(len(self.codes) - self.n_names, len(self.codes))


def join_rows(
    X: Any,
    y: ArrayLike,
    soft_labels: ArrayLike | None,
    groups: ArrayLike | None,
    extra: ExtraRows | None,
    *,
    names: ExtraRows | None = None,
) -> LabelledRows:
    """Check labelled rows, extra ones and names of labels, and put them one behind the other.

    Raises
    ------
    InvalidInput
        Anything of the wrong shape or type; groups on one side only.
    NotEnoughData
        Fewer than ten labels, or a single one.
    """
    blocks = check_blocks(X)
    n = blocks[0].shape[0]
    if names is not None:
        return _join_names(X, y, soft_labels, groups, extra=extra, names=names)
    if extra is None:
        classes, codes = check_labels(y, n)
        soft = check_soft_labels(soft_labels, n, len(classes))
        keys = row_groups(blocks[0]) if groups is None else check_groups(groups, n)
        return LabelledRows(blocks, classes, codes, soft, keys, n)
    own_classes, _ = check_labels(y, n)
    behind = check_blocks(extra.X, n_features=tuple(block.shape[1] for block in blocks))
    m = behind[0].shape[0]
    joined = [stack_rows(parts) for parts in zip(blocks, behind, strict=True)]
    classes, codes = check_labels(_listed(y, extra.y, m), n + m)
    soft = check_soft_labels(soft_labels, n, len(own_classes))
    if soft is not None:
        number = {label: i for i, label in enumerate(classes.tolist())}
        wide = np.full((n + m, len(classes)), np.nan, dtype=np.float32)
        wide[:n][~np.isnan(soft).all(axis=1)] = 0.0
        wide[:n, [number[label] for label in own_classes.tolist()]] = soft
        soft = wide
    if (groups is None) != (extra.groups is None):
        raise InvalidInput("groups are needed of the labelled and of the extra rows, or of neither")
    if groups is None or extra.groups is None:
        keys = row_groups(joined[0])
    else:
        keys = check_groups(np.r_[np.asarray(groups), np.asarray(extra.groups)], n + m)
    return LabelledRows(joined, classes, codes, soft, keys, n)


def _join_names(
    X: Any,
    y: ArrayLike,
    soft_labels: ArrayLike | None,
    groups: ArrayLike | None,
    *,
    extra: ExtraRows | None,
    names: ExtraRows,
) -> LabelledRows:
    """The rows with names behind them, each of them in a group of its own."""
    without = join_rows(X, y, soft_labels, groups, extra)
    widths = tuple(block.shape[1] for block in without.blocks)
    named = check_blocks(names.X, n_features=widths)
    m = named[0].shape[0]
    behind, rows = names, named
    if extra is not None:
        both = zip(check_blocks(extra.X, n_features=widths), named, strict=True)
        rows = [stack_rows(parts) for parts in both]
        n_extra = rows[0].shape[0] - m
        behind = ExtraRows(
            rows, np.concatenate([_listed((), extra.y, n_extra), _listed((), names.y, m)])
        )
    top = int(without.groups.max(initial=-1)) + 1
    own = without.groups[: without.n]
    after = np.r_[without.groups[without.n :], np.arange(top, top + m)]
    joined = join_rows(X, y, soft_labels, own, ExtraRows(rows, behind.y, after))
    return replace(joined, n_names=m)


def stack_rows(parts: Sequence[Any]) -> Any:
    """Matrices with the same columns, one below the other; sparse if one of them is."""
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack([sparse.csr_matrix(part) for part in parts], "csr")
    return np.vstack(parts)


def _listed(y: ArrayLike, more: ArrayLike, m: int) -> NDArray[np.object_]:
    """All labels as they are: numpy would turn numbers among strings into strings."""
    behind = np.asarray(more, dtype=object)
    if behind.shape != (m,):
        raise InvalidInput(
            f"extra.y must have one label for each of the {m} rows of extra.X, got shape "
            f"{behind.shape}"
        )
    front = np.asarray(y, dtype=object)
    return np.concatenate([front, behind])


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
