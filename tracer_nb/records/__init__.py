"""Frozen records that travel between the steps, a module for each kind.

label → featurize → fit → calibrate → route → audit. A step takes records and returns a
new one; nothing is written back. Only numpy is imported here, so that everything else,
charts and widgets included, can depend on these without depending on the engine.
"""

from __future__ import annotations

from tracer_nb.records.analysis import (
    BoundaryPair,
    Gain,
    Gaps,
    LostCoverage,
    ReaskPlan,
    SelfAgreement,
    Suspect,
)
from tracer_nb.records.answers import (
    Answer,
    AnswerRun,
    AnswerSet,
    Caps,
    Comparison,
    Progress,
    Spending,
    Superseded,
    Timeline,
)
from tracer_nb.records.arrays import BoolArray, FloatArray, IntArray
from tracer_nb.records.carried import Carried
from tracer_nb.records.certificates import (
    Certificate,
    ClassCertificate,
    Frontier,
    Pilot,
    Routing,
    Setting,
    Trial,
)
from tracer_nb.records.compared import BASES, KINDS, ComparedJob, JobComparison
from tracer_nb.records.files import Drained, FileMerged, FileProgress, FileRouted
from tracer_nb.records.gaps import (
    STATUSES,
    ColumnMap,
    ConfusedPair,
    Confusion,
    LabelAgreement,
    LabelCounts,
    Reliability,
    RowPage,
    RowView,
    Selection,
    Slice,
)
from tracer_nb.records.labels import (
    AskedAgain,
    Batch,
    Collected,
    Labels,
    Plan,
    RejectOption,
    Submitted,
)
from tracer_nb.records.origins import Origin, Spent
from tracer_nb.records.panel import PanelPlan, PanelReport
from tracer_nb.records.predictions import Prediction
from tracer_nb.records.preparing import Preparing
from tracer_nb.records.promises import HANDLED, PROMISES, PromiseName, parse_promises, tested_apart
from tracer_nb.records.refusals import CAUSES, Refused, WayOut
from tracer_nb.records.reports import Bill, Choice, HandThreshold, Preview, Report, Scan, Targets
from tracer_nb.records.reviews import (
    Audit,
    Disputes,
    Review,
    ReviewItem,
    ReviewQueue,
    ReviewState,
    TeacherAccuracy,
    Watch,
)
from tracer_nb.records.stages import StagePlan, StageReport
from tracer_nb.records.updates import (
    FitDifferences,
    LabelDifference,
    RowChange,
    Update,
    UpdatePlan,
    UpdateSide,
)

__all__ = [
    "BASES",
    "CAUSES",
    "HANDLED",
    "KINDS",
    "PROMISES",
    "STATUSES",
    "Answer",
    "AnswerRun",
    "AnswerSet",
    "AskedAgain",
    "Audit",
    "Batch",
    "Bill",
    "BoolArray",
    "BoundaryPair",
    "Caps",
    "Carried",
    "Certificate",
    "Choice",
    "ClassCertificate",
    "Collected",
    "ColumnMap",
    "ComparedJob",
    "Comparison",
    "ConfusedPair",
    "Confusion",
    "Disputes",
    "Drained",
    "FileMerged",
    "FileProgress",
    "FileRouted",
    "FitDifferences",
    "FloatArray",
    "Frontier",
    "Gain",
    "Gaps",
    "HandThreshold",
    "IntArray",
    "JobComparison",
    "LabelAgreement",
    "LabelCounts",
    "LabelDifference",
    "Labels",
    "LostCoverage",
    "Origin",
    "PanelPlan",
    "PanelReport",
    "Pilot",
    "Plan",
    "Prediction",
    "Preparing",
    "Preview",
    "Progress",
    "PromiseName",
    "ReaskPlan",
    "Refused",
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
    "Spent",
    "StagePlan",
    "StageReport",
    "Submitted",
    "Superseded",
    "Suspect",
    "Targets",
    "TeacherAccuracy",
    "Timeline",
    "Trial",
    "Update",
    "UpdatePlan",
    "UpdateSide",
    "Watch",
    "WayOut",
    "parse_promises",
    "tested_apart",
]
