"""The workspace panel: one widget that shows a session and passes on what is pressed."""

from tracer_nb.widgets.panel.bundle import warm
from tracer_nb.widgets.panel.panel import Panel
from tracer_nb.widgets.panel.report import report_page

__all__ = ["Panel", "report_page", "warm"]
