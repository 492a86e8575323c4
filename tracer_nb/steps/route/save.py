"""Saving what a job has certified to one file."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, replace
from datetime import datetime, timezone

import numpy as np
import scipy
import sklearn

from tracer_nb import __version__
from tracer_nb.engine.features import FunctionFeatures
from tracer_nb.engine.saving import RouterFile, write_router
from tracer_nb.steps.audit.step import fit_key_of, fitted_texts
from tracer_nb.steps.certify import learned_on_column
from tracer_nb.steps.state import JobState
from tracer_nb.store.rows import short_address

__all__ = ["save"]


def save(state: JobState, path: str | os.PathLike[str]) -> None:
    """Write router, certificates and text features: see :meth:`tracer_nb.Tracer.save`."""
    certified, setup = state.in_force(), state.setup
    features, teacher = setup.features, setup.teacher
    about = {
        "teacher": teacher.name,
        "identity": dict(teacher.identity),
        "labels": list(teacher.labels),
        "prompt": setup.prompt,
        "columns": list(setup.named),
        "assumption": str(getattr(teacher, "assumption", "")),
        "fit": fit_key_of(state),
        # So that no audit is spent on them.
        "fitted": sorted(map(short_address, fitted_texts(state))),
        "exact": not learned_on_column(features, state.fitted),
        "seconds": state.seconds,
        "latency_weight": setup.latency_weight,
        "abstain": asdict(setup.reject),
        "versions": _versions(),
        "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    router = certified.router
    if certified.scope is not None:  # its column certificates may be about another surrogate
        router = replace(router, column_certificates=None, column_frontier=None)
    own = None if isinstance(features, FunctionFeatures) else features
    write_router(path, RouterFile(router, own, about))


def _versions() -> dict[str, str]:
    return {
        "tracer_nb": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
