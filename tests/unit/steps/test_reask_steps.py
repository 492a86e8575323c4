"""Asking a teacher twice: second answers beside the first, paid once, lost never."""

import threading

import numpy as np
import pytest

from tracer_nb import Tracer, datasets
from tracer_nb.errors import InvalidInput, NotEnoughData, NotFitted
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import answer_sets, export_answers
from tracer_nb.words import reask_lines, reask_plan_lines

LABELS = ("login", "parcel", "refund")


class Wavering:
    """A teacher that says another label about some texts when it is asked again."""

    def __init__(self, world, wavers=()):
        self.world, self.wavers = world, set(wavers)
        self.asked = {}

    def teach(self, text):
        turn = self.asked[text] = self.asked.get(text, 0) + 1
        label = self.world.teach(text)
        if turn == 2 and text in self.wavers:
            return LABELS[(LABELS.index(label) + 1) % 3]
        return label


def labelled(teach, world, store=":memory:", **options):
    tracer = Tracer(teach, LABELS, features=world.X, store=store, **options, labelling="random")
    tracer.label(world.texts, sample=200)
    return tracer


def supported(store, **options):
    data = datasets.load("support")
    tracer = Tracer(
        *("standin:support", sorted(set(data["label"])), "Choose."),
        store=store,
        target=0.8,
        **options,
        labelling="random",
    )
    tracer.label(data["text"][:150], sample=100)
    return tracer


@pytest.fixture
def store(tmp_path):
    return tmp_path / "labels.sqlite"


def test_second_answers_are_counted_and_the_first_ones_stay(world, store):
    teacher = Wavering(world, wavers=[t for t in world.texts if t.startswith("parcel")])
    tracer = labelled(teacher.teach, world, store)
    before = tracer.labels
    assert tracer.self_agreement() is None
    found = tracer.reask(90)
    twice = [text for text, n in teacher.asked.items() if n == 2]
    parcels = sum(text.startswith("parcel") for text in twice)
    assert (found.n, found.n_same) == (len(twice), len(twice) - parcels) == (90, 90 - parcels)
    assert found.lower < found.share < found.upper
    assert found.share <= found.ceiling
    assert found.labels == (("parcel", parcels, parcels),)
    assert found.pairs == (("parcel", "refund", parcels),)
    assert {(one, two) for _, one, two in found.changed} == {("parcel", "refund")}
    assert (found.n_waiting, found.stopped, found.repeats) == (0, None, "function")
    assert tracer.labels is before
    again = labelled(teacher.teach, world, store)
    assert np.array_equal(again.labels.codes, before.codes)
    assert max(teacher.asked.values()) == 2


def test_another_session_asks_about_none_a_third_time_and_more_rows_keep_the_fewer(world, store):
    teacher = Wavering(world)
    labelled(teacher.teach, world, store).reask(30)
    again = labelled(teacher.teach, world, store)
    n = len(world.asked)
    assert again.self_agreement().n == 30
    assert again.reask(30).n == 30
    assert len(world.asked) == n
    assert again.reask(50).n == 50
    assert len(world.asked) == n + 20
    assert max(teacher.asked.values()) == 2


def test_a_cap_and_a_stop_leave_the_rest_for_later_and_lose_nothing(world, store):
    tracer = labelled(world.teach, world, store)
    found = tracer.reask(40, max_rows=15)
    assert (found.n, found.n_waiting, found.stopped) == (15, 25, "row cap of 15 reached")
    assert "25 drawn texts not asked again yet (row cap of 15 reached)." in reask_lines(found)
    assert tracer.report.spending.asked == 215
    stop = threading.Event()
    stop.set()
    found = tracer.reask(40, stop=stop)
    assert (found.n, found.n_waiting, found.stopped) == (15, 25, "interrupted")
    found = tracer.reask(40)
    assert (found.n, found.n_waiting, found.stopped) == (40, 0, None)
    assert tracer.report.spending.asked == 240


def test_an_interrupt_keeps_what_was_answered(world, store, interrupting):
    teacher = interrupting(world, 210)
    tracer = labelled(teacher.teach, world, store)
    found = tracer.reask(60)
    assert found.stopped == "interrupted"
    assert 9 <= found.n < 60
    asked = len(world.asked)
    teacher.release.set()
    done = labelled(teacher.teach, world, store).reask(60)
    assert (done.n, done.n_waiting) == (60, 0)
    # The one that hung may be asked again; none that was answered is.
    assert len(world.asked) - asked <= 60 - found.n


def test_no_second_label_is_another_answer_and_a_failure_is_left_for_later(world):
    second = {}

    def teach(text):
        if text in second:
            return second[text]
        second[text] = None
        return world.teach(text)

    tracer = labelled(teach, world)
    assert tracer.reask(10).n == 0  # None from a function is a failure
    for text in second:
        second[text] = Answer(None, reason="nonsense")
    found = tracer.reask(10)
    assert (found.n, found.n_same, found.n_waiting) == (10, 0, 0)
    assert {two for _, two, _ in found.pairs} == {None}
    assert any("| no label" in line for line in reask_lines(found))


def test_votes_on_a_second_answer_are_votes_again(tmp_path):
    tracer = supported(tmp_path / "s.sqlite", votes=3)
    found = tracer.reask(5)
    assert (found.n, found.n_same, found.repeats) == (5, 5, "stand-in")
    assert any("stand-in repeats itself" in line for line in reask_lines(found))
    with LabelStore(tmp_path / "s.sqlite") as store:
        first, second = sorted(answer_sets(store), key=lambda s: -s.n_answers)
    assert (first.teacher, second.teacher) == ("stand-in", "stand-in, asked again")
    assert second.prompt_tokens / second.n_answers > 2 * 30  # three votes each


def test_the_sets_can_be_told_apart_and_do_not_count_as_answers_of_another_prompt(world, store):
    labelled(world.teach, world, store).reask(30)
    with LabelStore(store) as answers:
        names = [s.teacher for s in answer_sets(answers)]
        n = export_answers(answers, store.with_suffix(".csv")).rows
    assert names == ["teach, asked again", "teach"]
    assert n == 230
    other = labelled(lambda text: world.teach(text), world, store)  # noqa: PLW0108
    assert other.labels.superseded.n == 200
    again = labelled(world.teach, world, store)
    again.reask(40)
    assert again.report.superseded.n == again.labels.superseded.n == 0


def test_the_plan_asks_nothing_and_knows_what_is_stored(world):
    tracer = labelled(world.teach, world)
    n = len(world.asked)
    plan = tracer.plan_reask(50, max_rows=20)
    assert (plan.n_drawn, plan.n_ask, plan.cost, len(world.asked)) == (50, 50, None, n)
    assert "Hard cap: 20 texts asked." in reask_plan_lines(plan)
    tracer.reask(20)
    assert tracer.plan_reask(50).n_ask == 30
    plan = supported(":memory:").plan_reask(10, max_cost=1)
    assert plan.cost > 0
    assert "made up for the stand-in" in reask_plan_lines(plan)[1]


def test_what_cannot_be_asked_twice_is_one_clear_line(world):
    tracer = Tracer(world.teach, LABELS, features=world.X, store=":memory:", labelling="random")
    with pytest.raises(NotFitted, match="call label"):
        tracer.reask()
    tracer = labelled(world.truth, world)
    with pytest.raises(InvalidInput, match="record of labels, which nobody can ask again"):
        tracer.reask()
    tracer = labelled(world.teach, world)
    for wrong in (0, 2.5, "x", True):
        with pytest.raises(InvalidInput, match="rows must be"):
            tracer.reask(wrong)
    with pytest.raises(InvalidInput, match="max_rows"):
        tracer.reask(max_rows=-1)
    assert len(world.asked) == 200


def test_temperature_is_said(world):
    tracer = labelled(world.teach, world)
    identity = tracer.teacher._identity
    identity["teacher"], identity["temperature"] = "chat", 0.0
    assert tracer.reask(5).repeats == "temperature 0"


def test_without_a_label_there_is_nothing_to_ask_again(world):
    tracer = labelled(world.teach, world)
    tracer.labels.codes[:] = -1
    with pytest.raises(NotEnoughData, match="has a label"):
        tracer.reask()
