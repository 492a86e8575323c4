"""Asking a teacher about many texts: side by side, below caps, and every answer kept."""

from __future__ import annotations

from tracer_nb.labelling.run import INTERRUPTED, LabelRun, More, run_labels

__all__ = ["INTERRUPTED", "LabelRun", "More", "run_labels"]
