"""A panel: several teachers make one label, and nobody is asked the same twice."""

import asyncio
import threading
import time
from collections import Counter

import pytest

from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.standin import serve
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import answer_sets
from tracer_nb.store.replaced import find_superseded
from tracer_nb.store.rows import again_identity
from tracer_nb.teachers import (
    SCHEMES,
    FunctionTeacher,
    PanelTeacher,
    Price,
    ReplayTeacher,
    Teacher,
    make_teacher,
)
from tracer_nb.teachers.base import NotAsked
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.joint import count_members

LABELS = ("a", "b", "c")
TEXTS = [f"text {i}" for i in range(24)]


class Member:
    """Says what ``says`` does, and remembers what it was asked."""

    def __init__(self, name, says="a", *, cost=0.5, batch_size=1, labels=LABELS, **options):
        self.asked = Counter()
        self.said = says
        self.most = self.now = 0

        async def answer(given):
            texts = given if batch_size > 1 else [given]
            self.asked.update(texts)
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            self.now -= 1
            labels = [says(text) if callable(says) else says for text in texts]
            return labels if batch_size > 1 else labels[0]

        self.teacher = FunctionTeacher(
            answer, labels, name=name, cost=cost, batch_size=batch_size, **options
        )


def panel(*members, **options):
    return PanelTeacher([member.teacher for member in members], **options)


def split(text):
    """``b`` for every third text."""
    return "b" if int(text.split()[1]) % 3 == 0 else "a"


DISPUTED = [text for text in TEXTS if split(text) == "b"]


def failing(exception):
    def says(_):
        raise exception

    return says


def run(teacher, texts=TEXTS, store=None, **options):
    return run_labels(teacher, texts, store=store, **options)


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "s.sqlite") as store:
        yield store


# --- the count ------------------------------------------------------------------------


def vote(label, **options):
    return Answer(label, reason=None if label else "no", **options)


@pytest.mark.parametrize(
    ("labels", "label", "shares"),
    [
        ("ab", "a", {"a": 0.5, "b": 0.5}),
        ("ba", "b", {"a": 0.5, "b": 0.5}),
        ("abb", "b", {"a": 1 / 3, "b": 2 / 3}),
        ("cabba", "a", {"a": 0.4, "b": 0.4, "c": 0.2}),
        ("cbaab", "b", {"a": 0.4, "b": 0.4, "c": 0.2}),
    ],
)
def test_most_votes_win_and_a_tie_goes_to_the_first_of_its_voters(labels, label, shares):
    found = count_members({i: vote(name) for i, name in enumerate(labels)}, ())
    assert found.label == label
    assert found.probabilities == pytest.approx(shares)
    assert found.mode == f"panel, {labels.count(label)} of {len(labels)} votes"
    assert found.reason is None


def test_the_order_is_that_of_members_not_that_of_answers():
    assert count_members({1: vote("b"), 0: vote("a")}, ()).label == "a"


def test_no_label_is_no_vote():
    found = count_members({0: vote(None), 1: vote("b")}, ())
    assert (found.label, found.mode, found.keep) == ("b", "panel, 1 of 1 votes", True)
    nobody = count_members({0: vote(None), 1: vote(None)}, ())
    assert (nobody.label, nobody.reason, nobody.keep) == (None, "no", True)
    assert nobody.probabilities is None


@pytest.mark.parametrize(
    ("labels", "failed", "is_open"),
    [
        ("a_", 1, False),  # a tie would go to the first anyway
        ("_a", 0, True),  # and here not to it
        ("aa_", 2, False),
        ("_aa", 0, False),
        ("ab_", 2, True),
        ("aab_", 3, False),
        ("baa_", 3, True),
        ("_", 0, True),
    ],
)
def test_a_failure_leaves_a_text_open_where_its_vote_could_change_the_label(
    labels, failed, is_open
):
    given = {i: vote(None if name == "_" else name) for i, name in enumerate(labels)}
    given[failed] = Answer(None, reason="no connection", keep=False)
    found = count_members(given, ())
    assert found.keep is not is_open
    assert (found.label is None, found.reason) == (is_open, "no connection" if is_open else None)


def test_what_was_paid_now_is_added_up():
    new = [
        vote("a", cost=0.5, prompt_tokens=10, completion_tokens=2, seconds=1.0, model="m"),
        vote("b", cost=0.25, prompt_tokens=5, completion_tokens=1, seconds=0.5, counted=False),
    ]
    found = count_members({0: new[0], 1: vote("b", cost=9.0, model="n"), 2: new[1]}, new)
    assert (found.cost, found.prompt_tokens, found.completion_tokens) == (0.75, 15, 3)
    assert (found.seconds, found.counted, found.model) == (1.5, False, "m / n")
    assert count_members({0: new[0]}, ()).cost == 0
    assert count_members({0: new[0]}, [*new, vote("a")]).cost is None


# --- asking ---------------------------------------------------------------------------


def test_others_are_asked_only_where_the_first_two_differ_or_one_gave_no_label():
    first, second = Member("first"), Member("second", split)
    third, fourth = Member("third", "b"), Member("fourth", "b")
    found = run(panel(first, second, third, fourth)).answers
    assert {text: answer.label for text, answer in found.items()} == {t: split(t) for t in TEXTS}
    assert found["text 0"].probabilities == {"a": 0.25, "b": 0.75}
    assert found["text 1"].probabilities == {"a": 1.0}
    assert first.asked == second.asked == Counter(TEXTS)
    assert third.asked == fourth.asked == Counter(DISPUTED)


def test_one_that_gives_no_label_calls_the_others():
    members = [Member("first"), Member("second", "what?"), Member("third", "b")]
    found = run(panel(*members), ["x"]).answers["x"]
    assert (found.label, found.probabilities) == ("a", {"a": 0.5, "b": 0.5})
    assert members[2].asked == Counter(["x"])


def test_everybody_is_asked_where_that_is_wanted():
    members = [Member("first"), Member("second"), Member("third", "b")]
    found = run(panel(*members, adaptive=False)).answers
    assert found["text 1"].probabilities == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert members[2].asked == Counter(TEXTS)
    assert panel(*members).identity != panel(*members, adaptive=False).identity


def test_money_tokens_and_bounds_are_those_of_all():
    members = [Member("first", cost=0.5), Member("second", split, cost=0.25), Member("third")]
    asked = panel(*members)
    assert (asked.cost_bound("x"), asked.token_bound("x")) == (1.25, None)
    assert asked.cost_estimate("x") == (0, 0, 0.75 + 0.25 * 0.5)
    assert asked.cost_estimate("x", 1.0) == (0, 0, 1.25)
    spent = run(asked).spending
    assert spent.cost == 24 * 0.75 + len(DISPUTED) * 0.5
    assert spent.asked == 24


def test_a_cap_holds_over_all_members():
    members = [Member("first", cost=0.5), Member("second", "b", cost=0.25), Member("third")]
    found = run(panel(*members), max_cost=4.0)
    assert found.stopped == "cost cap of $4.00 reached"
    # 1.25 for each text, which all members are asked about.
    assert found.spending.cost == 3.75
    assert sum(sum(m.asked.values()) for m in members) == 9


@pytest.mark.parametrize("cap", [{"max_cost": 1.0}, {"max_tokens": 100}])
def test_a_cap_that_one_member_cannot_keep_is_refused_by_its_name(cap):
    members = [Member("first", cost=0.0), Member("second", cost=None)]
    with pytest.raises(InvalidInput, match="second"):
        run(panel(*members), **cap)
    assert not members[0].asked
    known = Member("known", cost=0.0)
    assert not run(panel(members[0], known), **cap).stopped


def test_a_chat_member_without_a_price_needs_a_cap_beside_any_other():
    chat = ChatTeacher("m", LABELS, "", base_url="http://127.0.0.1:9/v1", api_key="k")
    with pytest.raises(InvalidInput, match="price of m is unknown"):
        run(PanelTeacher([Member("free", cost=None).teacher, chat]))


def test_a_member_is_asked_no_more_at_a_time_than_it_takes():
    slow, quick = Member("slow", concurrency=2), Member("quick", concurrency=16)
    run(panel(slow, quick))
    assert slow.most == 2
    assert quick.most > 2
    assert panel(slow, quick).concurrency == 16


def test_members_that_take_many_texts_are_given_many():
    members = [
        Member("first", batch_size=8),
        Member("second", split, batch_size=10),
        Member("third", "b", batch_size=8),
    ]
    asked = panel(*members)
    assert asked.batch_size == 8
    found = run(asked).answers
    assert {text: answer.label for text, answer in found.items()} == {t: split(t) for t in TEXTS}
    assert members[2].asked == Counter(DISPUTED)
    assert panel(members[0], Member("one")).batch_size == 1


def test_a_label_that_is_none_of_the_labels_is_no_vote():
    odd = FunctionTeacher(lambda _: Answer("zebra", cost=0.0), LABELS, name="odd")
    found = run(PanelTeacher([odd, Member("first", "b").teacher]), ["x"]).answers["x"]
    assert (found.label, found.probabilities) == ("b", {"b": 1.0})


# --- what is stored -------------------------------------------------------------------


def test_what_a_member_answered_alone_is_not_asked_again_and_costs_nothing(store):
    first, second = Member("first"), Member("second", split)
    run(second.teacher, TEXTS[:10], store)
    found = run(panel(first, second), TEXTS, store)
    assert second.asked == Counter(TEXTS)
    assert found.spending.cost == 24 * 0.5 + 14 * 0.5
    assert found.answers["text 0"].probabilities == {"a": 0.5, "b": 0.5}
    # Afterwards each of them is there for nothing, alone and in another panel.
    for member in (first, second):
        assert run(member.teacher, TEXTS, store).spending.asked == 0
    third = Member("third", "b")
    other = run(panel(second, first, third), TEXTS, store)
    assert other.spending.cost == len(DISPUTED) * 0.5
    assert first.asked == second.asked == Counter(TEXTS)
    assert third.asked == Counter(DISPUTED)
    # And the panel itself.
    again = run(panel(first, second), TEXTS, store)
    assert (again.spending.asked, again.spending.reused) == (0, 24)


def test_a_panel_says_the_same_whatever_is_stored(store):
    members = [Member("first"), Member("second"), *(Member(f"other {i}", "b") for i in range(3))]
    for other in members[2:]:
        run(other.teacher, ["x"], store)
    found = run(panel(*members), ["x"], store).answers["x"]
    assert (found.label, found.probabilities) == ("a", {"a": 1.0})


def test_members_answers_are_on_disk_before_the_panel_has_its_own(store):
    hangs = threading.Event()

    async def hang(_):
        hangs.set()
        await asyncio.sleep(60)

    first = Member("first")
    slow = FunctionTeacher(hang, LABELS, name="slow", cost=0.5)
    stop = threading.Event()
    threading.Thread(target=lambda: (hangs.wait(10), stop.set())).start()
    found = run(PanelTeacher([first.teacher, slow]), ["x"], store, stop=stop)
    assert found.stopped == "interrupted"
    assert found.spending.lost == 1
    assert run(first.teacher, ["x"], store).spending.asked == 0
    assert first.asked == Counter(["x"])


def test_an_open_text_is_asked_of_the_failed_member_only(store):
    broken = [True]

    def sometimes(_):
        if broken[0]:
            raise OSError("no connection")
        return "b"

    first, second = Member("first"), Member("second", "b")
    third = Member("third", sometimes)
    found = run(panel(first, second, third), ["x"], store).answers["x"]
    assert (found.label, found.keep) == (None, False)
    assert "no connection" in found.reason
    broken[0] = False
    found = run(panel(first, second, third), ["x"], store)
    assert found.answers["x"].label == "b"
    assert found.spending.cost == 0.5
    assert first.asked == second.asked == Counter(["x"])
    assert third.asked == Counter({"x": 2})


def test_members_that_gave_no_label_are_asked_again_with_the_text(store):
    says = ["what?"]
    first, second = Member("first", lambda _: says[0]), Member("second", lambda _: says[0])
    assert run(panel(first, second), ["x"], store).answers["x"].label is None
    says[0] = "c"
    assert run(panel(first, second), ["x"], store).spending.asked == 0
    found = run(panel(first, second), ["x"], store, again={"x"})
    assert found.answers["x"].label == "c"
    assert found.renewed == {"x"}
    assert run(first.teacher, ["x"], store).answers["x"].label == "c"
    assert first.asked == Counter({"x": 2})


def test_second_answers_are_asked_for_and_stored_apart(store):
    turns = Counter()

    def wavers(text):
        turns[text] += 1
        return LABELS[turns[text] - 1]

    first, second = Member("first", wavers), Member("second")
    both = panel(first, second)
    run(both, ["x"], store)
    second_time = again_identity(both.identity)
    found = run(both, ["x"], store, identity=second_time).answers["x"]
    assert found.probabilities == {"b": 0.5, "a": 0.5}
    assert first.asked == second.asked == Counter({"x": 2})
    assert run(first.teacher, ["x"], store).answers["x"].label == "a"
    # The same without a store.
    both = panel(first, second)
    turns.clear()
    run(both, ["y"])
    assert run(both, ["y"], identity=second_time).answers["y"].probabilities == {"b": 0.5, "a": 0.5}
    assert run(both, ["y"]).answers["y"].probabilities == {"a": 1.0}
    assert first.asked["y"] == 2


def test_members_answers_do_not_count_as_superseded(store):
    first, second = Member("first"), Member("second", split)
    both, other = panel(first, second), Member("other")
    run(both, TEXTS, store)
    run(other.teacher, TEXTS, store)
    alone = find_superseded(store, Member("new").teacher.identity, TEXTS)
    assert alone.n == 4 * len(TEXTS)
    assert find_superseded(store, panel(second, first).identity, TEXTS).n == 2 * len(TEXTS)
    names = {found.teacher: found.n_answers for found in answer_sets(store)}
    assert names == dict.fromkeys(["first", "second", "first + second", "other"], len(TEXTS))


def test_a_record_is_a_member_and_is_not_stored(store):
    record = ReplayTeacher({"text 0": "b", "text 1": "a"}, labels=LABELS)
    first = Member("first")
    found = run(PanelTeacher([record, first.teacher]), TEXTS[:3], store).answers
    assert [found[text].label for text in TEXTS[:3]] == ["b", "a", "a"]
    assert found["text 2"].keep  # what a record does not hold is not asked for again
    assert {s.teacher for s in answer_sets(store)} == {"first", "recorded labels + first"}


def test_without_a_store_members_answers_are_kept_in_memory():
    first, second, third = (
        Member("first"),
        Member("second", "b"),
        Member("third", failing(OSError())),
    )
    asked = panel(first, second, third)
    assert run(asked, ["x"]).answers["x"].label is None
    assert run(asked, ["x"]).spending.cost == 0.5
    assert first.asked == Counter(["x"])
    assert [list(theirs) for theirs in asked.remembered(["x", "y"])] == [["x"], ["x"], []]


def test_an_answer_that_cannot_be_stored_is_kept_in_memory(store, monkeypatch):
    first, second = Member("first"), Member("second")
    asked = panel(first, second)

    def full(*_):
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(LabelStore, "put_many", full)
        found = run(asked, ["x"], store)
    assert "the disk is full" in found.stopped
    assert list(found.unsaved) == ["x"]
    assert found.spending.cost == 1.0
    assert run(asked, ["x"], store).spending.cost == 0
    assert first.asked == second.asked == Counter(["x"])


def test_what_was_broken_off_counts_functions_beside_models(store):
    asked = threading.Event()

    async def hang(_):
        asked.set()
        await asyncio.sleep(60)

    stop = threading.Event()
    threading.Thread(target=lambda: (asked.wait(10), time.sleep(0.5), stop.set())).start()
    with serve({"x": "a"}) as server:
        chat = ChatTeacher(
            "m", LABELS, "", base_url=server.base_url, api_key="k", price=Price(1, 2)
        )
        function = FunctionTeacher(hang, LABELS, name="slow", cost=0.5)
        found = run(PanelTeacher([chat, function]), ["x"], store, stop=stop)
        paid = run(chat, ["x"], store)
    assert paid.spending.reused == 1
    assert found.spending.cost == pytest.approx(0.5 + paid.answers["x"].cost)


def test_what_is_paid_is_counted_once_over_all_sets(store):
    first, second = Member("first"), Member("second")
    run(panel(first, second), ["x"], store)
    costs = {found.teacher: (found.cost, found.joint) for found in answer_sets(store)}
    assert costs == {
        "first": (0.5, False),
        "second": (0.5, False),
        "first + second": (1.0, True),
    }


def test_another_process_that_answers_meanwhile_is_heeded(tmp_path):
    """Its answer stays, and ours is paid for all the same."""
    path = tmp_path / "s.sqlite"
    first, second = Member("first", "a"), None

    def late(text):
        with LabelStore(path) as other:
            other.put(second.teacher.identity, text, Answer("c", cost=0.5))
        return "b"

    second = Member("second", late)
    with LabelStore(path) as store:
        found = run(panel(first, second), ["x"], store)
        assert found.answers["x"].probabilities == {"a": 0.5, "c": 0.5}
        assert found.spending.cost == 1.0
        assert run(second.teacher, ["x"], store).answers["x"].label == "c"


# --- members that fail ----------------------------------------------------------------


def test_a_member_that_fails_as_a_whole_is_left_out_for_good_with_one_line(store):
    dead = Member("dead", failing(TeacherError("no server at http://localhost:1")))
    first, second = Member("first"), Member("second", split)
    asked = panel(dead, first, second)
    found = run(asked, TEXTS, store)
    assert found.stopped is None
    assert {text: answer.label for text, answer in found.answers.items()} == dict.fromkeys(
        TEXTS, "a"
    )
    assert second.asked == Counter(TEXTS)  # in the place of the first two
    (line,) = asked.warnings
    assert line.startswith("dead failed and is left out of the panel; the others go on: no server")
    tries = dead.asked.total()
    run(asked, ["more"], store)
    assert dead.asked.total() == tries


def test_all_members_down_is_an_error_and_the_next_run_tries_again():
    broken = [True]

    def says(_):
        if broken[0]:
            raise TeacherError("no server")
        return "a"

    asked = panel(Member("one", says), Member("two", says))
    with pytest.raises(TeacherError, match="every member of the panel failed: one: no server; two"):
        run(asked)
    broken[0] = False
    assert run(asked).answers["text 0"].label == "a"


def test_what_a_failed_member_had_answered_still_counts(store):
    broken = [False]

    def says(_):
        if broken[0]:
            raise TeacherError("no server")
        return "b"

    first, second = Member("first", says), Member("second")
    run(first.teacher, ["x"], store)
    broken[0] = True
    found = run(panel(first, second), ["y", "x"], store).answers
    assert (found["y"].label, found["x"].label) == ("a", "b")


def test_a_member_that_does_not_answer_each_text_is_left_out():
    class Odd(FunctionTeacher):
        async def label(self, _):
            return []

    odd = Odd(len, LABELS, name="odd")
    asked = PanelTeacher([odd, Member("first").teacher])
    assert run(asked, ["x"]).answers["x"].label == "a"
    assert "0 answers for 1 texts" in asked.warnings[0]


def test_a_stop_before_anything_was_sent_asks_nobody():
    class Halted(FunctionTeacher):
        def halt(self):
            self.halted = True

        async def label(self, _):
            raise NotAsked

    members = [Halted(len, LABELS, name="one"), Halted(str, LABELS, name="two")]
    asked = PanelTeacher(members)
    with pytest.raises(NotAsked):
        asyncio.run(asked.label(["x"]))
    asked.halt()
    assert members[0].halted
    assert members[1].halted
    paid = PanelTeacher([Member("paid").teacher, members[0]])
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(paid.label(["x"]))


# --- what cannot be -------------------------------------------------------------------


def test_what_is_no_panel_is_one_line():
    one = Member("one")
    with pytest.raises(InvalidInput, match="two teachers or more, got 1"):
        panel(one)
    with pytest.raises(InvalidInput, match="'one' and 'one' are one and the same teacher"):
        panel(one, Member("two"), one)
    with pytest.raises(InvalidInput, match=r"same labels.*'one' and 'two' differ in 'c, d'"):
        panel(one, Member("two", labels=("a", "b", "d")))
    with pytest.raises(InvalidInput, match="is a panel itself"):
        PanelTeacher([panel(one, Member("two")), one.teacher])
    with pytest.raises(InvalidInput, match="adaptive must be True or False, got 'yes'"):
        panel(one, Member("two"), adaptive="yes")
    reads = ChatTeacher("m", LABELS, "Of {{shop}}?", base_url="http://x/v1")
    with pytest.raises(InvalidInput, match="same columns"):
        PanelTeacher([one.teacher, reads])


def test_labels_may_stand_in_another_order():
    asked = panel(Member("one"), Member("two", labels=("c", "b", "a")))
    assert asked.labels == LABELS
    assert isinstance(asked, Teacher)


# --- by name --------------------------------------------------------------------------


def test_a_list_makes_a_panel_of_whatever_makes_a_teacher():
    made = make_teacher(
        ["openai:m", "openai:n", len, {"x": "a"}],
        LABELS,
        "Which?",
        base_url="http://localhost/v1",
        price="1,2",
        adaptive=False,
    )
    assert isinstance(made, PanelTeacher)
    assert made.name == "m + n + len + recorded labels"
    assert not made.adaptive
    chat = make_teacher("openai:m", LABELS, "Which?", base_url="http://localhost/v1", price="1,2")
    assert made.members[0].identity == chat.identity
    assert made.members[1].price == Price(1, 2)
    assert made.server == "http://localhost/v1"
    assert made.identity["members"][0]["model"] == "m"
    assert make_teacher((len, str), LABELS, cost=0.5).cost_bound("x") == 1.0


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        (["a", "b", "a"], {}, "recorded labels need their texts"),
        ([], {}, "recorded labels need their texts"),
        (["openai:m"], {}, "two teachers or more"),
        (["openai:m", "opnai:n"], {}, "opnai"),
        (["openai:m", "openai:m"], {}, "one and the same"),
        (["openai:m", 3], {}, "teacher must be a name"),
        (["openai:m", len], {"vots": 3}, "vots"),
    ],
)
def test_lists_that_make_none(spec, options, said):
    with pytest.raises(InvalidInput, match=said):
        make_teacher(spec, LABELS, **options)


def test_a_key_is_for_one_server(monkeypatch):
    def other(name, labels, prompt, **options):
        return ChatTeacher(name, labels, prompt, base_url="http://other/v1", **options)

    monkeypatch.setitem(SCHEMES, "other", other)
    with pytest.raises(InvalidInput, match="api_key is of one server") as caught:
        make_teacher(["openai:m", "other:n"], LABELS, api_key="sk-secret-1")
    assert "sk-secret-1" not in str(caught.value)
    mixed = ["openai:m", other("n", LABELS, "", api_key="sk-secret-2")]  # has one of its own
    assert make_teacher(mixed, LABELS, api_key="sk-secret-1").server is None
    both = make_teacher(["openai:m", "openai:n"], LABELS, api_key="sk-secret-1")
    assert "sk-secret-1" not in repr(both) + str(both.identity)


def test_a_panel_of_models_against_a_server(tmp_path):
    table = {text: split(text) for text in TEXTS}
    with serve(table) as server, serve(table, wrong=0.4) as worse:
        members = [
            ChatTeacher("m", LABELS, "", base_url=url, api_key="k", price=Price(1, 2), votes=votes)
            for url, votes in ((server.base_url, 1), (worse.base_url, 1), (server.base_url, 3))
        ]
        asked = PanelTeacher(members)
        assert asked.token_bound("x") == sum(m.token_bound("x") for m in members)
        assert asked.server is None
        with LabelStore(tmp_path / "s.sqlite") as store:
            found = run(asked, TEXTS, store)
            assert {text: answer.label for text, answer in found.answers.items()} == table
            sets = {s.key: s for s in answer_sets(store)}.values()
            own = next(s for s in sets if " + " in s.teacher)
            theirs = [s for s in sets if s is not own]
            assert len(theirs) == 3
            assert min(s.n_answers for s in theirs) < len(TEXTS)
            assert own.prompt_tokens == sum(s.prompt_tokens for s in theirs)
            assert own.cost == pytest.approx(sum(s.cost for s in theirs))
            capped = run(asked, ["text 1"], store, max_tokens=10)
            assert capped.spending.reused == 1
            assert run(members[1], TEXTS, store).spending.asked == 0
