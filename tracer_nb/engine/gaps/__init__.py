"""Where surrogate and teacher part: what pictures and tables of it are made of.

Everything is computed on rows that the surrogate was not fitted on, or on predictions of a fit
without them.
"""

from tracer_nb.engine.gaps.agreement import (
    Judged,
    compare_fits,
    confusion,
    count_labels,
    label_agreement,
    reliability,
    self_agreement,
)
from tracer_nb.engine.gaps.by_label import label_by_label, single_labels
from tracer_nb.engine.gaps.layout import LAYOUTS, MOST_POINTS, lay_out
from tracer_nb.engine.gaps.rows import (
    RowTable,
    boundary_pairs,
    draw_points,
    joined_rows,
    likely_mistakes,
    select_rows,
)
from tracer_nb.engine.gaps.targets import (
    Labelled,
    Others,
    at_threshold,
    label_gain,
    loss_gains,
    lost_coverage,
    merge_gains,
    risk_area,
    target_estimates,
)
from tracer_nb.engine.judge import preview

__all__ = [
    "LAYOUTS",
    "MOST_POINTS",
    "Judged",
    "Labelled",
    "Others",
    "RowTable",
    "at_threshold",
    "boundary_pairs",
    "compare_fits",
    "confusion",
    "count_labels",
    "draw_points",
    "joined_rows",
    "label_agreement",
    "label_by_label",
    "label_gain",
    "lay_out",
    "likely_mistakes",
    "loss_gains",
    "lost_coverage",
    "merge_gains",
    "preview",
    "reliability",
    "risk_area",
    "select_rows",
    "self_agreement",
    "single_labels",
    "target_estimates",
]
