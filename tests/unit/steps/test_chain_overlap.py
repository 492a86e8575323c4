"""A chain keeps teacher, stages and the fit busy at the same time, and decides as it did one by one."""

import threading
import time

import pytest

from tests.unit.steps.test_chain_steps import LABELS, World
from tracer_nb.draws import NEW_ROWS, TEST, freezing
from tracer_nb.records import Preparing
from tracer_nb.teachers import FunctionTeacher

# What a test waits for where nothing overlaps; nothing is measured by it.
_PATIENCE = 10.0


@pytest.fixture(scope="module")
def world():
    return World(n=600)


def _ran(world, concurrency, *, max_cost=None, **more):
    tracer = world.tracer(
        store=":memory:",
        teacher=FunctionTeacher(
            world.truth.__getitem__, LABELS, cost=0.02, name="big", concurrency=concurrency
        ),
        chain=[
            FunctionTeacher(
                world.cheap.__getitem__, LABELS, cost=0.001, name="small", concurrency=concurrency
            )
        ],
        **more,
    )
    return tracer, tracer.run(world.texts, max_cost=max_cost)


def test_many_at_a_time_decide_what_one_by_one_decides(world):
    one, rows_one = _ran(world, 1, new_rows=60)
    many, rows_many = _ran(world, 32, new_rows=60)
    assert rows_many["label"].tolist() == rows_one["label"].tolist()
    assert many.report.bill.saved == one.report.bill.saved
    assert many.stages == one.stages
    assert (rows_many["label_source"] == "surrogate").mean() > 0.3


def test_what_is_tested_is_fitted_while_the_stage_is_heard(world, monkeypatch):
    fitting, hearing, together = threading.Event(), threading.Event(), []
    fit = freezing.fit_answers

    def begun(*args, **kwargs):
        fitting.set()
        together.append(hearing.wait(_PATIENCE))
        return fit(*args, **kwargs)

    monkeypatch.setattr(freezing, "fit_answers", begun)
    heard, lock = [], threading.Lock()

    def said(text):
        with lock:
            heard.append(text)
            wait = len(heard) > len(world.texts) // 2 and not hearing.is_set()
        if wait:  # behind the start
            hearing.set()
            together.append(fitting.wait(_PATIENCE))
        return world.cheap[text]

    tracer = world.tracer(
        store=":memory:", chain=[FunctionTeacher(said, LABELS, cost=0.001, name="small")]
    )
    tracer.run(world.texts)
    assert together == [True, True]


def test_rows_set_aside_are_asked_about_while_the_test_is(world):
    tracer, _ = _ran(world, 32, new_rows=60)
    draws = {draw.purpose: draw.rows for draw in tracer._state.draws}
    aside = {world.texts[i] for i in draws[NEW_ROWS]}
    (slow,) = [world.texts[i] for i in draws[TEST][:1]]
    begun, together = threading.Event(), []

    def ask(text):
        if text in aside:
            begun.set()
        if text == slow:
            together.append(begun.wait(_PATIENCE))
        return world.truth[text]

    again = world.tracer(
        store=":memory:",
        new_rows=60,
        teacher=FunctionTeacher(ask, LABELS, cost=0.02, name="big", concurrency=32),
    )
    again.run(world.texts)
    assert together == [True]


def test_what_a_stage_took_of_a_cap_counts_while_many_are_asked():
    world = World(n=300, seed=1)
    draws = []
    for concurrency in (1, 32):
        tracer, _ = _ran(world, concurrency, max_cost=4.2)
        assert tracer._state.setup.spending.cost <= 4.2
        draws.append([(draw.purpose, draw.rows.tolist()) for draw in tracer._state.draws])
    assert draws[0] == draws[1]


def test_what_is_left_of_the_fit_when_all_is_heard_is_told(world, monkeypatch):
    told, heard_all, fit = [], threading.Event(), freezing.fit_answers

    def slowly(*args, on_part, **kwargs):
        on_part(2, 7)
        assert heard_all.wait(_PATIENCE)
        told_before = len(told)
        until = time.monotonic() + _PATIENCE
        while len(told) == told_before and time.monotonic() < until:
            time.sleep(0.01)
        return fit(*args, on_part=on_part, **kwargs)

    def hear(progress):
        told.append(progress)
        if progress.step == "stages" and progress.done == progress.total:
            heard_all.set()

    monkeypatch.setattr(freezing, "fit_answers", slowly)
    chain = [FunctionTeacher(world.cheap.__getitem__, LABELS, cost=0.001, name="small")]
    tracer = world.tracer(store=":memory:", chain=chain)
    tracer.label(world.texts, on_progress=hear)
    behind = [p for p in told if p.preparing == Preparing("test", 1, 2, 7)]
    assert behind
    assert {p.step for p in behind} == {"label"}
    # Those of the thread that fits beside the hearing are no moments of it.
    assert all(p.preparing is None for p in told if p.step == "stages")
