"""Label a dataframe column with an LLM and let a certified surrogate answer the easy rows.

In a notebook, ``%load_ext tracer_nb`` brings the ``%%tracer`` and ``%tracer`` magics. In
scripts, :class:`Tracer` has the same steps. ``tracer_nb.engine`` is the pure part: matrices
and labels in, a certified router out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracer_nb.engine import Router, fit_router
    from tracer_nb.steps.route.saved import load
    from tracer_nb.tracer import Tracer

__version__ = "0.1.0"
__all__ = [
    "Router",
    "Tracer",
    "__version__",
    "fit_router",
    "load",
    "load_ipython_extension",
]


def load_ipython_extension(ipython: Any) -> None:
    """Register the magics; called by ``%load_ext tracer_nb``."""
    from tracer_nb.magics import register  # noqa: PLC0415  plain imports do not pay for IPython

    register(ipython)


def __getattr__(name: str) -> Any:
    """Import the heavy parts when they are first used: scikit-learn alone takes seconds."""
    if name == "Tracer":
        from tracer_nb.tracer import Tracer  # noqa: PLC0415

        return Tracer
    if name == "load":
        from tracer_nb.steps.route.saved import load  # noqa: PLC0415

        return load
    if name in ("Router", "fit_router"):
        from tracer_nb import engine  # noqa: PLC0415

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
