"""Frozen records that travel between the steps, a module for each kind.

label → featurize → fit → calibrate → route → audit. A step takes records and returns a
new one; nothing is written back. Only numpy is imported here, so that everything else,
charts and widgets included, can depend on these without depending on the engine.
"""

from __future__ import annotations

from tracer_nb.records.analysis import BoundaryPair, Gaps, LostCoverage, Suspect
from tracer_nb.records.answers import Answer, Caps, Progress, Spending, Timeline
from tracer_nb.records.arrays import BoolArray, FloatArray, IntArray
from tracer_nb.records.batches import Batch, Collected, Submitted
from tracer_nb.records.certificates import Certificate, ClassCertificate, Frontier, Routing, Setting
from tracer_nb.records.differences import FitDifferences, LabelDifference, RowChange
from tracer_nb.records.fits import Pilot, Trial
from tracer_nb.records.gains import Gain
from tracer_nb.records.gaps import (
    ConfusedPair,
    Confusion,
    LabelAgreement,
    LabelCounts,
    Reliability,
    Slice,
)
from tracer_nb.records.labels import AskedAgain, Labels, LearningCurve, Plan
from tracer_nb.records.reasks import ReaskPlan, SelfAgreement
from tracer_nb.records.rejects import RejectOption
from tracer_nb.records.reports import Choice, Report, Scan
from tracer_nb.records.reviews import (
    Disputes,
    Review,
    ReviewItem,
    ReviewQueue,
    ReviewState,
    TeacherAccuracy,
)
from tracer_nb.records.rows import STATUSES, ColumnMap, RowPage, RowView, Selection
from tracer_nb.records.store import AnswerRun, AnswerSet, Comparison, Superseded
from tracer_nb.records.targets import HandThreshold, Preview, Targets
from tracer_nb.records.updates import Update, UpdateSide
from tracer_nb.records.watches import Audit, Watch

__all__ = [
    "STATUSES",
    "Answer",
    "AnswerRun",
    "AnswerSet",
    "AskedAgain",
    "Audit",
    "Batch",
    "BoolArray",
    "BoundaryPair",
    "Caps",
    "Certificate",
    "Choice",
    "ClassCertificate",
    "Collected",
    "ColumnMap",
    "Comparison",
    "ConfusedPair",
    "Confusion",
    "Disputes",
    "FitDifferences",
    "FloatArray",
    "Frontier",
    "Gain",
    "Gaps",
    "HandThreshold",
    "IntArray",
    "LabelAgreement",
    "LabelCounts",
    "LabelDifference",
    "Labels",
    "LearningCurve",
    "LostCoverage",
    "Pilot",
    "Plan",
    "Preview",
    "Progress",
    "ReaskPlan",
    "RejectOption",
    "Reliability",
    "Report",
    "Review",
    "ReviewItem",
    "ReviewQueue",
    "ReviewState",
    "Routing",
    "RowChange",
    "RowPage",
    "RowView",
    "Scan",
    "Selection",
    "SelfAgreement",
    "Setting",
    "Slice",
    "Spending",
    "Submitted",
    "Superseded",
    "Suspect",
    "Targets",
    "TeacherAccuracy",
    "Timeline",
    "Trial",
    "Update",
    "UpdateSide",
    "Watch",
]
