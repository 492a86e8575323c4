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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.split import is_calibration
from tracer_nb.errors import NotEnoughData
from tracer_nb.records import Answer, Routing

__all__ = ["Elsewhere", "Round", "Trail", "draw_round", "labelled_elsewhere"]

# Tests of so many rounds are kept for, of the first one's size; and half of the rows at most.
_ROUNDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """Deferred texts of rows that are not in the column, and their features, blocks of (n, d)."""

    texts: tuple[str, ...]
    X: list[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Round:
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


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """What happened to a column since its sample was drawn.

    Attributes
    ----------
    sent : ndarray of shape (n_unique,), bool
        Texts that a routing ever deferred, or an audit drew: they go to the teacher for what
        they are, not for where they stand in the random order.
    routed : bool
        Whether the column was.
    elsewhere : tuple of Elsewhere
    start, stop : int
        The rows of the order that are kept for tests; both 0 before the first update.
    n_test : int
        Rows of a test where nothing else is said.
    pending : Round or None
        Of an update that was stopped: the next call goes on with it.
    tried : ndarray of shape (n_unique,), bool
        Texts that the last update learned from, whether its router was taken or not.
    n_tried, n_tested : int
        And how many of other columns; rows of its test, where its router was taken.
    """

    sent: NDArray[np.bool_]
    routed: bool = False
    elsewhere: tuple[Elsewhere, ...] = ()
    start: int = 0
    stop: int = 0
    n_test: int = 0
    pending: Round | None = None
    tried: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    n_tried: int = 0
    n_tested: int = 0

    @classmethod
    def of(cls, n_texts: int) -> Trail:
        """Of a column that nothing was done with, of so many distinct texts."""
        return cls(np.zeros(n_texts, dtype=bool), tried=np.zeros(n_texts, dtype=bool))

    def follow(self, routing: Routing) -> Trail:
        """Remember which of the column's texts a routing deferred."""
        return replace(self, sent=self.sent | ~routing.handled, routed=True)

    def follow_elsewhere(
        self, unique: Sequence[str], routing: Routing, texts: Sequence[str], X: list[Any]
    ) -> Trail:
        """Remember what a routing of other rows deferred.

        Parameters
        ----------
        unique : sequence of str
            Distinct texts of the column.
        routing : Routing
        texts : sequence of str
            Distinct texts of the rows that were routed.
        X : blocks of shape (n_texts, d)
            Their features.
        """
        number = {text: i for i, text in enumerate(unique)}
        deferred = np.flatnonzero(~routing.handled)
        own = np.array([number.get(texts[i], -1) for i in deferred.tolist()], dtype=np.intp)
        sent = self.sent.copy()
        sent[own[own >= 0]] = True
        new = deferred[own < 0]
        there = Elsewhere(tuple(texts[i] for i in new.tolist()), [block[new] for block in X])
        elsewhere = (*self.elsewhere, there) if len(new) else self.elsewhere
        return replace(self, sent=sent, elsewhere=elsewhere)

    def follow_audits(self, unique: Sequence[str], audited: Sequence[str]) -> Trail:
        """Remember which texts audits drew."""
        drawn = set(audited)
        return replace(self, sent=self.sent | np.array([text in drawn for text in unique]))

    def prepare(self, n_sample: int, n_rows: int, sample: int | None, fewest: int) -> Trail:
        """Decide, at the first update, which rows are kept for tests.

        Parameters
        ----------
        n_sample, n_rows : int
            Rows of the sample, and of the column.
        sample : int or None
            Rows that are wanted for the test.
        fewest : int
            Rows without which nothing can be certified.
        """
        if self.stop:
            return self
        n_test = int(is_calibration(n_sample).sum())
        first, rest = sample or max(n_test, fewest), n_rows - n_sample
        kept = min(rest, max(first, min(rest // 2, _ROUNDS * first)))
        return replace(self, n_test=n_test, start=n_sample, stop=n_sample + kept)

    def rows_of_test(self, sample: int | None, fewest: int) -> int:
        """Rows of the next test; arguments as in :meth:`prepare`.

        Raises
        ------
        NotEnoughData
            Too few rows are left.
        """
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

    def passed(self, made: Round, n_elsewhere: int, *, taken: bool) -> Trail:
        """Go on behind the rows of a test that was made, ``n_elsewhere`` other texts being learned from.

        What was tested is learned from next; where the router was not ``taken``, it is no reason alone.
        """
        start, n_new = made.start + len(made.fresh), len(made.fresh) if taken else 0
        trail = replace(self, tried=made.learned, n_tried=n_elsewhere, n_tested=n_new)
        return replace(trail, start=start, pending=None)

    def n_new(self, draw: Round, known: Mapping[str, Answer]) -> int:
        """Answers that an update learns from, and the last one did not."""
        elsewhere = max(len(labelled_elsewhere(self, known)) - self.n_tried, 0)
        return int((draw.learned & ~self.tried).sum()) + elsewhere + self.n_tested


def draw_round(
    codes: NDArray[np.intp],
    order: NDArray[np.intp],
    trail: Trail,
    n_fresh: int,
    *,
    answered: NDArray[np.bool_],
    labelled: NDArray[np.bool_],
) -> Round:
    """Decide what an update learns from and tests on; nothing is asked.

    Parameters
    ----------
    codes : ndarray of int
        Distinct text of each row of the column.
    order : ndarray of int
        Its rows in random order, the sample first.
    trail : Trail
    n_fresh : int
        Rows of the test.
    answered, labelled : ndarray of shape (n_unique,), bool
        Texts that the teacher answered, and those to which it gave a label.
    """

    def holding(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        mask = np.zeros(len(answered), dtype=bool)
        mask[codes[rows]] = True
        return mask

    fresh = order[trail.start : trail.start + n_fresh]
    sampled, kept = holding(order[: trail.start]), holding(order[trail.start : trail.stop])
    told = trail.sent & labelled & ~sampled
    learned = told & ~kept
    # An answer to a fresh row that nothing sent to the teacher is from an earlier session's test
    # on the same rows. That one also asked about what its own router deferred, so deferred rows
    # without an answer are not in random order any more: they stay the teacher's.
    tested_before = (holding(fresh) & answered & ~trail.sent & ~sampled).any()
    free = ~trail.sent if tested_before else ~(trail.sent & answered)
    return Round(
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
