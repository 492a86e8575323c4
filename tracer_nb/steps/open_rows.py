"""``fit`` and ``calibrate`` of a job that labelled hard rows first: the rows that stayed open."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, TEST, Draw, before_test, errors_of, in_test, rows_of
from tracer_nb.draws.fitted import Fitted, rows_on
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Done
from tracer_nb.engine import Router
from tracer_nb.engine.certificates import kind_of, with_promised
from tracer_nb.engine.judge import frontier
from tracer_nb.engine.race import OnPart
from tracer_nb.errors import NotFitted
from tracer_nb.records import Certificate, Frontier, PromiseName
from tracer_nb.records.preparing import telling
from tracer_nb.steps.audit.step import promise_of
from tracer_nb.steps.label.grown import (
    Arranged,
    Grown,
    answers_of,
    arrange,
    placed,
    the_promise,
)
from tracer_nb.steps.label.hardfirst import advance, labels_of
from tracer_nb.steps.label.plan import askable_texts
from tracer_nb.steps.label.step import FITTING, tell_parts
from tracer_nb.steps.label.stream import Asking
from tracer_nb.steps.state import Certified, JobState, Keep, reset

__all__ = ["calibrate_open", "fit_open"]

_NONE_ASIDE = (
    "no rows were set aside for a promise about new rows, and those that were asked about are no "
    "sample any more: new_rows=300 (--new-rows 300) sets some aside, when a column is labelled anew"
)
_NOT_YET = "the rows that were set aside for it are tested with the column's"


def fit_open(state: JobState, on_part: OnPart | None = None) -> JobState:
    """Show what was frozen, or would be now; nothing is asked.

    ``on_part`` is told how many parts of the fit are done, and of how many.

    Raises
    ------
    NotFitted, NotEnoughData
        Nothing is labelled, or too little.
    """
    state.labelled()
    grown = _grown(state)
    with _counted(on_part):
        fitted, at = _now(grown, state.draws)
    state = replace(state, labels=labels_of(state, at), fitted=placed(fitted.fit, at))
    return reset(state, after="fitted")


def _counted(on_part: OnPart | None) -> AbstractContextManager[None]:
    """Tell of the parts of a fit that is made in this thread meanwhile."""
    return telling(None if on_part is None else lambda fit: on_part(fit.done, fit.total))


def calibrate_open(state: JobState, how: Asking, keep: Keep) -> JobState:
    """Draw fresh rows of what is open, ask about them, and test: until something is certified.

    Further rounds may choose more hard rows in between. A test that was stopped goes on with the
    same rows.

    Raises
    ------
    NotFitted
        Nothing is fitted.
    """
    if state.fitted is None:
        raise NotFitted("nothing is fitted yet; call fit() first (%tracer fit)")
    state.setup.asker.stop(how.step, None)
    while True:
        state = _tested(state, how, keep)
        refuted = _refuted(state)
        if refuted is None:
            return state
        # What an audit has refuted is open again, and another round may certify it.
        state = refuted


def _tested(state: JobState, how: Asking, keep: Keep) -> JobState:
    """The state after the tests that there are to make now."""
    grown, asker = _grown(state), state.setup.asker
    on_part = tell_parts(how.on_progress, FITTING)
    texts, _ = state.labelled()
    # A cap that ended it may be gone.
    if grown.done is None or grown.done.certificate is None:
        askable = askable_texts(state.setup.teacher, texts)
        state = advance(state, askable, how, until_test=False, keep=keep)
        keep(state)
        grown = _grown(state)
    if grown.done is None:
        done = _as_it_stands(grown, state.draws)
        if done.certificate is None:
            why = _unfinished(grown, state.draws, asker.stopped_in(how.step))
            return _certified(state, grown, Done(state.draws, why), on_part)
        grown = replace(grown, done=done)
        state.setup.drawn.put(grown.key, [draw.as_record() for draw in done.draws])
    assert grown.done is not None  # noqa: S101  nothing more is drawn
    return _certified(state, grown, grown.done, on_part)


def _refuted(state: JobState) -> JobState | None:
    """The state without a certificate that an audit has refuted; None where none was."""
    grown, column = _grown(state), state.in_force().router.column_certificate
    if grown.done is None or column is None or not column.certified:
        return None
    if not state.setup.auditor.has_alarm(promise_of(state, column)):
        return None
    # Who disagrees now may have changed since any of the tests: only a fresh one counts.
    draws = tuple(
        replace(draw, found="refuted") if draw.purpose == TEST and draw.found == "passed" else draw
        for draw in state.draws
    )
    texts, _ = state.labelled()
    known = state.setup.asker.known(texts.unique)
    said = answers_of(known, texts.unique, state.setup.teacher.labels)
    grown = replace(grown, done=None, said=said)
    return replace(state, draws=draws, grown=grown)


def _grown(state: JobState) -> Grown:
    if state.grown is None:
        raise NotFitted("nothing is labelled yet; call label(column) first (%tracer label df.text)")
    return state.grown


def _now(grown: Grown, draws: tuple[Draw, ...]) -> tuple[Fitted, Arranged]:
    """What was certified, or would be frozen now, and the rows that it is made of."""
    job, said, done = grown.job, grown.said, grown.done
    none = np.empty(0, dtype=np.intp)
    if done is not None and done.frozen is not None:
        return done.frozen, arrange(job, done.tested[:-1], said, draws, none)
    before = before_test(draws)
    return job.freezer.fit(before, said)[1], arrange(job, before, said, draws, none)


def _as_it_stands(grown: Grown, draws: tuple[Draw, ...]) -> Done:
    """What a test that was cut short shows, rows without an answer being disagreements.

    Passing so, it would pass with any answers: to ask on is no further look.
    """
    move = grown.job.step(draws, grown.said, closed=True)
    return move if isinstance(move, Done) else Done(draws, "")


def _unfinished(grown: Grown, draws: tuple[Draw, ...], stopped: str | None) -> str:
    why = f" ({stopped})" if stopped else ""
    if not in_test(draws):
        return f"asking was ended before anything was tested{why}"
    column, rows = grown.job.column, draws[-1].rows
    waiting = len(column.unasked(rows, grown.said))
    return (
        f"the test has not ended{why}: {waiting:,} of {len(column.texts_of(rows)):,} texts "
        "drawn for it have no answer yet"
    )


def _certified(state: JobState, grown: Grown, done: Done, on_part: OnPart | None) -> JobState:
    """The state with the router that a job ended in."""
    setup, job, said = state.setup, grown.job, grown.said
    confidence, target = setup.options.confidence, setup.target
    if done.certificate is not None and done.frozen is not None:
        fitted: Fitted = done.frozen
        before, test = done.tested[:-1], done.tested[-1]
        tested = job.aim.read(done.frozen, test, done.certificate)
        at = arrange(job, before, said, done.draws, tested)
        column = the_promise(done.certificate, confidence, errors_of(done.draws), fitted)
    else:
        before = before_test(done.draws)
        with _counted(on_part):
            fitted, at = _now(grown, done.draws)
        column = _refused(done.reason, state, fitted, "column")
        n_open = len(job.column.open_rows(before))
        column = _about(column, n_population=n_open, n_population_handled=0)
    about_new = done.new_rows
    if about_new is None:
        why = _NOT_YET if job.terms.new_rows else _NONE_ASIDE
        about_new = _refused(why, state, fitted, "held-out")
    about_new = _about(about_new, n_fit=column.n_fit)
    labels, fit = labels_of(state, at), placed(fitted.fit, at)
    aside = rows_of(d for d in done.draws if d.purpose == NEW_ROWS and done.new_rows)
    pilot = fitted.fit.pilot
    router = Router(
        fit,
        (about_new,),
        (column,),
        _picture(grown, fitted, aside, about_new, new=True),
        _picture(grown, fitted, at.tested, column)
        if at.n_tested
        else frontier(pilot.scores, pilot.agree),
    )
    routing = router.decide(fitted.answers, column, None)
    # What was drawn and got no answer is the teacher's: no certificate speaks about it.
    open_ = _texts(job, job.column.open_rows(before))
    routing = replace(routing, handled=routing.handled & open_)
    certified = Certified(router, fitted.answers, {target: routing})
    state = replace(
        state, labels=labels, fitted=fit, certified=certified, draws=done.draws, grown=grown
    )
    return reset(state, after="certified")


def _texts(job: HardFirst, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    mask = np.zeros(job.column.n_texts, dtype=bool)
    mask[job.column.codes[rows]] = True
    return mask


def _refused(why: str, state: JobState, fitted: Fitted, method: str) -> Certificate:
    """A certificate that promises nothing."""
    first, *others = (
        _refusal(why, state, fitted, method, promise) for promise in state.setup.options.promises
    )
    return replace(first, also=tuple(others))


def _about(certificate: Certificate, **numbers: Any) -> Certificate:
    """A certificate, with what else is promised, about rows that are counted now."""
    others = (replace(one, **numbers) for one in certificate.also)
    return replace(certificate, **numbers, also=tuple(others))


def _refusal(
    why: str, state: JobState, fitted: Fitted, method: str, promise: PromiseName
) -> Certificate:
    setup, column = state.setup, method == "column"
    target = setup.target
    texts, _ = state.labelled()
    return Certificate(
        method=method,
        promise=promise,
        n_delivered=len(texts.usable) if column and promise.kind == "output" else None,
        target=target,
        confidence=setup.options.confidence,
        threshold=math.inf,
        certified=False,
        coverage=0.0,
        agreement=math.nan,
        agreement_lower=0.0,
        n_fit=fitted.fit.n_fit,
        n_calibration=0,
        n_handled=0,
        n_agree=0,
        n_targets=setup.options.n_shares,
        whole_output_lower=1.0 if column else target,
        note=why,
    )


def _picture(
    grown: Grown,
    fitted: Fitted,
    rows: NDArray[np.intp],
    certificate: Certificate,
    *,
    new: bool = False,
) -> Frontier:
    """Coverage against agreement on rows of a test, of the column or as new ones."""
    texts = grown.job.column.codes[rows]
    job, promise, promises = grown.job, certificate.promise, grown.job.terms.promises
    rows_on_them = rows_on(fitted, texts, grown.said, job.classes, promises, new=new)
    kind = kind_of(promise, with_promised(fitted.fit.classes.tolist(), promises))
    # Of rows that are not given a label, none tells how much of it is found.
    read = certificate.curve != promise
    counted = None if kind.counted is None or read else kind.counted(rows_on_them)
    return frontier(
        rows_on_them.scores,
        rows_on_them.agree if read else ~kind.wrong(rows_on_them),
        counted=counted,
    )
