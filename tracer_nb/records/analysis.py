"""What an analysis of the gaps between surrogate and teacher has found."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.arrays import IntArray
from tracer_nb.records.gains import Gain
from tracer_nb.records.gaps import Confusion, LabelAgreement, Reliability, Slice
from tracer_nb.records.reasks import SelfAgreement
from tracer_nb.records.rows import Selection

__all__ = ["BoundaryPair", "Gaps", "LostCoverage", "Suspect"]


@dataclass(frozen=True, slots=True)
class BoundaryPair:
    """Two near-identical texts that were treated differently.

    Attributes
    ----------
    rows : tuple of int
        Positions of both in the column, the first one smaller.
    texts : tuple of str
    teacher : tuple of str
        The teacher's labels. Where they are equal, one row was handled and the other deferred.
    handled : tuple of bool
    similarity : float
        Cosine of their features, at most 1.
    """

    rows: tuple[int, int]
    texts: tuple[str, str]
    teacher: tuple[str, str]
    handled: tuple[bool, bool]
    similarity: float


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that the teacher may have labelled wrongly.

    Attributes
    ----------
    row : int
        Position in the column.
    text : str
    teacher, surrogate : str
        Their labels, which differ.
    score : float
        Gate score of the surrogate's label, by a surrogate not fitted on the row.
    usual : float
        Mean gate score of the rows that both give the surrogate's label; at most ``score``.
    """

    row: int
    text: str
    teacher: str
    surrogate: str
    score: float
    usual: float

    @property
    def excess(self) -> float:
        """How far the score lies above the usual one, by which suspects are ranked."""
        return self.score - self.usual


@dataclass(frozen=True, slots=True)
class LostCoverage:
    """Where coverage is lost, from that of a perfect gate down to the certified one.

    All shares are of the tested rows; none but ``coverage`` is certified.

    Attributes
    ----------
    target : float
    n_rows : int
    coverage : float
        Handled now.
    hindsight : float
        Handled at the best threshold for these very rows, had it been known.
    ceiling : float
        Handled by a gate that knew on which rows both agree.
    """

    target: float
    n_rows: int
    coverage: float
    hindsight: float
    ceiling: float

    @property
    def by_surrogate(self) -> float:
        """Lost because the surrogate gives other labels: no gate wins it back."""
        return 1.0 - self.ceiling

    @property
    def by_ranking(self) -> float:
        """Lost because the gate ranks some disagreements above agreements."""
        return self.ceiling - self.hindsight

    @property
    def by_statistics(self) -> float:
        """Lost because a promise from so many rows needs a margin."""
        return self.hindsight - self.coverage


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Where the surrogate fails to match the teacher, on rows that it was not fitted on.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        Positions in the column of the tested rows; those of a slice are ``rows[slice.rows]``.
    n_agree : int
        Of the tested rows.
    by_teacher, by_surrogate : LabelAgreement
        Agreement by the teacher's label, and by the surrogate's.
    confusion : Confusion
    slices : tuple of Slice
        The surest first.
    reliability : Reliability
    pairs : tuple of BoundaryPair
        The most similar first.
    suspects : tuple of Suspect
        The most suspicious first; fitting rows out of fold are among them.
    risk_area : float
        Area under the risk-coverage curve: mean share of disagreements over all coverages, 0
        at best; nan for no rows.
    lost : LostCoverage or None
        None before calibration.
    gains : tuple of Gain
        What would win some of it back; none before calibration.
    self_agreement : SelfAgreement or None
        How far the teacher agrees with itself; None where it was not asked twice.
    """

    rows: IntArray
    n_agree: int
    by_teacher: LabelAgreement
    by_surrogate: LabelAgreement
    confusion: Confusion
    slices: tuple[Slice, ...]
    reliability: Reliability
    pairs: tuple[BoundaryPair, ...]
    suspects: tuple[Suspect, ...]
    risk_area: float
    lost: LostCoverage | None
    gains: tuple[Gain, ...] = ()
    self_agreement: SelfAgreement | None = None

    def slice(self, i: int) -> Selection:
        """The rows of a slice."""
        one = self.slices[i]
        rows = tuple(self.rows[one.rows].tolist())
        return Selection(rows=rows, name=f"{one.kind}: {one.name}", tested=True)
