"""What a human said about the teacher's labels, and audits about the promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "Audit",
    "Disputes",
    "Review",
    "ReviewItem",
    "ReviewQueue",
    "ReviewState",
    "TeacherAccuracy",
    "Watch",
]


@dataclass(frozen=True, slots=True)
class Review:
    """What a human said about one text.

    Attributes
    ----------
    text : str
    label : str or None
        One of the labels; None when the human skipped it.
    note : str
    drawn : str
        Why it was shown: "random", "uncertain", "disputed" or "chosen".
    blind : bool
        The human had not seen the teacher's label when answering.
    reviewed_at : str
        Time, ISO 8601.
    """

    text: str
    label: str | None
    note: str = ""
    drawn: str = "random"
    blind: bool = True
    reviewed_at: str = ""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One row to review.

    Attributes
    ----------
    text : str
    row : int
        Position in the column, of its first row where several have this text.
    drawn : str
        "random", "uncertain" or "disputed".
    why : str
        The same in words that give no label away.
    teacher_label : str
    other_label : str or None
        Of the surrogate (or of the set of answers that was named), when it has one that is
        not fitted on this very text.
    score : float or None
        Gate score of the surrogate.
    shortlist : tuple of str
        At most nine labels to have at hand.
    shown : str
        The text as people read it, where it is a document of several columns; else empty.
    said : tuple of (str, str)
        Members of a panel that gave different labels, and these.
    explanation : str
        What the teacher wrote about the text, where it was asked to; else empty.
    """

    text: str
    row: int
    drawn: str
    why: str
    teacher_label: str
    other_label: str | None = None
    score: float | None = None
    shortlist: tuple[str, ...] = ()
    shown: str = ""
    said: tuple[tuple[str, str], ...] = ()
    explanation: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReviewQueue:
    """The rows of a review in the order in which they are shown, reviewed ones among them.

    Attributes
    ----------
    items : tuple of ReviewItem
        Each text once.
    random : tuple of int
        Positions in ``items`` of the rows that the accuracy is about, in the random order in
        which they were drawn: rows with one text repeat its position.
    disagreements : mapping of str to (str, str)
        Teacher's and other label of every text on which they differ, shown or not.
    labels : tuple of str
        The label set.
    teacher, other : str
        Names.
    """

    items: tuple[ReviewItem, ...]
    random: tuple[int, ...]
    disagreements: Mapping[str, tuple[str, str]]
    labels: tuple[str, ...]
    teacher: str
    other: str


@dataclass(frozen=True, slots=True)
class TeacherAccuracy:
    """How often the teacher gave the label that a human gives, on rows drawn at random.

    Rows that were shown because they are uncertain or disputed do not count: they were
    chosen because they look wrong.

    Attributes
    ----------
    n_reviewed, n_right : int
        Random rows with a human's label; those with the same label of the teacher.
    n_skipped : int
        Random rows that the human skipped. They count as wrong in ``lower`` and as right in
        ``upper``, because rows that are hard to judge may be wrong more often.
    n_seen : int
        Rows among the reviewed ones whose teacher's label the human had seen.
    accuracy : float
        n_right / n_reviewed; nan when there is none.
    lower, upper : float
        Two-sided Clopper-Pearson interval for all rows that the teacher labelled, for a
        number of rows that was fixed beforehand.
    confidence : float
    """

    n_reviewed: int
    n_right: int
    n_skipped: int
    n_seen: int
    accuracy: float
    lower: float
    upper: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Disputes:
    """Reviewed texts on which teacher and surrogate differ, and who had the human's label.

    Attributes
    ----------
    n_reviewed, n_teacher, n_other : int
        The rest had neither.
    """

    n_reviewed: int
    n_teacher: int
    n_other: int


@dataclass(frozen=True, slots=True)
class ReviewState:
    """One moment of a review.

    Attributes
    ----------
    item : ReviewItem or None
        To be answered next; None when all are.
    n_done, n_skipped, n_total : int
        Texts answered or skipped, those skipped among them, and all of the queue.
    accuracy : TeacherAccuracy
    disputes : Disputes
    last : tuple of (ReviewItem, Review), or None
        Answered last: what undoing takes back.
    taken_back : Review or None
        Of ``item``, when it is shown again because it was undone.
    teacher, other : str
        Names.
    blind : bool
        The teacher's label is shown after the answer only.
    """

    item: ReviewItem | None
    n_done: int
    n_skipped: int
    n_total: int
    accuracy: TeacherAccuracy
    disputes: Disputes
    last: tuple[ReviewItem, Review] | None
    taken_back: Review | None
    teacher: str
    other: str
    blind: bool


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
    to_alarm : int
        Disagreements in a row that would now raise one.
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
    to_alarm: int = 0
    history: tuple[tuple[int, float, float, float], ...] = ()
    n_handled: int = 0
    n_waiting: int = 0
    stopped: str | None = None
    consequence: str = "defer"

    def further_rate(self, step: float) -> float:
        """Chance of each handled text at which about a share ``step`` of them is audited anew.

        A draw at a higher rate holds the one at a lower rate, so the same rate finds nothing new.
        """
        return min(self.n_audits / max(self.n_handled, 1) + step, 1.0)

    @property
    def agreement(self) -> float | None:
        """Share of audited texts on which both agree; None before the first audit."""
        return 1.0 - self.n_disagree / self.n_audits if self.n_audits else None

    @property
    def has_alarm(self) -> bool:
        """Whether there was an alarm of either kind."""
        return self.is_broken or self.has_drifted
