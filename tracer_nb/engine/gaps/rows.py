"""Rows to look at: near-identical ones treated differently, likely mistakes, points of a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gaps.agreement import Judged
from tracer_nb.engine.pipeline import View
from tracer_nb.engine.zoo.matrix import similarities
from tracer_nb.labelsets import NO_LABEL, SetsSeen, labels_in
from tracer_nb.records import STATUSES, Selection

__all__ = [
    "RowTable",
    "boundary_pairs",
    "draw_points",
    "joined_rows",
    "likely_mistakes",
    "select_rows",
]


def joined_rows(blocks: Sequence[Any]) -> Any:
    """Blocks beside one another, (n, d): every block counts alike, every row has length 1.

    A product of two rows is the mean of the cosines in the blocks. Zero rows stay zero.
    """
    return View("joined", (1.0 / len(blocks),) * len(blocks)).prepare(blocks)


def boundary_pairs(
    judged: Judged,
    unit: Any,
    texts: NDArray[np.intp],
    *,
    least: float = 0.8,
    most: int = 50,
) -> list[tuple[int, int, float]]:
    """For each row the nearest one that was treated differently; the nearest pairs of those.

    Differently means that the teacher's labels differ, or that they are equal and one row was
    handled, the other deferred. Rows without a label are left out.

    Parameters
    ----------
    judged : Judged
    unit : matrix of shape (n, d)
        Of :func:`joined_rows`.
    texts : ndarray of shape (n,), int
        Equal numbers for equal texts; only the first row of each text is looked at.
    least : float
        Smallest cosine that counts as near.
    most : int
        Pairs to give.

    Returns
    -------
    list of (int, int, float)
        Two rows, the smaller first, and their cosine; the most similar first.
    """
    first = np.sort(np.unique(texts, return_index=True)[1])
    rows = first[judged.teacher[first] >= 0]
    label, handled, near = judged.teacher[rows], judged.handled[rows], unit[rows]
    found: dict[tuple[int, int], float] = {}
    for part, cosine in similarities(near, near):
        same = (label[part, None] == label) & (handled[part, None] == handled)
        cosine[same] = -np.inf
        other = cosine.argmax(axis=1)
        value = cosine[np.arange(len(other)), other]
        # A little slack: cosines are of single precision.
        for i in np.flatnonzero(value >= least - 1e-6).tolist():
            a, b = sorted((int(rows[part.start + i]), int(rows[other[i]])))
            found[a, b] = min(float(value[i]), 1.0)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(a, b, value) for (a, b), value in ranked[:most]]


def likely_mistakes(
    judged: Judged, *, most: int = 50
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rows on which the surrogate is surer of another label than it usually is of that label.

    In the manner of confident learning (Northcutt, Jiang and Chuang 2021): labels differ in how
    sure one can be of them, so each has a threshold of its own, the mean score of the rows to
    which both give it. A label that they never agree on accuses nobody.

    Parameters
    ----------
    judged : Judged
    most : int
        Rows to give.

    Returns
    -------
    rows : ndarray of int
        Those furthest above the threshold first; of equal ones, the first row.
    usual : ndarray of float
        The threshold of each.
    """
    k = len(judged.names)
    # Where the guard defers, the row is unlike all others and its score says nothing.
    near = np.isfinite(judged.scores)
    both = judged.agree & near
    n = np.bincount(judged.surrogate[both], minlength=k)
    total = np.bincount(judged.surrogate[both], judged.scores[both], minlength=k)
    usual = np.full(k, np.inf)
    np.divide(total, n, out=usual, where=n > 0)
    excess = judged.scores - usual[judged.surrogate]
    rows = np.flatnonzero(near & (judged.teacher >= 0) & ~judged.agree & (excess >= 0))
    rows = rows[np.argsort(-excess[rows], kind="stable")][:most]
    return rows, usual[judged.surrogate[rows]]


@dataclass(frozen=True, slots=True, eq=False)
class RowTable:
    """What is known about each row of a column, (n,) each.

    Attributes
    ----------
    names : tuple of str
        The label set.
    rows : ndarray of int
        Positions in the column, ascending: of the rows that hold text.
    teacher, surrogate : ndarray of int
        Index into ``names``; -1 where there is none.
    scores : ndarray of float
        nan where no surrogate has looked at the row, -inf where the guard defers it.
    status : ndarray of int
        Index into ``STATUSES``.
    tested, fitted : ndarray of bool
        Counted in pictures of agreement; its text was fitted on.
    """

    names: tuple[str, ...]
    rows: NDArray[np.intp]
    teacher: NDArray[np.intp]
    surrogate: NDArray[np.intp]
    scores: NDArray[np.float64]
    status: NDArray[np.intp]
    tested: NDArray[np.bool_]
    fitted: NDArray[np.bool_]


def _places(known: tuple[str, ...], wanted: set[str]) -> list[int]:
    """Where wanted names stand; of sets those that hold a wanted label, too."""
    named = known.sets if isinstance(known, SetsSeen) else ()
    found = [i for i, name in enumerate(known) if name in wanted]
    if isinstance(known, SetsSeen) and not wanted.isdisjoint({*named, NO_LABEL}):
        for i, written in enumerate(known.written):
            if not wanted.isdisjoint(labels_in(written) or (NO_LABEL,)):
                found.append(i)
    return found


def select_rows(table: RowTable, selection: Selection) -> NDArray[np.intp]:
    """Places in the table that match all that is said, but for the text that is searched.

    Parameters
    ----------
    table : RowTable
    selection : Selection
        Names that do not exist match nothing.
    """
    keep = np.ones(len(table.rows), dtype=bool)
    for wanted, known, codes in (
        (selection.teacher, table.names, table.teacher),
        (selection.surrogate, table.names, table.surrogate),
        (selection.status, STATUSES, table.status),
    ):
        if wanted is not None:
            keep &= np.isin(codes, _places(known, set(wanted)))
    if selection.scores is not None:
        low, high = selection.scores
        keep &= np.isfinite(table.scores) & (table.scores >= low) & (table.scores <= high)
    if selection.rows is not None:
        keep &= np.isin(table.rows, np.asarray(selection.rows, dtype=np.intp))
    if selection.tested:
        keep &= table.tested
    return np.flatnonzero(keep)


# Statuses have room for such a part of the points each.
_PARTS = 8


def draw_points(status: NDArray[np.intp], most: int, seed: int) -> NDArray[np.intp]:
    """Draw at most ``most`` of n rows at random, rare statuses more often than their share.

    Each status has room for an eighth of the points, and shares the rest in proportion to the
    square root of its other rows: a hundred disagreements among a hundred thousand rows are all
    seen, and crowds still look like crowds.

    Returns
    -------
    ndarray of int
        Ascending.
    """
    if len(status) <= most:
        return np.arange(len(status))
    rng = np.random.default_rng([seed, 8])
    kinds, counts = np.unique(status, return_counts=True)
    quota = np.minimum(counts, most // _PARTS)
    more, left = counts - quota, most - int(quota.sum())
    # From the smallest: what it cannot use is left to the larger ones.
    order = np.argsort(more, kind="stable")
    for place, i in enumerate(order):
        share = np.sqrt(more[i]) / max(np.sqrt(more[order[place:]]).sum(), 1.0)
        given = min(int(more[i]), round(left * float(share)))
        quota[i] += given
        left -= given
    drawn = [
        rng.choice(np.flatnonzero(status == kind), n, replace=False)
        for kind, n in zip(kinds, quota, strict=True)
    ]
    return np.sort(np.concatenate(drawn))
