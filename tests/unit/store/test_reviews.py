"""Reviews on disk: one commit each, addressed by label set and text."""

import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from tracer_nb.errors import StoreError
from tracer_nb.records import Answer, Review
from tracer_nb.store import LabelStore, ReviewStore
from tracer_nb.store.rows import text_address

LABELS = ("a", "b")
FULL = Review(
    "x", "a", "sure? 🂡", "disputed", blind=False, reviewed_at="2026-01-02T03:04:05.000006"
)


@pytest.fixture(params=["file", ":memory:"])
def store(request, tmp_path):
    where = tmp_path / "store" / "labels.sqlite" if request.param == "file" else request.param
    return ReviewStore(where)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


def kept(store, labels=LABELS):
    return list(store.reviews(labels).values())


def test_reviews_come_back_as_they_were_the_oldest_first(store):
    skipped = Review("y", None, reviewed_at="2025")
    store.put(LABELS, FULL)
    store.put(LABELS, skipped)
    assert store.reviews(LABELS) == {text_address("x"): FULL, text_address("y"): skipped}
    assert kept(store) == [FULL, skipped]


def test_the_address_is_the_label_set_in_any_order(store):
    store.put(("b", "a"), FULL)
    assert kept(store, iter(("a", "b"))) == [FULL]
    assert kept(store, ("a", "b", "c")) == []


def test_a_later_review_of_a_text_replaces_the_first_and_is_the_latest(store):
    store.put(LABELS, FULL)
    store.put(LABELS, Review("y", "a"))
    again = replace(FULL, label="b", reviewed_at="later")
    store.put(LABELS, again)
    assert kept(store) == [Review("y", "a"), again]


def test_dropping_takes_back_this_very_review(store):
    store.put(LABELS, FULL)
    store.put(("c", "d"), FULL)
    store.drop(LABELS, replace(FULL, reviewed_at="another"))
    assert kept(store) == [FULL]
    store.drop(LABELS, FULL)
    assert kept(store) == []
    assert kept(store, ("c", "d")) == [FULL]
    store.drop(LABELS, FULL)


@pytest.mark.parametrize("text", ["", "a\x00b", "'; DROP TABLE reviews; --", "🂡 naïve", "x" * 9000])
def test_any_text_is_a_key(store, text):
    store.put(LABELS, Review(text, "a", note=text))
    assert store.reviews(LABELS)[text_address(text)] == Review(text, "a", note=text)


def test_half_a_surrogate_pair_is_a_key_too(path):
    store = ReviewStore(path)
    store.put(LABELS, Review("\ud800", "a", note="\ud800"))
    store.put(LABELS, Review("\ud801", "b"))
    assert store.reviews(LABELS)[text_address("\ud800")] == Review("?", "a", note="?")
    assert len(kept(store)) == 2


def test_reading_makes_no_file(path):
    assert kept(ReviewStore(path)) == []
    assert not path.exists()


def test_reviews_stand_beside_answers_in_one_file(path):
    with LabelStore(path) as answers:
        answers.put({"model": "m"}, "x", Answer("b"))
        ReviewStore(path).put(LABELS, FULL)  # while it is open
        assert answers.get_many({"model": "m"}, ["x"])["x"].label == "b"
    assert kept(ReviewStore(path)) == [FULL]


def test_a_locked_store_says_so_and_keeps_what_it_had(path):
    store = ReviewStore(path, timeout=0.05)
    store.put(LABELS, FULL)
    db = sqlite3.connect(path)
    db.execute("BEGIN IMMEDIATE")
    for change in (lambda: store.put(LABELS, Review("y", "a")), lambda: store.drop(LABELS, FULL)):
        with pytest.raises(StoreError, match="another process is writing"):
            change()
    assert kept(store) == [FULL]
    db.close()
    store.put(LABELS, Review("y", "a"))
    assert len(kept(store)) == 2


def test_a_full_disk_says_so_and_loses_nothing(path, monkeypatch):
    store = ReviewStore(path)
    store.put(LABELS, FULL)
    opened = "tracer_nb.store.reviews.open_database"
    real = ReviewStore.put.__globals__["open_database"]

    def small(*args):
        db = real(*args)
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        return db

    with monkeypatch.context() as patch:
        patch.setattr(opened, small)
        with pytest.raises(StoreError, match="free some space"):
            store.put(("new", "set"), Review("y" * 50_000, "new"))
    assert kept(store) == [FULL]
    assert kept(store, ("new", "set")) == []


def test_what_is_no_database(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are long enough to be a header " * 20)
    with pytest.raises(StoreError, match="move it away"):
        ReviewStore(path).put(LABELS, FULL)
    assert path.read_text().startswith("these are my notes")


ONE_KERNEL = """
import sys
from tracer_nb.records import Review
from tracer_nb.store import ReviewStore
print("ready", flush=True)
sys.stdin.readline()  # all start together
store = ReviewStore(sys.argv[1], timeout=60)
for i in range(20):
    store.put(("a", "b"), Review(f"{sys.argv[2]} {i}", "a"))
"""


def test_kernels_that_review_together_lose_nothing(path):
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_KERNEL, str(path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for kernel in kernels:
        kernel.stdout.readline()  # it has imported everything
    for kernel in kernels:
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
    errors = [kernel.communicate()[1] for kernel in kernels]
    assert [kernel.returncode for kernel in kernels] == [0, 0], errors
    assert {r.text for r in kept(ReviewStore(path))} == {
        f"{name} {i}" for name in ("one", "two") for i in range(20)
    }
