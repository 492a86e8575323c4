"""Rows that were drawn at random: what for, when, and what the promise made on them has spent.

Draws come out the same again, in another session too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.store.rows import text_address

__all__ = ["SAMPLE", "TEST", "Draw", "add_test", "coin", "errors_of"]


def coin(purpose: str, seed: int, text: str) -> float:
    """A number in [0, 1) that looks random, the same for the same purpose, seed and text."""
    digest = hashlib.sha256(f"{purpose} {seed} {text_address(text)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


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
