"""What a store holds, told in sets, compared, and written out."""

from __future__ import annotations

import csv
import sys

import pandas as pd
import pytest

from tracer_nb.errors import InvalidInput, MissingExtra
from tracer_nb.records import Answer
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import (
    EXPORT_COLUMNS,
    answer_runs,
    answer_sets,
    compare_sets,
    export_answers,
)

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
        assert export_answers(empty, tmp_path / "none.csv").rows == 0


def test_runs_are_told_apart(store):
    key = key_of(store, "m-1")
    store.begin()
    store.put_many(ONE, [("later", Answer("a", prompt_tokens=7, cost=0.5, seconds=0.25))])
    assert next(s for s in answer_sets(store) if s.key == key).n_runs == 2
    last, first = answer_runs(store, key)
    assert (first.n_answers, first.n_missing, first.prompt_tokens, first.cost) == (3, 1, 15, 1.0)
    assert (last.n_answers, last.prompt_tokens, last.cost, last.seconds) == (1, 7, 0.5, 0.25)
    assert first.seconds is None
    assert first.began <= first.last <= last.last
    assert first.elapsed >= 0
    assert answer_runs(store, key_of(store, "rule"))[0].cost is None
    with pytest.raises(InvalidInput, match="no set of answers 'zzz'"):
        answer_runs(store, "zzz")


def test_two_teachers_are_compared_on_what_both_labelled(store):
    found = compare_sets(store, key_of(store, "m-1"), key_of(store, "rule"))
    assert found.teachers == ("m-1", "rule")
    assert (found.n_shared, found.n_agree) == (2, 1)
    assert found.disagreements == (('y, "z"\n', "b", "a"),)
    assert found.pairs == (("b", "a", 1),)
    assert found.costs == (0.75, None)
    # Clopper and Pearson's interval for one of two.
    assert (found.agreement_low, found.agreement_high) == pytest.approx((0.0126, 0.9874), abs=1e-4)


def test_two_prompts_of_one_model_are_told_apart_and_their_differences_counted(tmp_path):
    texts = [f"text {i}" for i in range(100)]
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.put_many(ONE, [(t, Answer("a", cost=0.5)) for t in texts])
        other = {**ONE, "prompt": "Pick."}
        said = ["b"] * 30 + ["c"] * 4 + ["a"] * 66
        store.put_many(other, [(t, Answer(s, cost=0.25)) for t, s in zip(texts, said, strict=True)])
        keys = sorted(s.key for s in answer_sets(store))
        found = compare_sets(store, *keys)
        assert found.teachers == (f"m-1 ({keys[0]})", f"m-1 ({keys[1]})")
        assert (found.n_shared, found.n_agree, len(found.disagreements)) == (100, 66, 20)
        assert {frozenset(pair[:2]): pair[2] for pair in found.pairs} == {
            frozenset("ab"): 30,
            frozenset("ac"): 4,
        }
        assert found.pairs[0][2] == 30
        assert sorted(found.costs) == [25.0, 50.0]
        assert found.agreement_low < 0.66 < found.agreement_high
        with pytest.raises(InvalidInput, match="one and the same set"):
            compare_sets(store, keys[0], keys[0][:6])


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
    assert export_answers(store, tmp_path / "all.csv").rows == 5
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == EXPORT_COLUMNS
    assert sorted(row["text"] for row in rows).count('y, "z"\n') == 2
    pytest.importorskip("pyarrow")
    assert export_answers(store, tmp_path / "one.parquet", key_of(store, "rule")).rows == 2
    frame = pd.read_parquet(tmp_path / "one.parquet")
    assert tuple(frame.columns) == EXPORT_COLUMNS
    assert set(frame["teacher"]) == {"rule"}
    assert frame["label"].tolist() == ["a", "a"]
    assert frame["cost"].isna().all()
    with pytest.raises(InvalidInput, match=r"export to a \.csv or \.parquet file"):
        export_answers(store, tmp_path / "all.xlsx")
    with pytest.raises(InvalidInput, match="cannot write"):
        export_answers(store, tmp_path / "no" / "all.csv")


def test_many_answers_are_read_in_parts(tmp_path):
    with LabelStore(tmp_path / "many.sqlite") as many:
        many.put_many(TWO, [(f"text {i}", Answer("a")) for i in range(1234)])
        assert export_answers(many, tmp_path / "many.csv").rows == 1234
        assert len({text for text, _, _ in many.answers_of(many.identities()[0][0])}) == 1234


def test_parquet_is_written_in_parts(store, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("tracer_nb.store.tables._PART", 2)
    assert export_answers(store, tmp_path / "all.parquet").rows == 5
    assert parquet.ParquetFile(tmp_path / "all.parquet").num_row_groups == 3
    frame = pd.read_parquet(tmp_path / "all.parquet")
    # A part without any cost does not make costs text.
    assert frame["cost"].sum() == 1.0


def test_parquet_without_its_package_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="pip install pyarrow"):
        export_answers(store, tmp_path / "all.parquet")
    assert list(tmp_path.glob("*.parquet")) == []


def test_a_set_names_the_models_that_answered(store):
    assert {s.models for s in answer_sets(store)} == {()}
    store.put(ONE, "u", Answer("a", model="m-1-0901"))
    store.put(ONE, "v", Answer("a", model="m-1-1105"))
    store.put(ONE, "t", Answer("a", model="m-1-0901 / m-1-1105"))
    store.put(ONE, "s", Answer("a", model="m-1-1105"))
    found = next(s for s in answer_sets(store) if s.teacher == "m-1")
    assert found.models == (("m-1-1105", 3), ("m-1-0901", 2))
