"""Where a job stands, as one record for cards, panels and status lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, NEW_ROWS, PILOT, TEST
from tracer_nb.engine import Router
from tracer_nb.engine.split import FIT_SHARE, PILOT_SHARE, is_calibration
from tracer_nb.records import Answer, Bill, Certificate, Choice, Labels, Report
from tracer_nb.steps.certify import features_name, features_note, learned_on_column
from tracer_nb.steps.label.costs import costs_of, mean_cost, unasked_dollars
from tracer_nb.steps.label.step import labels_so_far
from tracer_nb.steps.origin import assumption_of
from tracer_nb.steps.route.carried import carried
from tracer_nb.steps.route.chain import alone_rows, stage_reports
from tracer_nb.steps.route.outcome import SURROGATE, TEACHER, Outcome
from tracer_nb.steps.route.refused import refused
from tracer_nb.steps.state import JobState
from tracer_nb.store.ledger import count_models

__all__ = ["asked_for", "left_to_teacher", "report"]


def report(state: JobState) -> Report:
    """Count rows and money, and gather what there is to show."""
    setup, asker, column, router = state.setup, state.setup.asker, state.column, state.router
    labels, fitted, outcome, routed = state.labels, state.fitted, state.outcome, state.routed
    own = routed is None or routed.own
    home = None if column is None else column.texts
    texts = home if own or routed is None else routed.texts
    known = {} if home is None else asker.known(home.unique)
    each = None
    if home is not None:
        each = mean_cost(setup.teacher, home.unique, asker.spending, known)
    n_subject = len(state.beside) + (0 if home is None else len(home.unique))
    certificates: tuple[Certificate, ...] = ()
    certificate = None
    others: tuple[Certificate, ...] = ()
    picture = None
    if router is not None:
        picture = (router.column_frontier if own else None) or router.frontier
        about_column = router.column_certificates if own else None
        certificates = about_column or router.certificates
        certificate = router.certificate_for(state.target, column=about_column is not None)
        others = _others(router, certificate)
    sampled = len(labels.rows) if labels is not None and own else 0
    answered = outcome.count(SURROGATE) if outcome else 0
    usable = len(texts.usable) if texts is not None else 0
    warning = "" if outcome is None else setup.auditor.warning
    told = carried(state, certificate) if own else ()
    return Report(
        teacher=setup.teacher.name,
        note=f"{getattr(setup.teacher, 'note', '')} {warning}".strip(),
        simulated=bool(getattr(setup.teacher, "simulated", False)),
        assumption=assumption_of(state),
        features=features_name(setup.features, fitted),
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
        carried=told,
        frontier=picture,
        trials=fitted.trials if fitted is not None else (),
        spending=setup.spending,
        cost_all=None if each is None else each * n_subject,
        missing_reasons=_missing(labels, outcome, own=own),
        stopped=asker.stopped,
        superseded=asker.superseded,
        models=count_models(known.values()),
        warnings=(*asker.warnings, *filter(None, [features_note(setup.features, fitted)])),
        n_unlike=outcome.n_unlike if outcome else 0,
        n_unsure=outcome.n_unsure if outcome else 0,
        bill=_bill(state, each, known) if own else None,
        spared=None if outcome is None or each is None else outcome.n_spared * each,
        others=others,
        refused=refused(state, certificate, each, told, n_known=len(known)) if own else None,
    )


def _others(router: Router, certificate: Certificate) -> tuple[Certificate, ...]:
    """What else is certified: the column's at other targets, and those for new rows."""
    every = (*(router.column_certificates or ()), *router.certificates)
    return tuple(c for c in every if c is not certificate)


def _bill(state: JobState, each: float | None, known: Mapping[str, Answer]) -> Bill | None:
    """What the column takes, by what its texts were asked about for."""
    labels = None if state.column is None else labels_so_far(state, known)
    if state.column is None or labels is None:
        return None
    texts, certified = state.column.texts, state.certified
    answered = np.array([text in known for text in texts.unique])
    parts = asked_for(state, texts.codes, labels, answered)
    asked = np.logical_or.reduce(list(parts.values()))
    n_deferred, n_waiting, n_audited = None, 0, 0
    column = state.router and state.router.column_certificates
    if certified is not None and column and state.router is not None:
        certificate = state.router.certificate_for(state.target, column=True)
        left = left_to_teacher(state, certificate)
        n_deferred = int((~asked & (answered | left)).sum())
        n_waiting = int((~answered & left).sum())
        n_audited = int((~asked & answered & ~left).sum()) if certificate.certified else 0
    return Bill(
        n_texts=len(texts.unique),
        n_start=int(parts[PILOT].sum()),
        n_hard=int(parts[HARD].sum()),
        n_test=int(parts[TEST].sum()),
        n_new_rows=int(parts[NEW_ROWS].sum()),
        n_deferred=n_deferred,
        n_waiting=n_waiting,
        n_audited=n_audited,
        expected=_expected(state),
        price=each,
        stages=stage_reports(state),
        n_alone=alone_rows(state),
    )


def _expected(state: JobState) -> tuple[tuple[int, float], ...]:
    """The whole bill as it was expected after so many texts, by this session or one before it."""
    if state.grown is None:
        return ()
    drawn = [draw.expected for draw in state.draws if draw.expected is not None]
    latest = [(look.n_labels, look.bill) for look in state.grown.job.outlooks[-1:]]
    return (*drawn, *(look for look in latest if not drawn or look[0] > drawn[-1][0]))


def left_to_teacher(state: JobState, certificate: Certificate) -> NDArray[np.bool_]:
    """Distinct texts of the column that a certificate leaves to the teacher."""
    routing = state.in_force().routings[state.main]
    left = ~(routing.handled & certificate.certified)
    # Nobody is asked about these.
    return left & ~routing.unlike if state.setup.reject.unlike else left


def asked_for(
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
            # A test that passes early leaves rows unasked, though another job may ask about them.
            left = () if draw.missing is None else draw.missing
            take(draw.purpose, np.setdiff1d(draw.rows, left))
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
