"""Charts: pure functions from a record to an altair chart, and to SVG where no widget lives."""

from tracer_nb.charts.frontier import frontier_chart
from tracer_nb.charts.static import to_svg

__all__ = ["frontier_chart", "to_svg"]
