"""Gates: one number per row, how likely the surrogate's label is the teacher's.

Which one is taken is decided on out-of-fold outputs of the fitting rows, by the coverage that
the certificate may be expected to reach; calibration rows are not touched.
"""

from tracer_nb.engine.gates.learned import GATES, Gate, LearnedGate, fit_gates
from tracer_nb.engine.gates.statistics import STATISTICS, SimpleGate, margin

__all__ = [
    "GATES",
    "STATISTICS",
    "Gate",
    "LearnedGate",
    "SimpleGate",
    "fit_gates",
    "margin",
]
