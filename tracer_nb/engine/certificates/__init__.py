"""Certificates: which threshold keeps a promise, on the evidence of calibration rows.

Every test walks a sequence of thresholds that was fixed without the calibration labels, each
at the full error budget, and stops at the first failure: the certified threshold is the last
one passed. The first false null of a fixed sequence is itself fixed, so an error needs that
one test to fail, whatever the shape of agreement against score.
"""

from tracer_nb.engine.certificates.certify import certify, certify_classes
from tracer_nb.engine.certificates.promise import (
    AGREEMENT,
    Evidence,
    Kind,
    Promise,
    Rows,
    agreement_of,
    check_level,
    check_targets,
    round_confidence,
)

__all__ = [
    "AGREEMENT",
    "Evidence",
    "Kind",
    "Promise",
    "Rows",
    "agreement_of",
    "certify",
    "certify_classes",
    "check_level",
    "check_targets",
    "round_confidence",
]
