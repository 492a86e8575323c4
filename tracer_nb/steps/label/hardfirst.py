"""Labelling hard rows first: what ``label`` and ``calibrate`` do for a job that chooses its rows.

Until everything is frozen it is ``label``, from the first row of a test on ``calibrate``. What is
asked next follows from the draws on record and from the answers in the store, so that a job goes
on where it was, in another kernel too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, TEST, Draw, before_test, draw_from_record, in_test, rows_of
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import NO_LABEL, UNASKED, Ask, Column, Done, Terms
from tracer_nb.engine.outlook import fewest_tested
from tracer_nb.errors import NotEnoughData
from tracer_nb.records import Answer, Caps, Labels, Progress, Spending
from tracer_nb.steps.column.features import Blocks, features_key
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.sample import collect_labels, distinct_texts
from tracer_nb.steps.label.asker import OnProgress
from tracer_nb.steps.label.costs import mean_wait
from tracer_nb.steps.label.grown import (
    Arranged,
    Grown,
    answers_of,
    arrange,
    soft_of,
)
from tracer_nb.steps.label.reject import ask_about, check_distribution
from tracer_nb.steps.state import JobState, Keep, Setup
from tracer_nb.store.reviews import column_key

__all__ = [
    "Asking",
    "advance",
    "begin",
    "labels_of",
    "new_rows_of",
    "reused_of",
    "start_of",
]

# Rows set aside for a promise about new rows, and the share of a column that they may be.
_NEW_ROWS, _NEW_SHARE = 300, 0.03
# What is still to be asked may cost so much more than what was, text by text.
_DEARER = 1.25
# Of what may be asked about, these shares at the least and at the most are left for tests.
_FOR_TESTS = (0.3, 0.4)


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """How a step asks.

    Attributes
    ----------
    step : str
        Its name in the progress.
    caps : Caps
        Of the whole job since :meth:`~tracer_nb.steps.label.asker.Asker.begin`.
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


def new_rows_of(setup: Setup, n_rows: int) -> int:
    """Rows that are set aside for a promise about new rows."""
    if setup.new_rows is not None:
        return setup.new_rows
    return _NEW_ROWS if n_rows * _NEW_SHARE >= _NEW_ROWS else 0


def start_of(setup: Setup, askable: Texts, sample: int | None) -> tuple[NDArray[np.intp], int]:
    """The rows that a job begins with, at random, and the fewest that can test the others.

    Arguments are those of :func:`begin`.

    Raises
    ------
    NotEnoughData
        Nothing of so few rows could be certified.
    """
    n = len(askable.unique)
    # Nothing is looked at before the start is labelled.
    job = _make_job(setup, askable, sample, [np.empty((n, 0))])
    rows, terms = _begun(job, np.full(n, UNASKED)).draws[-1].rows, job.terms
    return rows, fewest_tested(len(job.usable) - len(rows), terms.target, terms.delta(1))


def _make_job(setup: Setup, askable: Texts, sample: int | None, X: Blocks) -> HardFirst:
    options = {k: v for k, v in setup.choices.items() if k not in ("target", "confidence", "seed")}
    terms = Terms(
        setup.target,
        setup.options.confidence,
        most=sample,
        new_rows=new_rows_of(setup, len(askable.usable)),
        features=features_key(setup.features, X),
        at_a_time=setup.teacher.concurrency * max(setup.teacher.batch_size, 1),
        seed=setup.options.seed,
        options=options,
    )
    return HardFirst(Column(X, askable.codes), setup.teacher.labels, terms)


def _begun(job: HardFirst, said: NDArray[np.intp]) -> Ask:
    """The first move behind the rows that are set aside."""
    move = job.step((), said)
    while isinstance(move, Ask) and move.draws[-1].purpose == NEW_ROWS:
        move = job.step(move.draws, said)
    if isinstance(move, Done):
        raise NotEnoughData(
            f"{move.reason}; for labels alone use labelling='random' (--labelling random). Nothing "
            "was asked"
        )
    return move


def begin(state: JobState, askable: Texts, sample: int | None) -> JobState:
    """The state with a job for the column, and with what was drawn of it before.

    Parameters
    ----------
    state : JobState
        With the column.
    askable : Texts
        Its texts, without those that the teacher has no record of.
    sample : int or None
        Most texts that are asked about before anything is tested.

    Raises
    ------
    NotEnoughData
        Nothing of so few rows could be certified; nothing was asked.
    StoreError
        The store cannot be read.
    InvalidInput
        A distribution is needed, and the answers that are stored hold none.
    """
    setup = state.setup
    assert state.column is not None  # noqa: S101  label() has read it
    check_distribution(setup.asker, askable.unique, setup.reject)
    key = column_key(setup.teacher.identity, askable.unique, askable.codes)
    # Those of this session are all in the store, where there is one.
    kept = tuple(draw_from_record(record) for record in setup.drawn.records(key))
    draws = kept or state.draws
    job = _make_job(setup, askable, sample, state.column.features())
    known = setup.asker.known(askable.unique)
    said = answers_of(known, askable.unique, job.classes)
    job.freezer.soft = soft_of(known, askable.unique, job.classes)
    if not draws:
        _begun(job, said)
    return replace(state, grown=Grown(job, key, said), draws=draws, drawn_from=state.column.texts)


def advance(
    state: JobState, askable: Texts, how: Asking, *, until_test: bool, keep: Keep
) -> JobState:
    """Ask what is wanted next, until nothing is, a test would begin, or the asking is ended.

    Parameters
    ----------
    state : JobState
        With a job that has begun.
    askable : Texts
    how : Asking
    until_test : bool
        End where everything is frozen.
    keep : callable
        Told of every draw before its texts are asked about, and of the labels of each.
    """
    setup, asker = state.setup, state.setup.asker
    grown = state.grown
    assert grown is not None  # noqa: S101  begin() has made it
    job, classes, first = grown.job, setup.teacher.labels, True
    whole = _Whole(how.on_progress, asker.spending)
    while True:
        _reserve(job, state.draws, grown.said, how.caps, asker.spending)
        move = job.step(state.draws, grown.said)
        if isinstance(move, Done):
            grown = replace(grown, done=move)
            state = _keep(replace(state, draws=move.draws, grown=grown), keep)
            return _labelled(state, askable)
        if until_test and move.draws[-1].purpose == TEST:
            return _labelled(state, askable)
        state = _keep(_with_draws(state, move.draws, growing=until_test), keep)
        texts = [askable.unique[i] for i in move.texts.tolist()]
        again = first and how.missing
        if again:  # all that was drawn, each once
            texts = distinct_texts(askable, rows_of(move.draws))
        first = False
        if texts:
            stream = _Stream(state, askable, how, keep, texts)
            ask_about(
                *(asker, texts, setup.reject),
                caps=how.caps.left(asker.spending),
                on_progress=whole.after(asker.spending, grown.said),
                step=how.step,
                stop=how.stop,
                missing=again,
                # Who asks about one text at a time waits for none.
                more=stream if setup.teacher.concurrency > 1 else None,
            )
            state = stream.state
        grown = replace(grown, said=answers_of(asker.answers, askable.unique, classes, grown.said))
        soft = soft_of(asker.answers, askable.unique, classes, job.freezer.soft)
        job.freezer.soft = soft
        state = replace(state, grown=grown, seconds=mean_wait(asker.spending))
        state = _labelled(state, askable)
        keep(state)
        if asker.stopped_in(how.step) is not None:
            return state


class _Stream:
    """Chooses the next batch while the last one is being answered, so that no teacher waits.

    It goes by the answers to all batches but the last, whichever came meanwhile: the same seed
    and the same answers choose the same rows, however fast these come.
    """

    def __init__(
        self, state: JobState, askable: Texts, how: Asking, keep: Keep, asked: Sequence[str]
    ) -> None:
        self.state = state
        self._asked = set(asked)
        self._how, self._keep = how, keep
        self._texts = askable.unique

    def __call__(self, answers: Mapping[str, Answer], spending: Spending) -> list[str] | None:
        state, grown = self.state, self.state.grown
        assert grown is not None  # noqa: S101  begin() has made it
        column, before = grown.job.column, state.draws[:-1]
        if before and any(
            self._texts[i] in self._asked and self._texts[i] not in answers
            for i in column.unasked(before[-1].rows, grown.said).tolist()
        ):
            return None
        said = answers_of(answers, self._texts, grown.job.classes, grown.said)
        _reserve(grown.job, state.draws, said, self._how.caps, spending)
        move = grown.job.ahead(state.draws, said)
        if move is None:
            return []
        growing = state.underway is not None
        self.state = _keep(_with_draws(state, move.draws, growing=growing), self._keep)
        texts = [self._texts[i] for i in move.texts.tolist()]
        self._asked.update(texts)
        return texts


def _with_draws(state: JobState, draws: tuple[Draw, ...], *, growing: bool) -> JobState:
    """The state with more draws; while it grows, their rows are under way.

    Those set aside wait to the end. During a test the labels stay those that its fit was made of.
    """
    underway = rows_of(draw for draw in draws if draw.purpose != NEW_ROWS) if growing else None
    return replace(state, draws=draws, underway=underway)


def reused_of(state: JobState) -> Spending:
    """Answers that the store, or this session, has for the column already."""
    assert state.grown is not None  # noqa: S101  begin() has made it
    said = state.grown.said
    return Spending(reused=int((said != UNASKED).sum()), missing=int((said == NO_LABEL).sum()))


def _keep(state: JobState, keep: Keep) -> JobState:
    """Put the draws on record, before anything is asked by them."""
    assert state.grown is not None  # noqa: S101  begin() has made it
    state.setup.drawn.put(state.grown.key, [draw.as_record() for draw in state.draws])
    keep(state)
    return state


def _labelled(state: JobState, askable: Texts) -> JobState:
    """The state with the labels of all rows that were drawn."""
    assert state.grown is not None  # noqa: S101  begin() has made it
    grown, draws = state.grown, state.draws
    tested = draws[-1].rows if in_test(draws) else np.empty(0, dtype=np.intp)
    tested = tested[grown.said[askable.codes[tested]] != UNASKED]
    at = arrange(grown.job, before_test(draws), grown.said, draws, tested)
    if not len(at.rows):  # set aside, and nothing else yet
        return replace(state, underway=None)
    return replace(state, labels=labels_of(state, at), underway=None)


def labels_of(state: JobState, at: Arranged) -> Labels:
    """The labels of arranged rows.

    Raises
    ------
    TeacherError
        The teacher gave not one label.
    """
    asker = state.setup.asker
    assert state.column is not None and state.grown is not None  # noqa: S101, PT018
    texts, terms, n_open = state.column.texts, state.grown.job.terms, len(state.grown.job.usable)
    return replace(
        collect_labels(
            texts,
            at.rows,
            asker.known(distinct_texts(texts, at.rows)),
            **asker.told,
            stopped=asker.stopped,
            fewest=fewest_tested(n_open, terms.target, terms.delta(1)),
            again=asker.asked_again,
            whole=True,
        ),
        n_random=at.n_random,
    )


def _reserve(
    job: HardFirst,
    draws: tuple[Draw, ...],
    said: NDArray[np.intp],
    caps: Caps,
    spent: Spending,
) -> None:
    """End the growing while the caps still pay for a test."""
    left = _affordable(caps, spent)
    if left is None:
        job.room = None
        return
    terms, n_open = job.terms, len(job.column.open_rows(draws))
    n_test = job.outlooks[-1].n_test if job.outlooks else 0
    n_fit = len(job.column.fitted_on(draws, said)[0])
    fewest = fewest_tested(n_open, terms.target, terms.delta(1))
    least, most = (int(share * (n_fit + left)) for share in _FOR_TESTS)
    n_test = max(min(n_test, most), fewest, least)
    job.room = max(left - terms.new_rows, 0)
    job.cap(n_fit + max(job.room - n_test, 0))


def _affordable(caps: Caps, spent: Spending) -> int | None:
    """Texts that may still be asked about, as far as can be told; None where no cap says so."""
    left = caps.left(spent)
    bounds = [] if left.max_rows is None else [float(left.max_rows)]
    used = spent.prompt_tokens + spent.completion_tokens
    for cap, paid in ((left.max_cost, spent.cost), (left.max_tokens, used)):
        if cap is not None and paid and spent.asked:
            bounds.append(cap * spent.asked / (_DEARER * paid))
    return int(min(bounds)) if bounds else None


class _Whole:
    """Tells of a step as a whole, though it asks several times."""

    def __init__(self, on_progress: OnProgress | None, spending: Spending) -> None:
        self._on_progress, self._first = on_progress, spending
        self._begun = time.monotonic()

    def after(self, spending: Spending, said: NDArray[np.intp]) -> OnProgress | None:
        """For the asking that is next, after so much was spent and answered."""
        on_progress = self._on_progress
        if on_progress is None:
            return None
        done, spent = int((said != UNASKED).sum()), spending.since(self._first)

        def tell(progress: Progress) -> None:
            on_progress(
                replace(
                    progress,
                    done=done + progress.done,
                    total=done + progress.total,
                    spending=spent.plus(progress.spending),
                    seconds=time.monotonic() - self._begun,
                )
            )

        return tell
