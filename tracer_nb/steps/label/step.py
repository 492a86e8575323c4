"""The step that asks about a random sample, and its plan."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from tracer_nb.draws import SAMPLE, TEST, Draw
from tracer_nb.draws.rounds import Trail
from tracer_nb.engine.race import OnPart
from tracer_nb.engine.refusal import chance_to_certify
from tracer_nb.engine.split import FIT_SHARE
from tracer_nb.records import Answer, Caps, Labels, Plan, Progress, Spending
from tracer_nb.steps.column.features import column_features
from tracer_nb.steps.column.frames import Texts, read_texts, same_texts
from tracer_nb.steps.column.sample import collect_labels, distinct_texts, draw_rows
from tracer_nb.steps.label.asker import OnProgress, asks_again
from tracer_nb.steps.label.costs import mean_wait
from tracer_nb.steps.label.fewest import fewest_of, fewest_wanted, reading_of
from tracer_nb.steps.label.grown import expected_bill
from tracer_nb.steps.label.hardfirst import advance, begin, reused_of, start_of
from tracer_nb.steps.label.learning import recall_members
from tracer_nb.steps.label.panel import panel_forecast
from tracer_nb.steps.label.plan import (
    askable_texts,
    check_job,
    drawn_rows,
    make_plan,
)
from tracer_nb.steps.label.reject import ask_about
from tracer_nb.steps.label.stream import Asking
from tracer_nb.steps.state import JobState, Keep, ReadColumn, reset
from tracer_nb.teachers import PanelTeacher

__all__ = ["FITTING", "label", "labels_so_far", "plan", "tell", "tell_parts"]

FITTING = "Fitting the surrogate"
"""Name of the step in the progress."""

# More labels than make it so likely are not spoken of.
_SURE = 0.9


def plan(
    state: JobState,
    column: Any,
    *,
    table: Any = None,
    sample: int | None = None,
    again: str | None = None,
    caps: Caps,
) -> Plan:
    """Say what labelling would ask and cost: see :meth:`tracer_nb.Tracer.plan`."""
    setup = state.setup
    missing = asks_again(again, setup.teacher)
    texts, rows = drawn_rows(setup, column, table, sample, fewest=0)
    fewest, bill = fewest_of(setup, texts), None
    same = state.drawn_from is not None and same_texts(texts, state.drawn_from)
    grown = state.grown if same else None
    if setup.labelling == "hard-first":
        rows, fewest = start_of(setup, askable_texts(setup.teacher, texts), sample, caps)
        bill = expected_bill(grown, len(texts.unique), len(rows), fewest)
    sampled = distinct_texts(texts, rows)
    panel = setup.teacher if isinstance(setup.teacher, PanelTeacher) else None
    if panel is not None and panel.learns:
        recall_members(panel, setup.shelf, sampled)
    to_renew = setup.asker.missing(sampled) if missing else frozenset()
    known = setup.asker.known(sampled)
    made = make_plan(
        setup.teacher,
        texts,
        sampled,
        {text: answer for text, answer in known.items() if text not in to_renew},
        setup.asker.past(sampled),
        n_sample=len(rows),
        target=setup.target,
        confidence=setup.options.confidence,
        fewest=fewest,
        caps=caps,
        reject=setup.reject,
        guard=setup.options.guard,
        again=setup.asker.priced(to_renew) if missing else None,
        labelling=setup.labelling,
        bill=bill,
        panel=None if panel is None else partial(panel_forecast, panel, setup.shelf),
    )
    grows, promises = setup.labelling == "hard-first", setup.options.promises
    recall = grows and len(promises) == 1 and promises[0].kind == "recall"
    reads = reading_of(setup, grown, state.draws) if recall else None
    made = replace(
        made,
        stages=setup.stages.plans(setup.teacher, texts.unique),
        promises=setup.options.promises,
        fewest_wanted=None if grows else fewest_wanted(setup),
        reads=reads,
        not_grown=setup.not_grown,
    )
    chances, n_pilot = _chances(state, texts, len(rows))
    return replace(made, chances=chances, n_pilot=n_pilot)


def _chances(
    state: JobState, texts: Texts, n_sample: int
) -> tuple[tuple[tuple[int, float], ...], int]:
    """How likely numbers of labels certify something, and the rows that say so."""
    setup, grown = state.setup, state.grown
    if state.column is None or not same_texts(texts, state.column.texts):
        return (), 0
    if setup.labelling == "hard-first":
        looks = () if grown is None or grown.done is not None else grown.job.outlooks[-1:]
        return tuple((x.n_labels + x.n_test, x.chance) for x in looks if x.n_test), sum(
            x.n_labels for x in looks
        )
    # The pilot tells of agreement alone.
    if state.fitted is None or setup.options.certificate != "held-out" or setup.options.promised:
        return (), 0
    pilot, n_rows = state.fitted.pilot, len(texts.usable)
    sizes = dict.fromkeys(min(n_sample * times, n_rows) for times in (1, 2, 4))
    found = []
    for n in sizes:
        n_test = round(n * (1.0 - FIT_SHARE))
        found.append((n, chance_to_certify(pilot, n_test, setup.target, setup.options.confidence)))
        if found[-1][1] > _SURE:
            break
    return tuple(found), len(pilot.scores)


def label(
    state: JobState,
    column: Any,
    *,
    table: Any = None,
    sample: int | None = None,
    caps: Caps,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
    go_on: bool = False,
    again: str | None = None,
    keep: Keep,
) -> JobState:
    """Ask about rows of a column, chosen or drawn: see :meth:`tracer_nb.Tracer.label`.

    Parameters
    ----------
    keep : callable
        Told which rows are being asked about, and of the labels of each batch.
    """
    setup, asker = state.setup, state.setup.asker
    missing = asks_again(again, setup.teacher)
    texts = read_texts(column, table, setup.named)
    askable = askable_texts(setup.teacher, texts)
    fewest, seed = fewest_of(setup, texts), setup.options.seed
    # Labels may be wanted alone.
    drawn = check_job(askable, setup.teacher.labels, sample, fewest=0)
    features = column_features(texts, setup.features, setup.matrix)
    rows = draw_rows(askable, drawn, seed)
    sampled = distinct_texts(texts, rows)
    chosen = setup.labelling == "hard-first"
    may_ask = distinct_texts(texts, askable.usable) if chosen else sampled
    asker.check(may_ask, caps, missing=missing)
    state = reset(replace(state, column=ReadColumn(column, texts, features)), after="column")
    same = state.drawn_from is not None and same_texts(texts, state.drawn_from)
    state = replace(
        state,
        trail=Trail.of(len(texts.unique)),
        draws=state.draws if same else (),
        drawn_from=texts if same else None,
    )
    asker.begin(anew=not go_on)
    setup.stages.begin(anew=not go_on)
    start = start_of(setup, askable, sample, caps)[0] if chosen and asker.learns else rows
    asker.learn(distinct_texts(texts, start), caps=caps, step="label", stop=stop)
    if chosen:
        tell(on_progress, "Reading texts")
        how = Asking("label", caps, on_progress, stop, missing)
        state = begin(state, askable, None if sample is None else drawn, caps)
        if not go_on and not missing:
            asker.count(reused_of(state))
        return advance(state, askable, how, until_test=True, keep=keep)
    # A random sample is drawn anew; what was tested stays spent.
    tests = tuple(draw for draw in state.draws if draw.purpose == TEST)
    state = replace(state, underway=rows, draws=(*tests, Draw(SAMPLE, 0, 0, seed, rows)))
    keep(state)
    ask_about(
        asker,
        sampled,
        setup.reject,
        caps=caps.left(asker.spending),
        on_progress=on_progress,
        step="label",
        stop=stop,
        missing=missing,
    )
    labels = collect_labels(
        texts,
        rows,
        asker.answers,
        **asker.told,
        stopped=asker.stopped,
        fewest=fewest,
        again=asker.asked_again,
    )
    said = [asker.answers[text] for text in sampled if text in asker.answers]
    state = replace(state, labels=labels, underway=None, seconds=mean_wait(said))
    keep(state)
    return state


def labels_so_far(state: JobState, known: Mapping[str, Answer] | None = None) -> Labels | None:
    """The labels; while they are asked for, those of the sample's first answered rows.

    ``known`` are answers to the column's texts, where somebody has them.
    """
    rows, column = state.underway, state.column
    if rows is None or column is None:
        return state.labels
    asker = state.setup.asker
    if known is None:
        known = asker.known(distinct_texts(column.texts, rows))
    return collect_labels(
        column.texts,
        rows,
        known,
        **asker.told,
        stopped="not done",
    )


def tell(on_progress: OnProgress | None, step: str) -> None:
    """Say that a step that asks nothing has begun."""
    if on_progress is not None:
        on_progress(Progress(0, 1, Spending(), 0.0, step))


def tell_parts(on_progress: OnProgress | None, step: str) -> OnPart | None:
    """What tells of each part of a step that asks nothing, after :func:`tell`."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(Progress(done, total, Spending(), 0.0, step, parts=True))
