"""The step that watches whether the promise still holds after routing."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np

from tracer_nb.errors import NotFitted
from tracer_nb.records import Caps, Certificate
from tracer_nb.steps.audit.auditor import (
    Promise,
    check_watched,
    fit_key,
    handled_texts,
    watch_key,
)
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.state import JobState, Routed

__all__ = ["audit", "auditable", "fit_key_of", "fitted_texts", "heeded", "promise_of", "watch"]


def audit(
    state: JobState,
    rate: float,
    *,
    caps: Caps,
    seed: Any = None,
    on_alarm: str | None = None,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> JobState:
    """Ask about a few of the rows that the surrogate answered: see :meth:`tracer_nb.Tracer.audit`."""
    setup, certificate = state.setup, _routed(state).certificate
    check_watched(certificate)
    watched = setup.auditor.audit(
        setup.asker,
        promise_of(state, certificate),
        auditable(state),
        rate,
        seed=setup.options.seed if seed is None else seed,
        on_alarm=on_alarm,
        caps=caps,
        on_progress=on_progress,
        stop=stop,
    )
    return replace(state, watch=watched)


def watch(state: JobState) -> JobState:
    """What the audits of the last routing's promise tell: see :meth:`tracer_nb.Tracer.watch`."""
    setup, promise = state.setup, promise_of(state, _routed(state).certificate)
    stopped = setup.asker.stopped_in("audit")
    return replace(state, watch=setup.auditor.watch(promise, auditable(state), stopped))


def _routed(state: JobState) -> Routed:
    if state.routed is None:
        raise NotFitted("nothing is routed yet; call route() first (%tracer route)")
    return state.routed


def auditable(state: JobState) -> dict[str, str]:
    """Texts that the surrogate answers in the last routing and was not fitted or tested on."""
    routed, scope = _routed(state), state.scope
    home, _ = state.labelled()
    known = fitted_texts(state)
    if scope is not None and routed.own:
        about = scope.layers[routed.certificate.target].open
        if about is not None:  # what was answered at the draw, the certificate leaves out
            known = known.union(home.unique[i] for i in np.flatnonzero(~about))
    return handled_texts(routed.texts, routed.routing, state.setup.teacher, known)


def fitted_texts(state: JobState) -> frozenset[str]:
    """Texts of the sample, and those that an update fitted on: audits of them tell nothing."""
    (home, labels), scope = state.labelled(), state.scope
    known = frozenset(home.unique[code] for code in home.codes[labels.rows].tolist())
    if scope is None:
        return known
    learned = (home.unique[i] for i in np.flatnonzero(scope.learned))
    return scope.elsewhere.union(known, learned)


def promise_of(state: JobState, certificate: Certificate) -> Promise:
    """What the audits of a certificate belong to."""
    setup = state.setup
    if state.scope is not None and certificate.n_population is not None:
        key = state.scope.layers[certificate.target].key
    else:
        key = watch_key(setup.teacher.identity, fit_key_of(state), certificate)
    return Promise(key, certificate.target, setup.options.confidence)


def fit_key_of(state: JobState) -> str:
    """The fit by what it was made of, and what it says about the column."""
    texts, labels = state.labelled()
    assert state.fitted is not None  # noqa: S101  it is certified
    return fit_key(texts, labels, fitted=state.fitted, answers=state.in_force().answers)


def heeded(state: JobState, certificate: Certificate, *, own: bool) -> tuple[Certificate, bool]:
    """The certificate to route by after any alarm, and whether everything is deferred."""
    router = state.in_force().router
    others = (router.column_certificates if own else None) or router.certificates
    return state.setup.auditor.heed(certificate, others, lambda c: promise_of(state, c))
