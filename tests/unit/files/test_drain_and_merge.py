"""Deferred texts are asked about under a cap, and their answers come back into the file."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

import tracer_nb
from files.rows import outputs, read, write
from tracer_nb.__main__ import main
from tracer_nb.errors import InvalidInput
from tracer_nb.steps.files.drain import drain
from tracer_nb.steps.files.merge import merge_file
from tracer_nb.steps.files.step import route_file


@pytest.fixture(scope="module")
def answered(router, messages, tmp_path_factory):
    """What ``router.route(df)`` says when the teacher is asked."""
    store = tmp_path_factory.mktemp("asked") / "labels.sqlite"
    loaded = tracer_nb.load(router, teacher="standin:support", store=store)
    return loaded.route(messages["text"], max_cost=5.0)


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """A folder of its own, with the store where it is by default, and what is printed."""
    monkeypatch.chdir(tmp_path)
    return SimpleNamespace(folder=tmp_path, said=capsys.readouterr)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_route_drain_and_merge_are_a_routed_column(ending, router, messages, answered, here):
    folder = here.folder
    write(messages, folder / f"in.{ending}")
    line = [f"in.{ending}", "--router", str(router), "--out", f"out.{ending}", "--column", "text"]
    assert main(["route", *line]) == 0
    said = here.said()
    assert "deferred texts of this router wait in the queue" in said.out
    assert "Routing: " in said.err
    assert " a second" in said.err
    assert main(["drain", "--router", str(router), "--max-cost", "5"]) == 0
    said = here.said()
    assert "No text waits any more" in said.out
    assert "Asking about deferred rows" in said.err
    assert main(["merge", f"out.{ending}", "--router", str(router), "--column", "text"]) == 0
    assert "none waits" in here.said().out
    found = [row[:2] for row in outputs(read(folder / f"out.{ending}"))]
    assert found == [row[:2] for row in outputs(answered)]
    assert answered["label_source"].value_counts()["teacher"] > 20
    # Routed again, the answers of the store go first at once.
    assert main(["route", *line, "--overwrite"]) == 0
    assert [row[:2] for row in outputs(read(folder / f"out.{ending}"))] == found


def test_a_cap_leaves_the_others_waiting(router, messages, tmp_path):
    store, out = tmp_path / "s.sqlite", tmp_path / "out.parquet"
    source = write(messages, tmp_path / "in.parquet")
    waiting = route_file(source, router, out, column="text", store=store).n_waiting
    drained = drain(router, store=store, max_rows=7)
    assert drained.n_waiting == waiting - 7
    assert drained.spending.asked == 7
    assert drained.stopped == "row cap of 7 reached"
    merged = merge_file(out, router, column="text", store=store)
    assert merged.n_rows == len(messages)
    assert merged.n_filled >= 7
    before = outputs(read(out))
    again = merge_file(out, router, column="text", store=store)
    assert (again.n_filled, again.n_open) == (0, merged.n_open)
    assert outputs(read(out)) == before
    assert drain(router, store=store, max_cost=5.0).n_waiting == 0
    assert drain(router, store=store, max_cost=5.0).spending.asked == 0
    assert merge_file(out, router, column="text", store=store).n_open == 0


def test_a_folder_is_merged_file_by_file(router, messages, answered, tmp_path):
    store, out = tmp_path / "s.sqlite", tmp_path / "out"
    source = write(messages, tmp_path / "in.parquet")
    route_file(source, router, out, column="text", store=store, part_rows=90)
    drain(router, store=store, max_cost=5.0)
    merged = merge_file(out, router, column="text", store=store)
    assert merged.n_open == 0
    assert outputs(read(out)) == outputs(answered)
    reasons = answered["label_reason"][answered["label_source"] == "teacher"]
    assert reasons.str.match(
        "deferred: (score below 0|unlike every labelled text|fits no label)"
    ).all()


def test_columns_without_any_label_are_filled_too(router, messages, tmp_path):
    """A frame in which nobody has answered a row has columns of no type in Parquet."""
    store = tmp_path / "s.sqlite"
    source = write(messages, tmp_path / "in.parquet")
    route_file(source, router, tmp_path / "out.parquet", column="text", store=store)
    frame = read(tmp_path / "out.parquet")
    frame = frame[frame["label_source"].isna()].assign(label=None, label_source=None)
    frame.to_parquet(tmp_path / "open.parquet")
    drain(router, store=store, max_cost=5.0)
    merged = merge_file(tmp_path / "open.parquet", router, column="text", store=store)
    assert merged.n_filled > 10
    assert read(tmp_path / "open.parquet")["label"].notna().sum() == merged.n_filled
    frame.assign(label=1).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(InvalidInput, match="column 'label' holds int64, not text, so it was not"):
        merge_file(tmp_path / "other.parquet", router, column="text", store=store)


def test_what_cannot_be_drained_or_merged(router, messages, tmp_path):
    store = tmp_path / "s.sqlite"
    with pytest.raises(InvalidInput, match="say what it may cost at the most"):
        drain(router, store=store)
    with pytest.raises(InvalidInput, match="has no column 'label', so it was not routed"):
        merge_file(write(messages, tmp_path / "a.csv"), router, column="text", store=store)
    with pytest.raises(InvalidInput, match="no such file or folder"):
        merge_file(tmp_path / "none.csv", router)
    assert not store.exists()
    loaded = tracer_nb.load(router)
    with pytest.raises(InvalidInput, match="none was named"):
        loaded.drain(max_cost=1.0)
    other = tracer_nb.load(router, teacher="standin:support", store=store, votes=3)
    with pytest.raises(InvalidInput, match=r"differs from the router's own in .*votes"):
        other.drain(max_cost=1.0)
    with pytest.raises(InvalidInput, match=r"differs from the router's own in .*server"):
        drain(router, store=store, max_cost=1.0, wrong=0.5)


def test_a_function_of_a_notebook_is_asked_there(hard_world, messages, tmp_path):
    world = hard_world

    def teach(text):
        return world.truth.get(text)

    store, path = tmp_path / "s.sqlite", tmp_path / "r.tracer"
    options = {"target": 0.8, "features": "lsa", "store": store, "labelling": "random"}
    tracer = tracer_nb.Tracer(teach, world.labels, **options)
    tracer.label(world.texts, sample=300, max_rows=1000)
    tracer.fit()
    tracer.calibrate()
    tracer.save(path)
    strange = messages["text"][10:30]
    world.truth.update(dict.fromkeys(strange, "refund"))
    frame = pd.DataFrame({"text": [*world.texts[:20], *strange]})
    out = tmp_path / "out.jsonl"
    routed = route_file(write(frame, tmp_path / "in.jsonl"), path, out, store=store)
    assert routed.n_waiting
    before = read(out)["label_source"]
    with pytest.raises(InvalidInput, match="is no server that has a name; ask it in Python"):
        drain(path, store=store, max_rows=10)
    loaded = tracer_nb.load(path, teacher=teach, store=store)
    assert loaded.drain(max_rows=100).n_waiting == 0
    merged = merge_file(out, path, store=store)
    assert merged.n_filled >= routed.n_waiting
    # The column's own rows are new ones to a file: the guard may have deferred some of them.
    after = read(out)["label_source"]
    assert ((after == "teacher") & (before != "teacher")).sum() == merged.n_filled
    assert (after[20:] == "teacher").any()


def test_the_magic_works_the_queue_off(router, messages, tmp_path, shell):
    store = tmp_path / "s.sqlite"
    source = write(messages, tmp_path / "in.csv")
    route_file(source, router, tmp_path / "out.csv", column="text", store=store)
    shell.run(f"%tracer load {router} --teacher standin:support --store {store}")
    assert "No text waits any more" in shell.run("%tracer label --max-cost 5")
