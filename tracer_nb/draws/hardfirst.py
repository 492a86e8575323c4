"""Hard rows first: which rows of a column are asked about next, and when it is tested.

A small random start, then batches of rows that the surrogate is unsure of, until what is left can
be answered; then everything is frozen, and fresh rows drawn at random from what is open test it.
What is done next follows from the record of the draws and from the answers alone, so that a job
that was stopped goes on where it was, and no restart makes a row of a test out of a chosen one.
GUARANTEES, "Hard rows first".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, NEW_ROWS, PILOT, TEST, UNASKED, Draw, in_test, rows_of
from tracer_nb.draws.chain import Chain
from tracer_nb.draws.freezing import Freezer
from tracer_nb.draws.frozen import certify_new
from tracer_nb.draws.lastmoney import is_last, last_money, start_for
from tracer_nb.draws.looking import Seen, Surveyor
from tracer_nb.draws.moves import Ask, Column, Done, Terms
from tracer_nb.draws.opinions import Opinions, Rule
from tracer_nb.draws.passing import Passing
from tracer_nb.draws.stopping import enough, no_more
from tracer_nb.draws.waiting import aside_ahead, awaited, foregone
from tracer_nb.engine.growing import batch_size
from tracer_nb.engine.outlook import Outlook
from tracer_nb.errors import InvalidInput

__all__ = ["HardFirst"]

_START_SHARE = 0.2
_FEWEST_START = 40
_MOST_ROUNDS = 6
# A batch of this share of the column costs little, whatever is learned from it.
_SMALL_BATCH = 0.005
# What is certified leaves so much to the teacher that another round may be worth it. With a twentieth
# 16 jobs on BANKING77 made no other tests and saved the same, some after more small batches.
_WORTH_MORE = 0.1
# Of a batch that is more of the column than this, or more than twice what the teacher takes at a
# time, choosing well is worth the wait: it costs less than the rows that may be asked in vain.
_SMALL, _MANY_TIMES = 0.01, 2.0


class HardFirst:
    """Decides what is done next. It holds nothing that a restart would miss.

    Parameters
    ----------
    column : Column
    classes : tuple of str
        Labels; answers are codes into it.
    terms : Terms

    Attributes
    ----------
    freezer : Freezer
    aim : Aim
        What it is after.
    room : int or None
        Texts that a cap still pays for: no larger test is planned.
    outlooks : list of Outlook
        What was expected after each batch.

    Raises
    ------
    InvalidInput
        Rows set aside that leave none to label.
    """

    def __init__(self, column: Column, classes: tuple[str, ...], terms: Terms) -> None:
        self.column, self.classes, self.terms = column, classes, terms
        self.usable = np.flatnonzero(column.codes >= 0)
        if terms.new_rows >= len(self.usable):
            raise InvalidInput(
                f"{terms.new_rows:,} rows set aside for a promise about new rows leave none of "
                f"{len(self.usable):,} to label; set fewer aside"
            )
        self._most = terms.most
        self._small = _SMALL * len(self.usable)
        # The same draw as in step().
        self.chain = Chain(column, terms)
        aside = self._random(self.usable, terms.new_rows, 0)
        self.freezer = Freezer(column, classes, terms)
        self.aim = self.freezer.aim
        self._surveyor = Surveyor(self.aim, aside, self.chain)
        self.passing = Passing(self.freezer)
        self.room: int | None = None
        self.outlooks: list[Outlook] = []

    def step(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], *, closed: bool = False
    ) -> Ask | Done:
        """What to do next.

        Parameters
        ----------
        draws : tuple of Draw
            The record until now.
        labels : ndarray of shape (n_texts,), int
            Answers: codes of labels, ``NO_LABEL`` or ``UNASKED``.
        closed : bool
            Nothing more may be asked about: a cap was reached, or somebody stopped for good.
        """
        move = self._step(draws, labels, closed=closed)
        return self._ended(move, labels, closed=closed) if isinstance(move, Done) else move

    def _step(  # noqa: PLR0911  one for each kind of move
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], *, closed: bool
    ) -> Ask | Done:
        column, terms = self.column, self.terms
        if terms.new_rows and not draws:
            return self._drawn(draws, NEW_ROWS, self._random(self.usable, terms.new_rows, 0))
        free = column.holding(~column.drawn_for(draws, NEW_ROWS))
        if not any(draw.purpose == PILOT for draw in draws):
            size = max(_FEWEST_START, int(_START_SHARE * len(free)))
            size = min(start_for(self.room, terms.start), size, len(free))
            if self._most is not None:
                size = min(size, self._most)
            if size + self.aim.fewest(len(free) - size) >= len(free):
                return Done(draws, self.aim.none_saved(len(free), size))
            ask = self._drawn(draws, PILOT, self._random(free, size, 1), labels)
            return replace(ask, hear=self.chain.unheard(ask.draws))
        if in_test(draws):
            return self._test(draws, labels, closed=closed)
        if draws[-1].found == "passed" and (closed or not self._worth_more(draws, labels)):
            return Done(draws, "")
        waiting = column.unasked(rows_of(d for d in draws if d.purpose in (PILOT, HARD)), labels)
        hear = self.chain.unheard(draws)
        if (len(waiting) or hear) and not closed and draws[-1].purpose != TEST:
            return Ask(draws, waiting, hear=hear)
        # What has an answer already, from whatever, is open to nobody's test.
        known = (labels != UNASKED) & ~column.touched(draws)
        if known.any():
            return self._drawn(draws, HARD, column.holding(known), labels)
        return self._grow(draws, labels, closed=closed)

    def ahead(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> Ask | None:
        """What to ask about while texts of the last draw are being answered.

        A batch is chosen as if :meth:`foregone` texts had no answer; during a test rows come that
        were set aside, which a passed test will ask about. None where all texts must be known
        first: near the end, when a batch too many would cost more than waiting does. Arguments as
        in :meth:`step`.
        """
        last = draws[-1]
        if in_test(draws):
            waiting = aside_ahead(self.column, draws, labels, self.room)
            return Ask(draws, waiting) if len(waiting) else None
        if self.opinions is not None:
            return None  # the stages are heard meanwhile
        first = last.purpose == PILOT
        free = (labels != UNASKED) & ~self.column.touched(draws)
        size = max(batch_size(0), self.terms.at_a_time)
        if last.purpose not in (PILOT, HARD) or (first and (free.any() or size > self._small)):
            return None
        known = labels.copy()
        known[self.foregone(draws)] = UNASKED
        move = self._grow(draws, known, closed=False, ahead=True)
        return move if isinstance(move, Ask) else None

    def warm(self) -> None:
        """Work out what needs no answer, while the first ones are waited for."""
        self._surveyor.warm()

    def fit_last(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> None:
        """Fit what a test goes by while stages are heard: what they say has no part in the fit."""
        self.freezer.fit(draws, labels)

    def foregone(self, draws: tuple[Draw, ...]) -> NDArray[np.bool_]:
        """Texts whose answers :meth:`ahead` does not go by, (n_texts,)."""
        return foregone(self.column, draws)

    def awaited(self, draws: tuple[Draw, ...]) -> NDArray[np.bool_]:
        """Texts whose answers :meth:`step` goes by, (n_texts,): of a test, only its own."""
        return awaited(self.column, draws)

    def _random(self, rows: NDArray[np.intp], size: int, stream: int) -> NDArray[np.intp]:
        """A simple random sample, in random order; every draw has a stream of its own."""
        rng = np.random.default_rng([self.terms.seed, 11, stream])
        return rng.permutation(rows)[:size]

    def _drawn(
        self,
        draws: tuple[Draw, ...],
        purpose: str,
        rows: NDArray[np.intp],
        labels: NDArray[np.intp] | None = None,
        outlook: Outlook | None = None,
    ) -> Ask:
        look = sum(draw.purpose == purpose for draw in draws)
        expected = None if outlook is None else (outlook.n_labels, outlook.bill)
        draw = Draw(purpose, 0, look, self.terms.seed, rows, expected=expected)
        texts = np.empty(0, dtype=np.intp) if labels is None else self.column.unasked(rows, labels)
        return Ask((*draws, draw), texts, outlook)

    def _grow(  # noqa: C901, PLR0911, PLR0912  one for each way in which it can end
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        *,
        closed: bool,
        ahead: bool = False,
    ) -> Ask | Done:
        terms = self.terms
        n_round = 1 + sum(draw.purpose == TEST for draw in draws)
        if n_round > (1 if terms.one_round else _MOST_ROUNDS):
            return Done(draws, f"{n_round - 1} tests failed, and no error budget is left for more")
        texts, by_chance = self.column.fitted_on(draws, labels)
        open_ = self.column.open_rows(draws)
        if closed:
            return Done(draws, "asking was ended before anything was tested")
        if self.aim.fewest(len(open_), n_round) >= len(open_):
            return Done(draws, self.aim.too_few(len(open_), n_round))
        fewest = min(terms.at_a_time, int(_SMALL_BATCH * len(self.usable)))
        size = min(max(batch_size(len(texts)), fewest), len(open_))
        # Of a column that is certified in part, rows are chosen that would be asked about anyway.
        left = self.passing.deferred(draws, labels)
        if len(left) < size:
            return Done(draws, "what is left goes to the teacher")
        outlook, seen = self._surveyor.look(draws, labels, open_, n_round)
        if is_last(outlook, self.room, len(left)) and seen is not None and seen.ahead is not None:
            if ahead:
                return Done(draws, "of few labels each is to tell which the next ones are")
            seen = self._surveyor.look(draws, labels, open_, n_round, self.freezer.names)[1]
            return self._spend(draws, labels, left, seen)
        if seen is not None and outlook not in self.outlooks[-1:]:
            self.outlooks.append(outlook)
        # Texts that are being asked about count as asked.
        n_asked = int(self.column.drawn_for(draws, PILOT, HARD, TEST).sum())
        full = terms.most is not None and n_asked >= terms.most
        eager = size <= min(self._small, _MANY_TIMES * terms.at_a_time)
        if ahead and (full or self.aim.nearly(outlook, len(open_), len(left), eager=eager)):
            return Done(draws, "what is being asked about may be enough")
        if seen is not None and seen.rule.used and draws[-1].purpose == PILOT:
            more = self.chain.longer_start(draws, len(self.usable), terms.most)
            if more:
                ask = self._drawn(draws, PILOT, self._random(open_, more, 2), labels, outlook)
                return replace(ask, hear=self.chain.unheard(ask.draws, seen.rule.used))
        grown = draws[-1].purpose != TEST
        if self.aim.worth(outlook, len(open_), len(left), full=full, grown=grown):
            test = self._freeze(draws, labels, open_, n_round, seen)
            if test is not None:
                return test
        counted = self.aim.counted(labels[texts], by_chance)
        why = self.aim.hopeless(outlook, len(open_), len(self.usable), **counted)
        if why or full:
            return Done(draws, why or no_more(n_asked))
        if seen is None:  # one label only: nothing to be unsure of, and nothing to learn from
            return self._drawn(draws, PILOT, self._random(open_, size, 100 + len(draws)), labels)
        if terms.most is not None:
            size = max(min(size, terms.most - n_asked), 1)
        waiting = self.column.unasked(draws[-1].rows, labels) if ahead else texts[:0]
        rows = self._hardest(seen, left, size, waiting)
        if not len(rows):
            return Done(draws, "what is left goes to the teacher")
        ask = self._drawn(draws, HARD, rows, labels, outlook)
        # As much is spent on a stage as on the teacher.
        return replace(
            ask, hear={s: t[: self.chain.affordable(s, size)] for s, t in seen.wanted.items()}
        )

    def _hardest(
        self, seen: Seen, left: NDArray[np.intp], size: int, waiting: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Rows of the next batch; the answers to ``waiting`` texts are on their way."""
        rows, sure = seen.hardest(self.column.codes, left)
        X = seen.X[self.column.codes[rows]]
        return rows[self.aim.choose(sure, X, size, seen.X[waiting])] if len(rows) else rows

    def _spend(
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        left: NDArray[np.intp],
        seen: Seen | None,
    ) -> Ask | Done:
        """Spend the last of the money: on one more batch, or on the test."""
        assert seen is not None and seen.ahead is not None and self.room is not None  # noqa: S101, PT018
        tests = [draw for draw in draws if draw.purpose == TEST]
        open_, n_round = self.column.open_rows(draws), 1 + len(tests)
        n_asked = int(self.column.drawn_for(draws, PILOT, HARD, TEST).sum())
        fewest = self.aim.fewest(len(open_), n_round)
        size = min(batch_size(n_asked), n_asked if self._most is None else self._most - n_asked)
        outlook, grow = last_money(seen.ahead, room=self.room, batch=size, fewest=fewest)
        self.outlooks.append(outlook)
        rows = self._hardest(seen, left, size, left[:0]) if grow else left[:0]
        if len(rows):
            return self._drawn(draws, HARD, rows, labels, outlook)
        test = self._freeze(draws, labels, open_, n_round, None, last=True)
        failed = len(tests[-1].rows) if tests and tests[-1].found == "failed" else 0
        return test or Done(draws, no_more(n_asked, failed))

    def _freeze(
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        open_: NDArray[np.intp],
        n_round: int,
        seen: Seen | None,
        *,
        last: bool = False,
    ) -> Ask | None:
        """Freeze, and draw the rows of a test from what is open; None if it is not worth it.

        In a chain the stages are heard first about all rows that the rule sends to them. The ``last``
        test that there is money for says nothing of the rows that score lowest.
        """
        opinions, rule = self.opinions, Rule() if seen is None else seen.rule
        if opinions is not None and seen is not None and seen.wanted:
            return Ask(draws, np.empty(0, dtype=np.intp), hear=seen.wanted, last=True)
        chain = None if opinions is None else (opinions, rule)
        state, frozen = self.freezer.plan(draws, labels, n_round, self.room, chain, last=last)
        heard = quiet = tuple[NDArray[np.intp], ...]()
        if opinions is not None:
            heard, quiet = opinions.labelled(), opinions.quiet()
            state = f"{state} {opinions.digest()}"
        if not frozen.outlook.n_test:
            return None
        among = self.aim.tested_among(frozen, open_)
        at = self.aim.standing(draws, labels, len(open_), n_round)
        shuffled = self._random(among, len(among), 1000 + n_round)
        looks = self.aim.looks(frozen, shuffled, at, self.room)
        rows = shuffled[: looks[-1].n_rows]
        bare, delta = self.column.without_label(draws, labels), self.aim.delta(n_round)
        draw = Draw(TEST, n_round, 0, self.terms.seed, rows, delta, "", state, looks, bare=bare)
        draw = replace(draw, heard=heard, quiet=quiet, used=rule.used, cut=rule.cut)
        expected = (self.outlooks[-1].n_labels, self.outlooks[-1].bill) if self.outlooks else None
        draw = replace(draw, promise=self.terms.promised, last=last, expected=expected)
        return Ask((*draws, draw), self.passing.waiting(draw, labels, 0), frozen.outlook)

    def _test(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], *, closed: bool
    ) -> Ask | Done:
        """Look at a test as often as was planned, then go on, or end."""
        before, draw, frozen = draws[:-1], draws[-1], self.passing.frozen_of(draws, labels)
        if frozen is None:  # what was drawn tests nothing any more
            spent = replace(draw, found="void", missing=draw.rows)
            return self._step((*before, spent), labels, closed=closed)
        for k in range(len(draw.looks)):
            waiting = self.passing.waiting(draw, labels, k)
            if len(waiting) and not closed:
                return Ask(draws, waiting)
            found = self.passing.looked(before, draw, frozen, labels, looks=k + 1)
            if found is not None:  # a threshold that passed stays passed
                scores = frozen.scores[self.column.codes[self.column.open_rows(before)]]
                # What the loosest threshold leaves to the teacher, no look can gain.
                more = (scores >= frozen.thresholds[-1]) & (scores < found.threshold)
                if enough(draw.looks, k, int(more.sum()) * self.aim.gains(frozen, draw, k)):
                    break
            elif self.passing.lost(before, draw, frozen, labels, k):
                draw = draw.until(k)  # what is behind it is as open as before
                break
        missing = draw.rows[labels[self.column.codes[draw.rows]] == UNASKED]
        bare = np.r_[draw.bare, self.column.without_label([draw], labels)]
        spent = replace(draw, missing=missing, bare=bare, found="passed" if found else "failed")
        return self._step((*before, spent), labels, closed=closed)

    def _worth_more(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> bool:
        """Whether a test that passed may be followed by another one."""
        if self.terms.one_round or draws[-1].round >= _MOST_ROUNDS:
            return False
        return len(self.passing.deferred(draws, labels)) > _WORTH_MORE * len(self.usable)

    def _ended(self, done: Done, labels: NDArray[np.intp], *, closed: bool) -> Ask | Done:
        """Deliver what saves most of all that passed, and test the rows set aside on it."""
        done = self.passing.best(done, labels)
        aside = next((d for d in done.draws if d.purpose == NEW_ROWS), None)
        if aside is None or done.frozen is None:
            return done
        waiting = self.column.unasked(aside.rows, labels)
        if len(waiting) and not closed:
            return Ask(done.draws, waiting)
        terms, texts = self.terms, self.column.codes[aside.rows]
        levels = {"target": terms.target, "confidence": terms.confidence}
        frozen = done.frozen
        if self.opinions is not None and frozen.chain is not None:
            frozen, wanted = frozen.about(texts, self.opinions)
            wanted = self.chain.hearable(wanted)
            if wanted and not closed:
                return Ask(done.draws, waiting, hear=wanted)
        about_new = certify_new(
            frozen, texts, labels, self.classes, **levels, seed=terms.seed, promises=terms.promises
        )
        return replace(done, new_rows=about_new)

    @property
    def opinions(self) -> Opinions | None:
        """What the stages of a chain have said; None without one."""
        return self.chain.opinions

    @opinions.setter
    def opinions(self, opinions: Opinions | None) -> None:
        self.chain.opinions = self.passing.opinions = opinions

    def cap(self, most: int | None) -> None:
        """Let no more texts be asked about before a test than a cap on the job pays for.

        None takes the cap away.
        """
        bounds = [bound for bound in (most, self._most) if bound is not None]
        self.terms = replace(self.terms, most=min(bounds, default=None))
