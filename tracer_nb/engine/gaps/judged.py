"""Labelled rows, and what a surrogate that was not fitted on them says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONFIDENCE", "Judged"]

CONFIDENCE = 0.9
"""Of every interval in a picture; each stands alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The rows that pictures of agreement count.

    Attributes
    ----------
    names : tuple of str
        The label set.
    teacher : ndarray of shape (n,), int
        Index into ``names``; -1 where the teacher gave none, which is a disagreement.
    surrogate : ndarray of shape (n,), int
        Index into ``names``.
    scores : ndarray of shape (n,), float
        Gate scores; -inf where the guard defers.
    handled : ndarray of shape (n,), bool
        At the threshold in use; nowhere while there is none.
    basis : str
        As in :class:`tracer_nb.records.Confusion`.
    """

    names: tuple[str, ...]
    teacher: NDArray[np.intp]
    surrogate: NDArray[np.intp]
    scores: NDArray[np.float64]
    handled: NDArray[np.bool_]
    basis: str

    @property
    def agree(self) -> NDArray[np.bool_]:
        """Both give the same label."""
        return np.asarray(self.teacher == self.surrogate)
