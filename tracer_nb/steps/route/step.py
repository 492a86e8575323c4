"""The step that labels every row, and the whole job in one call."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from tracer_nb.engine.checks import FEWEST_ROWS, check_blocks
from tracer_nb.errors import NotEnoughData, NotFitted
from tracer_nb.labelling import INTERRUPTED
from tracer_nb.labelsets import sets_of
from tracer_nb.records import Caps
from tracer_nb.steps.audit.auditor import deferring
from tracer_nb.steps.audit.step import heeded
from tracer_nb.steps.certify import calibrate, fit
from tracer_nb.steps.column.features import featurize
from tracer_nb.steps.column.frames import read_texts, same_texts
from tracer_nb.steps.label.asker import OnProgress, asks_again
from tracer_nb.steps.label.costs import costs_of
from tracer_nb.steps.label.plan import check_sample, drawn_rows
from tracer_nb.steps.label.step import FITTING, label, tell, tell_parts
from tracer_nb.steps.label.stream import Asking
from tracer_nb.steps.route.chain import has_chain, heard_routing
from tracer_nb.steps.route.outcome import Outcome, answer_rows, combine
from tracer_nb.steps.route.reasons import why
from tracer_nb.steps.state import JobState, Keep, Routed, reset
from tracer_nb.words import go_on_words

__all__ = ["outcome_now", "route", "run"]

_MISSING = (
    "these are other rows than the labelled ones, whose features were given as a matrix; "
    "give theirs too: route(column, features=matrix)"
)


def route(
    state: JobState,
    column: Any = None,
    *,
    table: Any = None,
    target: float | None = None,
    features: Any = None,
    caps: Caps,
    ask_teacher: bool | None = None,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    again: str | None = None,
    keep: Keep,
) -> JobState:
    """Decide who answers each row, and ask the teacher: see :meth:`tracer_nb.Tracer.route`.

    Parameters
    ----------
    keep : callable
        Told which texts go to the teacher, before it is asked.
    """
    state.setup.asker.begin_again()
    return _route(
        state,
        column,
        table=table,
        target=target,
        features=features,
        caps=caps,
        ask_teacher=ask_teacher,
        on_progress=on_progress,
        stop=stop,
        again=again,
        keep=keep,
    )


def _route(
    state: JobState,
    column: Any = None,
    *,
    table: Any = None,
    target: float | None = None,
    features: Any = None,
    caps: Caps,
    ask_teacher: bool | None,
    on_progress: OnProgress | None,
    stop: threading.Event | None,
    again: str | None,
    keep: Keep,
) -> JobState:
    """As :func:`route`; what was asked again for the sample is not asked a third time."""
    certified, setup = state.in_force(), state.setup
    missing = asks_again(again, setup.teacher)
    home, _ = state.labelled()
    texts = home if column is None else read_texts(column, table, setup.named)
    own = column is None or same_texts(texts, home)
    certificate = certified.router.certificate_for(target, column=own)
    watched, alarm = heeded(state, certificate, own=own)
    if watched is not certificate:
        certificate, target = watched, watched.target
    trail, beside, heard = state.trail, state.beside, setup.stages.spending
    assert trail is not None  # noqa: S101  label() began it
    if own:
        routing = certified.routings[setup.target if target is None else target]
        routing = deferring(routing) if alarm else routing
        trail = trail.follow(routing)
    else:
        X = featurize(texts, setup.features, features, _MISSING)
        if has_chain(state) and certificate.certified and not alarm:
            told: dict[str, Any] = {"on_progress": on_progress, "stop": stop}
            routing, broken = heard_routing(
                *(certified.router, certificate, setup.stages, texts, X),
                labels=setup.teacher.labels,
                caps=caps,
                **told,
            )
            if broken:  # by Ctrl-C, which nobody else has heard
                stop = threading.Event()
                stop.set()
            caps = caps.left(state.setup.stages.spending.since(heard))
        elif has_chain(state):  # nothing is promised any more: nobody is heard in vain
            answers = certified.router.fit.pipeline.predict(check_blocks(X))
            routing = deferring(certified.router.decide(answers, certificate, None))
        else:
            routing = certified.router.route(X, target=target, costs=costs_of(state, texts))
        routing = deferring(routing) if alarm else routing
        trail = trail.follow_elsewhere(home.unique, routing, texts.unique, X)
        beside = beside.union(set(texts.unique).difference(home.unique))
    state = replace(state, trail=trail)
    keep(state)
    outcome = answer_rows(
        setup.asker,
        texts,
        routing,
        reject=setup.reject,
        certified=certificate.certified,
        alarm=alarm,
        caps=caps,
        ask_teacher=ask_teacher,
        on_progress=on_progress,
        stop=stop,
        missing=missing,
        why=why(state, certificate, alarm=alarm),
    )
    routed = Routed(texts, own, routing, watched, outcome)
    state = replace(state, routed=routed, target=target, ask_teacher=ask_teacher, beside=beside)
    return reset(state, after="routed")


def outcome_now(state: JobState) -> Outcome:
    """What the last routing comes to with all that the teacher said since; nobody is asked.

    Raises
    ------
    NotFitted
        Nothing is routed yet.
    """
    routed, setup = state.routed, state.setup
    if routed is None:
        raise NotFitted("nothing is routed yet; call route() first (%tracer route)")
    known = setup.asker.known(routed.texts.unique)
    certificate = routed.certificate
    told = why(state, certificate, alarm=False)
    sets = sets_of(setup.teacher.labels)
    now = combine(routed.texts, routed.routing, known, told, setup.reject, sets=sets)
    # Rows that still have no label have none for the reason that held then.
    pairs = zip(now.source, routed.outcome.reason, now.reason, strict=True)
    return replace(now, reason=tuple(old if who is None else new for who, old, new in pairs))


def run(
    state: JobState,
    column: Any,
    *,
    table: Any = None,
    sample: int | None = None,
    caps: Caps,
    ask_teacher: bool | None = None,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    go_on: bool = False,
    again: str | None = None,
    keep: Keep,
) -> JobState:
    """Label, fit, calibrate and route: see :meth:`tracer_nb.Tracer.run`.

    Nothing is routed when it was interrupted while labelling.

    Parameters
    ----------
    keep : callable
        Told of every step.
    """
    told: dict[str, Any] = {
        "on_progress": on_progress,
        "stop": stop,
        "again": again,
        "keep": keep,
    }
    if state.setup.labelling == "random":  # or says that nothing could be certified
        drawn_rows(state.setup, column, table, sample)
    elif sample is not None and check_sample(sample) < FEWEST_ROWS:
        raise NotEnoughData(
            f"sample {sample}: nothing can be fitted on so few rows; give at least {FEWEST_ROWS}, for "
            "example sample=2000 (--sample 2000): hard-first labelling ends by itself where the others "
            "can be certified. Nothing was asked"
        )
    state = label(state, column, table=table, sample=sample, caps=caps, go_on=go_on, **told)
    keep(state)
    labels, asker = state.labels, state.setup.asker
    assert labels is not None  # noqa: S101  label() has ended
    if labels.stopped == INTERRUPTED:
        return state
    labelled, fewest = int((labels.codes >= 0).sum()), labels.fewest
    if labels.stopped and labelled < fewest:
        raise NotEnoughData(
            f"stopped at {labelled} labelled rows ({labels.stopped}); at least {fewest} are "
            f"needed for this target. Every stored answer is kept; {go_on_words(labels.stopped)}"
        )
    tell(on_progress, FITTING)
    state = fit(state, tell_parts(on_progress, FITTING))
    keep(state)
    tell(on_progress, "Certifying a threshold")
    how = Asking("calibrate", caps, on_progress, stop)
    state = calibrate(state, how, keep)
    keep(state)
    if asker.stopped_in("calibrate") == INTERRUPTED:
        return state
    return _route(state, caps=caps.left(state.setup.spending), ask_teacher=ask_teacher, **told)
