"""The state of a job: frozen records, and what a step makes stale.

A step is a function from one state to the next. Nothing is written back into a state: whoever
holds an old one, in another thread for example, sees it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import Draw, errors_of
from tracer_nb.draws.rounds import Trail
from tracer_nb.engine import Router, SurrogateFit
from tracer_nb.engine.features import Features
from tracer_nb.engine.options import Options
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import NotEnoughData, NotFitted
from tracer_nb.records import (
    Certificate,
    Gaps,
    Labels,
    RejectOption,
    Routing,
    Spending,
    Update,
    Watch,
)
from tracer_nb.steps.audit.auditor import Auditor
from tracer_nb.steps.column.features import Blocks, Once
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.grown import Grown
from tracer_nb.steps.label.stages import Stages
from tracer_nb.steps.route.outcome import Outcome
from tracer_nb.steps.update.scope import Scope
from tracer_nb.store import DrawStore, ReviewStore, Shelf
from tracer_nb.teachers import Teacher

__all__ = [
    "NEEDS",
    "Certified",
    "Earlier",
    "JobState",
    "Keep",
    "ReadColumn",
    "Routed",
    "Setup",
    "merged",
    "reset",
]


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What a job is set to, and the tools that it works with; the same for all of its steps.

    The tools are no state: they ask, pay and store, and what they did cannot be taken back.

    Attributes
    ----------
    choices : mapping
        Keywords of the fit, as they were given; ``options`` are the same, checked.
    latency_weight : float
        Dollars that a second of waiting is worth.
    features : Features or None
        None where ``matrix`` has them ready, a row for each row of the column.
    prompt : str
    label_texts : mapping of str to str
        What each label says in words, by its name and what was written of it.
    named : tuple of str
        Columns that the prompt speaks of, beside the labelled one.
    labelling : str
        "hard-first" or "random".
    not_grown : str
        Why it is random where nobody said so.
    new_rows : int or None
        Rows that hard-first labelling sets aside; None where the column's size decides.
    reject : RejectOption
    teacher : Teacher
    shelf : Shelf
        The store's file.
    asker, again : Asker
        For first answers, and for second ones.
    stages : Stages
        Of a chain; none without one.
    auditor : Auditor
    reviews : ReviewStore
    drawn : DrawStore
    """

    choices: Mapping[str, Any]
    options: Options
    latency_weight: float
    features: Features | None
    matrix: Blocks | None
    prompt: str
    label_texts: Mapping[str, str]
    named: tuple[str, ...]
    labelling: str
    not_grown: str
    new_rows: int | None
    reject: RejectOption
    teacher: Teacher
    shelf: Shelf
    asker: Asker
    again: Asker
    stages: Stages
    auditor: Auditor
    reviews: ReviewStore
    drawn: DrawStore

    @property
    def target(self) -> float:
        """The main target."""
        return self.options.targets[0]

    @property
    def spending(self) -> Spending:
        """What teacher and stages took: caps are on all of it."""
        return self.asker.spending.plus(self.stages.spending)


@dataclass(frozen=True, slots=True, eq=False)
class ReadColumn:
    """The column of a job: as it was given, its texts, and the features of the distinct ones."""

    source: Any
    texts: Texts
    features: Once[Blocks]


@dataclass(frozen=True, slots=True, eq=False)
class Certified:
    """What was certified.

    Attributes
    ----------
    router : Router
    answers : Answers
        Of its surrogate on the column's distinct texts.
    routings : mapping of float to Routing
        Who answers each distinct text, at each target.
    scope : Scope or None
        After an update.
    """

    router: Router
    answers: Answers
    routings: Mapping[float, Routing]
    scope: Scope | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """What was in force before an update, or after it where the job went back."""

    labels: Labels
    fitted: SurrogateFit
    certified: Certified


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """The last routing.

    Attributes
    ----------
    texts : Texts
        The rows that were routed.
    own : bool
        They are the labelled column.
    routing : Routing
    certificate : Certificate
        By which it went.
    outcome : Outcome
    """

    texts: Texts
    own: bool
    routing: Routing
    certificate: Certificate
    outcome: Outcome


@dataclass(frozen=True, slots=True, eq=False)
class JobState:
    """What a job has reached; None for what it has not.

    Attributes
    ----------
    setup : Setup
    column : ReadColumn or None
    underway : ndarray of int, or None
        Rows that are being asked about.
    grown : Grown or None
        How far hard-first labelling is.
    labels : Labels or None
        Of all rows that were drawn.
    seconds : float
        That an answer took while labelling. Frozen then: a cost that moved between calibration
        and routing would void both.
    fitted : SurrogateFit or None
    certified : Certified or None
    earlier : Earlier or None
        The other one of the last update.
    routed : Routed or None
    watch : Watch or None
        What the audits of the last routing tell.
    gaps : tuple of Gaps and int, or None
        The last analysis, and how many second answers there were.
    update : Update or None
        The figures of the last one.
    trail : Trail or None
        What happened to the column since its sample was drawn.
    beside : frozenset of str
        Texts of other rows that were routed.
    draws : tuple of Draw
        Rows of the column ``drawn_from`` that were drawn, and the error spent on them.
    drawn_from : Texts or None
    target : float or None
        Of the last routing; the main one when None.
    ask_teacher : bool or None
        What the last routing was told.
    chosen : tuple of str
        Texts that wait for a review.
    """

    setup: Setup
    column: ReadColumn | None = None
    underway: NDArray[np.intp] | None = None
    grown: Grown | None = None
    labels: Labels | None = None
    seconds: float = 0.0
    fitted: SurrogateFit | None = None
    certified: Certified | None = None
    earlier: Earlier | None = None
    routed: Routed | None = None
    watch: Watch | None = None
    gaps: tuple[Gaps, int] | None = None
    update: Update | None = None
    trail: Trail | None = None
    beside: frozenset[str] = frozenset()
    draws: tuple[Draw, ...] = ()
    drawn_from: Texts | None = None
    target: float | None = None
    ask_teacher: bool | None = None
    chosen: tuple[str, ...] = ()

    @property
    def router(self) -> Router | None:
        """Of the last certificate."""
        return None if self.certified is None else self.certified.router

    @property
    def scope(self) -> Scope | None:
        """Of the last update."""
        return None if self.certified is None else self.certified.scope

    @property
    def outcome(self) -> Outcome | None:
        """Of the last routing."""
        return None if self.routed is None else self.routed.outcome

    @property
    def own_outcome(self) -> Outcome | None:
        """The same, where it is about the labelled column."""
        return None if self.routed is None or not self.routed.own else self.routed.outcome

    @property
    def errors(self) -> tuple[float, ...]:
        """Error budget of every certificate that was made on rows of the column."""
        return errors_of(self.draws)

    @property
    def main(self) -> float:
        """The target in use."""
        return self.setup.target if self.target is None else self.target

    def labelled(self) -> tuple[Texts, Labels]:
        """The column and its labels.

        Raises
        ------
        NotFitted, NotEnoughData
            There are none.
        """
        if self.column is None or self.labels is None:
            raise NotFitted(
                "nothing is labelled yet; call label(column) first (%tracer label df.text)"
            )
        if not len(self.labels.rows):
            why = f" ({self.labels.stopped})" if self.labels.stopped else ""
            raise NotEnoughData(
                f"no row of the sample has an answer yet{why}; call label(column) again"
            )
        return self.column.texts, self.labels

    def featurized(self) -> tuple[Texts, Labels, Blocks]:
        """The column, its labels, and the features of its distinct texts, (n_unique, d).

        Raises
        ------
        NotFitted, NotEnoughData
            There are no labels.
        """
        texts, labels = self.labelled()
        assert self.column is not None  # noqa: S101  it is labelled
        return texts, labels, self.column.features()

    def in_force(self) -> Certified:
        """What was certified.

        Raises
        ------
        NotFitted
            Nothing was.
        """
        if self.certified is None:
            raise NotFitted(
                "nothing is calibrated yet; call fit() and calibrate() first (%tracer fit, %tracer calibrate)"
            )
        return self.certified

    @property
    def as_certified(self) -> Answers | None:
        """What is certified of the distinct texts where rows were chosen; None elsewhere.

        In a chain it counts what the stages said, as no prediction of the fit does.
        """
        return None if self.grown is None or self.certified is None else self.certified.answers


Keep = Callable[[JobState], None]
"""Told of a state on the way of a step that must stand whatever becomes of the step."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "underway": ("column",),
    "grown": ("column",),
    "labels": ("column",),
    "trail": ("column",),
    "beside": ("column",),
    "fitted": ("labels",),
    "certified": ("fitted",),
    "routed": ("certified",),
    "watch": ("routed",),
    "earlier": ("fitted",),
    "update": ("labels",),
    "gaps": ("labels", "fitted", "certified", "routed"),
}
"""What each part of a state was made of; who replaces one makes stale what needs it."""

_NEW = {field.name: field.default for field in fields(JobState)}


def reset(state: JobState, after: str) -> JobState:
    """The state without what was made of its part ``after``, by way of others too."""
    stale = {after}
    for part, needed in NEEDS.items():  # each stands behind what it needs
        if stale.intersection(needed):
            stale.add(part)
    new: dict[str, Any] = {part: _NEW[part] for part in stale - {after}}
    return replace(state, **new)


def merged(now: JobState, before: JobState, after: JobState) -> JobState:
    """What changed from ``before`` to ``after``, put into ``now``.

    A step may take minutes, and a panel looks at the job and sends rows to review meanwhile.
    What was made of a part that somebody else has replaced since is left out.
    """
    names = [field.name for field in fields(JobState)]
    changed = {name for name in names if getattr(after, name) is not getattr(before, name)}
    others = {name for name in names if getattr(now, name) is not getattr(before, name)} - changed
    kept = {name for name in changed if not others.intersection(NEEDS.get(name, ()))}
    return replace(now, **{name: getattr(after, name) for name in kept})
