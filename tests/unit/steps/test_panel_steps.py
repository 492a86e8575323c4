"""A panel in a whole job: asked, stored, fitted on, and looked at."""

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb import load as load_router
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records import PanelReport
from tracer_nb.teachers import FunctionTeacher, ReplayTeacher
from tracer_nb.widgets.review import ReviewPanel
from tracer_nb.words import revealed_sentence

LABELS = ("login", "parcel", "refund")


class Members:
    """Three teachers of a world: the second is wrong about every tenth text, the third never."""

    def __init__(self, world):
        self.world = world
        self.asked = {"first": [], "second": [], "third": []}

        def teach(name, often):
            def says(text):
                self.asked[name].append(text)
                label = world.truth[text]
                wrong = often and int(text.split()[-1]) % often == 0
                return LABELS[(LABELS.index(label) + 1) % 3] if wrong else label

            return FunctionTeacher(says, LABELS, name=name, cost=0.5)

        self.teachers = [teach("first", 0), teach("second", 10), teach("third", 0)]

    def disputed(self, texts):
        return [text for text in texts if int(text.split()[-1]) % 10 == 0]


@pytest.fixture
def members(world):
    return Members(world)


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return tmp_path / "labels.sqlite" if request.param == "file" else ":memory:"


def tracer_for(world, teacher, store, **options):
    return Tracer(teacher, LABELS, features=world.X, store=store, labelling="random", **options)


def test_a_panel_labels_and_says_what_each_member_did(world, members, store):
    tracer = tracer_for(world, members.teachers, store)
    assert tracer.panel is None
    labels = tracer.label(world.texts, sample=200)
    asked = members.asked["first"]
    disputed = members.disputed(asked)
    assert len(disputed) > 5
    assert sorted(members.asked["third"]) == sorted(disputed)
    assert labels.spending.cost == 200 * 1.0 + len(disputed) * 0.5
    truth = [LABELS.index(world.truth[world.texts[row]]) for row in labels.rows]
    assert [labels.classes[c] for c in labels.codes] == [LABELS[c] for c in truth]
    found = tracer.panel
    assert isinstance(found, PanelReport)
    assert (found.members, found.labels) == (("first", "second", "third"), LABELS)
    assert (found.n_rows, found.n_disputed) == (200, len(disputed))
    assert found.answered.tolist() == [200, 200, len(disputed)]
    assert found.cost == (100.0, 100.0, len(disputed) * 0.5)
    assert found.agreement == pytest.approx([1.0, 1 - len(disputed) / 200, 1.0])
    assert found.accuracy == pytest.approx([1.0, 1 - len(disputed) / 200, 1.0], abs=0.01)
    assert found.confusion.shape == (3, 3, 3)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1.0)


def test_a_whole_job_with_a_panel(world, members, store):
    tracer = tracer_for(world, members.teachers, store)
    routed = tracer.run(world.frame["text"], sample=200)
    assert routed["label"].tolist() == [world.truth[text] for text in world.frame["text"]]
    assert tracer.report.teacher == "first + second + third"
    assert tracer.panel.n_rows == len(members.asked["first"])
    assert "first + second + third" in repr(tracer)


def test_by_default_hard_rows_come_first_with_a_panel_as_well(world, members, tmp_path):
    tracer = Tracer(members.teachers, LABELS, features=world.X, store=tmp_path / "s.sqlite")
    labels = tracer.label(world.texts)
    assert len(set(members.asked["first"])) == len(members.asked["first"]) == len(labels.rows)


def test_members_are_not_asked_again_alone_nor_in_another_panel(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    first, second, third = members.teachers
    tracer_for(world, [first, second], store).label(world.texts, sample=150)
    for teacher in (first, second):
        alone = tracer_for(world, teacher, store)
        plan = alone.plan(world.texts, sample=150)
        assert (plan.n_ask, plan.n_stored, plan.superseded.n) == (0, 150, 0)
        assert alone.label(world.texts, sample=150).spending.asked == 0
        assert alone.panel is None
    other = tracer_for(world, [second, third], store)
    assert other.label(world.texts, sample=150).spending.cost == 75.0
    assert other.panel.cost == (75.0, 75.0)


def test_a_plan_and_a_report_from_another_kernel(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    plan = tracer_for(world, members.teachers, store).plan(world.texts, sample=100)
    assert (plan.teacher, plan.n_ask) == ("first + second + third", 100)
    # The third is taken to be asked about a quarter, and may be about all.
    assert (plan.cost_low, plan.cost, plan.cost_high) == (100.0, 112.5, 150.0)
    asked = plan.panel
    assert (asked.always, asked.disputed) == (("first", "second"), ("third",))
    assert (asked.share, asked.n_seen, asked.n_calls, asked.n_calls_most) == (0.25, 0, 225, 300)
    assert plan.distribution == "votes"
    tracer_for(world, members.teachers, store).label(world.texts, sample=100)
    later = tracer_for(world, members.teachers, store)
    more = later.plan(world.texts, sample=300).panel
    assert (more.n_seen, more.n_calls_most) == (100, 600)
    assert 0.05 < more.share < 0.2
    assert more.n_calls == round(400 + 200 * more.share)
    assert later.label(world.texts, sample=100).spending.asked == 0
    assert later.panel.answered[0] == 100


def test_rows_that_members_dispute_may_be_abstained(world, members, store):
    tracer = tracer_for(world, members.teachers[:2], store, abstain_unsure=0.6)
    routed = tracer.run(world.frame["text"], sample=200)
    abstained = routed.loc[routed["label_source"] == "abstained", "text"].tolist()
    assert abstained
    assert sorted(set(abstained)) == sorted(members.disputed(members.asked["first"]))


def test_asking_twice_asks_the_members_twice(world, members, store):
    tracer = tracer_for(world, members.teachers, store)
    tracer.label(world.texts, sample=100)
    before = len(members.asked["first"])
    found = tracer.reask(20)
    assert len(members.asked["first"]) == before + 20
    assert found.n == found.n_same == 20
    assert tracer.panel.cost[0] == before * 0.5  # second answers are none of these


def test_a_member_that_is_down_is_said_once_and_the_job_goes_on(world, members, store):
    def dead(_):
        raise TeacherError("no server")

    teachers = [FunctionTeacher(dead, LABELS, name="dead", cost=0.5), *members.teachers]
    tracer = tracer_for(world, teachers, store)
    labels = tracer.label(world.texts, sample=100)
    assert labels.stopped is None
    assert [line for line in labels.warnings if "dead failed" in line] == list(labels.warnings)
    assert len(labels.warnings) == 1
    assert tracer.panel.answered.tolist()[:3] == [0, 100, 100]
    assert np.isnan(tracer.panel.agreement[0])


def test_a_record_beside_a_function(world, members, store):
    texts = world.texts
    record = ReplayTeacher({text: world.truth[text] for text in texts}, labels=LABELS)
    tracer = tracer_for(world, [record, members.teachers[1]], store)
    tracer.label(texts, sample=100)
    found = tracer.panel
    assert found.answered.tolist() == [100, 100]
    assert found.cost == (0.0, 50.0)
    assert found.n_disputed == len(members.disputed(members.asked["second"]))


def test_a_saved_router_takes_a_panel(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    tracer = Tracer(
        members.teachers,
        LABELS,
        features="lsa",
        store=store,
        labelling="random",
        target=0.8,
        guard=False,
    )
    tracer.run(world.texts, sample=300)
    tracer.save(tmp_path / "router")
    router = load_router(tmp_path / "router", teacher=members.teachers, store=store)
    before = {name: len(asked) for name, asked in members.asked.items()}
    router.route(world.texts)
    assert {name: len(asked) for name, asked in members.asked.items()} == before


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        (["openai:m", "openai:m"], "one and the same teacher"),
        (["openai:m"], "two teachers or more, got 1"),
    ],
)
def test_what_is_no_panel_is_refused_before_anything_is_asked(teacher, said):
    with pytest.raises(InvalidInput, match=said):
        Tracer(teacher, LABELS, "Choose.", store=":memory:")


def test_calls_that_are_stored_are_none_of_a_plan(world, members, tmp_path):
    store = tmp_path / "labels.sqlite"
    first, second, third = members.teachers
    tracer_for(world, [second, third], store, adaptive=False).label(world.texts, sample=100)
    plan = tracer_for(world, members.teachers, store).plan(world.texts, sample=100)
    assert (plan.n_ask, plan.panel.n_calls, plan.panel.n_calls_most) == (100, 100, 100)
    assert plan.cost == 50.0
    swapped = tracer_for(world, [second, third, first], store).plan(world.texts, sample=100)
    n_disputed = len(members.disputed(members.asked["second"]))
    assert swapped.panel.n_calls == swapped.panel.n_calls_most == n_disputed


def test_what_each_member_adds(world, members, store):
    tracer = tracer_for(world, members.teachers, store)
    tracer.label(world.texts, sample=200)
    found = tracer.panel
    share = found.n_disputed / found.n_rows
    # Without the first the second, who is wrong, stands against the third, and before it.
    assert found.added == pytest.approx([share, 0.0, 0.0], abs=0.01)


def test_an_arbiter_is_told_of(world, members, store):
    def choose(text, _):
        return world.truth[text]

    tracer = tracer_for(world, members.teachers[1:], store, arbiter=choose)
    tracer.label(world.texts, sample=100)
    found = tracer.panel
    assert (found.arbiter, found.n_decided) == ("choose", found.n_disputed)
    assert found.members == ("second", "third")


def test_disputed_rows_go_to_review_with_who_said_what(world, members, store):
    tracer = tracer_for(world, members.teachers, store)
    tracer.label(world.texts, sample=200)
    disputed = set(members.disputed(members.asked["first"]))
    items = tracer.review(of="disputed", rows=500, blind=False).queue.items
    assert {item.text for item in items} == disputed
    for item in items:
        truth = world.truth[item.text]
        assert item.why.startswith("Disputed: teachers disagree")
        said = dict(item.said)
        assert (said["first"], said["third"]) == (truth, truth)
        assert said["second"] != truth
        assert set(said.values()) <= set(item.shortlist)
    mixed = tracer.review(rows=20).queue.items
    assert sum(item.drawn == "disputed" for item in mixed) >= 5


def test_a_review_shows_members_when_the_answer_is_given(world, members, store):
    tracer = tracer_for(world, members.teachers, store)
    tracer.label(world.texts, sample=200)
    panel = ReviewPanel(tracer.review(of="disputed", rows=5, blind=False))
    shown = panel.view.row["shortlist"]
    assert sorted(each["who"] for each in shown if each["who"]) == [
        "first + second + third, first, third",
        "second",
    ]
    reviewing = tracer.review(of="disputed", rows=5)
    panel = ReviewPanel(reviewing)
    assert not any(each["who"] for each in panel.view.row["shortlist"])
    item = reviewing.state.item
    reviewing.answer(dict(item.said)["second"])
    said = revealed_sentence(reviewing.state)
    assert ", and so did second" in said
    assert "first + second + third and first and third said" in said


@pytest.mark.parametrize("labelling", ["random", "hard-first"])
def test_another_kernel_that_asks_nothing_shows_the_same_members(
    world, members, tmp_path, labelling
):
    def ran():
        tracer = Tracer(
            *(members.teachers, LABELS),
            features=world.X,
            store=tmp_path / "labels.sqlite",
            labelling=labelling,
            target=0.9,
            confidence=0.9,
        )
        tracer.run(world.texts, sample=200)
        return tracer.panel

    first, asked = ran(), sum(map(len, members.asked.values()))
    again = ran()
    assert sum(map(len, members.asked.values())) == asked
    assert (again.n_rows, again.n_disputed, again.cost) == (
        *(first.n_rows, first.n_disputed),
        pytest.approx(first.cost),
    )
    for name in ("answered", "agreement", "accuracy", "added"):
        np.testing.assert_allclose(getattr(again, name), getattr(first, name))
