"""Going through a review: nothing lost, nothing said twice, undone when asked."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from tracer_nb.errors import InvalidInput, StoreError
from tracer_nb.records import Disputes, Review
from tracer_nb.steps.review.queue import Opinion
from tracer_nb.steps.review.sitting import review_rows, start_review
from tracer_nb.store import ReviewStore

from .reviewable import LABELS, subject_of

TEXTS = [f"text {i}" for i in range(12)]
NAMED = dict.fromkeys(TEXTS, "yes")


def start(where, *, of="random", rows=5, blind=True, subject=None):
    store = where if isinstance(where, ReviewStore) else ReviewStore(where)
    subject = subject or subject_of(TEXTS, NAMED)
    return start_review(subject, store, of=of, rows=rows, blind=blind, confidence=0.95)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


def test_from_the_first_row_to_the_last():
    review = start(":memory:")
    texts = [item.text for item in review.queue.items]
    assert review.state.last is None
    for text, label in zip(texts, ["yes", "no", "yes", None, "yes"], strict=True):
        assert not review.done
        assert review.current.text == text
        if label is None:
            review.skip("both?")
        else:
            review.answer(label, " sure ")
    assert review.done
    assert review.current is None
    state = review.state
    assert (state.n_done, state.n_skipped, state.n_total) == (5, 1, 5)
    found = state.accuracy
    assert (found.n_reviewed, found.n_right, found.n_skipped, found.n_seen) == (4, 3, 1, 0)
    assert [r.label for r in review.reviews] == ["yes", "no", "yes", None, "yes"]
    assert [r.note for r in review.reviews] == ["sure", "sure", "sure", "both?", "sure"]
    assert all(r.blind and r.drawn == "random" and r.reviewed_at for r in review.reviews)
    assert repr(review) == "Reviewing(5 of 5 done, 3 of 4 random rows right)"
    with pytest.raises(InvalidInput, match="every row of this review is answered"):
        review.answer("yes")


@pytest.mark.parametrize("label", ["maybe", "Yes", "", None, ["yes"]])
def test_what_is_no_label_changes_nothing(label):
    review = start(":memory:")
    with pytest.raises(InvalidInput, match=r"no label .*there are: no, yes|did you mean"):
        review.answer(label)
    with pytest.raises(InvalidInput, match="a note must be text, got 3"):
        review.answer("yes", 3)
    assert review.state.n_done == 0


def test_undo_takes_back_row_by_row_and_across_sittings(path):
    review = start(path)
    texts = [item.text for item in review.queue.items]
    assert review.undo() is None
    review.answer("no", "hm")
    review.skip()
    assert review.undo().text == texts[1]
    assert review.current.text == texts[1]
    assert review.state.taken_back.label is None
    assert review.state.last[0].text == texts[0]
    assert len(ReviewStore(path).reviews(("yes", "no"))) == 1

    again = start(path)
    assert again.current.text == texts[1]
    assert again.undo().text == texts[0]
    assert again.state.taken_back.note == "hm"
    assert ReviewStore(path).reviews(("yes", "no")) == {}
    again.answer("yes")
    assert again.current.text == texts[1]
    assert again.accuracy.n_right == 1


def test_after_undo_the_label_was_seen():
    review = start(":memory:")
    review.answer("no")
    review.undo()
    review.answer("yes")
    review.answer("yes")
    assert [r.blind for r in review.reviews] == [False, True]
    assert review.accuracy.n_seen == 1


def test_without_blindness_every_label_was_seen():
    review = start(":memory:", blind=False)
    review.answer("yes")
    assert not review.state.blind
    assert review.accuracy.n_seen == 1


def test_another_sitting_goes_on_and_more_rows_keep_the_first(path):
    review = start(path)
    for _ in range(3):
        review.answer("yes")
    again = start(path)
    assert (again.state.n_done, again.accuracy.n_right) == (3, 3)
    assert again.current.text == review.current.text
    more = start(path, rows=8)
    assert [i.text for i in more.queue.items[:5]] == [i.text for i in review.queue.items]
    assert (more.state.n_done, more.state.n_total) == (3, 8)


def test_reviews_outlive_the_teacher_they_were_made_for(path):
    review = start(path)
    while not review.done:
        review.answer("yes")
    assert review.accuracy.n_right == 5
    worse = start(path, subject=subject_of(TEXTS, dict.fromkeys(TEXTS, "no")))
    assert worse.done
    assert (worse.accuracy.n_right, worse.accuracy.n_reviewed) == (0, 5)
    others = subject_of(TEXTS, NAMED, labels=("no", "yes", "maybe"))
    assert start(path, subject=others).state.n_done == 0


def test_the_accuracy_ends_at_the_first_random_row_not_reviewed():
    store = ReviewStore(":memory:")
    third = start(store).queue.items[2].text
    store.put(LABELS, Review(third, "yes", drawn="disputed"))
    review = start(store)
    assert review.state.n_done == 1
    assert review.accuracy.n_reviewed == 0
    review.answer("yes")
    assert review.accuracy.n_reviewed == 1
    review.answer("yes")
    assert review.accuracy.n_reviewed == 3  # in its turn


def test_who_was_right_on_disagreements():
    others = {text: Opinion("no", 0.5) for text in TEXTS[:4]} | {TEXTS[5]: Opinion("yes", 0.1)}
    labels = ("no", "yes", "maybe")
    subject = subject_of(TEXTS, NAMED, others=others, labels=labels)
    review = start(":memory:", subject=subject, of="disputed")
    assert review.disputes == Disputes(0, 0, 0)
    for label in ("yes", "no", "maybe"):
        review.answer(label)
    review.skip()
    assert review.done
    assert review.disputes == Disputes(3, 1, 1)
    assert review.accuracy.n_reviewed == 0


@pytest.mark.parametrize("rows", [0, -1, 2.5, "10", None, True, float("inf"), float("nan")])
def test_rows_that_are_no_number(rows):
    with pytest.raises(InvalidInput, match="rows must be a positive whole number of rows, got"):
        start(":memory:", rows=rows)


def test_a_locked_store_leaves_the_row_current(path):
    review = start(ReviewStore(path, timeout=0.05))
    review.answer("yes")
    before = review.state
    db = sqlite3.connect(path)
    db.execute("BEGIN IMMEDIATE")
    for step in (lambda: review.answer("no"), review.skip, review.undo):
        with pytest.raises(StoreError, match="another process is writing"):
            step()
        assert review.state == before
    db.close()
    review.answer("no")
    assert review.state.n_done == 2


# --- several kernels, and killed ones ---------------------------------------------------

KERNEL = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from tests.unit.reviews.reviewable import subject_of
from tracer_nb.steps.review.sitting import start_review
from tracer_nb.store import ReviewStore

class Dying(ReviewStore):
    def put(self, labels, review):
        super().put(labels, review)
        if sys.argv[3] == "die" and review.label == "no":
            os.kill(os.getpid(), signal.SIGKILL)

texts = [f"text {i}" for i in range(12)]
subject = subject_of(texts, dict.fromkeys(texts, "yes"))
review = start_review(
    subject, Dying(sys.argv[2]), of="random", rows=5, blind=True, confidence=0.95
)
for label in ("yes", "no", "yes"):
    review.answer(label, "from elsewhere")
"""


def other_kernel(path, do):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))  # noqa: PTH120
    return subprocess.run(
        [sys.executable, "-c", KERNEL, root, str(path), do],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_killed_after_the_commit_and_before_the_next_row_nothing_is_lost(path):
    ran = other_kernel(path, "die")
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    review = start(path)
    assert [r.label for r in review.reviews] == ["yes", "no"]
    assert review.current == review.queue.items[2]
    assert review.undo() == review.queue.items[1]
    review.answer("yes")
    assert review.accuracy.n_right == 2


def test_rows_that_another_kernel_has_reviewed_are_not_asked_again(path):
    review = start(path)
    items = review.queue.items
    ran = other_kernel(path, "go")
    assert ran.returncode == 0, ran.stderr
    assert review.current == items[0]  # it cannot know yet
    review.answer("no", "mine")
    assert review.current == items[3]
    notes = [r.note for r in review.reviews]
    assert notes == ["mine", "from elsewhere", "from elsewhere"]
    # Undo takes back what was said here.
    assert review.undo() == items[0]
    assert review.undo() is None
    assert len(review.reviews) == 2


def test_steps_from_several_threads_answer_each_row_once():
    review = start(":memory:", rows=12)
    threads = [threading.Thread(target=review.answer, args=("yes",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert review.done
    assert len({r.text for r in review.reviews}) == 12


def test_reviews_as_rows_of_a_table():
    review = start(":memory:")
    review.answer("no", "why")
    subject = subject_of(TEXTS, NAMED)
    (row,) = review_rows(review.reviews, subject.answers)
    assert row["text"] == review.queue.items[0].text
    assert (row["label"], row["teacher_label"], row["note"]) == ("no", "yes", "why")
    (row,) = review_rows(review.reviews, {})
    assert row["teacher_label"] is None
