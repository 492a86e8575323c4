"""Finding rows: a table of what is known about each, and the rows that match a selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.records import STATUSES, Selection

__all__ = ["RowTable", "select_rows"]


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
            keep &= np.isin(codes, [i for i, name in enumerate(known) if name in set(wanted)])
    if selection.scores is not None:
        low, high = selection.scores
        keep &= np.isfinite(table.scores) & (table.scores >= low) & (table.scores <= high)
    if selection.rows is not None:
        keep &= np.isin(table.rows, np.asarray(selection.rows, dtype=np.intp))
    if selection.tested:
        keep &= table.tested
    return np.flatnonzero(keep)
