"""A job in one record, as it is shown, and what another target or threshold would mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tracer_nb.records.answers import Spending, Superseded
from tracer_nb.records.arrays import FloatArray, IntArray
from tracer_nb.records.carried import Carried
from tracer_nb.records.certificates import Certificate, Frontier, Trial
from tracer_nb.records.refusals import Refused, WayOut
from tracer_nb.records.stages import StageReport

__all__ = ["Bill", "Choice", "HandThreshold", "Preview", "Report", "Scan", "Targets"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several targets that share the error budget.

    Attributes
    ----------
    target : float
    certified : bool
    coverage : float
    saved : float or None
        Estimated dollars that not asking about the handled rows saves.
    """

    target: float
    certified: bool
    coverage: float
    saved: float | None


@dataclass(frozen=True, slots=True)
class Bill:
    """What labelling a whole column takes, counted in distinct texts; each is asked about once.

    Attributes
    ----------
    n_texts : int
        Of the column.
    n_start : int
        Asked about, drawn at random, fitted on: the random start, or the fitting part of a
        random sample.
    n_hard : int
        Asked about, chosen as hard, fitted on.
    n_test : int
        Asked about, drawn at random to test, in all rounds.
    n_new_rows : int
        Asked about, set aside for a promise about new rows.
    n_deferred : int or None
        All others that are left to the teacher, asked about or still to be. None before
        anything is certified.
    n_waiting : int
        Those of them that are not answered yet.
    n_audited : int
        Those of them that the surrogate handles and that are answered all the same: audited, or
        known before.
    expected : tuple of (int, float)
        As the job went on: texts asked about, and the whole bill expected then, in texts.
    price : float or None
        Dollars of one text; None when unknown.
    stages : tuple of StageReport
        Of a chain: what cheap teachers were asked beside.
    n_alone : int
        Of a chain: rows that the surrogate labels without any stage's answer.
    """

    n_texts: int
    n_start: int = 0
    n_hard: int = 0
    n_test: int = 0
    n_new_rows: int = 0
    n_deferred: int | None = None
    n_waiting: int = 0
    n_audited: int = 0
    expected: tuple[tuple[int, float], ...] = ()
    price: float | None = None
    stages: tuple[StageReport, ...] = ()
    n_alone: int = 0

    @property
    def n_asked(self) -> int:
        """Texts asked about so far to fit and to test on."""
        return self.n_start + self.n_hard + self.n_test + self.n_new_rows

    @property
    def total(self) -> int | None:
        """Texts asked about in all; None before anything is certified."""
        return None if self.n_deferred is None else self.n_asked + self.n_deferred

    @property
    def saved(self) -> int | None:
        """Texts that are never asked about; None before anything is certified."""
        return None if self.total is None else self.n_texts - self.total

    @property
    def saved_share(self) -> float | None:
        """The same as a share of the column's texts."""
        if self.saved is None:
            return None
        return self.saved / self.n_texts if self.n_texts else 0.0

    @property
    def expected_total(self) -> float | None:
        """The whole bill expected last, in texts; None where nothing was expected yet."""
        return self.expected[-1][1] if self.expected else None

    def dollars(self, n_texts: float | None) -> float | None:
        """Dollars of so many texts; None where their number or the price is unknown."""
        return None if n_texts is None or self.price is None else self.price * n_texts


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a log of past calls says about routing: how much, at which target, for what saving.

    The promise rests on the assumption that later calls are like the logged ones.

    Attributes
    ----------
    n_read, n_calls, n_texts, n_labels : int
        Rows of the log; those with a text and a label; distinct texts; distinct labels.
    n_used : int
        Calls drawn at random to fit and to certify.
    skipped : tuple of (str, int)
        Why rows were left out.
    paid : float or None
        Dollars that the logged calls cost; None when the log does not say.
    choices : tuple of Choice
        For each target what could be routed, and what that would have saved of ``paid``. All
        hold together.
    certificates : tuple of Certificate
        In the same order, for new calls.
    frontier : Frontier
    confidence : float
    """

    n_read: int
    n_calls: int
    n_texts: int
    n_labels: int
    n_used: int
    skipped: tuple[tuple[str, int], ...]
    paid: float | None
    choices: tuple[Choice, ...]
    certificates: tuple[Certificate, ...]
    frontier: Frontier
    confidence: float


@dataclass(frozen=True, slots=True)
class Report:
    """Where a job stands: the figures that cards, panels and status lines show.

    Attributes
    ----------
    teacher, features, surrogate : str
        Names; ``surrogate`` is empty before the fit.
    note : str
        What must be said about the teacher ("a stand-in: nothing was paid").
    simulated : bool
        Prices are made up.
    assumption : str
        What the promise rests on besides our own random draw; its first words.
    n_rows, n_labelled, n_surrogate, n_teacher, n_missing : int
        Rows of the column; rows of the random sample that have a label; output rows
        answered by the surrogate, by the teacher (sampled ones included), by nobody.
    n_unlike, n_unsure : int
        Output rows that came out abstained, counted in none of these: unlike every labelled
        row, so that nobody was asked; and answered by a teacher that was itself unsure.
    n_deferred : int
        Rows that were not in the sample and were deferred to the teacher.
    certificate : Certificate or None
        By which the rows were, or will be, routed.
    choices : tuple of Choice
        Every target that was certified together with it, and what it would save.
    exact : bool
        False: features were fitted on the calibration rows too, so that for new rows the
        promise is close, not exact.
    saved : float or None
        Estimated dollars that the teacher's answers to the surrogate's rows would have cost.
    spared : float or None
        The same for abstained rows that it was not asked about: no saving by the surrogate.
    bill : Bill or None
        What labelling the column takes, labels included; None where other rows were routed.
    refused : Refused or None
        Why nothing was certified, and the ways out; None where something was, or nothing was tried.
    others : tuple of Certificate
        What else was certified: other targets, and new rows beside the column.
    carried : tuple of Carried
        Where nothing is certified: targets and what a test of each is expected to show.
    frontier : Frontier or None
    trials : tuple of Trial
    spending : Spending
        Of the whole job, all runs of this object together.
    cost_all : float or None
        Estimated dollars for asking the teacher about every distinct text.
    missing_reasons : tuple of (str, int)
        Why output rows have no label, most frequent first.
    stopped : str or None
    superseded : Superseded
        As in :class:`Labels`, for all texts that were asked about.
    models, warnings
        The same.
    """

    teacher: str
    note: str
    features: str
    surrogate: str
    n_rows: int
    n_labelled: int
    n_surrogate: int
    n_teacher: int
    n_missing: int
    n_deferred: int
    certificate: Certificate | None
    frontier: Frontier | None
    trials: tuple[Trial, ...]
    spending: Spending
    cost_all: float | None
    missing_reasons: tuple[tuple[str, int], ...] = ()
    stopped: str | None = None
    simulated: bool = False
    assumption: str = ""
    choices: tuple[Choice, ...] = ()
    exact: bool = True
    saved: float | None = None
    superseded: Superseded = field(default_factory=Superseded)
    models: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()
    n_unlike: int = 0
    n_unsure: int = 0
    spared: float | None = None
    bill: Bill | None = None
    refused: Refused | None = None
    others: tuple[Certificate, ...] = ()
    carried: tuple[Carried, ...] = ()

    @property
    def lower(self) -> WayOut | None:
        """A lower target that is likely to be certified; None where none is known to be."""
        ways = () if self.refused is None else self.refused.ways
        return next((way for way in ways if way.name == "target"), None)

    @property
    def n_abstained(self) -> int:
        """Output rows that came out abstained."""
        return self.n_unlike + self.n_unsure

    @property
    def n_routed(self) -> int:
        """Output rows in all; 0 before routing."""
        return self.n_surrogate + self.n_teacher + self.n_abstained + self.n_missing


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What each target would give: estimates for a picture, beside what is certified.

    Attributes
    ----------
    targets : ndarray of shape (n,), float
        Ascending; those that were certified among them.
    thresholds : ndarray of shape (n,), float
        The loosest at which the tested rows agree that often; inf where none does.
    coverage : ndarray of shape (n,), float
        Share of the column's rows at or above it, without the fitting rows. Counted, not
        estimated.
    agreement, lower, upper : ndarray of shape (n,), float
        Observed on the tested rows there, with two-sided, pointwise 90 % Clopper-Pearson
        interval. The threshold was found on the same rows, which flatters it.
    n_handled : ndarray of shape (n,), int
        Tested rows there.
    expected : ndarray of shape (n,), float
        Coverage that a certificate may be expected to reach if calibrated at this target
        alone; judged by the pilot.
    saved : ndarray of shape (n,), float
        Dollars that not asking about the rows of ``coverage`` saves; nan when unknown.
    certified : tuple of Choice
        What was certified.
    main : float
        The target in use.
    n_rows, n_population : int
        Tested rows; rows of the column that ``coverage`` is a share of.
    """

    targets: FloatArray
    thresholds: FloatArray
    coverage: FloatArray
    agreement: FloatArray
    lower: FloatArray
    upper: FloatArray
    n_handled: IntArray
    expected: FloatArray
    saved: FloatArray
    certified: tuple[Choice, ...]
    main: float
    n_rows: int
    n_population: int


@dataclass(frozen=True, slots=True)
class HandThreshold:
    """A threshold that somebody moved by hand. It is never certified.

    Attributes
    ----------
    threshold : float
    coverage : float
        As in :class:`Targets`.
    n_rows, n_handled, n_agree : int
        Tested rows; those handled; those on which both agree among them.
    agreement, lower, upper : float
        As in :class:`Targets`; nan, 0 and 1 when none is handled.
    saved : float or None
        Dollars; None when unknown.
    """

    threshold: float
    coverage: float
    n_rows: int
    n_handled: int
    n_agree: int
    lower: float
    upper: float
    saved: float | None

    @property
    def agreement(self) -> float:
        """Observed on the handled tested rows; nan when none is handled."""
        return self.n_agree / self.n_handled if self.n_handled else math.nan

    @property
    def certified(self) -> bool:
        """Never: moving the threshold by hand voids the certificate.

        GUARANTEES, "Several targets, several rounds".
        """
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """The frontier while labelling goes on, by a quick surrogate.

    Made of fitting rows alone, out of fold: no calibration label is looked at, so that
    watching it, and stopping by it, costs the certificate nothing.

    Attributes
    ----------
    n_labels : int
        Rows of the sample so far, calibration rows included.
    n_fit : int
        Fitting rows among them, which is all that was looked at.
    frontier : Frontier
        On them, out of fold.
    target : float
    expected_coverage : float
        Coverage that a certificate with so many labels may be expected to reach.
    """

    n_labels: int
    n_fit: int
    frontier: Frontier
    target: float
    expected_coverage: float
