"""What differs between two fits of one column."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import IntArray

__all__ = ["FitDifferences", "LabelDifference", "RowChange"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that two fits treat differently; of each pair the first is before.

    Attributes
    ----------
    row : int
        Position in the column.
    text : str
    labels : (str, str)
        The surrogate's, where the row is deferred too.
    handled : (bool, bool)
    """

    row: int
    text: str
    labels: tuple[str, str]
    handled: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class LabelDifference:
    """The tested rows with one label of the teacher; of each pair the first is before.

    Attributes
    ----------
    label : str
    n_rows : int
    n_handled, n_agree : (int, int)
        Handled rows, and those of them on which surrogate and teacher agree.
    """

    label: str
    n_rows: int
    n_handled: tuple[int, int]
    n_agree: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class FitDifferences:
    """Two fits side by side; of each pair the first is before, the second after.

    Attributes
    ----------
    targets : (float, float)
    n_rows : int
        Rows that both routings decide: those with text that is in neither sample. Sampled rows
        carry the teacher's label whatever the fit.
    n_handled : (int, int)
    to_handled, to_deferred, relabelled : ndarray of int
        Rows that changed sides, deferred to handled and back; rows on which the surrogate's
        label changed, wherever they are. Positions in the column.
    n_relabelled_handled : int
        Of the last, those that are handled before and after.
    n_tested : int
        Rows with a teacher's label that neither surrogate was fitted on.
    n_tested_handled, n_tested_agree : (int, int)
        Of these, handled ones, and those of them that agree.
    n_both : int
        Tested rows that are handled before and after.
    only_before, only_after : int
        Of these, rows that agree before and not after, and after and not before.
    lower, upper : float
        Interval of the agreement after minus that before, on rows that both handle: exact and
        conservative; (-1, 1) for no rows.
    p_value : float
        Exact McNemar test of no difference there.
    confidence : float
        Of the interval.
    labels : tuple of LabelDifference
        By the teacher's label on the tested rows; the label with most rows first.
    changes : tuple of RowChange
        Examples, each text once: rows that changed sides, then rows with another label.
    same_teacher : bool
        Else each agreement is with the fit's own teacher, on rows that both have labelled.
    """

    targets: tuple[float, float]
    n_rows: int
    n_handled: tuple[int, int]
    to_handled: IntArray
    to_deferred: IntArray
    relabelled: IntArray
    n_relabelled_handled: int
    n_tested: int
    n_tested_handled: tuple[int, int]
    n_tested_agree: tuple[int, int]
    n_both: int
    only_before: int
    only_after: int
    lower: float
    upper: float
    p_value: float
    confidence: float
    labels: tuple[LabelDifference, ...]
    changes: tuple[RowChange, ...] = ()
    same_teacher: bool = True
