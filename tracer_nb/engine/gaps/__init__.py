"""Where surrogate and teacher part: what pictures and tables of it are made of.

Everything is computed on rows that the surrogate was not fitted on, or on predictions of a fit
without them.
"""

from tracer_nb.engine.gaps.boundary import boundary_pairs, joined_rows
from tracer_nb.engine.gaps.by_label import count_labels, label_agreement
from tracer_nb.engine.gaps.confusion import confusion
from tracer_nb.engine.gaps.differences import compare_fits
from tracer_nb.engine.gaps.gains import label_gain, loss_gains, merge_gains
from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.engine.gaps.layout import LAYOUTS, draw_points, lay_out
from tracer_nb.engine.gaps.losses import lost_coverage, risk_area
from tracer_nb.engine.gaps.preview import preview
from tracer_nb.engine.gaps.reliability import reliability
from tracer_nb.engine.gaps.select import RowTable, select_rows
from tracer_nb.engine.gaps.self_agreement import self_agreement
from tracer_nb.engine.gaps.suspects import likely_mistakes
from tracer_nb.engine.gaps.targets import Labelled, Others, at_threshold, target_estimates

__all__ = [
    "LAYOUTS",
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
    "target_estimates",
]
