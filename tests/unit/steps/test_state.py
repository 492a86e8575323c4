"""The state of a job: what a step makes stale, and what two threads change at once."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.draws import SAMPLE, TEST, Draw, add_test, errors_of
from tracer_nb.steps.state import NEEDS, JobState, merged, reset

PARTS = [field.name for field in fields(JobState)]


@pytest.fixture
def full():
    """A state in which every part is there: its name stands for it."""
    return JobState(**{name: name for name in PARTS})


def gone(state):
    return {name for name in PARTS if getattr(state, name) != name}


@pytest.mark.parametrize(
    ("after", "stale"),
    [
        (
            "column",
            {"underway", "grown", "labels", "trail", "beside", "fitted", "certified", "routed"}
            | {"watch", "update", "gaps", "earlier"},
        ),
        ("labels", {"fitted", "certified", "routed", "watch", "update", "gaps", "earlier"}),
        ("fitted", {"certified", "routed", "watch", "gaps", "earlier"}),
        ("certified", {"routed", "watch", "gaps"}),
        ("routed", {"watch", "gaps"}),
        ("chosen", set()),
    ],
)
def test_what_a_step_makes_stale(full, after, stale):
    assert gone(reset(full, after=after)) == stale
    assert not gone(full)


def test_the_table_names_parts_each_behind_what_it_needs():
    known = ["column"]
    for part, needed in NEEDS.items():
        assert part in PARTS
        assert set(needed) <= set(known)
        known.append(part)


def test_what_another_thread_changed_meanwhile_stays(full):
    routed = replace(full, routed="again")
    meanwhile = replace(full, chosen=("a text",))
    both = merged(meanwhile, full, routed)
    assert (both.routed, both.chosen) == ("again", ("a text",))


def test_what_was_made_of_something_old_is_left_out(full):
    looked = replace(full, gaps="found", watch="seen")
    assert merged(replace(full, labels="others"), full, looked).gaps == "gaps"
    assert merged(replace(full, routed="others"), full, looked).watch == "watch"
    # Not of a step that has replaced both.
    step = replace(full, routed="mine", watch="mine")
    assert merged(replace(full, routed="others"), full, step).watch == "mine"


def test_nothing_is_written_into_a_state(world):
    tracer = Tracer(
        world.teach, world.labels, features=world.X, store=":memory:", labelling="random"
    )
    states = [tracer._state]
    for step in (lambda: tracer.label(world.texts, sample=200), tracer.fit, tracer.calibrate):
        step()
        states.append(tracer._state)
    reached = [(s.labels is None, s.fitted is None, s.certified is None) for s in states]
    assert reached == [(True,) * 3, (False, True, True), (False, False, True), (False,) * 3]
    with pytest.raises(FrozenInstanceError):
        states[0].labels = states[1].labels
    assert not hasattr(states[0], "__dict__")


def test_rows_sent_to_review_while_a_step_runs_are_not_lost(world):
    tracer = Tracer(
        world.teach, world.labels, features=world.X, store=":memory:", labelling="random"
    )
    tracer.run(world.texts, sample=200, ask_teacher=False)
    row = int(tracer.labels.rows[0])
    tracer.route(ask_teacher=True, on_progress=lambda _: tracer.send_to_review([row]))
    assert [i.row for i in tracer.review(of="chosen").queue.items if i.drawn == "chosen"] == [row]


def test_every_draw_is_told(world):
    tracer = Tracer(
        world.teach, world.labels, features=world.X, store=":memory:", seed=3, labelling="random"
    )
    tracer.run(world.texts, sample=200, ask_teacher=False)
    sample, test = tracer._state.draws
    assert (sample.purpose, sample.round, sample.look, sample.seed) == (SAMPLE, 0, 0, 3)
    np.testing.assert_array_equal(sample.rows, tracer.labels.rows)
    assert (test.purpose, test.round, test.seed) == (TEST, 1, 3)
    np.testing.assert_array_equal(test.rows, tracer.labels.rows[tracer.fitted.calibration_rows])
    assert test.error == pytest.approx(0.05)
    # The same test again is no further try; one of another fit is.
    tracer.calibrate()
    assert tracer.rounds == 1


def test_a_test_spends_once_for_what_it_found():
    rows = np.arange(3)
    draws = (Draw(SAMPLE, 0, 0, 0, rows),)
    for found in ("a", "b", "a"):
        draws = add_test(draws, rows, seed=0, error=0.05, found=found)
    assert errors_of(draws) == (0.05, 0.05)
    assert [draw.round for draw in draws] == [0, 1, 2]
