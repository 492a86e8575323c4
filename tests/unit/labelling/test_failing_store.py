"""A store that fails in the middle of a run: the run stops in one line and loses nothing."""

import asyncio
import threading

import pytest

from tracer_nb import Tracer
from tracer_nb.errors import StoreError
from tracer_nb.labelling import INTERRUPTED, run_labels
from tracer_nb.records import Answer
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.costs import make_caps
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import answer_sets
from tracer_nb.words import label_lines

from .test_runner import TEXTS, Scripted


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


class Failing(LabelStore):
    """Refuses commits from the ``first``-th on, ``times`` of them, as a read-only disk does."""

    def __init__(self, path, first, times=10**9):
        super().__init__(path)
        self.first, self.times, self.commits = first, times, 0

    def put_many(self, identity, answered):
        self.commits += 1
        if self.first <= self.commits < self.first + self.times:
            self._db.execute("PRAGMA query_only = ON")
        try:
            return super().put_many(identity, answered)
        finally:
            self._db.execute("PRAGMA query_only = OFF")


def stored(path, teacher):
    with LabelStore(path) as store:
        return store.get_many(teacher.identity, TEXTS)


def test_a_store_that_cannot_be_read_is_refused_before_anything_is_asked(path):
    teacher = Scripted()
    store = LabelStore(path)
    store.close()
    with pytest.raises(StoreError, match="open it again"):
        run_labels(teacher, TEXTS, store=store)
    assert not teacher.asked


def test_what_was_received_and_could_not_be_stored_is_in_the_result(path):
    teacher = Scripted()
    with Failing(path, first=1) as store:
        run = run_labels(teacher, TEXTS, store=store)
    # Those in flight were let end; after that nobody was asked.
    assert set(run.answers) == set(run.unsaved) == set(teacher.asked)
    assert 1 <= len(run.answers) <= 2 * teacher.concurrency
    assert run.stopped.startswith(f"cannot write the label store {path} (")
    assert f"{len(run.unsaved)} answers are paid and not stored: run again" in run.stopped
    assert "\n" not in run.stopped
    assert run.spending.cost == pytest.approx(0.1 * len(run.answers))
    assert stored(path, teacher) == {}


def test_what_was_committed_before_is_safe_and_is_not_counted_as_unsaved(path):
    teacher = Scripted(concurrency=1)
    with Failing(path, first=11) as store:
        run = run_labels(teacher, TEXTS, store=store)
    assert list(run.answers) == TEXTS[:11]
    assert list(run.unsaved) == TEXTS[10:11]
    assert "; 1 answer is paid and not stored: run again before" in run.stopped
    kept = stored(path, teacher)
    assert set(kept) == set(TEXTS[:10])
    # The books: what is stored and what is not are what was spent.
    known = [*kept.values(), *run.unsaved.values()]
    assert sum(answer.cost for answer in known) == pytest.approx(run.spending.cost)


def test_a_later_commit_takes_what_an_earlier_one_could_not(path):
    """A lock that another process held for too long, say: what comes in still is stored."""
    late = threading.Event()

    class Once(Failing):
        def put_many(self, identity, answered):
            try:
                return super().put_many(identity, answered)
            finally:
                late.set()

    async def wait_for_the_failure():
        while not late.is_set():  # noqa: ASYNC110 -- another thread sets it
            await asyncio.sleep(0.01)
        return Answer("a", cost=0.1)

    quick = iter([True])
    teacher = Scripted(
        lambda _: Answer("a", cost=0.1) if next(quick, False) else wait_for_the_failure()
    )
    with Once(path, first=1, times=1) as store:
        run = run_labels(teacher, TEXTS, store=store)
    assert run.stopped.startswith("cannot write the label store")
    assert "not stored" not in run.stopped
    assert run.unsaved == {}
    assert len(run.answers) == teacher.concurrency
    assert stored(path, teacher) == dict(run.answers)


def test_a_stop_by_the_user_does_not_hide_that_answers_are_not_stored(path):
    stop = threading.Event()

    def rule(_):
        stop.set()
        return Answer("a", cost=0.1)

    with Failing(path, first=1) as store:
        run = run_labels(Scripted(rule), TEXTS, store=store, stop=stop)
    assert run.stopped != INTERRUPTED
    assert "paid and not stored" in run.stopped


def ask(asker, texts=TEXTS):
    asker.ask(texts, caps=make_caps(), on_progress=None, step="label")


def test_the_next_run_stores_them_first_and_asks_for_none_of_them(path, monkeypatch):
    teacher = Scripted()
    asker = Asker(teacher, path)
    with monkeypatch.context() as patched:
        patched.setattr("tracer_nb.store.shelf.LabelStore", lambda p: Failing(p, first=3))
        ask(asker)
    assert "not stored" in asker.stopped
    assert 0 < len(stored(path, teacher)) < len(asker.answers) < len(TEXTS)

    # While the store fails, nothing more is asked: one line says why.
    before = teacher.asked.copy()
    with monkeypatch.context() as patched:
        patched.setattr("tracer_nb.store.shelf.LabelStore", lambda p: Failing(p, first=1))
        with pytest.raises(StoreError, match="cannot write the label store"):
            ask(asker)
    assert teacher.asked == before

    ask(asker)
    assert asker.stopped is None
    assert set(teacher.asked.values()) == {1}
    kept = stored(path, teacher)
    assert set(kept) == set(TEXTS)
    # Nothing is lost in the books, and nothing is in them twice.
    with LabelStore(path) as store:
        (books,) = answer_sets(store)
    assert books.cost == pytest.approx(asker.spending.cost) == pytest.approx(0.1 * len(TEXTS))


def test_another_process_that_was_faster_is_not_asked_again(path):
    """What another process stores while this one runs is taken over, unasked."""
    teacher = Scripted(concurrency=1)
    with LabelStore(path) as store, LabelStore(path) as theirs:

        def rule(text):
            if text == TEXTS[5]:
                others = [(t, Answer("b", cost=0.3)) for t in TEXTS[10:30]]
                theirs.put_many(teacher.identity, others)
            return Answer("a", cost=0.1)

        teacher.rule = rule
        run = run_labels(teacher, TEXTS, store=store)
    assert set(teacher.asked) == {*TEXTS[:10], *TEXTS[30:]}
    assert {run.answers[text].label for text in TEXTS[10:30]} == {"b"}
    assert (run.spending.asked, run.spending.reused) == (20, 20)
    assert run.spending.cost == pytest.approx(2.0)
    assert len(run.answers) == len(TEXTS)


def test_a_job_keeps_its_labels_says_so_and_goes_on(path, monkeypatch, world):
    tracer = Tracer(
        world.teach, world.labels, features=world.X, store=path, concurrency=4, labelling="random"
    )
    with monkeypatch.context() as patched:
        patched.setattr("tracer_nb.store.shelf.LabelStore", lambda p: Failing(p, first=3))
        labels = tracer.label(world.texts, sample=300)
    asked = list(world.asked)
    assert (labels.codes >= 0).sum() >= len(asked) - 4
    says = label_lines(labels)[-1]
    assert says.startswith(f"Stopped: cannot write the label store {path} (")
    assert "paid and not stored: run again before you end this session. Every stored" in says
    assert tracer.label(world.texts, sample=300).stopped is None
    assert len(world.asked) == len(set(world.asked)) == 300
