"""A job in one record, as it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracer_nb.records.answers import Spending
from tracer_nb.records.certificates import Certificate, Frontier
from tracer_nb.records.fits import Trial
from tracer_nb.records.labels import LearningCurve
from tracer_nb.records.store import Superseded

__all__ = ["Choice", "Report", "Scan"]


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
    curve : LearningCurve or None
        When labelling decided by itself how many labels are enough.
    exact : bool
        False: features were fitted on the calibration rows too, so that for new rows the
        promise is close, not exact.
    saved : float or None
        Estimated dollars that the teacher's answers to the surrogate's rows would have cost.
    spared : float or None
        The same for abstained rows that it was not asked about: no saving by the surrogate.
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
    curve: LearningCurve | None = None
    exact: bool = True
    saved: float | None = None
    superseded: Superseded = field(default_factory=Superseded)
    models: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()
    n_unlike: int = 0
    n_unsure: int = 0
    spared: float | None = None

    @property
    def n_abstained(self) -> int:
        """Output rows that came out abstained."""
        return self.n_unlike + self.n_unsure

    @property
    def n_routed(self) -> int:
        """Output rows in all; 0 before routing."""
        return self.n_surrogate + self.n_teacher + self.n_abstained + self.n_missing
