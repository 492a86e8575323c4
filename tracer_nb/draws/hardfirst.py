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

from tracer_nb.draws import HARD, NEW_ROWS, PILOT, TEST, Draw, in_test, rows_of
from tracer_nb.draws.freezing import Freezer
from tracer_nb.draws.frozen import Frozen, best_look, certify_new
from tracer_nb.draws.looking import Surveyor
from tracer_nb.draws.moves import UNASKED, Ask, Column, Done, Terms
from tracer_nb.draws.stopping import (
    enough,
    hopeless,
    nearly_worth_testing,
    no_more,
    plan_looks,
    worth_testing,
)
from tracer_nb.engine.growing import batch_size, choose_rows
from tracer_nb.engine.outlook import Outlook, fewest_tested, too_few
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Certificate

__all__ = ["HardFirst"]

_START_SHARE = 0.2
_FEWEST_START = 40
_MOST_ROUNDS = 6
# A batch of this share of the column costs little, whatever is learned from it.
_SMALL_BATCH = 0.005
# What is certified leaves so much to the teacher that another round may be worth it. With a twentieth
# 16 jobs on BANKING77 made no other tests and saved the same, some after more small batches.
_WORTH_MORE = 0.1
# From this share of the random start the first batch is chosen, while the others are answered.
_SEEN = 0.5
# Of a batch that is more of the column than this, or more than twice what the teacher takes at a
# time, choosing well is worth the wait: it costs less than the rows that may be asked in vain.
_SMALL, _MANY_TIMES = 0.01, 2.0
# A cap that pays for so many times the rest of a test is none that has to be kept in mind.
_ROOMY = 3


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
        self._surveyor = Surveyor(column, self._random(self.usable, terms.new_rows, 0), terms.seed)
        self.freezer = Freezer(column, classes, terms)
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
            size = min(terms.start, max(_FEWEST_START, int(_START_SHARE * len(free))), len(free))
            if self._most is not None:
                size = min(size, self._most)
            if size + fewest_tested(len(free) - size, terms.target, terms.delta(1)) >= len(free):
                return Done(draws, too_few(len(free) - size, terms.target, terms.delta(1)))
            return self._drawn(draws, PILOT, self._random(free, size, 1), labels)
        if in_test(draws):
            return self._test(draws, labels, closed=closed)
        if draws[-1].found == "passed" and (closed or not self._worth_more(draws, labels)):
            return Done(draws, "")
        waiting = column.unasked(rows_of(d for d in draws if d.purpose in (PILOT, HARD)), labels)
        if len(waiting) and not closed and draws[-1].purpose != TEST:
            return Ask(draws, waiting)
        # What has an answer already, from whatever, is open to nobody's test.
        known = (labels != UNASKED) & ~column.touched(draws)
        if known.any():
            return self._drawn(draws, HARD, column.holding(known), labels)
        return self._grow(draws, labels, closed=closed)

    def ahead(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> Ask | None:
        """What to ask about while texts of the last draw are being answered.

        A batch is chosen as if :meth:`foregone` texts had no answer; during a test rows come that
        were set aside, which will be asked about anyway. None where all texts must be known
        first: near the end, when a batch too many would cost more than waiting does. Arguments as
        in :meth:`step`.
        """
        last = draws[-1]
        if in_test(draws):
            return self._aside_ahead(draws, labels)
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

    def foregone(self, draws: tuple[Draw, ...]) -> NDArray[np.bool_]:
        """Texts whose answers :meth:`ahead` does not go by, (n_texts,)."""
        if in_test(draws):
            return np.ones(self.column.n_texts, dtype=bool)
        last, mask = draws[-1], self.column.drawn_for(draws, NEW_ROWS)
        n_seen = int(_SEEN * len(last.rows)) if last.purpose == PILOT else 0
        mask[self.column.codes[last.rows[n_seen:]]] = True
        mask[self.column.codes[last.rows[:n_seen]]] = False
        return mask

    def awaited(self, draws: tuple[Draw, ...]) -> NDArray[np.bool_]:
        """Texts whose answers :meth:`step` goes by, (n_texts,): of a test, only its own."""
        if in_test(draws):
            return self.column.drawn_for(draws[-1:], TEST)
        return ~self.column.drawn_for(draws, NEW_ROWS)

    def _aside_ahead(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> Ask | None:
        """The rows set aside, where money for them and for all of the test is left."""
        aside = rows_of(d for d in draws if d.purpose == NEW_ROWS)
        waiting = self.column.unasked(aside, labels)
        left = len(self.column.unasked(draws[-1].rows, labels))
        # Under a cap there may be a use for these rows' money, where the test fails.
        tight = self.room is not None and self.room < _ROOMY * left
        return None if tight or not len(waiting) else Ask(draws, waiting)

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
        draw = Draw(purpose, 0, look, self.terms.seed, rows)
        texts = np.empty(0, dtype=np.intp) if labels is None else self.column.unasked(rows, labels)
        return Ask((*draws, draw), texts, outlook)

    def _grow(  # noqa: C901, PLR0911  one for each way in which it can end
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
        delta = terms.delta(n_round)
        if closed:
            return Done(draws, "asking was ended before anything was tested")
        if fewest_tested(len(open_), terms.target, delta) >= len(open_):
            return Done(draws, too_few(len(open_), terms.target, delta))
        fewest = min(terms.at_a_time, int(_SMALL_BATCH * len(self.usable)))
        size = min(max(batch_size(len(texts)), fewest), len(open_))
        # Of a column that is certified in part, rows are chosen that would be asked about anyway.
        left = self._deferred(draws, labels)
        if len(left) < size:
            return Done(draws, "what is left goes to the teacher")
        levels = {"target": terms.target, "delta": delta}
        outlook, seen = self._surveyor.look(
            texts, by_chance, labels, open_, **levels, failed=n_round - 1
        )
        if seen is not None and outlook not in self.outlooks[-1:]:
            self.outlooks.append(outlook)
        # Texts that are being asked about count as asked.
        n_asked = int(self.column.drawn_for(draws, PILOT, HARD, TEST).sum())
        full = terms.most is not None and n_asked >= terms.most
        eager = size <= min(self._small, _MANY_TIMES * terms.at_a_time)
        if ahead and (full or nearly_worth_testing(outlook, terms.target, len(left), eager=eager)):
            return Done(draws, "what is being asked about may be enough")
        grown = draws[-1].purpose != TEST
        if worth_testing(outlook, target=terms.target, n_left=len(left), full=full, grown=grown):
            ask = self._freeze(draws, labels, open_, n_round)
            if ask is not None:
                return ask
        why = hopeless(
            outlook,
            n_open=len(open_),
            n_rows=len(self.usable),
            target=terms.target,
            n_random=int(by_chance.sum()),
            n_bare=int((labels[texts[by_chance]] < 0).sum()),
        )
        if why or full:
            return Done(draws, why or no_more(n_asked))
        if seen is None:  # one label only: nothing to be unsure of
            return self._drawn(draws, HARD, self._random(open_, size, 100 + len(draws)), labels)
        rows, found, X = seen
        if terms.most is not None:
            size = max(min(size, terms.most - n_asked), 1)
        open_to = np.isin(rows, left)
        if not open_to.any():
            return Done(draws, "what is left goes to the teacher")
        rows, margins = rows[open_to], found.margins[open_to]
        one_each = np.unique(self.column.codes[rows], return_index=True)[1]
        chosen = choose_rows(margins[one_each], X[self.column.codes[rows[one_each]]], size)
        return self._drawn(draws, HARD, rows[one_each[chosen]], labels, outlook)

    def _frozen_of(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> Frozen | None:
        """What the last of these draws tests; None where something has changed since."""
        before, draw = draws[:-1], draws[-1]
        labels = self.column.as_then(draw, labels)
        if self.freezer.state(before, labels) != draw.state:
            return None
        return self.freezer.plan(before, labels, draw.round, len(draw.rows))[1]

    def _freeze(
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        open_: NDArray[np.intp],
        n_round: int,
    ) -> Ask | None:
        """Freeze, and draw the rows of a test from what is open; None if it is not worth it."""
        state, frozen = self.freezer.plan(draws, labels, n_round, self.room)
        if not frozen.outlook.n_test:
            return None
        size, delta = frozen.outlook.n_test, self.terms.delta(n_round)
        rows, looks = self._random(open_, size, 1000 + n_round), plan_looks(size, delta)
        bare = self.column.without_label(draws, labels)
        draw = Draw(TEST, n_round, 0, self.terms.seed, rows, delta, "", state, looks, bare=bare)
        return Ask((*draws, draw), self._of_look(draw, labels, 0), frozen.outlook)

    def _of_look(self, draw: Draw, labels: NDArray[np.intp], look: int) -> NDArray[np.intp]:
        return self.column.unasked(draw.rows[: draw.looks[look].n_rows], labels)

    def _test(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], *, closed: bool
    ) -> Ask | Done:
        """Look at a test as often as was planned, then go on, or end."""
        before, draw, frozen = draws[:-1], draws[-1], self._frozen_of(draws, labels)
        if frozen is None:  # what was drawn tests nothing any more
            spent = replace(draw, found="void", missing=draw.rows)
            return self._step((*before, spent), labels, closed=closed)
        for k in range(len(draw.looks)):
            waiting = self._of_look(draw, labels, k)
            if len(waiting) and not closed:
                return Ask(draws, waiting)
            found = self._looked(before, draw, frozen, labels, looks=k + 1)
            if found is not None:  # a threshold that passed stays passed
                scores = frozen.scores[self.column.codes[self.column.open_rows(before)]]
                if enough(draw.looks, k, int((scores < found.threshold).sum())):
                    break
        missing = draw.rows[labels[self.column.codes[draw.rows]] == UNASKED]
        bare = np.r_[draw.bare, self.column.without_label([draw], labels)]
        draw = replace(draw, missing=missing, bare=bare)
        if found is None:
            spent = replace(draw, found="failed")
            return self._step((*before, spent), labels, closed=closed)
        spent = replace(draw, found="passed")
        return self._step((*before, spent), labels, closed=closed)

    def _worth_more(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> bool:
        """Whether a test that passed may be followed by another one."""
        if self.terms.one_round or draws[-1].round >= _MOST_ROUNDS:
            return False
        return len(self._deferred(draws, labels)) > _WORTH_MORE * len(self.usable)

    def _looked(
        self,
        before: tuple[Draw, ...],
        draw: Draw,
        frozen: Frozen,
        labels: NDArray[np.intp],
        *,
        looks: int,
    ) -> Certificate | None:
        labels = self.column.as_then(draw, labels)
        return best_look(
            *(frozen, self.column.codes, self.column.open_rows(before), draw, looks),
            complete=[not len(self._of_look(draw, labels, k)) for k in range(looks)],
            labels=labels,
            classes=self.classes,
            target=self.terms.target,
        )

    def _certified(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp]
    ) -> list[tuple[Done, NDArray[np.intp]]]:
        """What passed until now, each with the rows that are handled by it."""
        found = []
        for i, draw in enumerate(draws):
            if draw.purpose == TEST and draw.found == "passed":
                before, tested = draws[:i], draws[: i + 1]
                frozen = self._frozen_of(tested, labels)
                if frozen is None:
                    continue
                certificate = self._looked(before, draw, frozen, labels, looks=len(draw.looks))
                if certificate is not None:
                    open_ = self.column.open_rows(before)
                    scores = frozen.scores[self.column.codes[open_]]
                    done = Done(draws, "", frozen, certificate, tested=tested)
                    found.append((done, open_[scores >= certificate.threshold]))
        return found

    def _deferred(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Open rows that nothing certified handles: they will be asked about."""
        open_ = self.column.open_rows(draws)
        best = max((rows for _, rows in self._certified(draws, labels)), key=len, default=None)
        return open_ if best is None else np.setdiff1d(open_, best)

    def _ended(self, done: Done, labels: NDArray[np.intp], *, closed: bool) -> Ask | Done:
        """Deliver what saves most of all that passed; any may be. Test the rows set aside on it."""
        open_ = self.column.open_rows(done.draws)
        passed = self._certified(done.draws, labels)
        if not passed:
            return done
        done, _ = max(passed, key=lambda each: np.isin(open_, each[1]).sum())
        assert done.frozen is not None  # noqa: S101  it has passed
        aside = next((d for d in done.draws if d.purpose == NEW_ROWS), None)
        if aside is None:
            return done
        waiting = self.column.unasked(aside.rows, labels)
        if len(waiting) and not closed:
            return Ask(done.draws, waiting)
        terms, texts = self.terms, self.column.codes[aside.rows]
        levels = {"target": terms.target, "confidence": terms.confidence}
        about_new = certify_new(done.frozen, texts, labels, self.classes, **levels, seed=terms.seed)
        return replace(done, new_rows=about_new)

    def cap(self, most: int | None) -> None:
        """Let no more texts be asked about before a test than a cap on the job pays for.

        None takes the cap away.
        """
        bounds = [bound for bound in (most, self._most) if bound is not None]
        self.terms = replace(self.terms, most=min(bounds, default=None))
