"""Audits of handled rows, and what they say about the promise."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Audit", "Watch"]


@dataclass(frozen=True, slots=True)
class Audit:
    """One handled text that the teacher was asked about as well.

    Attributes
    ----------
    text : str
    surrogate : str
        What the surrogate said.
    teacher : str or None
        What the teacher said; None when it answered without a label.
    audited_at : str
        When it was stored, ISO 8601 in UTC.
    """

    text: str
    surrogate: str
    teacher: str | None
    audited_at: str = ""

    @property
    def disagrees(self) -> bool:
        """Whether it counts against the surrogate; no label counts as another one."""
        return self.surrogate != self.teacher


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether a promise holds, as far as the audits tell; valid however often it is looked at.

    Attributes
    ----------
    target, confidence : float
        Of the promise.
    n_audits, n_disagree : int
        Distinct texts that were audited, and those on which the teacher disagreed.
    lower, upper : float
        Agreement on handled texts: bounds that hold at all times together with the given
        confidence, as long as the true share stays the same; (0, 1) before the first audit.
    evidence : float
        E-value against the promise, the highest so far.
    needed_evidence : float
        At this much the promise is refuted.
    is_broken : bool
        Whether it ever was; that does not pass.
    drift_level : float
        Statistic of a late change, now.
    run_length : float
        Its limit, and the audits between two false alarms, on average, at the least.
    has_drifted : bool
        Whether it ever reached the limit; that does not pass.
    alarm_at : int or None
        Number of audits at the first alarm of either kind.
    history : tuple of (int, float, float, float)
        Number of audits, agreement, lower and upper bound, at 240 moments at most.
    n_handled : int
        Distinct texts of the last routing that the surrogate answered, the sample aside.
    n_waiting : int
        Of those, drawn for an audit and not audited yet.
    stopped : str or None
        Why the last call did not audit all that were drawn.
    consequence : str
        What routing does about an alarm: "defer", "stricter" or "tell".
    """

    target: float
    confidence: float
    n_audits: int
    n_disagree: int
    lower: float
    upper: float
    evidence: float
    needed_evidence: float
    is_broken: bool
    drift_level: float
    run_length: float
    has_drifted: bool
    alarm_at: int | None
    history: tuple[tuple[int, float, float, float], ...] = ()
    n_handled: int = 0
    n_waiting: int = 0
    stopped: str | None = None
    consequence: str = "defer"

    @property
    def agreement(self) -> float | None:
        """Share of audited texts on which both agree; None before the first audit."""
        return 1.0 - self.n_disagree / self.n_audits if self.n_audits else None

    @property
    def has_alarm(self) -> bool:
        """Whether there was an alarm of either kind."""
        return self.is_broken or self.has_drifted
