"""The step that learns from what the teacher said since, and certifies again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.rounds import Round, Trail, draw_round, labelled_elsewhere
from tracer_nb.engine import SurrogateFit
from tracer_nb.engine.bounds import fewest_handled
from tracer_nb.engine.refusal import chance_to_certify
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.labelsets import labels_in
from tracer_nb.records import Answer, Caps, Update, UpdatePlan, UpdateSide
from tracer_nb.steps.audit.step import promise_of
from tracer_nb.steps.column.sample import distinct_texts, draw_rows
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.costs import mean_cost
from tracer_nb.steps.label.plan import askable_texts, check_sample
from tracer_nb.steps.label.reject import ask_about
from tracer_nb.steps.label.step import tell, tell_parts
from tracer_nb.steps.route.outcome import SURROGATE, TEACHER, Outcome
from tracer_nb.steps.route.step import route
from tracer_nb.steps.state import Earlier, JobState, Keep
from tracer_nb.steps.update.remake import Side, next_confidence, present_side, remake, take_over

__all__ = ["plan_update", "update"]

_FITTING = "Fitting on all that the teacher said, and certifying again"


def update(
    state: JobState,
    *,
    sample: Any = None,
    caps: Caps,
    ask_teacher: bool | None = None,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    keep: Keep,
) -> JobState:
    """Fit on all that the teacher said, certify on fresh rows: see :meth:`tracer_nb.Tracer.update`.

    Parameters
    ----------
    keep : callable
        Told of the rows that were drawn, before they are asked about: who stops here goes on
        with the same ones. And of the new certificate, before the column is routed by it.
    """
    setup, asker = state.setup, state.setup.asker
    state, trail, draw, (order, known) = _begun(state, sample)
    texts, _ = state.labelled()
    keep(state)
    fresh = distinct_texts(texts, draw.fresh)
    ask = state.ask_teacher if ask_teacher is None else ask_teacher
    # What would be refused at the end is refused before anything is paid.
    asker.check(texts.unique if trail.routed and ask is not False else fresh, caps)
    now, outcome = present_side(state, draw), state.own_outcome
    told = _told(state, draw, now, outcome, known)
    paid = asker.spending
    asker.stop("update", None)
    ask_about(
        *(asker, fresh, setup.reject),
        caps=caps,
        on_progress=on_progress,
        step="update",
        stop=stop,
    )
    told = replace(told, n_asked=asker.spending.since(paid).asked)
    if (why := asker.stopped_in("update")) is not None:
        return replace(state, update=replace(told, stopped=why))
    tell(on_progress, _FITTING)
    known = _known(state)
    new = remake(state, draw, order, known, now, on_part=tell_parts(on_progress, _FITTING))
    taken = told.had_alarm or new.coverage >= now.coverage
    earlier = state.earlier
    if taken or _differ(now, new):
        earlier = Earlier(state.labelled()[1], now.router.fit, state.in_force())
    state = replace(take_over(state, new if taken else now, new, draw), earlier=earlier)
    keep(state)
    if trail.routed:
        state = route(
            state,
            target=state.target,
            caps=caps.left(asker.spending.since(paid)),
            ask_teacher=ask,
            on_progress=on_progress,
            stop=stop,
            keep=keep,
        )
    made = replace(
        told,
        spent=sum(state.errors),
        new_labels=_new_labels(now.router.fit, known),
        outside=_outside(known),
        after=_side(state, new, state.outcome),
        taken=taken,
        n_to_surrogate=_taken_over(outcome, state.outcome),
        n_to_teacher=_taken_over(state.outcome, outcome),
    )
    return replace(state, update=made)


def _differ(now: Side, new: Side) -> bool:
    """Whether the column is certified otherwise, whichever router new rows go by."""
    pairs = zip(
        now.router.column_certificates or (), new.router.column_certificates or (), strict=True
    )
    return any(before is not after for before, after in pairs)


def plan_update(state: JobState, *, sample: Any = None) -> UpdatePlan:
    """Say what an update would ask and spend: see :meth:`tracer_nb.Tracer.plan_update`."""
    state, trail, draw, (_, known) = _begun(state, sample)
    setup, last = state.setup, state.update
    texts, _ = state.labelled()
    fresh = distinct_texts(texts, draw.fresh)
    n_ask = sum(text not in known for text in fresh)
    each = mean_cost(setup.teacher, texts.unique, setup.asker.spending, known)
    confidence, router = next_confidence(state), state.in_force().router
    level = 1.0 - (1.0 - confidence) / len(setup.options.targets)
    return UpdatePlan(
        n_learned=int(draw.learned.sum()),
        n_new=trail.n_new(draw, known),
        n_fresh=len(draw.fresh),
        n_ask=n_ask,
        cost=0.0 if not n_ask else None if each is None else each * n_ask,
        target=setup.target,
        delta=1.0 - confidence,
        chance=chance_to_certify(router.fit.pilot, len(draw.fresh), setup.target, level),
        tried=None if last is None or last.after is None or last.taken else last,
    )


def _begun(
    state: JobState, sample: Any
) -> tuple[JobState, Trail, Round, tuple[NDArray[np.intp], dict[str, Answer]]]:
    """The state with the rows of an update drawn; those rows, the order they come from, all answers.

    Raises
    ------
    InvalidInput
        The job promises something else than an update certifies, or chose the rows that it labelled;
        or ``sample`` is no number of rows.
    """
    setup = state.setup
    if promised := setup.options.promised:
        raise InvalidInput(
            f"an update certifies agreement on handled rows, and this job promises {promised}; label "
            "again and calibrate"
        )
    if state.grown is not None:
        raise InvalidInput(
            "this job chose the rows that it labelled, so there is no random sample left that an "
            "update could go on with, and every row that it deferred has its answer. After an alarm "
            "calibrate again (%tracer calibrate): it certifies on fresh rows. For new rows label "
            "some of them, or label with labelling='random' (--labelling random)"
        )
    wanted = None if sample is None else check_sample(sample)
    state = _followed(state)
    texts, _, _ = state.featurized()
    order = draw_rows(askable_texts(setup.teacher, texts), texts.n_rows, setup.options.seed)
    known = _known(state)
    state, trail, draw = _drawn(state, order, known, wanted)
    return state, trail, draw, (order, known)


def _followed(state: JobState) -> JobState:
    """What happened to the column, audits included."""
    trail = state.trail
    if state.routed is None or trail is None:
        raise NotFitted(
            "nothing is routed yet; call route() first (%tracer route): an update learns from it"
        )
    texts, _ = state.labelled()
    router, auditor = state.in_force().router, state.setup.auditor
    certificates = (*(router.column_certificates or ()), *router.certificates)
    audited = [text for c in certificates for text in auditor.audited(promise_of(state, c))]
    return replace(state, trail=trail.follow_audits(texts.unique, audited))


def _known(state: JobState) -> dict[str, Answer]:
    """Everything that the teacher said about texts of the column, and about deferred ones."""
    texts, _ = state.labelled()
    there = () if state.trail is None else state.trail.elsewhere
    elsewhere = [text for part in there for text in part.texts]
    return state.setup.asker.known([*texts.unique, *elsewhere])


def _drawn(
    state: JobState,
    order: NDArray[np.intp],
    known: Mapping[str, Answer],
    sample: int | None,
) -> tuple[JobState, Trail, Round]:
    """What the update learns from and tests on; that of one that was stopped goes on."""
    texts, labels = state.labelled()
    assert state.trail is not None  # noqa: S101  _followed() has looked
    level = 1.0 - (1.0 - next_confidence(state)) / len(state.setup.options.targets)
    fewest = fewest_handled(state.setup.target, level)
    trail = state.trail.prepare(len(labels.rows), len(order), sample, fewest)
    n, draw = trail.rows_of_test(sample, fewest), trail.pending
    if draw is None:
        said = [known.get(text) for text in texts.unique]
        draw = draw_round(
            texts.codes,
            order,
            trail,
            n,
            answered=np.array([answer is not None for answer in said]),
            labelled=np.array([bool(a is not None and a.label is not None) for a in said]),
        )
    elif len(draw.fresh) != n:
        draw = replace(draw, fresh=order[trail.start : trail.start + n])
    trail = replace(trail, pending=draw)
    return replace(state, trail=trail), trail, draw


def _told(
    state: JobState,
    draw: Round,
    now: Side,
    outcome: Outcome | None,
    known: Mapping[str, Answer],
) -> Update:
    """An update of which nothing is known but where it starts."""
    router, auditor, trail = state.in_force().router, state.setup.auditor, state.trail
    assert trail is not None  # noqa: S101  rows were drawn
    promises = (*(router.column_certificates or ()), router.certificate_for(state.target))
    return Update(
        n_round=len(state.errors) + 1,
        delta=1.0 - next_confidence(state),
        spent=sum(state.errors),
        n_learned=int(draw.learned.sum()),
        n_elsewhere=len(labelled_elsewhere(trail, known)),
        n_held_back=int(draw.held_back.sum()),
        n_fresh=len(draw.fresh),
        n_asked=0,
        n_left=len(draw.kept) - len(draw.fresh),
        new_labels=_new_labels(now.router.fit, known),
        outside=_outside(known),
        before=_side(state, now, outcome),
        had_alarm=any(auditor.has_alarm(promise_of(state, c)) for c in promises),
    )


def _side(state: JobState, side: Side, outcome: Outcome | None) -> UpdateSide:
    fit, router = side.router.fit, side.router
    known = state.setup.asker.known(state.labelled()[0].unique)
    rows = [None if outcome is None else outcome.count(s) for s in (SURROGATE, TEACHER, None)]
    return UpdateSide(
        n_fit=fit.n_fit,
        coverage=side.coverage,
        certificate=router.certificate_for(state.target),
        column_certificate=router.certificate_for(state.target, column=True),
        n_surrogate=rows[0],
        n_teacher=rows[1],
        n_missing=rows[2],
        n_calls=sum(answer.keep for answer in known.values()),
    )


def _new_labels(fit: SurrogateFit, known: Mapping[str, Answer]) -> tuple[tuple[str, int], ...]:
    """Labels in the teacher's answers that a surrogate was never shown."""
    seen = {str(name) for name in fit.classes.tolist()}
    said = (a.label for a in known.values() if a.label is not None)
    if fit.sets is not None:
        said = (label for name in said for label in labels_in(name))
    found = Counter(label for label in said if label not in seen)
    return tuple((str(name), n) for name, n in found.most_common())


def _outside(known: Mapping[str, Answer]) -> tuple[tuple[str, int], ...]:
    """Why texts have no label although the teacher answered."""
    reasons = (a.reason or "no label" for a in known.values() if a.keep and a.label is None)
    return tuple(Counter(reasons).most_common())


def _taken_over(before: Outcome | None, now: Outcome | None) -> int:
    """Rows that the surrogate answers now and did not before."""
    if before is None or now is None:
        return 0
    was, does = (np.array(o.source, dtype=object) == SURROGATE for o in (before, now))
    return int((does & ~was).sum())
