"""Rows that were drawn at random: what for, when, and what the promise made on them has spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLE", "TEST", "Draw", "add_test", "errors_of"]

SAMPLE, TEST = "sample", "test"
"""What rows are drawn for: to be labelled, before anything is fitted; and to test one fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One draw.

    Attributes
    ----------
    purpose : str
        :data:`SAMPLE` or :data:`TEST`.
    round : int
        Of a test: which one on this column, from 1; 0 for the sample.
    look : int
        Of the sample: which of its batches, from 0.
    seed : int
        Of the random order that the rows stand in.
    rows : ndarray of int
        Positions in the column, in the order in which they were drawn.
    error : float
        Error budget that the test has spent.
    found : str
        What the test said: the same again is no further try.
    """

    purpose: str
    round: int
    look: int
    seed: int
    rows: NDArray[np.intp]
    error: float = 0.0
    found: str = ""


def errors_of(draws: Iterable[Draw]) -> tuple[float, ...]:
    """Error budget of every test, in order."""
    return tuple(draw.error for draw in draws if draw.purpose == TEST)


def add_test(
    draws: tuple[Draw, ...], rows: NDArray[np.intp], *, seed: int, error: float, found: str
) -> tuple[Draw, ...]:
    """The draws with a further test among them.

    The same certificates again say nothing new; other ones are a further try, which spends its
    own part of an error budget.
    """
    tests = [draw for draw in draws if draw.purpose == TEST]
    if any(draw.found == found for draw in tests):
        return draws
    return (*draws, Draw(TEST, len(tests) + 1, 0, seed, rows, error, found))
