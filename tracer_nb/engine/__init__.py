"""The engine: pure computing on matrices and labels, from labelled rows to a certified router.

It imports no IPython, no widgets, no charts and no network client; a test keeps it so.
"""

from tracer_nb.engine.calibrating import calibrate_router, certify_known, fit_router
from tracer_nb.engine.extra import ExtraRows
from tracer_nb.engine.fitting import SurrogateFit, fit_surrogate
from tracer_nb.engine.router import Router

__all__ = [
    "ExtraRows",
    "Router",
    "SurrogateFit",
    "calibrate_router",
    "certify_known",
    "fit_router",
    "fit_surrogate",
]
