"""What a store holds, told in sets, compared, and written out."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer
from tracer_nb.teachers import LabelStore
from tracer_nb.teachers.ledger import EXPORT_COLUMNS, answer_sets, compare_sets, export_answers

ONE = {"teacher": "chat", "model": "m-1", "prompt": "Choose.", "labels": ["a", "b"]}
TWO = {"teacher": "function", "name": "rule", "labels": ["a", "b"]}


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as opened:
        opened.put(ONE, "x", Answer("a", mode="json-schema", prompt_tokens=10, cost=0.25))
        opened.put(ONE, 'y, "z"\n', Answer("b", prompt_tokens=5, cost=0.5))
        opened.put(ONE, "w", Answer(None, reason="refused", cost=0.25))
        opened.put(TWO, "x", Answer("a", probabilities={"a": 0.75, "b": 0.25}))
        opened.put(TWO, 'y, "z"\n', Answer("a"))
        yield opened


def key_of(store, teacher):
    return next(s.key for s in answer_sets(store) if s.teacher == teacher)


def test_sets_are_counted_and_priced(store):
    found = {s.teacher: s for s in answer_sets(store)}
    one, two = found["m-1"], found["rule"]
    assert (one.n_answers, one.n_missing, one.n_labels) == (3, 1, 2)
    assert (one.prompt_tokens, one.cost, one.prompt) == (15, 1.0, "Choose.")
    assert two.cost is None  # an answer of unknown cost
    assert one.first <= one.last
    assert len(one.key) == 8


def test_an_empty_store_has_no_sets(tmp_path):
    with LabelStore(tmp_path / "empty.sqlite") as empty:
        assert answer_sets(empty) == ()
        assert export_answers(empty, tmp_path / "none.csv") == 0


def test_two_teachers_are_compared_on_what_both_labelled(store):
    found = compare_sets(store, key_of(store, "m-1"), key_of(store, "rule"))
    assert found.teachers == ("m-1", "rule")
    assert (found.n_shared, found.n_agree) == (2, 1)
    assert found.disagreements == (('y, "z"\n', "b", "a"),)


def test_keys_that_name_no_set(store):
    key = key_of(store, "rule")
    with pytest.raises(InvalidInput, match="no set of answers 'zzz'"):
        compare_sets(store, key, "zzz")
    with pytest.raises(InvalidInput, match="2 sets begin with ''"):
        compare_sets(store, "", key)
    store.put({"teacher": "other", "labels": []}, "unheard", Answer("a"))
    with pytest.raises(InvalidInput, match="share no labelled text"):
        compare_sets(store, key, key_of(store, "other"))


def test_csv_and_parquet_hold_every_answer(store, tmp_path):
    assert export_answers(store, tmp_path / "all.csv") == 5
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == EXPORT_COLUMNS
    assert sorted(row["text"] for row in rows).count('y, "z"\n') == 2
    pytest.importorskip("pyarrow")
    assert export_answers(store, tmp_path / "one.parquet", key_of(store, "rule")) == 2
    frame = pd.read_parquet(tmp_path / "one.parquet")
    assert set(frame["teacher"]) == {"rule"}
    assert frame["label"].tolist() == ["a", "a"]
    with pytest.raises(InvalidInput, match=r"export to a \.csv or \.parquet file"):
        export_answers(store, tmp_path / "all.xlsx")
    with pytest.raises(InvalidInput, match="cannot write"):
        export_answers(store, tmp_path / "no" / "all.csv")


def test_many_answers_are_read_in_parts(tmp_path):
    with LabelStore(tmp_path / "many.sqlite") as many:
        many.put_many(TWO, [(f"text {i}", Answer("a")) for i in range(1234)])
        assert export_answers(many, tmp_path / "many.csv") == 1234
        assert len({text for text, _, _ in many.answers_of(many.identities()[0][0])}) == 1234
