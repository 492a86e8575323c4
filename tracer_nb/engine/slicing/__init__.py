"""Groups of rows on which the surrogate fails the teacher more often than elsewhere."""

from tracer_nb.engine.slicing.candidates import Candidate, propose
from tracer_nb.engine.slicing.testing import find_slices

__all__ = ["Candidate", "find_slices", "propose"]
