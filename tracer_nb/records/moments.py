"""Records of a session that is watched: where it stands, what was found, its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tracer_nb.records import (
    Bill,
    Caps,
    Certificate,
    Confusion,
    Gaps,
    LabelAgreement,
    LabelCounts,
    PanelReport,
    Plan,
    Preview,
    Progress,
    Reliability,
    Report,
    Targets,
    Timeline,
    Update,
    UpdatePlan,
    Watch,
)

__all__ = ["Findings", "Moment", "Option", "SettingsForm"]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a job, as a form shows it.

    Attributes
    ----------
    name, flag : str
        Of the setting, and how a magic line writes it.
    value : str
        As it is written; empty for the default.
    hint, group : str
    choices : tuple of str
        Values that it may have.
    closed : bool
        It may have no other ones.
    long : bool
        It may have several lines.
    """

    name: str
    flag: str
    value: str
    hint: str
    group: str
    choices: tuple[str, ...] = ()
    closed: bool = False
    long: bool = False


class SettingsForm(Protocol):
    """The settings of a job, to be seen and changed."""

    @property
    def options(self) -> tuple[Option, ...]:
        """Every setting with its present value, in order."""

    @property
    def line(self) -> str:
        """The magic line that does the job with them."""

    def aside(self, values: Mapping[str, str] | None = None) -> str:
        """What the line cannot say of them, or of other values."""

    def step(self, words: str) -> str:
        """The magic line of one step of the job."""

    def draft(self, values: Mapping[str, str]) -> str:
        """The magic line for other values; nothing is changed."""

    def apply(self, values: Mapping[str, str]) -> None:
        """Take over other values."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What there is to look at; None for what needs a later step.

    Attributes
    ----------
    counts : LabelCounts or None
    preview : Preview or None
        While labels come in.
    agreement : LabelAgreement or None
    confusion : Confusion or None
    reliability : Reliability or None
    targets : Targets or None
    gaps : Gaps or None
        Once somebody has asked for them: they take seconds.
    watch : Watch or None
        Since the last routing.
    bill : Bill or None
        So far.
    update : UpdatePlan or None
        What an update would ask, where it would not be refused; while nothing runs.
    earlier : Certificate or None
        That which might be in force instead, before the last update or after it; while nothing runs.
    review : int or None
        Rows that wait for a review, where it would not be refused; while nothing runs.
    panel : PanelReport or None
        What its members said, of a panel; while nothing runs.
    """

    counts: LabelCounts | None = None
    preview: Preview | None = None
    agreement: LabelAgreement | None = None
    confusion: Confusion | None = None
    reliability: Reliability | None = None
    targets: Targets | None = None
    gaps: Gaps | None = None
    watch: Watch | None = None
    bill: Bill | None = None
    update: UpdatePlan | None = None
    earlier: Certificate | None = None
    review: int | None = None
    panel: PanelReport | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Where a session stands at one moment.

    Attributes
    ----------
    state : str
        "idle", "running", "paused", "stopped", "failed" or "done".
    ending : str
        "paused" or "stopped" while a run that was told so is coming to its end; else empty.
    blocking : bool
        A cell waits for the run, so that the kernel hears no click.
    run : int
        How many runs were begun.
    ready : bool
        There is something to start.
    progress : Progress or None
        Of the run that goes on, or went on last.
    timeline : Timeline
        Of its step; money is that of the whole job.
    paid : float or None
        Dollars for the whole job so far; None when unknown.
    caps : Caps
        Of the whole job.
    report : Report or None
        Where the job stood at the last step.
    findings : Findings
    plan : Plan or None
        What a run would ask, before the first one.
    message : str
        What went wrong; empty otherwise.
    analysing : bool
        The gaps are being looked for.
    unexplained : str
        Why the gaps could not be found; empty otherwise.
    updated : Update or None
        What came of an update, where that was the last run.
    """

    state: str = "idle"
    ending: str = ""
    blocking: bool = False
    run: int = 0
    ready: bool = False
    progress: Progress | None = None
    timeline: Timeline = field(default_factory=Timeline)
    paid: float | None = None
    caps: Caps = field(default_factory=Caps)
    report: Report | None = None
    findings: Findings = field(default_factory=Findings)
    plan: Plan | None = None
    message: str = ""
    analysing: bool = False
    unexplained: str = ""
    updated: Update | None = None

    @property
    def running(self) -> bool:
        """A run goes on."""
        return self.state == "running"
