"""What is asked about next, said while texts are being answered, so that no teacher waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, PILOT, TEST, UNASKED, Draw, in_test, rows_of
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Ask, Done
from tracer_nb.records import Answer, Caps, Preparing, Progress, Spending
from tracer_nb.records.preparing import telling
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.steps.label.grown import Grown, answers_of, soft_of
from tracer_nb.steps.label.stages import mean_price
from tracer_nb.steps.state import JobState, Keep

__all__ = ["Asking", "Stream", "Whole", "put_on_record", "reserve", "spare", "with_draws"]

# What is still to be asked may cost so much more than what was, text by text.
_DEARER = 1.25
# Of what may be asked about, these shares at the least and at the most are left for tests.
_FOR_TESTS = (0.3, 0.4)
# Texts to go by where nothing was paid yet.
_PRICED = 200


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """How a step asks.

    Attributes
    ----------
    step : str
        Its name in the progress.
    caps : Caps
        Of the whole job since :meth:`~tracer_nb.steps.label.asker.Asker.begin`; to a stream, what
        stages of a chain left of them.
    on_progress : callable or None
    stop : threading.Event or None
    missing : bool
        Again about texts whose answer holds no label.
    """

    step: str
    caps: Caps
    on_progress: OnProgress | None = None
    stop: threading.Event | None = None
    missing: bool = False


class Stream:
    """Says what comes next while texts are being answered, so that no teacher waits.

    A batch is chosen by the answers to all texts but the last ones, whichever of those came
    meanwhile: the same seed and the same answers choose the same rows, however fast these come.
    """

    def __init__(
        self,
        state: JobState,
        askable: Texts,
        how: Asking,
        keep: Keep,
        codes: NDArray[np.intp],
        *,
        until_test: bool,
    ) -> None:
        self.state = state
        self._how, self._keep, self._until_test = how, keep, until_test
        self._texts = askable.unique
        self._asked = set(codes.tolist())
        # Those of them that have no answer yet, as far as has been looked.
        self._waiting = self._asked.copy()
        self._await(early=True)

    def __call__(self, answers: Mapping[str, Answer], spending: Spending) -> list[str] | None:
        """What is asked about next: see ``more`` of :func:`tracer_nb.labelling.run_labels`."""
        grown, draws = self._grown, self.state.draws
        job = grown.job
        self._waiting = {i for i in self._waiting if self._texts[i] not in answers}
        if self._must_wait():
            if draws[-1].purpose == PILOT:
                job.warm()
            return None
        said = answers_of(answers, self._texts, job.classes, grown.said)
        reserve(job, draws, said, self._how.caps, spending)
        if self._early:
            ahead = job.ahead(draws, said)
            if ahead is not None and (fresh := self._fresh(ahead)):
                return self._taken(ahead, fresh)
            self._await(early=False)  # nothing comes ahead of the next step
            if self._must_wait():
                return None
        move = self._step(answers, said)
        if move is None:
            return []
        fresh = self._fresh(move)
        if self._waiting and not fresh:
            # All that it wants is asked about already: it is said again when all is answered.
            self._awaited[:] = True
            return None
        return self._taken(move, fresh)

    def _step(self, answers: Mapping[str, Answer], said: NDArray[np.intp]) -> Ask | None:
        """The next step, where it asks the teacher and nobody else; None ends the asking."""
        job, draws = self._grown.job, self.state.draws
        if job.opinions is not None and not in_test(draws):
            return None  # what the stages say meanwhile belongs to the next step
        job.freezer.soft = soft_of(answers, self._texts, job.classes, job.freezer.soft)
        move = job.step(draws, said)
        # One that hears stages is taken again where they are heard.
        if isinstance(move, Done) or move.hear:
            return None
        return None if self._until_test and move.draws[-1].purpose == TEST else move

    @property
    def _grown(self) -> Grown:
        assert self.state.grown is not None  # noqa: S101  begin() has made it
        return self.state.grown

    def _must_wait(self) -> bool:
        return bool(self._awaited[list(self._waiting)].any()) if self._waiting else False

    def _await(self, *, early: bool) -> None:
        """Wait for what the next step goes by; ``early`` for what may come ahead of it."""
        job, draws = self._grown.job, self.state.draws
        self._early = early
        self._awaited = ~job.foregone(draws) if early else job.awaited(draws)

    def _fresh(self, move: Ask) -> list[int]:
        """What it asks about, and nobody was asked yet."""
        return [i for i in move.texts.tolist() if i not in self._asked]

    def _taken(self, move: Ask, fresh: list[int]) -> list[str]:
        growing = self.state.underway is not None
        self.state = put_on_record(with_draws(self.state, move.draws, growing=growing), self._keep)
        self._asked.update(fresh)
        self._waiting.update(fresh)
        self._await(early=True)
        return [self._texts[i] for i in fresh]


def with_draws(state: JobState, draws: tuple[Draw, ...], *, growing: bool) -> JobState:
    """The state with more draws; while it grows, their rows are under way.

    Those set aside wait to the end. During a test the labels stay those that its fit was made of.
    """
    underway = rows_of(draw for draw in draws if draw.purpose != NEW_ROWS) if growing else None
    return replace(state, draws=draws, underway=underway)


def put_on_record(state: JobState, keep: Keep) -> JobState:
    """Put the draws on record, before anything is asked by them."""
    assert state.grown is not None  # noqa: S101  begin() has made it
    state.setup.drawn.put(state.grown.key, [draw.as_record() for draw in state.draws])
    keep(state)
    return state


def reserve(
    job: HardFirst,
    draws: tuple[Draw, ...],
    said: NDArray[np.intp],
    caps: Caps,
    spent: Spending,
) -> int:
    """End the growing while the caps still pay for a test; return how many texts that needs.

    Rows set aside count. ``said`` are the answers, and ``spent`` is what they cost since the caps count.
    """
    left = _affordable(caps, spent)
    terms, n_open = job.terms, len(job.column.open_rows(draws))
    n_test = job.outlooks[-1].n_test if job.outlooks else 0
    n_fit = len(job.column.fitted_on(draws, said)[0])
    fewest = job.aim.fewest(n_open)
    if left is None:
        job.room, job.chain.room, job.chain.texts = None, np.inf, np.inf
        job.cap(None)
        return max(n_test, fewest) + terms.new_rows
    least, most = (int(share * (n_fit + left)) for share in _FOR_TESTS)
    kept = max(min(n_test, most), fewest) + terms.new_rows
    n_test = max(min(n_test, most), fewest, least)
    job.room = max(left - terms.new_rows, 0)
    job.cap(n_fit + max(job.room - n_test, 0))
    by_cost = _affordable(Caps(max_cost=caps.max_cost), spent)
    by_count = _affordable(replace(caps, max_cost=None), spent)
    job.chain.room = np.inf if by_cost is None else max(by_cost - terms.new_rows, 0)
    job.chain.texts = np.inf if by_count is None else max(by_count - terms.new_rows, 0)
    return kept


def spare(caps: Caps, asker: Asker, texts: Sequence[str], n_kept: int) -> Caps:
    """What caps leave for the stages of a chain, so many more texts being kept for the teacher.

    Parameters
    ----------
    caps : Caps
    asker : Asker
        The teacher's; what it took counts.
    texts : sequence of str
        Of the column, to go by while the teacher was asked about none.
    n_kept : int
    """
    spent = asker.spending
    if spent.asked and spent.cost is not None:
        cost: float | None = spent.cost / spent.asked
        tokens = (spent.prompt_tokens + spent.completion_tokens) / spent.asked
    else:
        cost, first = mean_price(asker.teacher, texts), texts[:_PRICED]
        said = [sum(asker.teacher.cost_estimate(text)[:2]) for text in first]
        tokens = sum(said) / max(len(said), 1)
    kept = Spending(
        asked=n_kept,
        prompt_tokens=ceil(_DEARER * tokens * n_kept),
        cost=None if cost is None else _DEARER * cost * n_kept,
    )
    return caps.left(spent).left(kept)


def _affordable(caps: Caps, spent: Spending) -> int | None:
    """Texts that may still be asked about, as far as can be told; None where no cap says so."""
    left = caps.left(spent)
    bounds = [] if left.max_rows is None else [float(left.max_rows)]
    used = spent.prompt_tokens + spent.completion_tokens
    for cap, paid in ((left.max_cost, spent.cost), (left.max_tokens, used)):
        if cap is not None and paid and spent.asked:
            bounds.append(cap * spent.asked / (_DEARER * paid))
    return int(min(bounds)) if bounds else None


class Whole:
    """Tells of a step as a whole, though it asks several times.

    Parameters
    ----------
    how : Asking
        Whose progress is told of it.
    spending : Spending
        Before it began.
    """

    def __init__(self, how: Asking, spending: Spending) -> None:
        self._on_progress, self._step, self._first = how.on_progress, how.step, spending
        self._begun = time.monotonic()
        self._most = 0

    def after(self, spending: Spending, said: NDArray[np.intp]) -> OnProgress | None:
        """For the asking that is next, after so much was spent and answered."""
        on_progress = self._on_progress
        if on_progress is None:
            return None
        done, spent = int((said != UNASKED).sum()), spending.since(self._first)

        def tell(progress: Progress) -> None:
            self._most = done + progress.done
            on_progress(
                replace(
                    progress,
                    done=self._most,
                    total=done + progress.total,
                    spending=spent.plus(progress.spending),
                    seconds=time.monotonic() - self._begun,
                )
            )

        return tell

    def preparing(self, spending: Spending, said: NDArray[np.intp]) -> AbstractContextManager[None]:
        """Tell what this thread prepares meanwhile, after so much was spent and answered."""
        on_progress = self._on_progress
        if on_progress is None:
            return telling(None)
        # Who asks again has more answers than texts that are known.
        done, spent = max(int((said != UNASKED).sum()), self._most), spending.since(self._first)

        def tell(preparing: Preparing) -> None:
            seconds = time.monotonic() - self._begun
            now = Progress(done, done, spent, seconds, self._step, preparing=preparing)
            on_progress(now)

        return telling(tell)
