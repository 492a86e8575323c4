"""Going back to what was certified before an update, and forth again."""

from __future__ import annotations

from dataclasses import replace

from tracer_nb.draws import errors_of
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Caps
from tracer_nb.steps.audit.step import promise_of
from tracer_nb.steps.certify import in_round, sign
from tracer_nb.steps.route.step import route
from tracer_nb.steps.state import Earlier, JobState, Keep, reset

__all__ = ["back"]


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
