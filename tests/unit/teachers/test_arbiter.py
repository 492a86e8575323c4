"""An arbiter: decides disputed texts, is asked nothing twice, and is under the same cap."""

import json
import threading
import time
from collections import Counter

import numpy as np
import pytest

from tracer_nb.documents import make_document
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.standin import serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers import FunctionTeacher, PanelTeacher, make_teacher
from tracer_nb.teachers.arbiter import Chooser, bradley_terry, chooser
from tracer_nb.teachers.chat.teacher import ChatTeacher

LABELS = ("a", "b", "c")
TEXTS = [f"text {i}" for i in range(30)]
DISPUTED = [text for text in TEXTS if int(text.split()[1]) % 3 == 0]


def first(_):
    return "a"


def second(text):
    return "b" if text in DISPUTED else "a"


class Arbiter:
    """Chooses what ``says`` does, and remembers what it was shown."""

    def __init__(self, says="b", cost=2.0):
        self.shown = []

        def choose(text, candidates):
            self.shown.append((text, tuple(candidates)))
            return says(text, candidates) if callable(says) else says

        self.teacher = FunctionTeacher(Chooser(choose), LABELS, name="arbiter", cost=cost)


def panel(arbiter, **options):
    members = [
        FunctionTeacher(fn, LABELS, name=name, cost=0.5)
        for fn, name in ((first, "first"), (second, "second"))
    ]
    return PanelTeacher(members, arbiter=arbiter, **options)


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "s.sqlite") as store:
        yield store


def test_it_decides_where_members_differ_and_is_asked_about_nothing_else(store):
    arbiter = Arbiter()
    found = run_labels(panel(arbiter.teacher), TEXTS, store=store)
    assert {text: answer.label for text, answer in found.answers.items()} == {
        text: "b" if text in DISPUTED else "a" for text in TEXTS
    }
    assert Counter(text for text, _ in arbiter.shown) == Counter(DISPUTED)
    assert found.spending.cost == 30 * 1.0 + 10 * 2.0
    decided = found.answers[DISPUTED[0]]
    assert decided.probabilities == {"a": 0.25, "b": 0.75}
    assert decided.mode == "panel, 1 of 2 votes, the arbiter's choice"


def test_candidates_stand_in_an_order_of_the_text_alone(store):
    arbiter = Arbiter()
    run_labels(panel(arbiter.teacher), TEXTS, store=store)
    again = Arbiter()
    run_labels(panel(again.teacher), TEXTS[::-1])
    assert sorted(arbiter.shown) == sorted(again.shown)
    assert {order for _, order in arbiter.shown} == {("a", "b"), ("b", "a")}


def test_nothing_is_asked_twice(store):
    arbiter = Arbiter()
    run_labels(panel(arbiter.teacher), TEXTS, store=store)
    third = FunctionTeacher(lambda _: "a", LABELS, name="third", cost=0.5)
    members = panel(arbiter.teacher).members
    # Another panel with the same dispute: its arbiter has answered.
    other = PanelTeacher([*members, third], arbiter=arbiter.teacher)
    found = run_labels(other, TEXTS, store=store)
    assert len(arbiter.shown) == len(DISPUTED)
    assert found.answers[DISPUTED[0]].label == "b"
    assert found.spending.cost == len(DISPUTED) * 0.5


@pytest.mark.parametrize("says", ["c", "zebra"])
def test_what_is_no_candidate_is_no_choice(says):
    found = run_labels(panel(Arbiter(says).teacher), TEXTS)
    assert found.answers[DISPUTED[0]].label == "a"
    assert found.answers[DISPUTED[0]].keep


def test_one_that_is_down_is_said_and_the_votes_stand():
    def dead(*_):
        raise TeacherError("no server")

    asked = panel(Arbiter(dead).teacher)
    found = run_labels(asked, TEXTS)
    assert {answer.label for answer in found.answers.values()} == {"a"}
    assert "arbiter failed and is left out of the panel" in asked.warnings[0]


def test_a_request_that_fails_leaves_the_text_open_and_only_it_is_asked_again(store):
    broken = [True]

    def sometimes(*_):
        if broken[0]:
            raise OSError("no connection")
        return "b"

    arbiter = Arbiter(sometimes)
    found = run_labels(panel(arbiter.teacher), ["text 0"], store=store)
    assert (found.answers["text 0"].label, found.answers["text 0"].keep) == (None, False)
    assert "no connection" in found.answers["text 0"].reason
    broken[0] = False
    found = run_labels(panel(arbiter.teacher), ["text 0"], store=store)
    assert (found.answers["text 0"].label, found.spending.cost) == ("b", 2.0)


def test_the_cap_holds_for_it_too():
    arbiter = Arbiter()
    asked = panel(arbiter.teacher)
    assert asked.cost_bound("x") == 3.0
    found = run_labels(asked, DISPUTED, max_cost=7.0)
    assert found.spending.cost <= 7.0
    assert found.stopped == "cost cap of $7.00 reached"
    unpriced = Arbiter(cost=None)
    with pytest.raises(InvalidInput, match="arbiter is unknown"):
        run_labels(panel(unpriced.teacher), TEXTS, max_cost=7.0)


def test_without_it_the_same_panel_is_another_teacher():
    plain, decided = panel(None), panel(Arbiter().teacher)
    assert plain.identity != decided.identity
    assert "arbiter" not in plain.identity
    assert decided.name == "first + second, else arbiter"


# --- in pairs, both ways --------------------------------------------------------------


def test_pairs_are_asked_in_both_orders_and_an_answer_by_place_is_a_tie(store):
    by_place = Arbiter(lambda _, candidates: candidates[0])
    asked = panel(by_place.teacher, pairwise=True)
    assert asked.cost_bound("x") == 1.0 + 2 * 2.0
    found = run_labels(asked, TEXTS, store=store)
    assert Counter(by_place.shown) == Counter(
        (text, pair) for text in DISPUTED for pair in (("a", "b"), ("b", "a"))
    )
    assert found.answers[DISPUTED[0]].label == "a"  # the votes stand
    steady = Arbiter("b")
    found = run_labels(panel(steady.teacher, pairwise=True), TEXTS)
    assert found.answers[DISPUTED[0]].label == "b"


def test_of_three_the_one_that_wins_most():
    def prefer(_, candidates):
        return min(candidates, key="cba".index)

    members = [
        FunctionTeacher(fn, LABELS, name=name, cost=0.0)
        for fn, name in ((first, "1"), (lambda _: "b", "2"), (lambda _: "c", "3"))
    ]
    arbiter = Arbiter(prefer)
    found = run_labels(PanelTeacher(members, arbiter=arbiter.teacher, pairwise=True), ["x"])
    assert found.answers["x"].label == "c"
    assert len(arbiter.shown) == 6


def test_bradley_terry_finds_the_strengths_that_made_the_wins():
    strength = np.array([0.5, 0.3, 0.15, 0.05])
    chance = strength[:, None] / (strength[:, None] + strength[None, :])
    games = 20_000 * (1 - np.eye(4))
    found = bradley_terry(np.random.default_rng(0).binomial(games.astype(int), chance))
    # Each order of a pair has its own draw, so they are not the wins of one contest.
    np.testing.assert_allclose(found, strength, rtol=0.05)
    assert bradley_terry(np.full((3, 3), 0.5)) == pytest.approx([1 / 3] * 3)


# --- who may be one -------------------------------------------------------------------


def test_a_function_of_text_and_candidates_is_one_and_its_code_is_its_identity():
    def choose(_, candidates):
        return candidates[0]

    made = make_teacher([first, second], LABELS, arbiter=choose)
    assert made.arbiter.teacher.name == "choose"

    def other(_, candidates):
        return candidates[-1]

    again = make_teacher([first, second], LABELS, arbiter=other)
    assert made.identity["arbiter"]["code"] != again.identity["arbiter"]["code"]


def test_a_model_is_told_the_candidates_as_data():
    made = make_teacher(
        [first, second], LABELS, "Which letter?", arbiter="openai:m", api_key="k", price="1,1"
    )
    assert made.arbiter.teacher.columns == ("candidates",)
    document = made.arbiter.questions('say "{{x}}"', ["a", "b"])[0]
    assert json.loads(document)["text"] == 'say "{{x}}"'
    assert sorted(json.loads(document)["candidates"]) == ["a", "b"]
    assert "Which letter?" in made.identity["arbiter"]["prompt"]


def test_models_at_a_server_with_a_model_that_decides(store):
    with serve(dict.fromkeys(TEXTS, "b") | {"y": "a", "z": "c"}) as server:
        options = {"base_url": server.base_url, "api_key": "k", "price": "1,1"}
        made = make_teacher(
            [first, "openai:other"], LABELS, "Which?", arbiter="openai:m", **options
        )
        found = run_labels(made, TEXTS[:3], store=store)
    assert {answer.label for answer in found.answers.values()} == {"b"}
    assert all("the arbiter's choice" in answer.mode for answer in found.answers.values())


@pytest.mark.parametrize(
    ("arbiter", "said"),
    [
        ({"x": "a"}, "arbiter must be a name"),
        (FunctionTeacher(first, LABELS), "cannot be the arbiter"),
        (ChatTeacher("m", LABELS, "Which?", api_key="k"), r"prompt names \{\{candidates\}\}"),
        (chooser(lambda *_: "a", ("a", "b")), "must have the labels of the panel"),
    ],
)
def test_what_cannot_be_one_is_refused(arbiter, said):
    with pytest.raises(InvalidInput, match=said):
        make_teacher([first, second], LABELS, arbiter=arbiter)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"combine": "dawid-skene"}, "takes 3 or more, got 2"),
        ({"combine": "mean"}, "way to combine answers"),
        ({"pairwise": True}, "there is none"),
        (
            {"pairwise": 1, "arbiter": lambda *_: "a"},
            "pairwise must be True or False",
        ),
    ],
)
def test_options_that_cannot_be_are_one_line(options, said):
    with pytest.raises(InvalidInput, match=said):
        make_teacher([first, second], LABELS, **options)


@pytest.mark.parametrize("option", ["arbiter", "combine", "adaptive", "pairwise"])
def test_a_single_teacher_has_no_options_of_a_panel(option):
    with pytest.raises(InvalidInput, match=f"'{option}' is of a panel, and there is one teacher"):
        make_teacher(first, LABELS, **{option: "openai:m"})


def test_a_column_of_that_name_is_refused():
    chat = [ChatTeacher(name, LABELS, "{{candidates}}?", api_key="k") for name in ("one", "two")]
    with pytest.raises(InvalidInput, match="names a column 'candidates'"):
        make_teacher(chat, LABELS, arbiter=lambda *_: "a")


def test_a_stop_while_it_thinks_loses_no_member(store):
    thinks = threading.Event()

    def hang(*_):
        thinks.set()
        time.sleep(30)
        return "b"

    stop = threading.Event()
    threading.Thread(target=lambda: (thinks.wait(10), stop.set())).start()
    asked = panel(Arbiter(hang).teacher)
    found = run_labels(asked, ["text 0"], store=store, stop=stop)
    assert (found.stopped, found.spending.lost) == ("interrupted", 1)
    for member in asked.members:
        assert run_labels(member, ["text 0"], store=store).spending.asked == 0
    found = run_labels(panel(Arbiter().teacher), ["text 0"], store=store)
    assert (found.answers["text 0"].label, found.spending.cost) == ("b", 2.0)


def test_with_votes_that_weigh_the_arbiter_still_decides():
    third = FunctionTeacher(lambda _: "b", LABELS, name="third", cost=0.0)
    members = [*panel(None).members, third]
    asked = PanelTeacher(members, combine="dawid-skene", arbiter=Arbiter("a").teacher)
    asked.learn([0.6, 0.8, 0.9])
    found = run_labels(asked, TEXTS[:4]).answers
    assert found["text 0"].label == "a"
    assert found["text 1"].probabilities["a"] == pytest.approx(
        0.6 * 2 / 0.4 * 0.8 * 2 / 0.2 / (0.6 * 2 / 0.4 * 0.8 * 2 / 0.2 + 2)
    )


def test_cells_of_other_columns_reach_whoever_decides():
    shown = []

    def choose(text, candidates):
        shown.append(text)
        return candidates[0]

    options = {"api_key": "k", "price": "1,1"}
    made = make_teacher(["openai:m", "openai:n"], LABELS, "{{kind}}?", arbiter=choose, **options)
    document = make_document("it broke", {"kind": "lamp"})
    question = made.arbiter.questions(document, ["a", "b"])[0]
    made.arbiter.teacher._fn(question)
    assert shown == [document]
    chat = make_teacher(
        ["openai:m", "openai:n"], LABELS, "{{kind}}?", arbiter="openai:o", **options
    )
    assert chat.arbiter.teacher.columns == ("kind", "candidates")
    assert chat.cost_bound(document) > sum(m.cost_bound(document) for m in chat.members)
    assert json.loads(chat.arbiter.questions(document, ["a", "b"])[0])["kind"] == "lamp"
