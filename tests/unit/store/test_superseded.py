"""Old answers to the same texts are counted, and what makes them old is named."""

import pytest

from tracer_nb.records import Answer, Superseded
from tracer_nb.store import LabelStore
from tracer_nb.store.replaced import find_superseded, superseded_in_run
from tracer_nb.teachers import make_teacher

TEXTS = [f"text {i}" for i in range(1200)]


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as opened:
        yield opened


def chat(model="m", labels=("a", "b"), prompt="Choose.", **options):
    options.setdefault("base_url", "http://localhost:1/v1")
    return make_teacher(f"openai:{model}", labels, prompt, **options)


def say(store, teacher, texts):
    store.put_many(teacher.identity, [(text, Answer("a")) for text in texts])


def found(store, teacher, texts=TEXTS):
    return find_superseded(store, teacher.identity, texts)


def test_a_new_store_has_no_old_answers(store):
    assert found(store, chat()) == Superseded()
    say(store, chat(), TEXTS)
    assert found(store, chat()) == Superseded()


@pytest.mark.parametrize(
    ("old", "differs"),
    [
        (chat(prompt="Pick."), ("prompt",)),
        (chat(labels=("a", "b", "c")), ("label set",)),
        (chat(labels=("a", "b", "c"), prompt="Pick."), ("prompt", "label set")),
        (chat(model="n"), ("model",)),
        (chat(base_url="http://localhost:2/v1"), ("server",)),
        (chat(max_answer_tokens=99), ("setting",)),
    ],
)
def test_what_differs_is_named(store, old, differs):
    say(store, old, TEXTS[:1100])
    assert found(store, chat()) == Superseded(1100, differs)


def test_a_changed_function_is_named(store):
    def one(text):
        return "a" + text[:0]

    def two(text):
        return "b" + text[:0]

    say(store, make_teacher(one, ("a", "b")), TEXTS[:3])
    assert found(store, make_teacher(two, ("a", "b"))) == Superseded(3, ("model", "function"))


def test_only_texts_that_must_be_asked_count(store):
    say(store, chat(prompt="Pick."), TEXTS[:400])
    say(store, chat(model="n"), TEXTS[:10])
    assert found(store, chat()) == Superseded(410, ("prompt", "model"))
    say(store, chat(), TEXTS[:300])
    assert found(store, chat()) == Superseded(100, ("prompt",))
    assert found(store, chat(), TEXTS[350:500]).n == 50
    assert found(store, chat(), []).n == 0
    assert found(store, chat(), [*TEXTS[399:410], *TEXTS[399:410]]).n == 1


def test_a_run_counts_what_it_has_asked_anew(store):
    old = {**chat().identity, "prompt": "Pick."}
    store.put_many(old, [(text, Answer("a")) for text in TEXTS[:400]])
    store.begin()
    assert superseded_in_run(store, chat().identity) == Superseded()
    say(store, chat(), TEXTS[:150])
    say(store, chat(), TEXTS[1000:])
    assert superseded_in_run(store, chat().identity) == Superseded(150, ("prompt",))
    store.begin()
    say(store, chat(), TEXTS[:160])
    assert superseded_in_run(store, chat().identity) == Superseded(10, ("prompt",))


def test_the_texts_are_found_by_an_index(store):
    plan = store.select(
        "EXPLAIN QUERY PLAN SELECT identity_id, count(*) FROM answers AS old "
        "WHERE identity_id <> ? AND text_id IN (?, ?) GROUP BY identity_id",
        ["x", "y", "z"],
    )
    assert any("USING COVERING INDEX answers_by_text (text_id=?)" in row[3] for row in plan)
