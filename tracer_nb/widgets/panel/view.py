"""The part of the panel that lives on the page."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import anywidget
import traitlets

from tracer_nb.widgets.panel.bundle import style, widget_script
from tracer_nb.widgets.panel.figures import CHARTS

__all__ = ["make_view"]

# ``sheet`` changes with the state and the steps of the session, ``live`` with every moment of
# a run, ``settings``, ``targets``, ``gaps``, ``audits`` and ``labels`` when they do.
_VALUES = ("sheet", "live", "settings", "targets", "gaps", "audits")


def make_view(**traits: Any) -> Any:
    """A new view; the first one waits until the script is made.

    For every chart there are two traits: ``data_NAME`` is sent whenever there are new data,
    ``spec_NAME`` when the chart is drawn for the first time, or really is another one.
    """
    return _view_class()(**traits)


class _View(anywidget.AnyWidget):
    """Shows its traits and sends what was pressed."""

    static = traitlets.Unicode().tag(sync=True)
    kernel = traitlets.Unicode().tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**options)
        said = "The panel needs a running kernel; run %tracer panel again to see it."
        return {**data, "text/plain": said}, metadata


@lru_cache(maxsize=1)
def _view_class() -> Any:
    names = (*_VALUES, *(f"{part}_{chart}" for chart in CHARTS for part in ("spec", "data")))
    traits = {name: traitlets.Dict().tag(sync=True) for name in names}
    return type("PanelView", (_View,), {"_esm": widget_script(), "_css": style(), **traits})
