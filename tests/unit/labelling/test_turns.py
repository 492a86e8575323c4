"""A function that answers at once is asked about several texts in one call, and pays for none twice."""

import asyncio
import threading
import time
from collections import Counter

import pytest

from tracer_nb.errors import TeacherError
from tracer_nb.labelling import INTERRUPTED, run_labels
from tracer_nb.labelling.supply import Supply
from tracer_nb.labelling.turns import Turns
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.teachers import FunctionTeacher

TEXTS = [f"text {i}" for i in range(1000)]


class Counting(LabelStore):
    """Knows how many answers each of its commits has brought to disk."""

    def __init__(self, path):
        super().__init__(path)
        self.commits = []

    def put_many(self, identity, answered):
        pairs = list(answered)
        stored = super().put_many(identity, pairs)
        self.commits.append(len(pairs))
        return stored


@pytest.fixture
def store(tmp_path):
    with Counting(tmp_path / "labels.sqlite") as made:
        yield made


def teacher_of(fn, **options):
    return FunctionTeacher(fn, ["a", "b"], name="f", **{"concurrency": 4, **options})


def test_answers_that_come_at_once_share_calls_and_commits(store, monkeypatch):
    asked, calls = Counter(), []
    threaded = FunctionTeacher._threaded

    def counted(self, *arguments):
        calls.append(arguments)
        return threaded(self, *arguments)

    monkeypatch.setattr(FunctionTeacher, "_threaded", counted)

    def teach(text):
        asked[text] += 1
        return "a"

    # No clock decides how many: a busy machine would make them fewer.
    monkeypatch.setattr("tracer_nb.teachers.function._AT_ONCE", 60.0)
    teacher = teacher_of(teach)
    run = run_labels(teacher, TEXTS, store=store)
    assert asked == Counter(TEXTS)
    assert len(store.get_many(teacher.identity, TEXTS)) == len(TEXTS) == sum(store.commits)
    assert run.spending.asked == len(TEXTS)
    # One call and up to one commit a text without it.
    assert len(store.commits) <= len(calls) <= 50


def durable(store, teacher, texts):
    """How often the one worker asked about a text before its last answer was on disk."""
    early = []

    def note():
        early.append(len(early) - sum(store.commits))

    run = run_labels(teacher(note), texts, store=store)
    assert len(run.answers) == len(early) == len(texts)
    return sum(map(bool, early))


@pytest.mark.parametrize("paid", [{"cost": 0.01}, {"prompt_tokens": 5}, {"completion_tokens": 5}])
def test_an_answer_that_says_what_it_took_is_kept_before_the_next_text(store, paid):
    def teacher(note):
        def teach(_):
            note()
            return Answer("a", **paid)

        return teacher_of(teach, concurrency=1)

    assert durable(store, teacher, TEXTS[:60]) == 0


def test_what_is_paid_among_what_is_not_is_kept_before_the_next_text(store, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.function._AT_ONCE", 60.0)
    paid = []

    def teach(text):
        kept = sum(store.commits)
        assert all(n < kept for n in paid), text
        if int(text[5:]) % 50 == 49:
            paid.append(int(text[5:]))
            return Answer("a", cost=0.1)
        return "a"

    run = run_labels(teacher_of(teach, concurrency=1), TEXTS[:300], store=store)
    assert {answer.label for answer in run.answers.values()} == {"a"}
    assert len(paid) == 6
    assert len(store.commits) < 60


def test_an_answer_with_a_price_is_kept_before_the_next_text(store):
    def teacher(note):
        return teacher_of(lambda _: note() or "a", concurrency=1, cost=0.01)

    assert durable(store, teacher, TEXTS[:60]) == 0


def test_an_answer_that_took_its_time_is_kept_before_the_next_text(store):
    def teacher(note):
        return teacher_of(lambda _: note() or time.sleep(0.011) or "a", concurrency=1)

    assert durable(store, teacher, TEXTS[:30]) == 0


def test_what_is_measured_here_sees_the_others(store, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.function._AT_ONCE", 60.0)

    def teacher(note):
        return teacher_of(lambda _: note() or "a", concurrency=1)

    assert durable(store, teacher, TEXTS[:60]) > 40


def test_an_error_in_a_call_loses_no_answer_that_came_before(store):
    asked = []

    def teach(text):
        asked.append(text)
        if text == TEXTS[300]:
            raise TeacherError("no key")
        return "a"

    teacher = teacher_of(teach, concurrency=1)
    run = run_labels(teacher, TEXTS, store=store)
    assert run.stopped == "no key"
    assert asked == TEXTS[:301]
    assert list(run.answers) == TEXTS[:300]
    assert len(store.get_many(teacher.identity, TEXTS)) == 300


def test_a_function_that_hangs_in_a_call_loses_no_answer_that_came_before(store):
    asked, free, stop = [], threading.Event(), threading.Event()

    def teach(text):
        asked.append(text)
        if text == TEXTS[300]:
            stop.set()
            free.wait(30)
        return "a"

    teacher = teacher_of(teach, concurrency=1)
    begun = time.monotonic()
    run = run_labels(teacher, TEXTS, store=store, stop=stop)
    assert time.monotonic() - begun < 10
    free.set()
    assert run.stopped == INTERRUPTED
    assert list(run.answers) == TEXTS[:300]
    assert len(store.get_many(teacher.identity, TEXTS)) == 300
    assert run.spending.asked == 300
    assert run.spending.lost == 1
    assert asked == TEXTS[:301]


def test_a_function_that_turns_slow_is_asked_by_all_workers_again(store):
    asked, slow = Counter(), set(TEXTS[400:440])
    running, most = 0, 0
    lock = threading.Lock()

    def teach(text):
        nonlocal running, most
        asked[text] += 1
        if text in slow:
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.05)
            with lock:
                running -= 1
        return "a"

    run = run_labels(teacher_of(teach), TEXTS[:440], store=store)
    assert asked == Counter(TEXTS[:440])
    assert len(run.answers) == 440
    assert most == 4


def test_a_cap_on_rows_is_kept_to_the_row(store):
    asked = []
    run = run_labels(teacher_of(lambda t: asked.append(t) or "a"), TEXTS, store=store, max_rows=333)
    assert len(asked) == len(set(asked)) == len(run.answers) == 333
    assert run.stopped == "row cap of 333 reached"


def test_a_function_that_knows_some_texts_and_waits_for_others(store):
    async def later():
        await asyncio.sleep(0)
        return "b"

    def teach(text):
        return "a" if int(text[5:]) % 5 else later()

    run = run_labels(teacher_of(teach), TEXTS[:100], store=store)
    assert [run.answers[t].label for t in TEXTS[:100]] == [
        "a" if i % 5 else "b" for i in range(100)
    ]


def test_answers_in_vain_are_few(store):
    run = run_labels(teacher_of(lambda _: "c"), TEXTS, store=store)
    assert run.stopped.startswith("none of the first ")
    assert len(run.answers) < 60


@pytest.mark.parametrize(
    "teacher",
    [
        teacher_of(lambda texts: ["a"] * len(texts), batch_size=10),
        teacher_of(lambda _: "a", cost=0.5),
        type("Own", (FunctionTeacher,), {"label": FunctionTeacher._ask})(str, ["a", "b"]),
    ],
    ids=["batches", "priced", "answers in its own way"],
)
def test_who_is_not_asked_in_turn(teacher):
    assert not teacher.in_turn
    assert Turns(teacher).next(1) == teacher.batch_size


# --- what is handed out ----------------------------------------------------------------


def test_what_is_put_back_goes_first_and_counts():
    async def check():
        supply = Supply(None, fewest=0, want=None)
        supply.put(["a", "b", "c", "d"], 4)
        assert await supply.take(3) == ["a", "b", "c"]
        supply.put_back(["b", "c"])
        assert supply.n_left == 3
        assert await supply.take(1) == ["b"]
        assert await supply.take(5) == ["c", "d"]
        supply.put_back(["c", "d"])
        supply.reorder(list.reverse)
        assert await supply.take(5) == ["d", "c"]
        assert await supply.take(5) == []

    asyncio.run(check())


def test_who_waits_for_more_gets_what_is_put_back():
    async def check():
        wanted = []
        supply = Supply(None, fewest=0, want=lambda: wanted.append(1))
        supply.put(["a", "b"], 2)
        assert await supply.take(2) == ["a", "b"]
        waits = asyncio.ensure_future(supply.take(2))
        others = asyncio.ensure_future(supply.take(2))
        await asyncio.sleep(0)
        supply.put_back(["b"])
        done, _ = await asyncio.wait([waits, others], timeout=1, return_when="FIRST_COMPLETED")
        assert [call.result() for call in done] == [["b"]]
        supply.end()
        assert await asyncio.wait_for(asyncio.gather(waits, others), 1) in (
            [["b"], []],
            [[], ["b"]],
        )
        assert wanted == [1]

    asyncio.run(check())
