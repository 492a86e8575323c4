"""Which rows an update learns from, and which it tests on.

The rows of a column stand in one random order, whose beginning is the sample. An update tests on
the rows that come next in it. Which rows these are depends on nothing that was seen, so they are
a simple random sample of the column, deferred rows included, whose answers are there already.
They must not have been fitted on, by this update or by an earlier one that decided which rows to
defer, so a stretch of the order is kept for tests: its rows are learned from only after their
own test.

Of the column itself less needs to be kept. Answers to deferred and audited rows were asked for
without regard to that order, so the rows that have none are in random order still, and those
of the test that are among them are a simple random sample of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import ExtraRows
from tracer_nb.engine.extra import stack_rows
from tracer_nb.engine.split import is_calibration
from tracer_nb.errors import NotEnoughData
from tracer_nb.records import Answer, Routing
from tracer_nb.steps.column.features import Blocks, take
from tracer_nb.steps.column.frames import Texts

__all__ = ["Draw", "Elsewhere", "Trail", "draw_round", "extra_rows", "labelled_elsewhere"]

# Tests of so many rounds are kept for, of the first one's size; and half of the rows at most.
_ROUNDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """Deferred texts of rows that are not in the column, and their features."""

    texts: tuple[str, ...]
    X: Blocks


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The rows of one update, decided before any of them is asked about.

    Attributes
    ----------
    start : int
        Rows of the order before those of the test: every one of them is fitted on.
    fresh : ndarray of int
        Rows of the test.
    kept : ndarray of int
        Rows that are kept for tests, these included.
    open : ndarray of shape (n_unique,), bool
        Texts that are not fitted on and have no answer: the column's certificates are to speak
        about them.
    learned, held_back : ndarray of shape (n_unique,), bool
        Texts with an answer that are fitted on, and those that are not, as they are kept.
    """

    start: int
    fresh: NDArray[np.intp]
    kept: NDArray[np.intp]
    open: NDArray[np.bool_]
    learned: NDArray[np.bool_]
    held_back: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Trail:
    """What happened to a column since its sample was drawn.

    Attributes
    ----------
    sent : ndarray of shape (n_unique,), bool
        Texts that a routing ever deferred, or an audit drew: they go to the teacher for what
        they are, not for where they stand in the random order.
    routed : bool
        Whether the column was.
    elsewhere : list of Elsewhere
    start, stop : int
        The rows of the order that are kept for tests; both 0 before the first update.
    n_test : int
        Rows of a test where nothing else is said.
    draw : Draw or None
        Of an update that was stopped: the next call goes on with it.
    """

    sent: NDArray[np.bool_]
    routed: bool = False
    elsewhere: list[Elsewhere] = field(default_factory=list)
    start: int = 0
    stop: int = 0
    n_test: int = 0
    draw: Draw | None = None

    @classmethod
    def of(cls, texts: Texts) -> Trail:
        """Of a column that nothing was done with."""
        return cls(np.zeros(len(texts.unique), dtype=bool))

    def follow(self, home: Texts, routing: Routing, others: tuple[Texts, Blocks] | None) -> None:
        """Remember which texts a routing deferred.

        Parameters
        ----------
        home : Texts
            The column.
        routing : Routing
        others : tuple of Texts and blocks of shape (n_unique, d), or None
            The rows that were routed, when they are not the column's.
        """
        if others is None:
            self.sent |= ~routing.handled
            self.routed = True
            return
        texts, X = others
        number = {text: i for i, text in enumerate(home.unique)}
        deferred = np.flatnonzero(~routing.handled)
        own = np.array([number.get(texts.unique[i], -1) for i in deferred], dtype=np.intp)
        self.sent[own[own >= 0]] = True
        new = deferred[own < 0]
        if len(new):
            self.elsewhere.append(Elsewhere(tuple(texts.unique[i] for i in new), take(X, new)))

    def prepare(self, n_sample: int, n_rows: int, sample: int | None, fewest: int) -> int:
        """Decide which rows are kept for tests, at the first update; rows of the next test.

        Parameters
        ----------
        n_sample, n_rows : int
            Rows of the sample, and of the column.
        sample : int or None
            Rows that are wanted for the test.
        fewest : int
            Rows without which nothing can be certified.

        Raises
        ------
        NotEnoughData
            Too few rows are left.
        """
        if not self.stop:
            self.n_test = int(is_calibration(n_sample).sum())
            first, rest = sample or max(self.n_test, fewest), n_rows - n_sample
            self.start = n_sample
            self.stop = n_sample + min(rest, max(first, min(rest // 2, _ROUNDS * first)))
        left = self.stop - self.start
        n = min(sample or max(self.n_test, fewest), left)
        if n < fewest:
            do = f"sample at least {fewest}"
            if left < fewest:
                do = (
                    "label(column, sample=…) with more rows begins anew (%tracer label df.text "
                    "--sample …)"
                )
            raise NotEnoughData(
                f"{n} fresh rows cannot certify this target in this round: at least {fewest} are "
                f"needed even when surrogate and teacher always agree, and {left} are kept for "
                f"tests; {do}"
            )
        return n

    def passed(self, draw: Draw) -> None:
        """Go on behind the rows of a test that was made."""
        self.start, self.draw = draw.start + len(draw.fresh), None


def draw_round(
    texts: Texts, order: NDArray[np.intp], trail: Trail, known: Mapping[str, Answer], n_fresh: int
) -> Draw:
    """Decide what an update learns from and tests on; nothing is asked.

    Parameters
    ----------
    texts : Texts
        The column.
    order : ndarray of int
        Its rows in random order, the sample first.
    trail : Trail
    known : mapping of str to Answer
        Everything that the teacher said about texts of the column.
    n_fresh : int
        Rows of the test.
    """
    n = len(texts.unique)

    def holding(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        mask = np.zeros(n, dtype=bool)
        mask[texts.codes[rows]] = True
        return mask

    fresh = order[trail.start : trail.start + n_fresh]
    sampled, kept = holding(order[: trail.start]), holding(order[trail.start : trail.stop])
    answered = np.array([text in known for text in texts.unique])
    labelled = np.array([text in known and known[text].label is not None for text in texts.unique])
    told = trail.sent & labelled & ~sampled
    learned = told & ~kept
    # An answer to a fresh row that nothing sent to the teacher is from an earlier session's test
    # on the same rows. That one also asked about what its own router deferred, so deferred rows
    # without an answer are not in random order any more: they stay the teacher's.
    tested_before = (holding(fresh) & answered & ~trail.sent & ~sampled).any()
    free = ~trail.sent if tested_before else ~(trail.sent & answered)
    return Draw(
        start=trail.start,
        fresh=fresh,
        kept=order[trail.start : trail.stop],
        open=free & ~sampled & ~learned,
        learned=learned,
        held_back=told & kept,
    )


def labelled_elsewhere(trail: Trail, known: Mapping[str, Answer]) -> dict[str, tuple[int, int]]:
    """Texts of other columns that have a label, with the first place and row they stand at."""
    found: dict[str, tuple[int, int]] = {}
    for where, there in enumerate(trail.elsewhere):
        for row, text in enumerate(there.texts):
            if text in known and known[text].label is not None:
                found.setdefault(text, (where, row))
    return found


def extra_rows(
    texts: Texts, X: Blocks, draw: Draw, trail: Trail, known: Mapping[str, Answer]
) -> tuple[ExtraRows | None, frozenset[str]]:
    """Answers that an update fits on, and the texts of other columns among them.

    Parameters
    ----------
    texts, draw, trail
        As in :func:`draw_round`.
    X : blocks of shape (n_unique, d)
        Features of the column's distinct texts.
    known : mapping of str to Answer
        Also about the texts elsewhere.
    """
    own = np.flatnonzero(draw.learned)
    names = [known[texts.unique[i]].label for i in own.tolist()]
    parts, groups = [take(X, own)], own.tolist()
    found = labelled_elsewhere(trail, known)
    names += [known[text].label for text in found]
    for i, there in enumerate(trail.elsewhere):
        rows = [row for where, row in found.values() if where == i]
        parts.append(take(there.X, np.array(rows, dtype=np.intp)))
    if not names:
        return None, frozenset()
    groups += range(len(texts.unique), len(texts.unique) + len(found))
    y = np.empty(len(names), dtype=object)
    y[:] = names
    blocks = [stack_rows(block) for block in zip(*parts, strict=True)]
    return ExtraRows(blocks, y, np.array(groups)), frozenset(found)
