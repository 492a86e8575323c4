"""Labelling hard rows first: what ``label`` and ``calibrate`` do for a job that chooses its rows.

Until everything is frozen it is ``label``, from the first row of a test on ``calibrate``. What is
asked next follows from the draws on record and from the answers in the store, so that a job goes
on where it was, in another kernel too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, TEST, before_test, draw_from_record, in_test, rows_of
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import NO_LABEL, UNASKED, Ask, Column, Done, Terms
from tracer_nb.engine.outlook import fewest_tested
from tracer_nb.errors import NotEnoughData
from tracer_nb.records import Labels, Spending
from tracer_nb.steps.column.features import Blocks, features_key, name_rows
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.column.sample import collect_labels, distinct_texts
from tracer_nb.steps.label.costs import mean_wait
from tracer_nb.steps.label.grown import (
    Arranged,
    Grown,
    answers_of,
    arrange,
    soft_of,
)
from tracer_nb.steps.label.reject import ask_about, check_distribution
from tracer_nb.steps.label.stream import Asking, Stream, Whole, put_on_record, reserve, with_draws
from tracer_nb.steps.state import JobState, Keep, Setup
from tracer_nb.store.reviews import column_key

__all__ = [
    "advance",
    "begin",
    "labels_of",
    "new_rows_of",
    "reused_of",
    "start_of",
]

# Rows set aside for a promise about new rows, and the share of a column that they may be.
_NEW_ROWS, _NEW_SHARE = 300, 0.03


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
        features=f"{features_key(setup.features, X)} {sorted(setup.label_texts.items())}",
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
    job.freezer.names = name_rows(setup.features, setup.label_texts)
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
    whole = Whole(how.on_progress, asker.spending)
    while True:
        reserve(job, state.draws, grown.said, how.caps, asker.spending)
        move = job.step(state.draws, grown.said)
        if isinstance(move, Done):
            grown = replace(grown, done=move)
            state = put_on_record(replace(state, draws=move.draws, grown=grown), keep)
            return _labelled(state, askable)
        if until_test and move.draws[-1].purpose == TEST:
            return _labelled(state, askable)
        state = put_on_record(with_draws(state, move.draws, growing=until_test), keep)
        again = first and how.missing
        # All that was drawn, each once.
        codes = job.column.texts_of(rows_of(move.draws)) if again else move.texts
        texts = [askable.unique[i] for i in codes.tolist()]
        first = False
        if texts:
            stream = Stream(state, askable, how, keep, codes, until_test=until_test)
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


def reused_of(state: JobState) -> Spending:
    """Answers that the store, or this session, has for the column already."""
    assert state.grown is not None  # noqa: S101  begin() has made it
    said = state.grown.said
    return Spending(reused=int((said != UNASKED).sum()), missing=int((said == NO_LABEL).sum()))


def _labelled(state: JobState, askable: Texts) -> JobState:
    """The state with the labels of all rows that were drawn."""
    assert state.grown is not None  # noqa: S101  begin() has made it
    grown, draws = state.grown, state.draws
    tested = draws[-1].rows if in_test(draws) else np.empty(0, dtype=np.intp)
    tested = tested[grown.said[askable.codes[tested]] != UNASKED]
    at = arrange(grown.job, before_test(draws), grown.said, draws, tested)
    if not len(at.rows) and state.setup.asker.stopped is None:  # set aside, and nothing else yet
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
