"""Where the surrogate and the teacher differ, and rows that a person looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer_nb.records.arrays import FloatArray, IntArray

__all__ = [
    "STATUSES",
    "ColumnMap",
    "ConfusedPair",
    "Confusion",
    "LabelAgreement",
    "LabelCounts",
    "Reliability",
    "RowPage",
    "RowView",
    "Selection",
    "Slice",
]


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
    explanation : str
        What the teacher wrote about it, where it was asked to; else empty.
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
    explanation: str = ""


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


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A group of rows on which surrogate and teacher disagree more often than elsewhere.

    Attributes
    ----------
    kind : str
        "word", "length", "column" or "likeness".
    name : str
        As a person would name it: the word, "3 to below 6 words", "country = DE".
    rows : ndarray of shape (n_rows,), int
        Positions among the rows that were tested.
    n_rows, n_disagree : int
    agreement, lower, upper : float
        Share of its rows that agree, with its pointwise 90 % Clopper-Pearson interval.
    agreement_elsewhere : float
        Of all other rows.
    excess : float
        Effect size: disagreements beyond those of as many rows elsewhere.
    p_value, adjusted : float
        One-sided Fisher test; adjusted for all groups that were tried.
    """

    kind: str
    name: str
    rows: IntArray
    n_rows: int
    n_disagree: int
    agreement: float
    lower: float
    upper: float
    agreement_elsewhere: float
    excess: float
    p_value: float
    adjusted: float


@dataclass(frozen=True, slots=True, eq=False)
class LabelCounts:
    """How often each label occurs: in the random sample, and in the routed output.

    Attributes
    ----------
    labels : tuple of str
        The label set.
    sample : ndarray of shape (K,), int
        Rows of the sample with this label, by the teacher.
    by_teacher, by_surrogate : ndarray of shape (K,), int
        Rows of the output with this label, by who answered; zeros before routing.
    n_sample, n_sample_missing : int
        Rows of the sample so far; those without a label among them.
    n_missing, n_abstained : int
        Rows of the output without a label: by no intent, and by the reject option.
    """

    labels: tuple[str, ...]
    sample: IntArray
    by_teacher: IntArray
    by_surrogate: IntArray
    n_sample: int
    n_sample_missing: int
    n_missing: int
    n_abstained: int = 0

    @property
    def n_routed(self) -> int:
        """Rows of the output; 0 before routing."""
        answered = int(self.by_teacher.sum() + self.by_surrogate.sum())
        return answered + self.n_missing + self.n_abstained


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Rows to which the teacher gives one label and the surrogate another.

    Attributes
    ----------
    teacher, surrogate : str
    n, n_handled : int
        Rows, and those handled among them.
    """

    teacher: str
    surrogate: str
    n: int
    n_handled: int


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """The teacher's labels against the surrogate's, on rows it was not fitted on.

    Attributes
    ----------
    labels : tuple of str
        Rows and columns of the matrix, the label with most disagreements first.
    folded : tuple of str
        Labels that share one further row and column, the last; empty when all are shown.
    counts, handled : ndarray of shape (m, m), int
        Rows by teacher's label (first index) and surrogate's, and those handled among them.
    n_folded_agree : int
        Of the last cell, the rows on which both agree.
    pairs : tuple of ConfusedPair
        Disagreements, the most frequent first; at most fifty.
    n_rows, n_agree : int
        Rows with a teacher's label; those on which both agree.
    n_missing : int
        Rows without one, which are not in the matrix and count as disagreements elsewhere.
    basis : str
        "calibration" rows; "left-out": calibration rows, each left out of a fit;
        "out-of-fold": fitting rows, as long as nothing is calibrated.
    """

    labels: tuple[str, ...]
    folded: tuple[str, ...]
    counts: IntArray
    handled: IntArray
    n_folded_agree: int
    pairs: tuple[ConfusedPair, ...]
    n_rows: int
    n_agree: int
    n_missing: int
    basis: str

    def cell(self, i: int, j: int) -> Selection:
        """The rows of a cell: teacher's label ``i``, surrogate's ``j``."""
        return Selection(teacher=self._labels(i), surrogate=self._labels(j), tested=True)

    def _labels(self, i: int) -> tuple[str, ...]:
        return (self.labels[i],) if i < len(self.labels) else self.folded


@dataclass(frozen=True, slots=True, eq=False)
class LabelAgreement:
    """Agreement for each label, on rows the surrogate was not fitted on.

    Attributes
    ----------
    labels : tuple of str
        Those that occur.
    by : str
        Whose label groups the rows: "teacher" or "surrogate".
    n_rows : ndarray of shape (K,), int
    n_handled, n_agree : ndarray of shape (K,), int
        Rows that count, and those on which both agree: the handled ones, or, as long as none
        is, all.
    lower, upper : ndarray of shape (K,), float
        Two-sided, pointwise 90 % Clopper-Pearson interval of the agreement; (0, 1) for no rows.
    handled_only : bool
        Whether ``n_handled`` are handled rows.
    target : float
    basis : str
        As in :class:`Confusion`.
    """

    labels: tuple[str, ...]
    by: str
    n_rows: IntArray
    n_handled: IntArray
    n_agree: IntArray
    lower: FloatArray
    upper: FloatArray
    handled_only: bool
    target: float
    basis: str

    @property
    def agreement(self) -> FloatArray:
        """Observed; nan for no rows."""
        share = np.full(len(self.labels), np.nan)
        np.divide(self.n_agree, self.n_handled, out=share, where=self.n_handled > 0)
        return share

    @property
    def coverage(self) -> FloatArray:
        """Share of each label's rows that is handled."""
        handled = self.n_handled if self.handled_only else np.zeros(len(self.labels))
        return np.asarray(handled / np.maximum(self.n_rows, 1), dtype=np.float64)

    def bar(self, i: int) -> Selection:
        """The rows of a label."""
        label = (self.labels[i],)
        if self.by == "teacher":
            return Selection(teacher=label, tested=True)
        return Selection(surrogate=label, tested=True)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """The gate's scores against what was observed, on rows the surrogate was not fitted on.

    Bins hold about equally many rows; equal scores are in one bin.

    Attributes
    ----------
    low, high, score : ndarray of shape (n_bins,), float
        Lowest, highest and mean score of each bin.
    n_rows, n_agree : ndarray of shape (n_bins,), int
    lower, upper : ndarray of shape (n_bins,), float
        Two-sided, pointwise 90 % Clopper-Pearson interval of the agreement.
    n_far : int
        Rows that the guard defers whatever their score; they are in no bin.
    basis : str
        As in :class:`Confusion`.
    """

    low: FloatArray
    high: FloatArray
    score: FloatArray
    n_rows: IntArray
    n_agree: IntArray
    lower: FloatArray
    upper: FloatArray
    n_far: int
    basis: str

    def bin(self, i: int) -> Selection:
        """The rows of a bin."""
        return Selection(scores=(float(self.low[i]), float(self.high[i])), tested=True)
