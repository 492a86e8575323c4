"""Where the surrogate and the teacher differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer_nb.records.arrays import FloatArray, IntArray
from tracer_nb.records.rows import Selection

__all__ = ["ConfusedPair", "Confusion", "LabelAgreement", "LabelCounts", "Reliability", "Slice"]


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
