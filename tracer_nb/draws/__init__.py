"""Rows that were drawn: what for, when, in which state, and what the promise on them has spent.

Draws come out the same again, in another session too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.errors import InvalidInput
from tracer_nb.store.rows import text_address

__all__ = [
    "HARD",
    "NEW_ROWS",
    "NO_LABEL",
    "PILOT",
    "PURPOSES",
    "SAMPLE",
    "TEST",
    "UNASKED",
    "Draw",
    "Look",
    "add_test",
    "before_test",
    "coin",
    "draw_from_record",
    "errors_of",
    "in_test",
    "rows_of",
]


SAMPLE, PILOT, HARD, TEST, NEW_ROWS = "sample", "pilot", "hard", "test", "new-rows"
"""What rows are drawn for: to be labelled, before anything is fitted; to begin with, at random;
to be fitted on, chosen; to test one frozen fit, at random; and to test it for new rows."""
PURPOSES = (SAMPLE, PILOT, HARD, TEST, NEW_ROWS)

NO_LABEL, UNASKED = -1, -2
"""Codes of a text that the teacher gave no label to, and of one that it was not asked about."""


def coin(purpose: str, seed: int, text: str) -> float:
    """A number in [0, 1) that looks random, the same for the same purpose, seed and text."""
    digest = hashlib.sha256(f"{purpose} {seed} {text_address(text)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


@dataclass(frozen=True, slots=True)
class Look:
    """After so many rows of a test it is looked at, with this error budget."""

    n_rows: int
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One draw.

    Attributes
    ----------
    purpose : str
        One of :data:`PURPOSES`.
    round : int
        Of a test: which one on this column, from 1; 0 for the others.
    look : int
        Of rows to fit on: which of the batches, from 0.
    seed : int
        Of the random order that the rows stand in.
    rows : ndarray of int
        Positions in the column, in the order in which they were drawn.
    error : float
        Error budget that the test has spent.
    found : str
        What the test said: the same again is no further try.
    state : str
        Fingerprint of what was frozen before the rows of a test were drawn.
    looks : tuple of Look
        Of a test, fixed before its rows were drawn; their errors add up to ``error``.
    missing : ndarray of int or None
        Of a test that was ended early: rows without an answer then. They are disagreements
        ever after, whatever is answered later.
    bare : ndarray of int
        Of a test: rows that were asked about before it, or by it, and got no label. They stay so,
        though such an answer may not be stored, or be asked for again.
    heard : tuple of ndarray of int
        Of a test in a chain: texts that each stage had labelled when all was frozen.
    quiet : tuple of ndarray of int
        Those that it was asked about, and gave no label. They stay so, as ``bare`` ones do.
    used : tuple of int
        Stages that are heard about a row, in order,
    cut : float
        while its score is below this.
    promise : str
        Of a test: what it is of.
    last : bool
        Of a test: it was planned as one behind which nothing can be paid for, and its rows were drawn
        from the top-scored open rows alone.
    expected : tuple of int and float, or None
        Texts asked about until then, and the whole bill that was expected; to be shown, and no more.
    """

    purpose: str
    round: int
    look: int
    seed: int
    rows: NDArray[np.intp]
    error: float = 0.0
    found: str = ""
    state: str = ""
    looks: tuple[Look, ...] = ()
    missing: NDArray[np.intp] | None = None
    bare: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    heard: tuple[NDArray[np.intp], ...] = ()
    quiet: tuple[NDArray[np.intp], ...] = ()
    used: tuple[int, ...] = ()
    cut: float = 0.0
    promise: str = "handled"
    last: bool = False
    expected: tuple[int, float] | None = None

    def until(self, look: int) -> Draw:
        """The same test, ended at a look: rows behind it were not drawn."""
        return replace(
            self, rows=self.rows[: self.looks[look].n_rows], looks=self.looks[: look + 1]
        )

    def as_record(self) -> dict[str, Any]:
        """Plain values, which JSON can hold."""
        return {
            "purpose": self.purpose,
            "round": self.round,
            "look": self.look,
            "seed": self.seed,
            "rows": self.rows.tolist(),
            "error": self.error,
            "found": self.found,
            "state": self.state,
            "looks": [[look.n_rows, look.error] for look in self.looks],
            "missing": None if self.missing is None else self.missing.tolist(),
            "bare": self.bare.tolist(),
            "heard": [texts.tolist() for texts in self.heard],
            "quiet": [texts.tolist() for texts in self.quiet],
            "used": list(self.used),
            "cut": self.cut,
            "promise": self.promise,
            "last": self.last,
            "expected": None if self.expected is None else list(self.expected),
        }


def draw_from_record(record: Mapping[str, Any]) -> Draw:
    """The draw that :meth:`Draw.as_record` wrote.

    Raises
    ------
    InvalidInput
        Not such a record.
    """
    try:
        purpose = PURPOSES[PURPOSES.index(record["purpose"])]
        rows, missing, bare = record["rows"], record["missing"], record.get("bare", ())
        expected = record.get("expected")
        return Draw(
            purpose,
            int(record["round"]),
            int(record["look"]),
            int(record["seed"]),
            rows=np.array(rows, dtype=np.intp),
            error=float(record["error"]),
            found=str(record["found"]),
            state=str(record["state"]),
            looks=tuple(Look(int(n), float(error)) for n, error in record["looks"]),
            missing=None if missing is None else np.array(missing, dtype=np.intp),
            bare=np.array(bare, dtype=np.intp),
            heard=tuple(np.array(texts, dtype=np.intp) for texts in record.get("heard", ())),
            quiet=tuple(np.array(texts, dtype=np.intp) for texts in record.get("quiet", ())),
            used=tuple(int(stage) for stage in record.get("used", ())),
            cut=float(record.get("cut", 0.0)),
            promise=str(record.get("promise", "handled")),
            last=bool(record.get("last", False)),
            expected=None if expected is None else (int(expected[0]), float(expected[1])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"no draw of rows has this record: {str(record)[:200]!r}; label the column anew"
        ) from error


def rows_of(draws: Iterable[Draw]) -> NDArray[np.intp]:
    """Rows of all draws, one behind the other."""
    return np.concatenate([np.empty(0, dtype=np.intp), *(draw.rows for draw in draws)])


def in_test(draws: tuple[Draw, ...]) -> bool:
    """Whether the rows of a test are drawn, and it has not ended."""
    return bool(draws) and draws[-1].purpose == TEST and not draws[-1].found


def before_test(draws: tuple[Draw, ...]) -> tuple[Draw, ...]:
    """The draws without those of a test that has not ended."""
    return draws[:-1] if in_test(draws) else draws


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
