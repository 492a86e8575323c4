"""What a notebook shows: cards and panels. They get records and show them, nothing else."""

from tracer_nb.widgets.card import Card, UpdateCard
from tracer_nb.widgets.panel import Panel, report_page
from tracer_nb.widgets.review import ReviewPanel

__all__ = ["Card", "Panel", "ReviewPanel", "UpdateCard", "report_page"]
