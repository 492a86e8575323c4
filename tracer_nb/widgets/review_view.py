"""The part of the review panel that lives on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from tracer_nb.widgets.panel.bundle import own_script

__all__ = ["ReviewView"]

_FOLDER = Path(__file__).parent


class ReviewView(anywidget.AnyWidget):
    """Shows ``row`` and sends what was pressed; the script is in the package, not on a server.

    Attributes
    ----------
    labels : list of str
        The label set.
    row : dict
        What there is to see at this moment.
    summary : str
        Identifies the element with the summary, which is hidden while the panel lives.
    """

    _esm = f"{own_script()}\nexport default {{ render: tracerPage.renderReview }};\n"
    _css = (_FOLDER / "review.css").read_text(encoding="utf-8")
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    row = traitlets.Dict().tag(sync=True)
    summary = traitlets.Unicode().tag(sync=True)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**options)
        said = "The review panel needs a running kernel; run the cell again to go on."
        return {**data, "text/plain": said}, metadata
