"""Labels beside one answer a random row.

Labelled rows that were not drawn at random, answers to deferred rows for example; soft labels from
repeated answers of one teacher, or from answers of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tracer_nb.engine.checks import (
    check_blocks,
    check_groups,
    check_labels,
    check_sets,
    check_soft_labels,
    row_groups,
)
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets

__all__ = ["ExtraRows", "LabelledRows", "join_rows", "over_present", "stack_rows"]


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
    soft : array_like of shape (m, k), optional
        The teacher's distributions over the k labels among ``y``, in sorted order; a row of NaN
        where it gave none.
    """

    X: Any
    y: ArrayLike
    groups: ArrayLike | None = None
    soft: ArrayLike | None = None


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
    sets : LabelSets or None
        Where codes are numbers of sets.
    """

    blocks: list[Any]
    classes: NDArray[Any]
    codes: NDArray[np.intp]
    soft: NDArray[np.float32] | None
    groups: NDArray[np.intp]
    n: int
    n_names: int = 0
    sets: LabelSets | None = None

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
    sets: LabelSets | None = None,
) -> LabelledRows:
    """Check labelled rows, extra ones and names of labels, and put them one behind the other.

    Each name is in a group of its own. With ``sets`` labels are sets, and codes their numbers.

    Raises
    ------
    InvalidInput
        Anything of the wrong shape or type; groups on one side only.
    NotEnoughData
        Fewer than ten labels, or a single one.
    """
    if sets is not None and (soft_labels is not None or (extra and extra.soft is not None)):
        raise InvalidInput("soft_labels take one label a row; leave them out with sets")
    blocks = check_blocks(X)
    n, widths = blocks[0].shape[0], tuple(block.shape[1] for block in blocks)
    own_classes, codes = _read(y, n, sets)
    soft, classes = check_soft_labels(soft_labels, n, len(own_classes)), own_classes
    behind = [rows for rows in (extra, names) if rows is not None]
    parts = [check_blocks(rows.X, n_features=widths) for rows in behind]
    sizes = [part[0].shape[0] for part in parts]
    if behind:
        blocks = [stack_rows(each) for each in zip(blocks, *parts, strict=True)]
        # All labels as they are: numpy would turn numbers among strings into strings.
        front = np.asarray(y, dtype=object)
        listed = [_listed(rows.y, m) for rows, m in zip(behind, sizes, strict=True)]
        classes, codes = _read(np.concatenate([front, *listed]), n + sum(sizes), sets)
        given = [(0, soft, own_classes)]
        if extra is not None and extra.soft is not None:
            its = classes[np.unique(codes[n : n + sizes[0]][codes[n : n + sizes[0]] >= 0])]
            given.append((n, check_soft_labels(extra.soft, sizes[0], len(its)), its))
        soft = _widened(given, classes, len(codes))
    n_names = 0 if names is None else sizes[-1]
    keys = _groups(blocks[0][: len(codes) - n_names], groups, extra)
    alone = np.arange(n_names) + int(keys.max(initial=-1)) + 1
    return LabelledRows(blocks, classes, codes, soft, np.r_[keys, alone], n, n_names, sets)


def _read(y: ArrayLike, n: int, sets: LabelSets | None) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Classes and each row's code; of sets all labels, and each row's number."""
    if sets is None:
        return check_labels(y, n)
    return np.array([*sets], dtype=object), check_sets(y, sets, n)


def _groups(X: Any, groups: ArrayLike | None, extra: ExtraRows | None) -> NDArray[np.intp]:
    """Groups of the labelled and the extra rows."""
    if extra is not None and (groups is None) != (extra.groups is None):
        raise InvalidInput("groups are needed of the labelled and of the extra rows, or of neither")
    if groups is None:
        return row_groups(X)
    if extra is not None:
        groups = np.r_[np.asarray(groups), np.asarray(extra.groups)]
    return check_groups(groups, X.shape[0])


def _widened(
    given: list[tuple[int, NDArray[np.float32] | None, NDArray[Any]]],
    classes: NDArray[Any],
    n_rows: int,
) -> NDArray[np.float32] | None:
    """Distributions of rows from a first one on, over some labels, as those over all of them."""
    if all(soft is None for _, soft, _ in given):
        return None
    wide = np.full((n_rows, len(classes)), np.nan, dtype=np.float32)
    number = {label: i for i, label in enumerate(classes.tolist())}
    for first, soft, own in given:
        if soft is not None:
            part = wide[first : first + len(soft)]
            part[~np.isnan(soft).all(axis=1)] = 0.0
            part[:, [number[label] for label in own.tolist()]] = soft
    return wide


def over_present(
    soft: NDArray[Any], codes: NDArray[np.intp], classes: Sequence[str]
) -> NDArray[np.float64]:
    """Distributions over all labels as those over the labels that occur, sorted by name.

    Parameters
    ----------
    soft : ndarray of shape (n, K)
        A row of NaN where there is none.
    codes : ndarray of shape (n,), int
        The rows' labels among ``classes``; below 0 where there is none.
    classes : sequence of str, length K

    Returns
    -------
    ndarray of shape (n, k)
        A row of NaN also where a distribution lies elsewhere altogether.
    """
    present = sorted(np.unique(codes[codes >= 0]).tolist(), key=lambda code: classes[code])
    part = soft[:, present].astype(float)
    total = part.sum(axis=1, keepdims=True)
    return np.where(total > 0, part / np.where(total > 0, total, 1.0), np.nan)


def stack_rows(parts: Sequence[Any]) -> Any:
    """Matrices with the same columns, one below the other; sparse if one of them is."""
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack([sparse.csr_matrix(part) for part in parts], "csr")
    return np.vstack(parts)


def _listed(y: ArrayLike, m: int) -> NDArray[np.object_]:
    labels = np.asarray(y, dtype=object)
    if labels.shape != (m,):
        raise InvalidInput(
            f"extra.y must have one label for each of the {m} rows of extra.X, got shape "
            f"{labels.shape}"
        )
    return labels
