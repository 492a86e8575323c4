import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tracer_nb.errors import InvalidInput, StoreError
from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore, default_store_path

WHO = {"model": "m", "labels": ["a", "b"]}
OTHER = {"model": "n", "labels": ["a", "b"]}
FULL = Answer(
    "a",
    reason="because",
    mode="json-schema, repaired",
    probabilities={"a": 0.75, "b": 0.25},
    prompt_tokens=3,
    completion_tokens=2,
    cost=0.5,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "labels.sqlite"


def test_answers_come_back_as_they_were(path):
    with LabelStore(path) as store:
        assert store.put(WHO, "x", FULL)
        assert store.put(WHO, "refused", Answer(None, reason="refused"))
    with LabelStore(path) as store:
        found = store.get_many(WHO, ["x", "refused", "unknown"])
    assert found == {"x": FULL, "refused": Answer(None, reason="refused")}


def test_teachers_share_nothing(path):
    with LabelStore(path) as store:
        store.put(WHO, "x", Answer("a"))
        assert store.get_many(OTHER, ["x"]) == {}
        assert store.get_many({"labels": ["a", "b"], "model": "m"}, ["x"]) != {}
        store.put(OTHER, "x", Answer("b"))
        assert store.get_many(WHO, ["x"])["x"].label == "a"


def test_the_first_answer_stays(path):
    with LabelStore(path) as store:
        assert store.put(WHO, "x", Answer("a"))
        assert not store.put(WHO, "x", Answer("b"))
        pairs = [("x", Answer("b")), ("y", Answer("b")), ("z", Answer(None, keep=False))]
        assert store.put_many(WHO, pairs) == 1
        found = store.get_many(WHO, ["x", "y", "z"])
    assert {text: answer.label for text, answer in found.items()} == {"x": "a", "y": "b"}


def test_failures_that_were_no_answer_are_not_stored(path):
    with LabelStore(path) as store:
        assert not store.put(WHO, "x", Answer(None, reason="server error", keep=False))
        assert store.get_many(WHO, ["x"]) == {}


def test_any_path_will_do(tmp_path):
    for name in ("a b.sqlite", "what?.sqlite", "50%20.sqlite", "#1.sqlite", "é.sqlite"):
        with LabelStore(tmp_path / name) as store:
            assert store.put(WHO, "x", Answer("a"))
        assert (tmp_path / name).exists()
        with LabelStore(tmp_path / name) as store:
            assert store.get_many(WHO, ["x"])["x"].label == "a"
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize(
    "text", ["", "a\x00b", "'; DROP TABLE answers; --", "\ud800", "🂡 naïve", "x" * 100_000]
)
def test_any_text_is_a_key(path, text):
    with LabelStore(path) as store:
        assert store.put(WHO, text, Answer("a"))
        assert list(store.get_many(WHO, [text])) == [text]
        assert store.get_many(WHO, [text + "?", "?"]) == {}


def test_many_texts_are_found(path):
    texts = [f"text {i}" for i in range(3000)]
    with LabelStore(path) as store:
        store.put_many(WHO, [(text, Answer("a", prompt_tokens=i)) for i, text in enumerate(texts)])
        found = store.get_many(WHO, texts[::2])
    assert [found[text].prompt_tokens for text in texts[::2]] == list(range(0, 3000, 2))
    assert len(found) == 1500


def test_another_thread_and_another_connection_may_use_it(path):
    with LabelStore(path) as store, LabelStore(path) as second:
        thread = threading.Thread(target=store.put, args=(WHO, "x", Answer("a")))
        thread.start()
        thread.join()
        assert second.get_many(WHO, ["x"])["x"].label == "a"
        assert not second.put(WHO, "x", Answer("b"))


def test_the_default_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LabelStore().close()
    folder = tmp_path / ".tracer_nb"
    assert (folder / "labels.sqlite").exists()
    assert (folder / ".gitignore").read_text() == "*\n"
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "labels.sqlite").stat().st_mode) == 0o600
    monkeypatch.setenv("TRACER_NB_STORE", str(tmp_path / "else.sqlite"))
    assert default_store_path() == tmp_path / "else.sqlite"


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    LabelStore(tmp_path / "labels.sqlite").close()
    assert not (tmp_path / ".gitignore").exists()


def failing(path, **options):
    with pytest.raises(StoreError) as caught:
        LabelStore(path, **options).close()
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_what_is_no_database(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are long enough to be a header " * 20)
    assert "move it away" in failing(path)
    assert path.read_text().startswith("these are my notes")


def test_a_database_of_something_else_is_not_touched(tmp_path):
    path = tmp_path / "other.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE answers (x)")
    db.commit()
    db.close()
    before = path.read_bytes()
    assert "something else" in failing(path)
    assert path.read_bytes() == before


def make_older(path):
    """Turn a store into one of the schema before answers had a model."""
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE answers DROP COLUMN model")
    db.execute("ALTER TABLE answers DROP COLUMN explanation")
    db.execute("DROP TABLE draws")
    db.execute("DROP TABLE queue")
    db.execute("PRAGMA user_version = 4")
    db.commit()
    db.close()


def test_an_older_store_keeps_every_answer(path):
    with LabelStore(path) as store:
        store.put(WHO, "x", FULL)
        store.put(WHO, "refused", Answer(None, reason="refused"))
    make_older(path)
    named = replace(FULL, model="m-2026-11")
    with LabelStore(path) as store, LabelStore(path) as second:
        assert second.put(WHO, "y", named)
        found = store.get_many(WHO, ["x", "refused", "y"])
    assert found == {"x": FULL, "refused": Answer(None, reason="refused"), "y": named}
    with LabelStore(path) as store:
        assert store.get_many(WHO, ["y"]) == {"y": named}


def test_kernels_that_open_an_older_store_together(path):
    with LabelStore(path) as store:
        store.put(WHO, "x", FULL)
    make_older(path)
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: LabelStore(path), range(8)))
    assert [store.get_many(WHO, ["x"]) for store in stores] == [{"x": FULL}] * 8
    for store in stores:
        store.close()


def test_a_count_beyond_what_the_file_holds_strands_no_answer(path):
    odd = Answer("a", prompt_tokens=10**400, completion_tokens=2**63)
    with LabelStore(path) as store:
        assert store.put_many(WHO, [("x", odd), ("y", FULL)]) == 2
        assert store.get_many(WHO, ["x"])["x"].label == "a"


def test_a_newer_store(path):
    LabelStore(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    assert "use that version" in failing(path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert "permissions" in failing(tmp_path / "file" / "labels.sqlite")


def test_a_locked_store_says_so(path):
    with LabelStore(path, timeout=0.05) as store:
        store.put(WHO, "w", Answer("a"))
        db = sqlite3.connect(path)
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process") as caught:
            store.put(WHO, "x", Answer("a"))
        assert str(path) in str(caught.value)
        db.close()
        assert store.put(WHO, "x", Answer("a"))


def test_a_full_disk_says_so_and_loses_nothing(path):
    with LabelStore(path) as store:
        store.put(WHO, "x", Answer("a"))
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        long = [(f"{i} " + "y" * 5000, Answer("a")) for i in range(50)]
        with pytest.raises(StoreError, match="free some space"):
            store.put_many(WHO, long)
        assert set(store.get_many(WHO, ["x", *(t for t, _ in long)])) == {"x"}
        store._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
        assert store.put_many(WHO, long) == 50


def test_a_read_only_store_says_so(path):
    with LabelStore(path) as store:
        store._db.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreError, match="cannot write the label store"):
            store.put(WHO, "x", Answer("a"))


def test_an_identity_that_is_no_json():
    with LabelStore(":memory:") as store, pytest.raises(InvalidInput, match="JSON"):
        store.put({"model": object()}, "x", Answer("a"))


def test_a_closed_store_says_so(path):
    store = LabelStore(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="open it again"):
        store.get_many(WHO, ["x"])
