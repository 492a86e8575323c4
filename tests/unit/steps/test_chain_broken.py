"""A chain under awkward caps, interrupts and stages that fail: nothing is lost, passed or made up."""

import threading
import time

import numpy as np
import pytest

from tests.unit.steps.test_chain_steps import LABELS, World
from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.draws.opinions import Opinions
from tracer_nb.labelling import INTERRUPTED
from tracer_nb.records import Caps
from tracer_nb.steps.column.features import take
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.steps.explain.inspection import inspect
from tracer_nb.steps.label.stages import Stages
from tracer_nb.steps.review import step as review_step
from tracer_nb.steps.route.chain import heard_routing
from tracer_nb.store import Shelf
from tracer_nb.teachers import FunctionTeacher


@pytest.fixture(scope="module")
def done():
    world = World(n=600)
    tracer = world.tracer(store=":memory:")
    tracer.run(world.texts)
    assert tracer.stages[0].n_answered
    return world, tracer


def test_what_is_said_after_a_test_began_leaves_its_opinions_alone():
    soft = np.full((4, 2), np.nan, dtype=np.float32)
    soft[0] = [0.2, 0.8]
    then = Opinions(np.array([[1, NO_LABEL, UNASKED, UNASKED]]), (soft,))
    later = soft.copy()
    later[2] = [0.9, 0.1]
    now = Opinions(np.array([[1, NO_LABEL, 0, UNASKED]]), (later,))
    assert now.digest() != then.digest()
    assert now.only(then.labelled(), then.quiet()).digest() == then.digest()


def test_under_a_cap_the_teacher_comes_before_the_stages():
    world = World(n=300)
    tracer = world.tracer(store=":memory:")
    tracer.label(world.texts, max_rows=70)
    assert len(world.asked["big"]) == 40  # all of the random start
    fewest = 22  # a test of 90 % at 90 % confidence: .9 ** 22 < .1
    assert len(world.asked["small"]) <= 70 - 40 - fewest


@pytest.mark.parametrize("caps", [{"max_rows": 500}, {"max_cost": 4.2}])
def test_stages_leave_under_a_cap_what_a_test_costs(caps):
    world = World(n=600)
    cost = 0.0 if "max_rows" in caps else 0.001
    tracer = world.tracer(chain=[world.stage(cost=cost)], store=":memory:")
    tracer.label(world.texts, **caps)
    big, small = len(world.asked["big"]), len(world.asked["small"])
    assert small >= 120  # it was heard about the start
    if "max_rows" in caps:
        assert 500 - big - small >= 24
    else:
        assert 4.2 - 0.02 * big - 0.001 * small >= 24 * 0.02


def test_an_interrupt_while_a_stage_is_heard_ends_the_labelling():
    world = World(n=300)
    tracer = world.tracer(store=":memory:")
    (asker,) = tracer._state.setup.stages.askers
    asked = []

    def interrupted(_texts, *, step, **_how):
        asked.append(step)
        assert len(asked) < 3, "it is heard again and again"
        asker.stop(step, INTERRUPTED)  # as run_labels says of Ctrl-C

    asker.ask = interrupted
    labels = tracer.label(world.texts, max_cost=100.0)
    assert len(asked) == 1
    assert labels.stopped == INTERRUPTED
    assert not tracer._state.setup.stages.muted


def slow_stages(seen):
    def ask(text):
        seen.append(text)
        time.sleep(0.01)
        return "no"

    return Stages([FunctionTeacher(ask, LABELS, cost=0.001, name="small")], Shelf(":memory:"))


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_a_teacher_that_is_interrupted_or_fails_waits_for_no_slow_stage(error):
    seen = []
    stages = slow_stages(seen)
    texts = [f"text {i}" for i in range(3000)]

    def work():
        with stages.heard({0: texts}, step="label", stop=None) as ended:
            while not seen:
                time.sleep(0.01)
            if error is None:
                ended.set()
            else:
                raise error("of the teacher")

    if error is ValueError:
        with pytest.raises(ValueError, match="teacher"):
            work()
    else:
        work()
    assert len(seen) < len(texts)
    assert not stages.muted


def test_caps_of_a_routing_count_what_stages_took_since():
    seen = []
    stages = slow_stages(seen)
    told = {"on_progress": None, "step": "deferred", "stop": None}
    stages.hear({0: [f"a {i}" for i in range(20)]}, caps=Caps(), **told)
    before = stages.spending
    stages.hear(
        {0: [f"b {i}" for i in range(20)]}, caps=Caps(max_cost=0.0105), since=before, **told
    )
    assert len(seen) == 30


def test_rows_that_no_stage_could_be_heard_about_are_the_teachers(done):
    _, tracer = done
    state = tracer._state
    new = World(n=50, seed=5)
    texts = read_texts([f"new {text}" for text in new.texts], None, ())
    stages = state.setup.stages
    stages.muted[0] = "down"
    try:
        router = state.certified.router
        rule = router, router.column_certificate, stages, texts, [new.X]
        how = {"caps": Caps(), "on_progress": None, "stop": None, "labels": tuple(LABELS)}
        routing, broken = heard_routing(*rule, **how)
    finally:
        stages.muted.clear()
    assert not broken
    unheard = np.isnan(routing.scores)
    assert unheard.mean() > 0.8  # no feature tells: nearly all wait for the stage
    assert set(routing.waiting[unheard]) == {"small"}
    assert not routing.handled[unheard].any()


def test_progress_of_a_stage_has_a_step_and_totals_of_its_own():
    seen, told = [], []
    slow_stages(seen).hear(
        {0: [f"text {i}" for i in range(60)]},
        caps=Caps(),
        on_progress=told.append,
        step="label",
        stop=threading.Event(),
    )
    assert {(each.step, each.total) for each in told} == {("stages", 60)}
    assert max(each.done for each in told) == 60


def test_a_review_and_the_pictures_go_by_what_is_certified(done, monkeypatch):
    _, tracer = done
    state = tracer._state
    texts, labels = state.labelled()
    certified, fitted = state.certified.answers, state.certified.router.fit
    tested = texts.codes[labels.rows[fitted.calibration_rows]]
    alone = fitted.pipeline.predict(take(state.column.features(), tested))
    assert (alone.codes != certified.codes[tested]).any()  # the stage has a say
    sample = inspect(state).sample
    own = np.array([labels.classes.index(str(name)) for name in fitted.classes])
    assert (sample.surrogate[fitted.calibration_rows] == own[certified.codes[tested]]).all()
    found = {}
    opinions = review_step.surrogate_opinions
    monkeypatch.setattr(
        review_step,
        "surrogate_opinions",
        lambda *a, **k: found.update(opinions(*a, **k)) or found,
    )
    tracer.review(rows=5)
    assert found
    number = {text: i for i, text in enumerate(texts.unique)}
    for text, opinion in found.items():
        assert opinion.label == str(fitted.classes[certified.codes[number[text]]])
