"""Label a dataframe column with an LLM and let a certified surrogate answer the easy rows.

In a notebook, ``%load_ext tracer_nb`` brings the ``%%tracer`` and ``%tracer`` magics. In
scripts, :class:`Tracer` has the same steps. ``tracer_nb.engine`` is the pure part: matrices
and labels in, a certified router out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracer_nb.accessors import register_accessors
    from tracer_nb.engine import Router, fit_router
    from tracer_nb.engine.deferral import DeferralClassifier
    from tracer_nb.engine.own import certify, certify_column
    from tracer_nb.steps.column.indicators import indicators
    from tracer_nb.steps.route.saved import load
    from tracer_nb.tracer import Tracer, compare

__version__ = "0.1.0"
__all__ = [
    "DeferralClassifier",
    "Router",
    "Tracer",
    "__version__",
    "certify",
    "certify_column",
    "compare",
    "fit_router",
    "indicators",
    "load",
    "load_ipython_extension",
    "register_accessors",
]


def load_ipython_extension(ipython: Any) -> None:
    """Register the magics and ``.tracer`` of columns; called by ``%load_ext tracer_nb``."""
    from tracer_nb.accessors import register_accessors  # noqa: PLC0415  as below
    from tracer_nb.magics import register  # noqa: PLC0415  plain imports do not pay for IPython

    register(ipython)
    register_accessors()


# Imported when they are first used: scikit-learn alone takes seconds.
_HOMES = {
    "DeferralClassifier": "tracer_nb.engine.deferral",
    "Router": "tracer_nb.engine",
    "Tracer": "tracer_nb.tracer",
    "certify": "tracer_nb.engine.own",
    "certify_column": "tracer_nb.engine.own",
    "compare": "tracer_nb.tracer",
    "fit_router": "tracer_nb.engine",
    "indicators": "tracer_nb.steps.column.indicators",
    "load": "tracer_nb.steps.route.saved",
    "register_accessors": "tracer_nb.accessors",
}


def __getattr__(name: str) -> Any:
    """Import the heavy parts when they are first used."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
