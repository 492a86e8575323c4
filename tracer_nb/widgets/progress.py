"""Progress of a run: a bar and a line of text, updated in place."""

from __future__ import annotations

import time
from typing import Any

from tracer_nb.records import Progress
from tracer_nb.widgets.html import safe
from tracer_nb.widgets.watch import make_watch
from tracer_nb.words import progress_line

__all__ = ["ProgressView"]

_INTERVAL = 0.2


class ProgressView:
    """A live bar while a cell runs; pass it as ``on_progress``.

    One display output is used for the whole run and given back at the end, so that a saved
    notebook holds the result in its place and no dead widget. A terminal, which cannot show
    one, gets the result alone.
    """

    def __init__(self) -> None:
        import ipywidgets as widgets  # noqa: PLC0415  only where something is shown

        self._bar = widgets.IntProgress(
            min=0, max=1, layout=widgets.Layout(width="100%", max_width="760px", height="10px")
        )
        self._line = widgets.HTML()
        self._hint = widgets.HTML(
            '<span style="opacity:.75">Interrupt the kernel (■) to stop; every paid answer is '
            "kept, and running the cell again goes on.</span>"
        )
        self._watch = make_watch()
        self._box = widgets.VBox([self._line, self._bar, self._hint, self._watch])
        self._handle: Any = None
        self._last = 0.0
        self._step = ""

    def show(self) -> ProgressView:
        """Display the bar below the running cell."""
        from IPython import get_ipython  # noqa: PLC0415
        from IPython.display import display  # noqa: PLC0415

        if hasattr(get_ipython(), "kernel"):
            self._handle = display(self._box, display_id=True)
        return self

    def __call__(self, progress: Progress) -> None:
        """Show one moment; of each step, more than five a second are left out."""
        now = time.monotonic()
        new = progress.step != self._step
        if not new and now - self._last < _INTERVAL and progress.done < progress.total:
            return
        self._last, self._step = now, progress.step
        self._bar.max, self._bar.value = max(progress.total, 1), progress.done
        self._line.value = safe(progress_line(progress))

    def replace(self, result: Any) -> None:
        """Put ``result`` where the bar was; None takes the bar away."""
        from IPython.display import display  # noqa: PLC0415

        self._watch.running = False
        if self._handle is None:
            if result is not None:
                display(result)
        elif result is None:
            self._handle.update({"text/plain": ""}, raw=True)
        else:
            self._handle.update(result)
        for widget in (self._box, self._line, self._bar, self._hint, self._watch):
            # Each with its parts: what is left open is saved with the notebook.
            for part in (widget.layout, getattr(widget, "style", None), widget):
                if part is not None:
                    part.close()
