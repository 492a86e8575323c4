"""Labelling hard rows first: what ``label`` and ``calibrate`` do for a job that chooses its rows.

Until everything is frozen it is ``label``, from the first row of a test on ``calibrate``. What is
asked next follows from the draws on record and from the answers in the store, so that a job goes
on where it was, in another kernel too.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import (
    NEW_ROWS,
    NO_LABEL,
    TEST,
    UNASKED,
    Draw,
    before_test,
    draw_from_record,
    in_test,
    rows_of,
)
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Ask, Column, Done, Terms
from tracer_nb.errors import NotEnoughData
from tracer_nb.labelling import INTERRUPTED
from tracer_nb.records import Caps, Labels, Preparing, Spending
from tracer_nb.records.preparing import tell_preparing, telling
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
from tracer_nb.steps.label.stages import mean_price
from tracer_nb.steps.label.stream import (
    Asking,
    Stream,
    Whole,
    put_on_record,
    reserve,
    spare,
    with_draws,
)
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

# Seconds between two words about a fit.
_STEP = 0.2
# Rows set aside for a promise about new rows, and the share of a column that they may be.
_NEW_ROWS, _NEW_SHARE = 300, 0.03


def new_rows_of(setup: Setup, n_rows: int) -> int:
    """Rows that are set aside for a promise about new rows."""
    if setup.new_rows is not None:
        return setup.new_rows
    if any(name.label is not None for name in setup.options.promises):
        return 0  # so few rows hold too few with one label
    return _NEW_ROWS if n_rows * _NEW_SHARE >= _NEW_ROWS else 0


# The same share of the texts that a cap pays for.
_NEW_PAID = 0.1


def _set_aside(setup: Setup, askable: Texts, caps: Caps, draws: tuple[Draw, ...] = ()) -> int:
    """The same under a cap; those on record, where there is one."""
    if draws:
        return len(rows_of(draw for draw in draws if draw.purpose == NEW_ROWS))
    price = None if caps.max_cost is None else mean_price(setup.teacher, askable.unique)
    paid = [] if caps.max_rows is None else [float(caps.max_rows)]
    paid += [caps.max_cost / price] if caps.max_cost is not None and price else []
    like = min([float(len(askable.usable)), *(n * _NEW_PAID / _NEW_SHARE for n in paid)])
    return new_rows_of(setup, int(like))


def start_of(
    setup: Setup, askable: Texts, sample: int | None, caps: Caps
) -> tuple[NDArray[np.intp], int]:
    """The rows that a job begins with, at random, and the fewest that can test the others.

    Arguments are those of :func:`begin`.

    Raises
    ------
    NotEnoughData
        Nothing of so few rows could be certified.
    """
    n = len(askable.unique)
    # Nothing is looked at before the start is labelled.
    aside = _set_aside(setup, askable, caps)
    job = _make_job(setup, askable, sample, [np.empty((n, 0))], aside)
    job.room = None if caps.max_rows is None else max(caps.max_rows - aside, 0)
    rows = _begun(job, np.full(n, UNASKED)).draws[-1].rows
    return rows, job.aim.fewest(len(job.usable) - len(rows))


def _make_job(
    setup: Setup, askable: Texts, sample: int | None, X: Blocks, new_rows: int
) -> HardFirst:
    options = {k: v for k, v in setup.choices.items() if k not in ("target", "confidence", "seed")}
    terms = Terms(
        setup.target,
        setup.options.confidence,
        most=sample,
        new_rows=new_rows,
        features=f"{features_key(setup.features, X)} {sorted(setup.label_texts.items())}",
        at_a_time=setup.teacher.concurrency * max(setup.teacher.batch_size, 1),
        seed=setup.options.seed,
        prices=setup.stages.prices(setup.teacher, askable.unique),
        options=options,
        promise=setup.options.promises[0],
        beside=setup.options.promises[1:],
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


def begin(state: JobState, askable: Texts, sample: int | None, caps: Caps) -> JobState:
    """The state with a job for the column, and with what was drawn of it before.

    Parameters
    ----------
    state : JobState
        With the column.
    askable : Texts
        Its texts, without those that the teacher has no record of.
    sample : int or None
        Most texts that are asked about before anything is tested.
    caps : Caps
        Of the whole job.

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
    aside = _set_aside(setup, askable, caps, draws)
    job = _make_job(setup, askable, sample, state.column.features(), aside)
    job.freezer.names = name_rows(setup.features, setup.label_texts, setup.teacher.labels)
    known = setup.asker.known(askable.unique)
    said = answers_of(known, askable.unique, job.classes)
    job.freezer.soft = soft_of(known, askable.unique, job.classes)
    if setup.stages:
        job.opinions = setup.stages.opinions(askable.unique, job.classes)
    if not kept:
        draws = _spent(draws, said[askable.codes[rows_of(draws)]])
    if not draws:
        _begun(job, said)
    return replace(state, grown=Grown(job, key, said), draws=draws, drawn_from=state.column.texts)


def _spent(draws: tuple[Draw, ...], said: NDArray[np.intp]) -> tuple[Draw, ...]:
    """What counts of draws whose answers are all gone, with a store that held them: the tests' errors."""
    if (said != UNASKED).any():
        return draws
    none = np.empty(0, dtype=np.intp)
    return tuple(
        replace(draw, rows=none, bare=none, missing=None) for draw in draws if draw.purpose == TEST
    )


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
    whole, stages = Whole(how, asker.spending), setup.stages
    while True:
        caps = how.caps.left(stages.spending)
        reserve(job, state.draws, grown.said, caps, asker.spending)
        job.chain.mute(stages.muted)
        with whole.preparing(asker.spending, grown.said):
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
        told = whole.after(asker.spending, grown.said)
        hear = {s: [askable.unique[i] for i in heard.tolist()] for s, heard in move.hear.items()}
        # Under a cap, which is one for all, the teacher comes first; with nothing to ask it, nobody
        # is heard meanwhile.
        behind = how.caps != Caps() or not texts
        with stages.heard({} if behind else hear, step=how.step, stop=how.stop) as ended:
            if texts:
                # It plans by what the stages left of the caps, as the first step did.
                asking = replace(how, caps=caps)
                stream = Stream(state, askable, asking, keep, codes, until_test=until_test)
                ask_about(
                    *(asker, texts, setup.reject),
                    caps=how.caps.left(setup.spending),
                    on_progress=told,
                    step=how.step,
                    stop=how.stop,
                    missing=again,
                    # Who asks about one text at a time waits for none.
                    more=stream if setup.teacher.concurrency > 1 else None,
                )
                state = stream.state
            if asker.stopped_in(how.step) is not None:
                ended.set()
        grown = replace(grown, said=answers_of(asker.answers, askable.unique, classes, grown.said))
        soft = soft_of(asker.answers, askable.unique, classes, job.freezer.soft)
        job.freezer.soft = soft
        broken = ended.is_set()
        if behind and hear and not broken:
            kept = reserve(job, state.draws, grown.said, caps, asker.spending)
            kept = 0 if state.draws[-1].found == "passed" else kept
            with _fitting(whole, asker.spending, grown, state.draws, last=move.last):
                broken = stages.hear(
                    hear,
                    caps=spare(how.caps, asker, askable.unique, kept),
                    on_progress=how.on_progress,
                    step=how.step,
                    stop=how.stop,
                )
        if job.opinions is not None:
            job.opinions = stages.opinions(askable.unique, classes, job.opinions)
        if broken and asker.stopped_in(how.step) is None:
            asker.stop(how.step, INTERRUPTED)  # while stages were heard
        state = replace(state, grown=grown, seconds=mean_wait(asker.answers.values()))
        state = _labelled(state, askable)
        keep(state)
        if asker.stopped_in(how.step) is not None:
            return state


@contextmanager
def _fitting(
    whole: Whole, spent: Spending, grown: Grown, draws: tuple[Draw, ...], *, last: bool
) -> Iterator[None]:
    """Fit what a test goes by meanwhile, where it seems to be ``last`` what is heard before it."""
    if not last:
        yield
        return
    parts: list[Preparing] = []

    def fit() -> None:
        with telling(parts.append):
            grown.job.fit_last(draws, grown.said)

    with ThreadPoolExecutor(1, thread_name_prefix="fit") as pool:
        fitted = pool.submit(fit)
        yield
        # What is left of it when all is heard; until then the hearing was told of.
        with whole.preparing(spent, grown.said):
            while wait([fitted], _STEP).not_done:
                for part in parts[-1:]:
                    tell_preparing(part)
    fitted.result()


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
    texts, job = state.column.texts, state.grown.job
    return replace(
        collect_labels(
            texts,
            at.rows,
            asker.known(distinct_texts(texts, at.rows)),
            **asker.told,
            stopped=asker.stopped,
            fewest=job.aim.fewest(len(job.usable)),
            again=asker.asked_again,
            whole=True,
        ),
        n_random=at.n_random,
    )
