import _thread
import asyncio
import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling import INTERRUPTED, run_labels
from tracer_nb.records import Answer
from tracer_nb.teachers import FunctionTeacher, Haltable, NotAsked, ReplayTeacher, Teacher
from tracer_nb.teachers.budget import cap_reached

TEXTS = [f"text {i}" for i in range(40)]


class Scripted:
    """A teacher whose answer to each text is a function; it counts what it is asked."""

    name = "scripted"
    labels = ("a", "b")

    def __init__(
        self,
        rule=lambda _: Answer("a", cost=0.1),
        *,
        bound=0.2,
        tokens=10,
        concurrency=4,
        batch=1,
    ):
        self.rule = rule
        self.bound = bound
        self.tokens = tokens
        self.concurrency = concurrency
        self.batch_size = batch
        self.asked = Counter()
        self.calls = 0
        self.running = 0
        self.most_running = 0
        self.closed = 0

    @property
    def identity(self):
        return {"teacher": self.name}

    def cost_bound(self, text):
        return self.bound(text) if callable(self.bound) else self.bound

    def token_bound(self, text):
        return self.tokens(text) if callable(self.tokens) else self.tokens

    def cost_estimate(self, _text):
        return 1, 1, self.bound

    async def label(self, texts):
        self.calls += 1
        self.asked.update(texts)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            await asyncio.sleep(0)
            answers = [self.rule(text) for text in texts]
            return [await a if asyncio.iscoroutine(a) else a for a in answers]
        finally:
            self.running -= 1

    async def close(self):
        assert self.running == 0
        self.closed += 1


def stored(store, teacher, texts=TEXTS):
    return store.get_many(teacher.identity, texts)


def test_the_double_is_a_teacher():
    assert isinstance(Scripted(), Teacher)


def test_every_text_is_asked_once_and_counted(store):
    teacher = Scripted(lambda _: Answer("a", prompt_tokens=3, completion_tokens=2, cost=0.1))
    run = run_labels(teacher, TEXTS + TEXTS[:10], store=store)
    assert run.stopped is None
    assert set(run.answers) == set(TEXTS)
    assert set(teacher.asked.values()) == {1}
    spent = run.spending
    assert (spent.asked, spent.reused, spent.missing) == (40, 0, 0)
    assert (spent.prompt_tokens, spent.completion_tokens, spent.cost) == (120, 80, 4.0)
    assert stored(store, teacher) == dict(run.answers)
    assert teacher.closed == 1
    assert 1 < teacher.most_running <= 4


def test_stored_answers_are_reused_and_cost_nothing(store):
    first = Scripted()
    run_labels(first, TEXTS[:30], store=store)
    second = Scripted(lambda _: Answer("b", cost=0.1))
    run = run_labels(second, TEXTS, store=store)
    assert set(second.asked) == set(TEXTS[30:])
    assert (run.spending.asked, run.spending.reused) == (10, 30)
    assert run.spending.cost == pytest.approx(1.0)
    assert [run.answers[t].label for t in (TEXTS[0], TEXTS[39])] == ["a", "b"]


def test_paid_non_answers_are_not_asked_again_and_failures_are(store):
    def rule(text):
        if text == TEXTS[0]:
            return Answer(None, reason="refused", cost=0.1)
        return Answer(None, reason="server error", cost=0.0, keep=False)

    run = run_labels(Scripted(rule), TEXTS[:2], store=store)
    assert (run.spending.asked, run.spending.missing) == (2, 2)
    again = Scripted()
    run = run_labels(again, TEXTS[:2], store=store)
    assert list(again.asked) == [TEXTS[1]]
    assert run.answers[TEXTS[0]].reason == "refused"
    assert (run.spending.asked, run.spending.reused, run.spending.missing) == (1, 1, 1)


def test_an_answer_outside_the_label_set_has_no_label(store):
    run = run_labels(Scripted(lambda _: Answer("c", cost=0.0)), ["x"], store=store)
    assert run.answers["x"].label is None
    assert run.answers["x"].reason == "answer is not one of the labels: 'c'"


def test_a_stored_answer_outside_the_label_set_is_missing_too(store):
    store.put(Scripted().identity, "x", Answer("c", cost=0.1))
    run = run_labels(Scripted(), ["x"], store=store)
    assert run.answers["x"].reason == "answer is not one of the labels: 'c'"
    assert (run.spending.reused, run.spending.missing) == (1, 1)


def test_an_unknown_cost_makes_the_sum_unknown():
    costs = iter([0.1, None, 0.1])
    run = run_labels(Scripted(lambda _: Answer("a", cost=next(costs))), ["x", "y", "z"])
    assert run.spending.cost is None


def test_batches_are_as_large_as_the_teacher_says(store):
    teacher = Scripted(batch=16)
    run = run_labels(teacher, TEXTS, store=store)
    assert teacher.calls == 3
    assert len(stored(store, teacher)) == len(run.answers) == 40


def test_no_texts_and_recorded_texts():
    assert run_labels(Scripted(), []).spending.cost == 0
    run = run_labels(ReplayTeacher({"x": "a", "y": "b"}), ["x", "y", "z"], max_cost=0.0)
    assert (run.spending.asked, run.spending.missing, run.stopped) == (3, 1, None)


def test_it_runs_inside_a_running_loop():
    async def notebook():
        return run_labels(Scripted(), TEXTS)

    assert len(asyncio.run(notebook()).answers) == 40


# --- the cap


@settings(max_examples=40, deadline=None)
@given(
    cap=st.floats(0, 3),
    costs=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30),
    concurrency=st.integers(1, 6),
)
def test_the_cap_is_never_exceeded(cap, costs, concurrency):
    bounds = {f"text {i}": bound for i, (bound, _) in enumerate(costs)}
    actual = {f"text {i}": bound * share for i, (bound, share) in enumerate(costs)}
    teacher = Scripted(
        lambda text: Answer("a", cost=actual[text]), bound=bounds.get, concurrency=concurrency
    )
    run = run_labels(teacher, bounds, max_cost=cap)
    assert run.spending.cost <= cap
    assert set(teacher.asked) == set(run.answers)
    if run.stopped is None:
        assert len(run.answers) == len(costs)
    else:
        assert "cost cap" in run.stopped
        # Not stopped too early either: some text really did not fit.
        left = set(bounds) - set(run.answers)
        assert any(bounds[text] > cap - run.spending.cost - 1e-9 for text in left)


def test_a_refused_reserve_waits_for_calls_in_flight():
    # Only one call fits at a time, and each turns out to cost a tenth of its bound.
    teacher = Scripted(lambda _: Answer("a", cost=0.1), bound=1.0, concurrency=8)
    run = run_labels(teacher, TEXTS[:10], max_cost=1.95)
    assert (run.spending.asked, run.stopped) == (10, None)
    assert teacher.most_running == 1


def test_a_cheap_text_does_not_pass_a_dear_one_that_waits():
    bounds = {"dear 0": 0.6, "dear 1": 0.6, **{f"cheap {i}": 0.1 for i in range(20)}}

    async def answer(text):
        await asyncio.sleep(0.05)
        return Answer("a", cost=bounds[text])

    teacher = Scripted(answer, bound=bounds.get)
    run = run_labels(teacher, bounds, max_cost=1.0)
    assert list(teacher.asked) == ["dear 0"]
    assert run.stopped == "cost cap of $1.00 reached"


def test_a_cap_that_is_reached_says_so_and_keeps_what_was_paid(store):
    teacher = Scripted(bound=0.1)
    run = run_labels(teacher, TEXTS, store=store, max_cost=1.0)
    assert run.stopped == "cost cap of $1.00 reached"
    assert run.spending.asked == 10
    assert len(stored(store, teacher)) == 10
    assert run_labels(Scripted(), TEXTS, store=store).spending.reused == 10


def test_a_cap_needs_a_price():
    teacher = Scripted(bound=None)
    with pytest.raises(
        InvalidInput, match="max_cost needs a price, and that of scripted is unknown"
    ):
        run_labels(teacher, TEXTS, max_cost=1.0)
    assert not teacher.asked


@settings(max_examples=40, deadline=None)
@given(
    max_tokens=st.none() | st.integers(0, 300),
    max_rows=st.none() | st.integers(0, 20),
    texts=st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), min_size=1, max_size=30),
    concurrency=st.integers(1, 8),
    batch=st.integers(1, 4),
)
def test_caps_on_tokens_and_rows_are_never_exceeded(
    max_tokens, max_rows, texts, concurrency, batch
):
    # The estimate is 2 tokens for every text; the server reports more, or less.
    bounds = {f"text {i}": bound for i, (bound, _) in enumerate(texts)}
    taken = {f"text {i}": int(bound * share) for i, (bound, share) in enumerate(texts)}
    teacher = Scripted(
        lambda text: Answer(
            "a", prompt_tokens=taken[text] // 2, completion_tokens=-(-taken[text] // 2)
        ),
        bound=None,
        tokens=bounds.get,
        concurrency=concurrency,
        batch=batch,
    )
    if max_tokens is None and max_rows is None:
        max_rows = 1000
    run = run_labels(teacher, bounds, max_tokens=max_tokens, max_rows=max_rows)
    used = run.spending.prompt_tokens + run.spending.completion_tokens
    assert max_tokens is None or used <= max_tokens
    assert max_rows is None or run.spending.asked <= max_rows
    assert sum(teacher.asked.values()) == run.spending.asked
    if run.stopped is None:
        assert len(run.answers) == len(texts)
    else:
        # Not too early: every row, or the next batch might not have fitted.
        left = [bounds[text] for text in bounds if text not in run.answers][:batch]
        if run.stopped == cap_reached("row", f"{max_rows}"):
            assert run.spending.asked == max_rows < len(texts)
        else:
            assert run.stopped == cap_reached("token", f"{max_tokens}")
            assert sum(left) > max_tokens - used


def test_the_caps_that_are_reached_are_named(store):
    teacher = Scripted(lambda _: Answer("a", prompt_tokens=8, completion_tokens=2), tokens=10)
    run = run_labels(teacher, TEXTS, store=store, max_tokens=100)
    assert (run.spending.asked, run.stopped) == (10, "token cap of 100 reached")
    run = run_labels(teacher, TEXTS, store=store, max_rows=5)
    assert (run.spending.asked, run.spending.reused) == (5, 10)
    assert run.stopped == "row cap of 5 reached"
    run = run_labels(teacher, TEXTS, store=store, max_rows=0)
    assert run.stopped == "row cap reached: nothing is left of it"
    # As many rows as there are to ask reach no cap.
    assert run_labels(teacher, TEXTS, store=store, max_rows=25).stopped is None


def test_an_unknown_price_needs_a_cap_when_there_is_something_to_ask(store):
    priced = Scripted()
    run_labels(priced, TEXTS[:10], store=store)
    teacher = Scripted(bound=None)
    with pytest.raises(InvalidInput, match="the price of scripted is unknown, so nothing bounds"):
        run_labels(teacher, TEXTS, store=store)
    assert not teacher.asked
    assert run_labels(teacher, TEXTS[:10], store=store).spending.reused == 10
    assert run_labels(teacher, TEXTS, store=store, max_tokens=10_000).stopped is None
    # A teacher that counts no tokens has no price for them either.
    assert run_labels(Scripted(bound=None, tokens=None), ["new"], store=store).stopped is None


def test_a_cap_on_tokens_needs_a_teacher_that_counts_them():
    teacher = Scripted(bound=None, tokens=None)
    with pytest.raises(InvalidInput, match="max_tokens needs a teacher that counts tokens"):
        run_labels(teacher, TEXTS, max_tokens=100)
    assert not teacher.asked
    # Recorded labels take none, so any cap holds.
    assert run_labels(ReplayTeacher({"x": "a", "y": "b"}), ["x"], max_tokens=0).stopped is None


@pytest.mark.parametrize("caps", [{"max_rows": -1}, {"max_tokens": 0.5}, {"max_cost": -1.0}])
def test_caps_that_are_none(caps):
    with pytest.raises(InvalidInput, match="0 or more, got"):
        run_labels(Scripted(), TEXTS, **caps)


# --- stops and failures


def stopping_at(n, action, *, then=None):
    """Rule that answers n texts, then acts once, and leaves later calls hanging."""
    seen = Counter()

    async def hang():
        await asyncio.Event().wait()

    def rule(_text):
        seen["asked"] += 1
        if seen["asked"] == n + 1:
            action()
        if seen["asked"] > n:
            return then() if then else hang()
        return Answer("a", cost=0.1)

    return rule


def test_an_interrupt_keeps_the_answers(store):
    teacher = Scripted(stopping_at(20, _thread.interrupt_main))
    run = run_labels(teacher, TEXTS, store=store)
    assert run.stopped == INTERRUPTED
    assert len(run.answers) == run.spending.asked == 20
    assert stored(store, teacher) == dict(run.answers)
    assert teacher.closed == 1
    rest = Scripted()
    assert len(run_labels(rest, TEXTS, store=store).answers) == 40
    assert sum(rest.asked.values()) == 20


def test_another_thread_can_stop_it(store):
    stop = threading.Event()
    run = run_labels(Scripted(stopping_at(20, stop.set)), TEXTS, store=store, stop=stop)
    assert (run.stopped, len(run.answers)) == (INTERRUPTED, 20)


def answering_late(seconds, first):
    """Rule that acts at the first text, and answers all of them a little later."""
    seen = Counter()

    async def late():
        await asyncio.sleep(seconds)
        return Answer("a", cost=0.1)

    def rule(_text):
        seen["asked"] += 1
        return first() if seen["asked"] == 1 else late()

    return rule


def test_calls_in_flight_may_end_after_an_interrupt(store):
    stop = threading.Event()

    async def first():
        stop.set()
        await asyncio.sleep(0.4)
        return Answer("a", cost=0.1)

    teacher = Scripted(answering_late(0.4, first))
    run = run_labels(teacher, TEXTS, store=store, stop=stop)
    assert run.stopped == INTERRUPTED
    assert set(run.answers) == set(teacher.asked) == set(TEXTS[:4])
    assert stored(store, teacher) == dict(run.answers)
    assert run.spending.cost == pytest.approx(0.4)


def test_calls_in_flight_may_end_when_one_fails(store):
    async def first():
        await asyncio.sleep(0.1)
        raise TeacherError("quota used up")

    teacher = Scripted(answering_late(1.2, first))
    run = run_labels(teacher, TEXTS, store=store)
    assert run.stopped == "quota used up"
    assert set(teacher.asked) == set(TEXTS[:4])
    assert set(run.answers) == set(stored(store, teacher)) == set(TEXTS[1:4])


def test_cancelled_calls_count_at_their_bound_and_the_stop_is_quick(store):
    stop = threading.Event()
    teacher = Scripted(stopping_at(20, stop.set), bound=0.2)
    begun = time.monotonic()
    run = run_labels(teacher, TEXTS, store=store, stop=stop, max_cost=100.0)
    assert time.monotonic() - begun < 2
    lost = len(teacher.asked) - 20
    assert lost > 0
    assert run.spending.cost == pytest.approx(20 * 0.1 + lost * 0.2)
    assert (run.spending.asked, run.spending.lost, run.spending.lost_tokens) == (
        20,
        lost,
        10 * lost,
    )


class Waiting(Scripted):
    """All but the first few calls wait before they send anything."""

    def __init__(self, rule, first):
        super().__init__(rule, concurrency=8)
        self.first = first
        self.halted = asyncio.Event()

    async def label(self, texts):
        if sum(self.asked.values()) >= self.first:
            await self.halted.wait()
            raise NotAsked
        return await super().label(texts)

    def halt(self):
        self.halted.set()


def test_calls_that_had_sent_nothing_cost_nothing(store):
    stop = threading.Event()

    async def answer():
        stop.set()
        await asyncio.sleep(0.3)
        return Answer("a", cost=0.1)

    teacher = Waiting(lambda _: answer(), first=3)
    assert isinstance(teacher, Haltable)
    run = run_labels(teacher, TEXTS, store=store, stop=stop, max_cost=100.0)
    assert run.stopped == INTERRUPTED
    assert set(run.answers) == set(teacher.asked) == set(TEXTS[:3])
    assert (run.spending.cost, run.spending.lost) == (pytest.approx(0.3), 0)


def test_a_call_may_not_give_up_by_itself():
    def rule(_text):
        raise NotAsked

    with pytest.raises(NotAsked):
        run_labels(Scripted(rule), TEXTS)


def test_an_interrupt_shortens_the_wait_after_a_failure():
    stop = threading.Event()

    async def first():
        await asyncio.sleep(0.1)
        stop.set()
        raise TeacherError("quota used up")

    begun = time.monotonic()
    with pytest.raises(TeacherError):
        run_labels(Scripted(answering_late(60, first)), TEXTS, stop=stop)
    assert time.monotonic() - begun < 3


def test_a_function_that_hangs_does_not_hold_up_the_stop(store):
    stop, gate = threading.Event(), threading.Event()

    def hang(_text):
        stop.set()
        gate.wait()
        return "a"

    run = run_labels(FunctionTeacher(hang, ("a", "b")), TEXTS, store=store, stop=stop)
    assert (run.stopped, run.answers, gate.is_set()) == (INTERRUPTED, {}, False)
    gate.set()


def test_an_answer_that_arrives_while_stopping_is_kept(store):
    stop = threading.Event()
    slow = LabelStoreThatWaits(store, stop)
    run = run_labels(Scripted(concurrency=1), TEXTS, store=slow, stop=stop)
    assert run.stopped == INTERRUPTED
    assert len(run.answers) == len(stored(store, Scripted())) == 1


class SlowStore:
    """Counts its commits, and waits for ``ready`` in the first one."""

    def __init__(self, store, ready):
        self.get_many, self.begin = store.get_many, store.begin
        self.others_wrote = store.others_wrote
        self.commits = []
        self.begun = False
        self._store, self._ready = store, ready

    def put_many(self, identity, pairs):
        self.begun = True
        if not self.commits:
            assert self._ready.wait(30)
        self.commits.append(len(pairs))
        return self._store.put_many(identity, pairs)


def test_answers_that_come_while_a_commit_runs_share_the_next_one(store):
    ready = threading.Event()
    slow = SlowStore(store, ready)

    class Staggered(Scripted):
        async def label(self, texts):
            while self.calls and not slow.begun:  # noqa: ASYNC110 -- a counter is looked at, no event set
                await asyncio.sleep(0.001)
            return await super().label(texts)

    teacher = Staggered(concurrency=8)

    def on_progress(progress):
        # None is counted before it is on disk.
        assert progress.done <= sum(slow.commits)
        if len(teacher.asked) == 8:
            ready.set()

    run = run_labels(teacher, TEXTS, store=slow, on_progress=on_progress)
    assert run.answers == stored(store, teacher)
    assert slow.commits[0] == 1
    assert slow.commits[1] >= 7
    assert sum(slow.commits) == 40


def test_answers_that_come_together_share_a_commit(store):
    ready = threading.Event()
    ready.set()
    slow = SlowStore(store, ready)
    run_labels(Scripted(concurrency=8), TEXTS, store=slow)
    assert slow.commits == [8] * 5


def test_a_commit_that_fails_fails_for_all_that_shared_it(store):
    ready = threading.Event()
    slow = SlowStore(store, ready)

    def rule(_text):
        if len(teacher.asked) == 8:
            store.close()
            ready.set()
        return Answer("a", cost=0.1)

    teacher = Scripted(rule, concurrency=8)
    run = run_labels(teacher, TEXTS, store=slow)
    assert "8 answers are paid and not stored" in run.stopped
    assert set(run.unsaved) == set(run.answers) == set(teacher.asked) == set(TEXTS[:8])
    assert teacher.closed == 1


def test_equal_labels_and_modes_are_one_object(store):
    teacher = Scripted(lambda text: Answer(text[:1].replace("t", "a"), mode=text[:4], cost=0.1))
    asked = run_labels(teacher, TEXTS[:20], store=store)
    both = run_labels(teacher, TEXTS, store=store)
    for run in (asked, both):
        assert len({id(answer.label) for answer in run.answers.values()}) == 1
        assert len({id(answer.mode) for answer in run.answers.values()}) == 1


class LabelStoreThatWaits:
    """Commits its first answer only when the run has been told to stop."""

    def __init__(self, store, stop):
        self.get_many, self.begin = store.get_many, store.begin
        self.others_wrote = store.others_wrote
        self._store = store
        self._stop = stop

    def put_many(self, identity, pairs):
        self._stop.set()
        # Longer than the step in which the run looks at its stop.
        threading.Event().wait(0.5)
        return self._store.put_many(identity, pairs)


def test_a_stop_before_the_start_asks_little(store):
    stop = threading.Event()
    stop.set()
    hang = Scripted(stopping_at(0, lambda: None))
    assert run_labels(hang, TEXTS, store=store, stop=stop).stopped == INTERRUPTED


def test_a_teacher_that_fails_at_once_raises(store):
    def rule(_text):
        raise TeacherError("wrong key")

    teacher = Scripted(rule)
    with pytest.raises(TeacherError, match="wrong key"):
        run_labels(teacher, TEXTS, store=store)
    assert teacher.closed == 1


def test_a_teacher_that_fails_later_returns_what_there_is(store):
    def fail():
        raise TeacherError("quota used up")

    teacher = Scripted(stopping_at(10, lambda: None, then=fail))
    run = run_labels(teacher, TEXTS, store=store)
    assert run.stopped == "quota used up"
    assert len(run.answers) == len(stored(store, teacher)) >= 7


def test_a_bug_keeps_its_traceback_and_the_answers(store):
    def buggy():
        return {}["missing"]

    teacher = Scripted(stopping_at(10, lambda: None, then=buggy))
    with pytest.raises(KeyError, match="missing") as caught:
        run_labels(teacher, TEXTS, store=store)
    assert caught.traceback[-1].name == "buggy"
    assert len(stored(store, teacher)) >= 7
    assert teacher.closed == 1


def test_a_wrong_number_of_answers_is_the_teachers_fault():
    class Short(Scripted):
        async def label(self, texts):
            return (await super().label(texts))[1:]

    with pytest.raises(TeacherError, match="gave 3 answers for 4 texts"):
        run_labels(Short(batch=4), TEXTS)


def test_the_first_of_two_processes_decides(store):
    def rule(text):
        # Another process stores its answer while this one is asked.
        store.put(Scripted().identity, text, Answer("b", cost=0.3))
        return Answer("a", cost=0.1)

    run = run_labels(Scripted(rule), TEXTS, store=store)
    assert {a.label for a in run.answers.values()} == {"b"}
    assert run.spending.cost == 4.0


# --- progress


def test_progress_comes_from_the_calling_thread_and_ends_complete():
    seen = []

    def on_progress(progress):
        assert threading.get_ident() == caller
        seen.append(progress)

    caller = threading.get_ident()
    run_labels(Scripted(), TEXTS, on_progress=on_progress, step="audit")
    last = seen[-1]
    assert (last.done, last.total, last.spending.asked, last.step) == (40, 40, 40, "audit")
    assert last.seconds > 0
    assert last.rate > 0


def test_progress_is_reported_while_it_runs():
    seen = []
    gate = threading.Event()

    async def wait():
        while not gate.is_set():  # noqa: ASYNC110 -- another thread sets it
            await asyncio.sleep(0.01)
        return Answer("a", cost=0.0)

    def on_progress(progress):
        seen.append(progress.done)
        if len(seen) == 2:
            gate.set()

    run = run_labels(Scripted(lambda _: wait()), TEXTS[:4], on_progress=on_progress)
    assert seen[:2] == [0, 0]
    assert seen[-1] == len(run.answers) == 4


def test_an_error_in_the_progress_display_ends_the_run_and_keeps_answers(store, monkeypatch):
    monkeypatch.setattr("tracer_nb.labelling.work._LONG", 0.2)

    def on_progress(_progress):
        raise ZeroDivisionError

    teacher = Scripted(stopping_at(5, lambda: None))
    with pytest.raises(ZeroDivisionError):
        run_labels(teacher, TEXTS, store=store, on_progress=on_progress)
    assert teacher.closed == 1
    assert len(stored(store, teacher)) == 5


@pytest.mark.parametrize("texts", ["one string", ["x", None], ["x", 3.0]])
def test_texts_that_are_none(texts):
    with pytest.raises(InvalidInput, match="texts must be"):
        run_labels(Scripted(), texts)
