"""What a notebook shows: cards and panels. They get records and show them, nothing else."""

from tracer_nb.widgets.card import Card, page
from tracer_nb.widgets.progress import ProgressView
from tracer_nb.widgets.review import ReviewPanel

__all__ = ["Card", "ProgressView", "ReviewPanel", "page"]
