"""Where a job stands, as one record for cards, panels and status lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, NEW_ROWS, PILOT, TEST
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.records import Answer, Bill, Certificate, Choice, Labels, Report
from tracer_nb.steps.certify import features_note, learned_on_column, used_features
from tracer_nb.steps.label.costs import costs_of, mean_cost, unasked_dollars
from tracer_nb.steps.label.step import labels_so_far
from tracer_nb.steps.route.outcome import SURROGATE, TEACHER, Outcome
from tracer_nb.steps.state import JobState
from tracer_nb.teachers import ReplayTeacher

__all__ = ["report"]


def report(state: JobState) -> Report:
    """Count rows and money, and gather what there is to show."""
    setup, asker, column, router = state.setup, state.setup.asker, state.column, state.router
    labels, fitted, outcome, routed = state.labels, state.fitted, state.outcome, state.routed
    own = routed is None or routed.own
    home = None if column is None else column.texts
    texts = home if own or routed is None else routed.texts
    made = used_features(setup.features, fitted)[1]
    features = " + ".join("matrix" if part is None else part.name for part in made)
    known = {} if home is None else asker.known(home.unique)
    each = None
    if home is not None:
        each = mean_cost(setup.teacher, home.unique, asker.spending, known)
    n_subject = len(state.beside) + (0 if home is None else len(home.unique))
    certificates: tuple[Certificate, ...] = ()
    certificate = None
    picture = None
    if router is not None:
        picture = (router.column_frontier if own else None) or router.frontier
        about_column = router.column_certificates if own else None
        certificates = about_column or router.certificates
        certificate = router.certificate_for(state.target, column=about_column is not None)
    sampled = len(labels.rows) if labels is not None and own else 0
    answered = outcome.count(SURROGATE) if outcome else 0
    usable = len(texts.usable) if texts is not None else 0
    warning = "" if outcome is None else setup.auditor.warning
    return Report(
        teacher=setup.teacher.name,
        note=f"{getattr(setup.teacher, 'note', '')} {warning}".strip(),
        simulated=bool(getattr(setup.teacher, "simulated", False)),
        assumption=_assumption(state),
        features=features,
        surrogate=fitted.pipeline.name if fitted is not None else "",
        n_rows=texts.n_rows if texts is not None else 0,
        n_labelled=int((labels.codes >= 0).sum()) if labels is not None else 0,
        n_surrogate=answered,
        n_teacher=outcome.count(TEACHER) if outcome else 0,
        n_missing=outcome.count(None) if outcome else 0,
        n_deferred=max(usable - sampled - answered - outcome.n_unlike, 0) if outcome else 0,
        certificate=certificate,
        choices=tuple(
            Choice(c.target, certified=c.certified, coverage=c.coverage, saved=saved)
            for c, saved in zip(certificates, _savings(state, each, own=own), strict=False)
        ),
        exact=own or not learned_on_column(setup.features, fitted),
        saved=None if outcome is None or each is None else outcome.n_saved * each,
        frontier=picture,
        trials=fitted.trials if fitted is not None else (),
        spending=asker.spending,
        cost_all=None if each is None else each * n_subject,
        missing_reasons=_missing(labels, outcome, own=own),
        stopped=asker.stopped,
        superseded=asker.superseded,
        models=asker.models,
        warnings=(*asker.warnings, *filter(None, [features_note(setup.features, fitted)])),
        n_unlike=outcome.n_unlike if outcome else 0,
        n_unsure=outcome.n_unsure if outcome else 0,
        bill=_bill(state, each, known) if own else None,
        spared=None if outcome is None or each is None else outcome.n_spared * each,
    )


def _assumption(state: JobState) -> str:
    """Under which the promise is worded: where not all rows of the column are recorded."""
    teacher, column = state.setup.teacher, state.column
    texts = () if column is None else column.texts.unique
    if texts and isinstance(teacher, ReplayTeacher) and all(map(teacher.knows, texts)):
        return ""
    return str(getattr(teacher, "assumption", ""))


def _bill(state: JobState, each: float | None, known: Mapping[str, Answer]) -> Bill | None:
    """What the column takes, by what its texts were asked about for."""
    labels = None if state.column is None else labels_so_far(state)
    if state.column is None or labels is None:
        return None
    texts, certified = state.column.texts, state.certified
    answered = np.array([text in known for text in texts.unique])
    parts = _asked_for(state, texts.codes, labels, answered)
    asked = np.logical_or.reduce(list(parts.values()))
    n_deferred, n_waiting, column = None, 0, state.router and state.router.column_certificates
    if certified is not None and column and state.router is not None:
        certificate = state.router.certificate_for(state.target, column=True)
        routing = certified.routings[state.main]
        left = ~(routing.handled & certificate.certified)
        if state.setup.reject.unlike:  # nobody is asked about these
            left &= ~routing.far
        n_deferred = int((~asked & (answered | left)).sum())
        n_waiting = int((~answered & left).sum())
    outlooks = () if state.grown is None else state.grown.job.outlooks
    return Bill(
        n_texts=len(texts.unique),
        n_start=int(parts[PILOT].sum()),
        n_hard=int(parts[HARD].sum()),
        n_test=int(parts[TEST].sum()),
        n_new_rows=int(parts[NEW_ROWS].sum()),
        n_deferred=n_deferred,
        n_waiting=n_waiting,
        expected=tuple((look.n_labels, look.bill) for look in outlooks),
        price=each,
    )


def _asked_for(
    state: JobState, codes: NDArray[np.intp], labels: Labels, answered: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Answered texts by what they were drawn for first, up to the last test."""
    free = answered.copy()
    parts = {name: np.zeros(len(answered), dtype=bool) for name in (PILOT, HARD, TEST, NEW_ROWS)}

    def take(name: str, rows: NDArray[np.intp]) -> None:
        mine = np.zeros(len(answered), dtype=bool)
        mine[codes[rows]] = True
        parts[name] |= mine & free
        free[mine] = False

    if state.grown is None:
        take(TEST, labels.rows[_tested(state, len(labels.rows))])
        take(PILOT, labels.rows)
        return parts
    draws = state.draws
    last = max((i for i, d in enumerate(draws) if d.purpose == TEST), default=len(draws) - 1)
    for draw in draws[: last + 1]:
        if draw.purpose in parts:
            take(draw.purpose, draw.rows)
    return parts


def _tested(state: JobState, n_labels: int) -> NDArray[np.intp]:
    """Which of the labelled rows are tested on, or will be."""
    if state.fitted is not None:
        return state.fitted.calibration_rows
    cross = state.setup.options.certificate == "cross-fit"
    return np.flatnonzero(is_calibration(n_labels, PILOT_SHARE if cross else FIT_SHARE))


def _savings(state: JobState, each: float | None, *, own: bool) -> tuple[float | None, ...]:
    """Dollars that not asking about the handled texts saves, at each of several targets."""
    targets, certified = state.setup.options.targets, state.certified
    if certified is None or len(targets) < 2 or not own:
        return (None,) * len(targets)
    texts, labels = state.labelled()
    dollars = unasked_dollars(texts, labels, costs_of(state, texts), each)
    if dollars is None:
        return (None,) * len(targets)
    return tuple(float(dollars[certified.routings[t].handled].sum()) for t in targets)


def _missing(
    labels: Labels | None, outcome: Outcome | None, *, own: bool
) -> tuple[tuple[str, int], ...]:
    """Why rows are without a label: of the output, or before that of the sample."""
    if outcome:
        return outcome.missing_reasons()
    return labels.missing_reasons if labels is not None and own else ()
