"""A job's router to a file."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from datetime import datetime, timezone

from tracer_nb.engine.features import FunctionFeatures
from tracer_nb.engine.saving import RouterFile, write_router
from tracer_nb.steps.audit.step import fit_key_of, fitted_texts
from tracer_nb.steps.certify import without_unused
from tracer_nb.steps.origin import about_origin
from tracer_nb.steps.route.savedchain import saved_stages
from tracer_nb.steps.state import JobState
from tracer_nb.store.rows import short_address

__all__ = ["save"]


def save(state: JobState, path: str | os.PathLike[str]) -> None:
    """Write router, certificates and text features: see :meth:`tracer_nb.Tracer.save`."""
    certified, setup, teacher = state.in_force(), state.setup, state.setup.teacher
    features, origin = setup.features, certified.router.certificate.origin
    assert origin is not None  # noqa: S101  every step that certifies signs
    about = {
        "teacher": teacher.name,
        "identity": dict(teacher.identity),
        "labels": list(teacher.labels),
        "prompt": setup.prompt,
        "columns": list(setup.named),
        "assumption": origin.assumption,
        "fit": fit_key_of(state),
        # So that no audit is spent on them.
        "fitted": sorted(map(short_address, fitted_texts(state))),
        "exact": origin.exact,
        "seconds": state.seconds,
        "latency_weight": setup.latency_weight,
        "abstain": asdict(setup.reject),
        "versions": dict(origin.versions),
        "origin": about_origin(origin),
        "chain": saved_stages(state),
        "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    router = certified.router
    if certified.scope is not None:  # its column certificates may be about another surrogate
        router = replace(router, column_certificates=None, column_frontier=None)
    own = None if isinstance(features, FunctionFeatures) else features
    write_router(path, RouterFile(*without_unused(router, own), about))
