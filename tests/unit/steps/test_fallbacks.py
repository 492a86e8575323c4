"""Who is asked about a single row that the router defers, and that nothing paid is lost by it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.records import Answer, Caps
from tracer_nb.steps.label.aside import Aside
from tracer_nb.store import LabelStore, Shelf
from tracer_nb.teachers import FunctionTeacher

from .routers import LABELS, load_kind, load_texts


async def until(condition):
    """Until it holds; half a minute at the most."""
    for _ in range(30_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("never came about")


class Asked:
    """A teacher that answers when it is let, and counts."""

    batch_size, concurrency, labels, name = 1, 4, LABELS, "asked"

    def __init__(self, *, held=False, fails=None, mute=False):
        self.texts, self.closed, self.fails, self.mute = [], 0, fails, mute
        self.let = threading.Event()
        if not held:
            self.let.set()

    @property
    def identity(self):
        return {"teacher": "asked"}

    def cost_bound(self, _):
        return None

    def token_bound(self, _):
        return None

    def cost_estimate(self, _):
        return 0, 0, None

    async def label(self, texts):
        self.texts += texts
        if self.fails is not None:
            raise self.fails
        await until(self.let.is_set)
        label = None if self.mute else LABELS[1]
        return [Answer(label, "refused" if self.mute else None, cost=0.5) for _ in texts]

    async def close(self):
        self.closed += 1


@pytest.fixture
def deferred(tmp_path):
    """A loaded router, and texts of new ones that it defers."""
    loaded, texts = load_texts(tmp_path, load={"store": tmp_path / "labels.sqlite"})
    found = zip(texts, loaded.predict_batch(texts), strict=True)
    waiting = list(dict.fromkeys(text for text, p in found if p.source == "deferred"))
    assert len(waiting) > 8
    return loaded, waiting


@pytest.fixture
def handled(deferred):
    loaded, _ = deferred
    return next(t for t in ("late delivery thanks 1", "my money back") if loaded.predict(t).label)


def test_a_function_is_called_in_this_thread_and_only_where_it_is_needed(deferred, handled):
    loaded, (text, *_) = deferred
    calls = []

    def ask(row):
        calls.append((row, threading.get_ident()))
        return f" {LABELS[2].upper()} "

    assert loaded.predict(handled, fallback=ask).source == "surrogate"
    found = loaded.predict(text, fallback=ask)
    assert (found.label, found.source) == (LABELS[2], "teacher")
    assert f"{found.reason}; teacher not asked" == loaded.predict(text).reason
    assert found.score == loaded.predict(text).score
    loaded.predict(text, fallback=ask)
    assert calls == [(text, threading.get_ident())] * 2  # not stored: it is the user's own


def test_a_plain_function_holds_up_no_loop(deferred):
    loaded, (text, *_) = deferred
    here = threading.get_ident()
    release = threading.Event()

    def ask(_):
        assert threading.get_ident() != here
        assert release.wait(30)
        return LABELS[0]

    async def both():
        asked = asyncio.ensure_future(loaded.apredict(text, fallback=ask))
        await asyncio.sleep(0)
        release.set()  # would never be reached
        return await asked

    assert asyncio.run(both()).label == LABELS[0]


def test_an_async_function_runs_in_the_callers_loop_side_by_side(deferred):
    loaded, texts = deferred
    inside, loops = [], set()

    async def ask(row):
        loops.add(asyncio.get_running_loop())
        inside.append(row)
        await until(lambda: len(inside) == len(texts))
        return LABELS[0]

    async def many():
        found = await asyncio.gather(*(loaded.apredict(t, fallback=ask) for t in texts))
        return found, asyncio.get_running_loop()

    found, loop = asyncio.run(many())
    assert {p.source for p in found} == {"teacher"}
    assert loops == {loop}


def test_an_async_function_from_plain_code_keeps_its_loop_even_in_a_notebook(deferred):
    loaded, (text, *_) = deferred
    loops = []

    async def ask(_):
        loops.append(asyncio.get_running_loop())
        return LABELS[0]

    def unseen(row):  # a plain function that returns something to wait for
        return ask(row)

    class Client:
        async def __call__(self, row):
            return await ask(row)

    async def cell():  # a loop runs in this thread
        return loaded.predict(text, fallback=ask)

    assert asyncio.run(cell()).label == LABELS[0]
    assert loaded.predict(text, fallback=unseen).label == LABELS[0]
    assert loaded.predict(text, fallback=Client()).label == LABELS[0]
    assert asyncio.run(loaded.apredict(text, fallback=unseen)).label == LABELS[0]
    assert len(set(loops[:3])) == 1
    assert not loops[0].is_closed()


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nonsense", "answer is not one of the labels: 'nonsense'"),
        (None, "the function returned None"),
        (3, "answer is not one of the labels: '3'"),
        (ValueError("bad\nluck"), "ValueError: bad luck"),
        (TeacherError("no key"), "not asked: no key"),
    ],
)
def test_what_is_no_label_is_a_reason(deferred, value, reason, asynchronous):
    loaded, (text, *_) = deferred

    def ask(_):
        if isinstance(value, Exception):
            raise value
        return value

    found = loaded.predict(text, fallback=ask)
    if asynchronous:
        assert asyncio.run(loaded.apredict(text, fallback=ask)) == found
    assert (found.label, found.source) == (None, "deferred")
    if reason.startswith("not asked"):  # then why somebody was to be asked stands before it
        assert found.reason == f"{loaded.predict(text).reason.partition('; ')[0]}; {reason}"
    else:
        assert found.reason.startswith(reason)


def test_a_doubted_answer_is_withheld(tmp_path):
    loaded, texts = load_texts(tmp_path, about_it={"abstain": {"unlike": False, "unsure": 0.6}})
    text = next(t for t in texts if loaded.predict(t).source == "deferred")
    chances = {LABELS[0]: 0.5, LABELS[1]: 0.5}
    found = loaded.predict(text, fallback=lambda _: Answer(LABELS[0], probabilities=chances))
    assert (found.label, found.source) == (None, "abstained")
    assert found.reason.startswith("teacher unsure")


def test_a_key_is_not_in_the_reason(deferred):
    loaded, (text, *_) = deferred

    def ask(_):
        raise RuntimeError("Authorization: Bearer sk-secret1234567890abcdef")

    assert "sk-secret" not in loaded.predict(text, fallback=ask).reason


# --- teachers ----------------------------------------------------------------------------------


def test_a_teachers_answer_is_stored_and_asked_for_once(deferred, tmp_path):
    loaded, (text, other, *_) = deferred
    teacher = Asked()
    assert loaded.predict(text, fallback=teacher).label == LABELS[1]
    asyncio.run(until(lambda: teacher.closed))  # after the answer is given
    with LabelStore(tmp_path / "labels.sqlite") as store:
        assert store.get_many(teacher.identity, [text])[text].cost == 0.5
    again, _ = load_texts(tmp_path, load={"store": tmp_path / "labels.sqlite"})
    assert again.predict(text, fallback=Asked(fails=RuntimeError())).label == LABELS[1]
    assert loaded.predict(text, fallback=teacher).label == LABELS[1]
    assert loaded.predict(other, fallback=teacher).label == LABELS[1]
    assert teacher.texts == [text, other]


def test_the_named_teacher_is_asked_only_when_told_and_known_afterwards(tmp_path):
    teacher = Asked()
    store = tmp_path / "labels.sqlite"
    loaded, texts = load_texts(tmp_path, load={"teacher": teacher, "store": store})
    text = next(t for t in texts if loaded.predict(t).source == "deferred")
    assert teacher.texts == []
    assert loaded.predict(text, fallback=loaded.teacher).source == "teacher"
    assert loaded.predict(text).source == "teacher"  # as route would have it
    assert loaded.predict_batch([text])[0].label == LABELS[1]


def test_teachers_by_record_and_by_name(deferred):
    loaded, (text, other, *_) = deferred
    record = {text: LABELS[0], other: LABELS[2]}
    assert loaded.predict(text, fallback=record).label == LABELS[0]
    found = asyncio.run(loaded.apredict(other, fallback=record))
    assert (found.label, found.source) == (LABELS[2], "teacher")
    with pytest.raises(InvalidInput, match="kind of teacher"):
        loaded.predict(text, fallback="opnai:gpt")
    with pytest.raises(InvalidInput, match="teacher must be a name"):
        loaded.predict(text, fallback=3)
    with pytest.raises(InvalidInput, match="own labels, and they differ"):
        loaded.predict(text, fallback=FunctionTeacher(len, ["a", "b"]))


def test_a_wrong_fallback_is_told_before_it_is_needed(deferred, handled):
    loaded, _ = deferred
    with pytest.raises(InvalidInput, match="teacher must be a name"):
        loaded.predict(handled, fallback=3)


def test_many_at_once_are_asked_side_by_side_each_once(deferred):
    loaded, texts = deferred
    teacher = Asked(held=True)

    async def many():
        asked = [asyncio.ensure_future(loaded.apredict(t, fallback=teacher)) for t in texts[:6] * 3]
        # As many as it takes at a time, not one by one.
        await until(lambda: len(teacher.texts) >= 4)
        teacher.let.set()
        return await asyncio.gather(*asked)

    found = asyncio.run(many())
    assert {p.label for p in found} == {LABELS[1]}
    assert sorted(teacher.texts) == sorted(texts[:6])


def test_what_is_paid_is_kept_though_nobody_waits_any_more(deferred, tmp_path):
    loaded, (text, *_) = deferred
    teacher = Asked(held=True)

    async def leave():
        asked = asyncio.ensure_future(loaded.apredict(text, fallback=teacher))
        await until(lambda: teacher.texts)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(leave())
    teacher.let.set()
    with LabelStore(tmp_path / "labels.sqlite") as store:
        asyncio.run(until(lambda: text in store.get_many(teacher.identity, [text])))
        assert store.get_many(teacher.identity, [text])[text].label == LABELS[1]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fails": TeacherError("no such model")}, "not asked: no such model"),
        ({"mute": True}, "refused"),
    ],
)
def test_a_teacher_without_a_label_says_why(deferred, options, reason):
    loaded, (text, *_) = deferred
    found = loaded.predict(text, fallback=Asked(**options))
    assert (found.label, found.source) == (None, "deferred")
    assert found.reason.endswith(reason)


def test_a_teacher_that_breaks_is_raised_and_the_next_is_asked(tmp_path):
    aside = Aside(Asked(fails=ZeroDivisionError("oh")), Shelf(tmp_path / "labels.sqlite"))
    with pytest.raises(ZeroDivisionError, match="oh"):
        aside.ask("a").result(60)
    aside.teacher.fails = None
    assert aside.ask("a").result(60).label == LABELS[1]


def test_a_store_that_fails_is_a_reason(tmp_path, monkeypatch):
    aside = Aside(Asked(), Shelf(tmp_path / "labels.sqlite"))

    def broken(*_, **__):
        raise StoreError("the disk is full")

    monkeypatch.setattr(aside._asker, "ask", broken)
    assert aside.ask("a").result(60).reason == "not asked: the disk is full"


def test_no_end_of_texts_ends_runs_of_a_thousand(tmp_path, monkeypatch):
    """What a run remembers is bounded, and later texts are in the next."""
    monkeypatch.setattr("tracer_nb.steps.label.aside._MOST", 5)
    teacher = Asked()
    aside = Aside(teacher, Shelf(tmp_path / "labels.sqlite"))
    runs = []
    ask = aside._asker.ask
    monkeypatch.setattr(aside._asker, "ask", lambda *a, **o: runs.append(o["caps"]) or ask(*a, **o))
    asked = [aside.ask(f"text {i}") for i in range(12)]
    assert [one.result(60).label for one in asked] == [LABELS[1]] * 12
    assert len(teacher.texts) == 12
    assert len(runs) >= 3
    assert runs[0] == Caps(max_rows=5)
    assert aside._asker.answers == {}


def test_in_memory_nothing_is_paid_twice():
    teacher = Asked()
    aside = Aside(teacher, Shelf(":memory:"))
    assert [aside.ask("a").result(60).label for _ in range(3)] == [LABELS[1]] * 3
    assert teacher.texts == ["a"]


# --- vectors and cells -------------------------------------------------------------------------


def test_of_a_vector_a_function_gets_the_vector_and_a_teacher_needs_the_text(tmp_path):
    loaded, X = load_kind("plain", tmp_path)
    row = next(x for x in X if loaded.predict(x).source == "deferred")
    got = []
    assert loaded.predict(row, fallback=lambda x: got.append(x) or LABELS[0]).label == LABELS[0]
    assert got[0] is row
    with pytest.raises(InvalidInput, match="reads texts, and there is a vector alone"):
        loaded.predict(row, fallback=Asked())
    teacher = Asked()
    assert loaded.predict("my text", features=row, fallback=teacher).label == LABELS[1]
    assert teacher.texts == ["my text"]


def test_cells_that_the_prompt_names_go_with_the_text(tmp_path):
    columns = {"columns": ["product"], "prompt": "What about {{product}}?"}
    loaded, X = load_kind("plain", tmp_path, about=columns)
    row = next(x for x in X if loaded.predict(x).source == "deferred")
    teacher = Asked()
    found = loaded.predict("t", features=row, cells={"product": " kettle "}, fallback=teacher)
    assert found.label == LABELS[1]
    assert teacher.texts == ['{"text": "t", "product": "kettle"}']
    with pytest.raises(InvalidInput, match=r"the prompt names the column \{\{product\}\}"):
        loaded.predict("t", features=row)
    with pytest.raises(InvalidInput, match="cells holds 'colour'"):
        loaded.predict("t", features=row, cells={"colour": "red"})
