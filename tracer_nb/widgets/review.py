"""A review in a notebook: one row at a time, answered by keys."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from tracer_nb.widgets.card import framed, safe
from tracer_nb.widgets.sitting import Reviewing, Sitting
from tracer_nb.words import review_lines

__all__ = ["ReviewPanel"]


class ReviewPanel:
    """Shows a review in a cell of its own.

    Under the live panel stands a summary of plain HTML, hidden as long as the panel lives: a
    notebook that is saved and opened without a kernel shows it.

    Parameters
    ----------
    review : Reviewing
        As :meth:`tracer_nb.Tracer.review` returns it.
    """

    def __init__(self, review: Reviewing) -> None:
        from tracer_nb.widgets.panel.view import ReviewView  # noqa: PLC0415  brings ipywidgets

        self._review = review
        self._name = f"tracer-review-{uuid.uuid4().hex}"
        self._summary: Any = None
        self._handle: Any = None
        self.view = ReviewView(summary=self._name)
        self._sitting = Sitting(review, self._show, self.close)
        self.view.labels, self.view.several = self._sitting.labels, self._sitting.several
        self.view.on_msg(self._receive)

    def __repr__(self) -> str:
        return "\n".join(review_lines(self._review.state))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """The summary as one HTML element with its style; every text is escaped."""
        body = "".join(f"<p>{safe(line)}</p>" for line in review_lines(self._review.state))
        return f'<div id="{self._name}">{framed(body)}</div>'

    def show(self) -> ReviewPanel:
        """Display the panel below the running cell; a terminal gets the summary alone."""
        from IPython import get_ipython  # noqa: PLC0415
        from IPython.display import display  # noqa: PLC0415

        if not hasattr(get_ipython(), "kernel"):
            display(self)
            self.view.close()
            return self
        self._summary = display(self, display_id=True)
        self._handle = display(self.view, display_id=True)
        return self

    def close(self) -> None:
        """Take the panel away; the summary stays in its place."""
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)
        for part in (self.view.layout, self.view):
            part.close()

    # --- the page --------------------------------------------------------------------

    def _show(self, row: Mapping[str, Any]) -> None:
        self.view.row = row
        if self._summary is not None and not row["message"]:
            self._summary.update(self)

    def _receive(self, view: Any, content: Any, buffers: Any) -> None:
        del view, buffers
        self._sitting.receive(content)
