"""Going back to what was certified before an update, and forth again."""

from __future__ import annotations

from dataclasses import replace

from tracer_nb.draws import errors_of
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Caps, Certificate
from tracer_nb.steps.audit.step import promise_of
from tracer_nb.steps.certify import in_round, sign
from tracer_nb.steps.route.step import route
from tracer_nb.steps.state import Earlier, JobState, Keep, reset

__all__ = ["back", "both_certificates"]


def both_certificates(state: JobState) -> tuple[Certificate, Certificate] | None:
    """What is in force, and what might be instead; None where there is no other.

    Of the column where the two differ, else of new rows: an update may change these alone.
    """
    if state.earlier is None or state.certified is None:
        return None
    routers = (state.certified.router, state.earlier.certified.router)
    now, other = (router.certificate_for(state.target, column=True) for router in routers)
    if _alone(now) != _alone(other):
        return now, other
    now, other = (router.certificate_for(state.target) for router in routers)
    return now, other


def _alone(certificate: Certificate) -> Certificate:
    """Without what it says of other rounds."""
    return replace(certificate, n_rounds=1, earlier=0.0, origin=None)


def back(state: JobState, keep: Keep) -> JobState:
    """Put the other certificate of the last update in force: see :meth:`tracer_nb.Tracer.back`.

    Both were tested with an error of their own, so both hold at once with what is left for all, and
    either may be taken. What was drawn and tested stays so: no row becomes fresh again.
    """
    other, now = state.earlier, state.certified
    if other is None or now is None or state.fitted is None or state.labels is None:
        raise NotFitted("there is nothing to go back to: no update has certified anything here")
    certified = replace(
        other.certified, router=in_round(other.certified.router, errors_of(state.draws))
    )
    mine = Earlier(state.labels, state.fitted, now)
    new = replace(state, labels=other.labels, fitted=other.fitted, certified=certified)
    router = certified.router
    about = (*(router.column_certificates or ()), *router.certificates)
    if any(state.setup.auditor.has_alarm(promise_of(new, each)) for each in about):
        raise InvalidInput(
            "an audit has raised an alarm about that certificate, so it is not put in force again"
        )
    new = sign(reset(replace(new, earlier=mine), after="certified"))
    keep(new)
    if state.trail is None or not state.trail.routed:
        return new
    new = route(new, target=state.target, caps=Caps(), ask_teacher=False, keep=keep)
    return replace(new, ask_teacher=state.ask_teacher)
