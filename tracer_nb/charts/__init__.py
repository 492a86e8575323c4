"""Charts: pure functions from a record to an altair chart, and to SVG where no widget lives.

All data of a chart have names, and its titles and domains come with them, so that a live chart
is updated by sending data alone (:mod:`tracer_nb.charts.parts`).
"""

from tracer_nb.charts.agreement import agreement_chart, confusion_chart, reliability_chart
from tracer_nb.charts.bill import bill_chart, bill_parts_chart
from tracer_nb.charts.compared import compared_chart
from tracer_nb.charts.frontier import frontier_chart, lost_chart, preview_chart
from tracer_nb.charts.map import map_chart, slices_chart
from tracer_nb.charts.parts import SHADES, join, split, to_svg, values_of
from tracer_nb.charts.run import label_chart, rate_chart, spending_chart, watch_chart
from tracer_nb.charts.targets import targets_chart

__all__ = [
    "SHADES",
    "agreement_chart",
    "bill_chart",
    "bill_parts_chart",
    "compared_chart",
    "confusion_chart",
    "frontier_chart",
    "join",
    "label_chart",
    "lost_chart",
    "map_chart",
    "preview_chart",
    "rate_chart",
    "reliability_chart",
    "slices_chart",
    "spending_chart",
    "split",
    "targets_chart",
    "to_svg",
    "values_of",
    "watch_chart",
]
