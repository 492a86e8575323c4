"""Answers with numbers that are none, and how often a run asks its store."""

import math

import numpy as np
import pytest

from tests.unit.labelling.test_runner import Scripted
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.store.rows import storable

ODD = [
    Answer("a", prompt_tokens=2**64),
    Answer("a", completion_tokens=10**400),
    Answer("a", prompt_tokens=-1),
    Answer("a", prompt_tokens=1.5),
    Answer("a", cost=math.nan),
    Answer("a", cost=-math.inf, seconds=math.inf),
    Answer("a", cost="free"),
    Answer("a", probabilities={"a": np.float32(1)}),
    Answer("a", probabilities={"a": "much"}),
    Answer("a", probabilities={"a": 10**400}),
    Answer("a", mode="a lone \ud800"),
    Answer("a", cost=-1.0),
    Answer("a", mode=None),
    Answer(None, reason=KeyError("x")),
    Answer(["a"]),
]


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_an_answer_that_no_column_holds_does_not_block_the_others(tmp_path, answer):
    class Odd(Scripted):
        async def label(self, texts):
            found = await super().label(texts)
            return [answer if text == "odd" else a for text, a in zip(texts, found, strict=True)]

    texts = [f"text {i}" for i in range(30)] + ["odd"]
    teacher = Odd()
    with LabelStore(tmp_path / "l.sqlite") as store:
        run = run_labels(teacher, texts, store=store)
        stored = store.get_many(teacher.identity, texts)
        again = Odd()
        run_labels(again, texts, store=store)
    assert (run.stopped, run.unsaved) == (None, {})
    assert set(run.answers) == set(stored) == set(texts)
    assert not again.asked
    assert stored["odd"] == run.answers["odd"]


@pytest.mark.parametrize("answer", ODD[:-1], ids=range(len(ODD) - 1))
def test_a_store_takes_it_as_it_can(tmp_path, answer):
    with LabelStore(tmp_path / "l.sqlite") as store:
        pairs = [("odd", answer), ("other", Answer("b"))]
        assert store.put_many({"teacher": "t"}, pairs) == 2
        assert set(store.get_many({"teacher": "t"}, ["odd", "other"])) == {"odd", "other"}


def test_what_can_be_stored_is_not_touched():
    answer = Answer("a", mode="text", probabilities={"a": 1.0}, prompt_tokens=3, cost=0.5)
    assert storable(answer) is answer


@pytest.fixture
def selects(tmp_path):
    """A store on disk, and the queries on it for answers."""
    with LabelStore(tmp_path / "l.sqlite") as store:
        said = []
        store._reader.set_trace_callback(said.append)
        yield store, said


def test_600_new_texts_are_looked_up_in_one_query(selects):
    store, said = selects
    run_labels(Scripted(), [f"text {i}" for i in range(600)], store=store)
    assert len([sql for sql in said if "FROM answers" in sql]) == 1


@pytest.mark.parametrize("n", [600, 5000])
def test_stored_texts_are_looked_up_in_one_query(selects, n):
    store, said = selects
    identity, texts = {"teacher": "t"}, [f"text {i}" for i in range(n)]
    store.put_many(identity, [(text, Answer("a")) for text in texts])
    said.clear()
    assert set(store.get_many(identity, texts)) == set(texts)
    assert len([sql for sql in said if "label" in sql]) == 1


def test_of_a_large_store_a_part_is_looked_up(selects):
    store, said = selects
    identity = {"teacher": "t"}
    store.put_many(identity, [(f"text {i}", Answer("a")) for i in range(9000)])
    found = store.get_many(identity, [f"text {i}" for i in range(2500)] + ["new"])
    assert len(found) == 2500
    assert "json_each" in said[-1]
