"""Answers that were read once are not read again, unless anybody has written meanwhile."""

import sqlite3
from contextlib import closing

import pytest

from tests.unit.labelling.test_runner import Scripted
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.store import labels as module
from tracer_nb.store.labels import Recall
from tracer_nb.store.replaced import replace_missing

WHO = {"model": "m", "labels": ["a", "b"]}
TEXTS = [f"text {i}" for i in range(40)]
FIRST = TEXTS[0]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        store.put_many(WHO, [(text, Answer("a", probabilities={"a": 1.0})) for text in TEXTS[1:]])
        store.put(WHO, FIRST, Answer(None, "refused"))
    return path


@pytest.fixture
def read(monkeypatch):
    """Rows that were made into answers; forty texts are many here."""
    rows = []

    def noted(row):
        rows.append(row)
        return made(row)

    made = module.to_answer
    monkeypatch.setattr(module, "_MANY", len(TEXTS))
    monkeypatch.setattr(module, "_recall", Recall())
    monkeypatch.setattr(module, "to_answer", noted)
    return rows


def label_of_first(store):
    return store.get_many(WHO, TEXTS)[FIRST].label


def test_a_store_that_is_opened_again_reads_nothing_again(path, read):
    with LabelStore(path) as store:
        found = store.get_many(WHO, TEXTS)
    assert len(read) == len(found) == len(TEXTS)
    with LabelStore(path) as store:
        assert store.get_many(WHO, TEXTS) == found
        assert store.get_many(WHO, [*TEXTS[::-1], "unknown"]) == found
    assert len(read) == len(TEXTS)


def test_labelling_again_reads_nothing_again(tmp_path, read):
    teacher = Scripted()
    for _ in range(2):
        with LabelStore(tmp_path / "run.sqlite") as store:
            run = run_labels(teacher, TEXTS, store=store)
    assert run.spending.reused == len(run.answers) == len(teacher.asked) == len(TEXTS)
    before = len(read)
    with LabelStore(tmp_path / "run.sqlite") as store:
        assert run_labels(teacher, TEXTS, store=store).answers == run.answers
    assert len(read) == before == len(TEXTS)


@pytest.mark.usefixtures("read")
def test_what_is_added_is_found(path):
    with LabelStore(path) as store, LabelStore(path) as other:
        for writer in (store, other):
            new = f"new of {id(writer)}"
            assert new not in store.get_many(WHO, [*TEXTS, new])
            writer.put(WHO, new, Answer("b"))
            assert store.get_many(WHO, [*TEXTS, new])[new].label == "b"


@pytest.mark.parametrize("ours", [True, False], ids=["by this one", "by another one"])
@pytest.mark.usefixtures("read")
def test_what_is_replaced_is_found(path, ours):
    with LabelStore(path) as store, LabelStore(path) as other:
        assert label_of_first(store) is None
        writer = store if ours else other
        assert replace_missing(writer, WHO, [(FIRST, Answer("b"))], WHO["labels"]) == 1
        assert label_of_first(store) == "b"


@pytest.mark.usefixtures("read")
def test_what_another_program_has_changed_is_found(path):
    with LabelStore(path) as store:
        assert label_of_first(store) is None
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE answers SET label = 'b' WHERE label IS NULL")
            db.commit()
        assert label_of_first(store) == "b"


@pytest.mark.usefixtures("read")
def test_stores_and_teachers_share_nothing(path, tmp_path):
    with LabelStore(path) as store:
        assert store.get_many(WHO, TEXTS)
        assert store.get_many({**WHO, "model": "n"}, TEXTS) == {}
    with LabelStore(tmp_path / "other.sqlite") as other:
        assert other.get_many(WHO, TEXTS) == {}
    with LabelStore(":memory:") as one, LabelStore(":memory:") as two:
        one.put_many(WHO, [(text, Answer("a")) for text in TEXTS])
        assert len(one.get_many(WHO, TEXTS)) == len(TEXTS)
        assert two.get_many(WHO, TEXTS) == {}


@pytest.mark.parametrize("bound", ["_MOST", "_MOST_TEXT"])
def test_more_than_fits_is_not_kept(path, read, monkeypatch, bound):
    monkeypatch.setattr(f"tracer_nb.store.labels.{bound}", len(TEXTS) - 1)
    with LabelStore(path) as store:
        found = store.get_many(WHO, TEXTS)
        assert store.get_many(WHO, TEXTS) == found
    assert len(read) == 2 * len(TEXTS)
