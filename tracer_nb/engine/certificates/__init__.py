"""Certificates: which threshold keeps a promise, on the evidence of calibration rows.

Every test walks a sequence of thresholds that was fixed without the calibration labels, each
at the full error budget, and stops at the first failure: the certified threshold is the last
one passed. The first false null of a fixed sequence is itself fixed, so an error needs that
one test to fail, whatever the shape of agreement against score.
"""

from tracer_nb.engine.certificates.certify import certificate_of, certify, certify_classes, walk
from tracer_nb.engine.certificates.kinds import (
    AGREEMENT,
    OUTPUT,
    Kind,
    Rows,
    agreement_of,
    code_of,
    kind_of,
    precision_of,
    recall_of,
    row_thresholds,
    teacher_codes,
    with_promised,
)
from tracer_nb.engine.certificates.known import lower_target, most_wanted, with_known
from tracer_nb.engine.certificates.promise import (
    Evidence,
    Promise,
    check_level,
    check_targets,
    round_confidence,
)
from tracer_nb.engine.certificates.strata import (
    Strata,
    Stratum,
    recall_of_strata,
    rows_to_read,
    share_to_read,
)
from tracer_nb.engine.certificates.tally import Tally
from tracer_nb.engine.certificates.together import certify_together, common_threshold

__all__ = [
    "AGREEMENT",
    "OUTPUT",
    "Evidence",
    "Kind",
    "Promise",
    "Rows",
    "Strata",
    "Stratum",
    "Tally",
    "agreement_of",
    "certificate_of",
    "certify",
    "certify_classes",
    "certify_together",
    "check_level",
    "check_targets",
    "code_of",
    "common_threshold",
    "kind_of",
    "lower_target",
    "most_wanted",
    "precision_of",
    "recall_of",
    "recall_of_strata",
    "round_confidence",
    "row_thresholds",
    "rows_to_read",
    "share_to_read",
    "teacher_codes",
    "walk",
    "with_known",
    "with_promised",
]
