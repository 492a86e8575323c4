"""The part of the panel, and of the review, that lives on the page."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from tracer_nb.widgets.panel.bundle import CHARTS, own_script, style, widget_script

__all__ = ["ReviewView", "make_view"]


# ``sheet`` changes with the state and the steps of the session, ``live`` with every moment of
# a run, ``settings``, ``targets``, ``gaps``, ``audits``, ``steps`` and ``labels`` when they do.
_VALUES = ("sheet", "live", "settings", "targets", "gaps", "audits", "steps")
_REVIEW_STYLE = (Path(__file__).parents[1] / "review.css").read_text(encoding="utf-8")


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
    map = traitlets.Dict().tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    review = traitlets.Dict().tag(sync=True)
    row = traitlets.Dict().tag(sync=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**options)
        said = "The panel needs a running kernel; run %tracer panel again to see it."
        return {**data, "text/plain": said}, metadata


@lru_cache(maxsize=1)
def _view_class() -> Any:
    names = (*_VALUES, *(f"{part}_{chart}" for chart in CHARTS for part in ("spec", "data")))
    traits = {name: traitlets.Dict().tag(sync=True) for name in names}
    css = f"{style()}\n{_REVIEW_STYLE}"  # a review may take place in the panel
    return type("PanelView", (_View,), {"_esm": widget_script(), "_css": css, **traits})


class ReviewView(anywidget.AnyWidget):
    """Shows ``row`` and sends what was pressed; the script is in the package, not on a server.

    Attributes
    ----------
    labels : list of str
        The label set.
    several : bool
        A row may have several: each is turned on or off, and what is on is the answer.
    row : dict
        What there is to see at this moment.
    summary : str
        Identifies the element with the summary, which is hidden while the panel lives.
    """

    _esm = f"{own_script()}\nexport default {{ render: tracerPage.renderReview }};\n"
    _css = _REVIEW_STYLE
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    several = traitlets.Bool().tag(sync=True)
    row = traitlets.Dict().tag(sync=True)
    summary = traitlets.Unicode().tag(sync=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**options)
        said = "The review panel needs a running kernel; run the cell again to go on."
        return {**data, "text/plain": said}, metadata
