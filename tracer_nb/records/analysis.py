"""What an analysis of the gaps between surrogate and teacher has found.

What would gain coverage, and how far the teacher agrees with itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer_nb.records.answers import Caps
from tracer_nb.records.arrays import IntArray
from tracer_nb.records.gaps import Confusion, LabelAgreement, Reliability, Selection, Slice

__all__ = ["BoundaryPair", "Gain", "Gaps", "LostCoverage", "ReaskPlan", "SelfAgreement", "Suspect"]


@dataclass(frozen=True, slots=True)
class Gain:
    """Coverage that one change may gain: an estimate on the tested rows, never certified.

    Gains of several changes do not add up.

    Attributes
    ----------
    by : str
        The change: "labels" (twice as many), "gate" (a better one), "surrogate" (a better one,
        or better features), "merge" (two labels into one) or "prompt" (a clearer one).
    coverage : float
        Share of the rows, 0 or more.
    at_most : bool
        Whether it is a bound, and the gain may be nothing.
    basis : str
        What it is estimated from. Labels: "test" (a certificate
        from twice the calibration rows, same surrogate). Gate: "perfect gate", one without a
        mistake. Surrogate: "all" that is not handled now, or "self-agreement" where the
        teacher's own was measured and its upper bound bounds it. Prompt: "wavering", all that is
        not handled now, where the teacher contradicts itself. Merge: "fitting rows" or "tested
        rows", by which the pair was chosen.
    labels : tuple of str
        The labels to merge.
    ceiling : float
        Of a merge, what a perfect gate would gain by it.
    """

    by: str
    coverage: float
    at_most: bool
    basis: str
    labels: tuple[str, ...] = ()
    ceiling: float = 0.0


@dataclass(frozen=True, slots=True)
class ReaskPlan:
    """What asking a second time would ask for and may cost, before anything is sent.

    Attributes
    ----------
    teacher : str
    n_drawn, n_ask : int
        Distinct texts that are drawn, and those of them without a second answer.
    cost, cost_low, cost_high : float or None
        Dollars: estimate and its spread; None when the price is unknown.
    price_source : str
        Where the price is from; "unknown" otherwise.
    caps : Caps
    """

    teacher: str
    n_drawn: int
    n_ask: int
    cost: float | None
    cost_low: float | None
    cost_high: float | None
    price_source: str
    caps: Caps


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """The teacher's first answers against its second ones, on texts drawn at random.

    Attributes
    ----------
    n, n_same : int
        Distinct texts of the sample with two answers; those with the same label twice.
    lower, upper : float
        Two-sided Clopper-Pearson interval of the share that would stay the same; (0, 1) for
        no texts. It does not allow for asking about more until the figure pleases.
    confidence : float
        Of the interval.
    labels : tuple of (str, int, int)
        Label at first, texts with it that were asked again, and those with another answer;
        the label with most of the latter first, and only labels that have some.
    pairs : tuple of (str, str or None, int)
        First label, second one (None for an answer without one), and how many texts; the most
        frequent first.
    changed : tuple of (str, str, str or None)
        Texts with first and second label; at most twenty.
    repeats : str
        Why the same answer may come again whatever the text: "temperature 0", "function" or
        "stand-in"; empty when nothing is known of the kind.
    n_waiting : int
        Texts that were drawn and have no second answer yet.
    stopped : str or None
        Why the last call did not ask about all of them.
    """

    n: int
    n_same: int
    lower: float
    upper: float
    confidence: float
    labels: tuple[tuple[str, int, int], ...] = ()
    pairs: tuple[tuple[str, str | None, int], ...] = ()
    changed: tuple[tuple[str, str, str | None], ...] = ()
    repeats: str = ""
    n_waiting: int = 0
    stopped: str | None = None

    @property
    def share(self) -> float | None:
        """Share of texts with the same label twice; None for no texts."""
        return self.n_same / self.n if self.n else None

    @property
    def ceiling(self) -> float | None:
        """Agreement that no surrogate can be expected to exceed; None for no texts.

        The square root of the share. With p_k the chances of the labels on a text, two answers
        are the same with chance sum p_k^2 >= (max p)^2, and a surrogate agrees with chance
        max p at best; the mean of max p is at most the root of the mean of its square.
        """
        return math.sqrt(self.n_same / self.n) if self.n else None


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
