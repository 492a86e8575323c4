"""Rows of the column, chosen by a person who looks."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import FloatArray, IntArray

__all__ = ["STATUSES", "ColumnMap", "RowPage", "RowView", "Selection"]

# What a row of the column is: labelled, and a surrogate that was not fitted on it agrees or
# disagrees with the teacher; not in the sample, and handled or deferred; labelled, with no such
# surrogate yet; neither labelled nor decided about.
STATUSES = ("agree", "disagree", "handled", "deferred", "labelled", "unlabelled")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows to look at. What is left out does not matter; what is said holds together.

    Attributes
    ----------
    teacher, surrogate : tuple of str, or None
        Labels that the teacher, or the surrogate, may have given.
    status : tuple of str, or None
        Some of ``STATUSES``.
    scores : tuple of (float, float), or None
        Lowest and highest gate score, both included. Rows that the guard defers have none.
    rows : tuple of int, or None
        Positions in the column.
    name : str
        What these rows are, in words; empty to say their positions.
    search : str
        Text that a row must hold, whatever its case.
    tested : bool
        Only the rows that confusion, agreement and reliability count.
    """

    teacher: tuple[str, ...] | None = None
    surrogate: tuple[str, ...] | None = None
    status: tuple[str, ...] | None = None
    scores: tuple[float, float] | None = None
    rows: tuple[int, ...] | None = None
    name: str = ""
    search: str = ""
    tested: bool = False


@dataclass(frozen=True, slots=True)
class RowView:
    """One row to look at.

    Attributes
    ----------
    row : int
        Position in the column.
    text : str
        Cut at 2,000 characters; cells of other columns that the prompt names stand below.
    teacher, surrogate : str or None
        Labels. The surrogate's is always of a fit without this row, where there is one.
    score : float or None
        Gate score; None where no surrogate has looked at the row, or ``far``.
    status : str
        One of ``STATUSES``.
    answered_by : str or None
        "surrogate" or "teacher" in the routed output, "abstained" where neither is to answer;
        before routing, "teacher" for labelled rows.
    fitted : bool
        The surrogate was fitted on the row's text.
    far : bool
        Unlike every labelled row, so that it is deferred whatever its score.
    """

    row: int
    text: str
    teacher: str | None
    surrogate: str | None
    score: float | None
    status: str
    answered_by: str | None
    fitted: bool
    far: bool


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some of the rows that match a selection, in the order of the column.

    Attributes
    ----------
    rows : tuple of RowView
    total : int
        Rows that match.
    offset : int
        Matching rows before the first one here.
    """

    rows: tuple[RowView, ...] = ()
    total: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ColumnMap:
    """Texts of the column as points in the plane.

    Attributes
    ----------
    method : str
        "pca", "t-sne" or "umap".
    x, y : ndarray of shape (n,), float
        Positions, without unit.
    rows : ndarray of shape (n,), int
        A row of the column with this text.
    status : ndarray of shape (n,), int
        Index into ``STATUSES``.
    labels : tuple of (str or None), length n
        The teacher's label, else the surrogate's.
    scores : ndarray of shape (n,), float
        Gate scores; nan where there is none.
    texts : tuple of str, length n
        Cut at 160 characters.
    n_texts : int
        Distinct texts of the column.
    sampled : tuple of (status, shown, all)
        Distinct texts shown, and all, for each status that occurs: rare ones are shown more
        often than their share.
    explained : float
        Share of the variance that the plane keeps; nan unless by "pca".
    """

    method: str
    x: FloatArray
    y: FloatArray
    rows: IntArray
    status: IntArray
    labels: tuple[str | None, ...]
    scores: FloatArray
    texts: tuple[str, ...]
    n_texts: int
    sampled: tuple[tuple[str, int, int], ...]
    explained: float
