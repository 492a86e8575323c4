"""Where a job stands, as one record for cards, panels and status lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracer_nb.engine import Router, SurrogateFit
from tracer_nb.records import (
    Certificate,
    Choice,
    Labels,
    LearningCurve,
    Report,
    Spending,
    Superseded,
)
from tracer_nb.steps.certify import learned_on_column
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.outcome import SURROGATE, TEACHER, Outcome

__all__ = ["Standing", "make_report"]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What a job has reached; None for what it has not.

    Attributes
    ----------
    texts : Texts or None
        The rows that the report is about.
    own : bool
        They are the labelled column.
    target : float or None
        Of the routing; the main one when None.
    each : float or None
        Dollars for a text.
    saved : tuple of (float or None)
        Estimated dollars that routing at each target saves; empty when there is one target.
    n_subject : int
        Distinct texts of all rows that the job was about.
    """

    teacher: Any
    features: str
    texts: Texts | None
    own: bool
    target: float | None
    labels: Labels | None
    fitted: SurrogateFit | None
    router: Router | None
    outcome: Outcome | None
    curve: LearningCurve | None
    spending: Spending
    stopped: str | None
    superseded: Superseded
    each: float | None
    saved: tuple[float | None, ...]
    n_subject: int


def make_report(job: Standing) -> Report:
    """Count rows and money, and gather what there is to show."""
    texts, labels, outcome, router = job.texts, job.labels, job.outcome, job.router
    certificates: tuple[Certificate, ...] = ()
    certificate = None
    picture = None
    if router is not None:
        picture = (router.column_frontier if job.own else None) or router.frontier
        about_column = router.column_certificates if job.own else None
        certificates = about_column or router.certificates
        certificate = router.certificate_for(job.target, column=about_column is not None)
    sampled = len(labels.rows) if labels is not None and job.own else 0
    answered = outcome.count(SURROGATE) if outcome else 0
    usable = len(texts.usable) if texts is not None else 0
    return Report(
        teacher=job.teacher.name,
        note=str(getattr(job.teacher, "note", "")),
        simulated=bool(getattr(job.teacher, "simulated", False)),
        assumption=str(getattr(job.teacher, "assumption", "")),
        features=job.features,
        surrogate=job.fitted.pipeline.name if job.fitted is not None else "",
        n_rows=texts.n_rows if texts is not None else 0,
        n_labelled=int((labels.codes >= 0).sum()) if labels is not None else 0,
        n_surrogate=answered,
        n_teacher=outcome.count(TEACHER) if outcome else 0,
        n_missing=outcome.count(None) if outcome else 0,
        n_deferred=max(usable - sampled - answered - outcome.n_unlike, 0) if outcome else 0,
        certificate=certificate,
        choices=tuple(
            Choice(c.target, certified=c.certified, coverage=c.coverage, saved=saved)
            for c, saved in zip(certificates, job.saved, strict=False)
        ),
        curve=job.curve,
        exact=job.own or not learned_on_column(job.features, job.fitted),
        saved=None if outcome is None or job.each is None else outcome.n_saved * job.each,
        frontier=picture,
        trials=job.fitted.trials if job.fitted is not None else (),
        spending=job.spending,
        cost_all=None if job.each is None else job.each * job.n_subject,
        missing_reasons=_missing(labels, outcome, own=job.own),
        stopped=job.stopped,
        superseded=job.superseded,
        n_unlike=outcome.n_unlike if outcome else 0,
        n_unsure=outcome.n_unsure if outcome else 0,
        spared=None if outcome is None or job.each is None else outcome.n_spared * job.each,
    )


def _missing(
    labels: Labels | None, outcome: Outcome | None, *, own: bool
) -> tuple[tuple[str, int], ...]:
    """Why rows are without a label: of the output, or before that of the sample."""
    if outcome:
        return outcome.missing_reasons()
    return labels.missing_reasons if labels is not None and own else ()
