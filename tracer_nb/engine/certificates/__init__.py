"""Certificates: which threshold keeps the promise, on the evidence of calibration rows.

Every test walks a sequence of thresholds that was fixed without the calibration labels, each
at the full error budget, and stops at the first failure: the certified threshold is the last
one passed. The first false null of a fixed sequence is itself fixed, so an error needs that
one test to fail, whatever the shape of agreement against score.
"""

from tracer_nb.engine.certificates.certify import certify_column, certify_held_out
from tracer_nb.engine.certificates.levels import check_level, check_targets, round_confidence
from tracer_nb.engine.certificates.per_class import certify_classes

__all__ = [
    "certify_classes",
    "certify_column",
    "certify_held_out",
    "check_level",
    "check_targets",
    "round_confidence",
]
