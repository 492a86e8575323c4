"""Asking again about texts whose answer holds no label: paid twice, lost never, labels left alone."""

import threading

import pytest

from tests.unit.labelling.test_runner import TEXTS, Scripted
from tests.unit.teachers.chatserver import Say, labelled
from tracer_nb.errors import StoreError, TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.records import Answer
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.label.costs import make_caps
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import answer_sets
from tracer_nb.store.replaced import find_superseded, replace_missing
from tracer_nb.store.rows import text_address

REFUSED = frozenset(TEXTS[::4])


def refusing(text):
    return Answer(None, "refused", cost=0.1) if text in REFUSED else Answer("a", cost=0.1)


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as store:
        yield store


@pytest.fixture
def refused(store):
    """A store in which a fourth of the texts has an answer and no label."""
    run_labels(Scripted(refusing), TEXTS, store=store)
    return store


def books(store):
    """Dollars in all sets of answers."""
    return sum(found.cost for found in answer_sets(store))


def unlabelled(store, teacher):
    return {t for t, a in store.get_many(teacher.identity, TEXTS).items() if a.label is None}


def test_texts_without_a_label_are_asked_and_both_answers_stay_in_the_books(refused):
    teacher = Scripted(lambda _: Answer("b", cost=0.3))
    run = run_labels(teacher, TEXTS, store=refused, again=REFUSED)
    assert set(teacher.asked) == run.renewed == REFUSED
    assert (run.spending.asked, run.spending.reused, run.spending.missing) == (10, 30, 0)
    assert {t: a.label for t, a in run.answers.items()} == {
        text: "b" if text in REFUSED else "a" for text in TEXTS
    }
    found = {found.teacher: (found.n_answers, found.n_missing) for found in answer_sets(refused)}
    assert found == {"scripted": (40, 0), "scripted, replaced": (10, 10)}
    assert books(refused) == pytest.approx(40 * 0.1 + 10 * 0.3)
    # What was replaced is nobody's answer: another run neither reuses it nor speaks of it.
    assert find_superseded(refused, teacher.identity, TEXTS).n == 0
    assert run_labels(Scripted(), TEXTS, store=refused).spending.reused == 40


def test_a_text_with_a_label_is_never_asked_whatever_it_is_told(refused):
    teacher = Scripted(lambda _: Answer("b", cost=0.1))
    run_labels(teacher, TEXTS, store=refused, again=TEXTS)
    assert set(teacher.asked) == REFUSED


def test_an_answer_that_holds_no_label_again_takes_the_place_as_often_as_it_is_asked(refused):
    for turn in range(1, 4):
        teacher = Scripted(lambda _, turn=turn: Answer(None, f"turn {turn}", cost=0.1))
        again = unlabelled(refused, teacher)
        run_labels(teacher, TEXTS, store=refused, again=again)
        assert set(teacher.asked) == REFUSED
        assert unlabelled(refused, teacher) == REFUSED
        assert books(refused) == pytest.approx(0.1 * (40 + 10 * turn))
    reasons = {a.reason for a in refused.get_many(teacher.identity, REFUSED).values()}
    assert reasons == {"turn 3"}
    assert len(answer_sets(refused)) == 4


def test_a_request_that_fails_leaves_the_answer(refused):
    teacher = Scripted(
        lambda text: (
            Answer("b", cost=0.1)
            if text == TEXTS[0]
            else Answer(None, "time-out", cost=0.0, keep=False)
        )
    )
    run = run_labels(teacher, TEXTS, store=refused, again=REFUSED)
    assert run.renewed == {TEXTS[0]}
    assert run.answers[TEXTS[4]].reason == "refused"
    assert unlabelled(refused, teacher) == REFUSED - {TEXTS[0]}
    assert books(refused) == pytest.approx(4.1)


def test_a_cap_leaves_the_answers_that_were_not_asked_for(refused):
    teacher = Scripted(lambda _: Answer("b", cost=0.1), bound=0.1, concurrency=1)
    run = run_labels(teacher, TEXTS, store=refused, again=REFUSED, max_cost=0.35)
    assert len(run.renewed) == run.spending.asked == 3
    assert run.spending.cost <= 0.35
    assert run.stopped.startswith("cost cap")
    assert len(run.answers) == 40
    assert (run.spending.reused, run.spending.missing) == (37, 7)
    assert len(unlabelled(refused, teacher)) == 7
    run = run_labels(teacher, TEXTS, store=refused, again=unlabelled(refused, teacher))
    assert max(teacher.asked.values()) == 1
    assert unlabelled(refused, teacher) == set()


def test_a_stop_leaves_them_too(refused):
    stop = threading.Event()

    def rule(_):
        stop.set()
        return Answer("b", cost=0.1)

    teacher = Scripted(rule, concurrency=1)
    run = run_labels(teacher, TEXTS, store=refused, again=REFUSED, stop=stop)
    assert len(run.answers) == 40
    assert books(refused) == pytest.approx(4.0 + run.spending.cost)
    assert unlabelled(refused, teacher) == REFUSED - run.renewed


class Killed(BaseException):
    """The end of a process."""


class Broken:
    """A connection that ends behind so many statements."""

    def __init__(self, db, left):
        self.db, self.left = db, left

    def __getattr__(self, name):
        return getattr(self.db, name)

    def execute(self, *args):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return self.db.execute(*args)

    def executemany(self, *args):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return self.db.executemany(*args)


def test_a_process_that_is_killed_in_between_has_one_answer_or_the_other(refused):
    """The write is broken off behind each of its statements in turn."""
    teacher = Scripted()
    new = [(text, Answer("b", cost=0.3)) for text in REFUSED]
    before = refused.get_many(teacher.identity, TEXTS)

    real = refused._db
    for at in range(1, 50):
        refused._db = Broken(real, at)
        try:
            replace_missing(refused, teacher.identity, new, teacher.labels)
        except Killed:
            refused._db = real
            if real.in_transaction:
                real.execute("ROLLBACK")  # as SQLite does when the file is opened next
            assert refused.get_many(teacher.identity, TEXTS) == before
            assert books(refused) == pytest.approx(4.0)
        else:
            break
    refused._db = real
    assert at > 5
    assert unlabelled(refused, teacher) == set()
    assert books(refused) == pytest.approx(4.0 + 3.0)


def test_a_label_that_another_process_stored_meanwhile_stays_and_both_costs_do(refused, tmp_path):
    text = TEXTS[0]

    def rule(asked):
        if asked == text:
            with LabelStore(tmp_path / "labels.sqlite") as other:
                run_labels(
                    Scripted(lambda _: Answer("a", cost=0.2)), [text], store=other, again=[text]
                )
        return Answer("b", cost=0.3)

    teacher = Scripted(rule, concurrency=1)
    run = run_labels(teacher, TEXTS, store=refused, again=REFUSED)
    assert run.answers[text].label == "a"
    assert refused.get_many(teacher.identity, [text])[text].label == "a"
    assert books(refused) == pytest.approx(4.0 + 0.2 + 10 * 0.3)


def test_what_another_process_has_labelled_before_its_turn_is_not_asked(refused, tmp_path):
    others = [text for text in TEXTS if text in REFUSED][-3:]

    def rule(_):
        with LabelStore(tmp_path / "labels.sqlite") as other:
            run_labels(Scripted(), others, store=other, again=others)
        return Answer("b", cost=0.3)

    teacher = Scripted(rule, concurrency=1)
    run = run_labels(teacher, [*TEXTS, "new"], store=refused, again=REFUSED)
    assert not set(others) & set(teacher.asked)
    assert {run.answers[text].label for text in others} == {"a"}
    assert unlabelled(refused, teacher) == set()


def test_nothing_at_all_comes_as_an_error_and_everything_stays(refused):
    def rule(_):
        raise TeacherError("no connection")

    teacher = Scripted(rule)
    with pytest.raises(TeacherError, match="no connection"):
        run_labels(teacher, TEXTS, store=refused, again=REFUSED)
    assert unlabelled(refused, teacher) == REFUSED
    assert books(refused) == pytest.approx(4.0)


def test_a_server_that_refuses_at_first_is_billed_for_both(server, chat, tmp_path):
    refused, billed = set(TEXTS[::4]), []

    def rule(text):
        billed.append(text)
        return Say(refusal="No.") if text in refused else labelled("refund")

    server.rule = rule
    with LabelStore(tmp_path / "s.sqlite") as store:
        first = run_labels(chat(), TEXTS, store=store)
        assert {t for t, a in first.answers.items() if a.label is None} == refused
        again, n = set(refused), len(billed)
        refused = set(TEXTS[:1])
        run = run_labels(chat(), TEXTS, store=store, again=again)
        assert set(billed[n:]) == again
        assert {t for t, a in run.answers.items() if a.label is None} == refused
        n = len(billed)
        refused = set()
        run = run_labels(chat(), TEXTS, store=store, again=set(TEXTS[:1]))
        assert set(billed[n:]) == set(TEXTS[:1])
        assert run.spending.missing == 0
        assert books(store) == pytest.approx(len(billed) * 110e-6)


def test_votes_that_came_are_kept_for_the_next_time_and_go_with_the_answer(server, chat, tmp_path):
    text, said, refuses, fails = "text 3", [], True, False

    def rule(asked):
        if asked != text:
            return labelled("refund")
        said.append(asked)
        if refuses:
            return Say(refusal="No.")
        if fails and len(said) >= first + 3:
            return Say(status=400, error={"message": "no"})
        return labelled("refund")

    def votes():
        return store.select("SELECT count(*) FROM votes")[0][0]

    server.rule = rule
    with LabelStore(tmp_path / "s.sqlite") as store:
        run = run_labels(chat(votes=3), TEXTS, store=store)
        assert [t for t, a in run.answers.items() if a.label is None] == [text]
        first, refuses, fails = len(said), False, True
        run = run_labels(chat(votes=3), TEXTS, store=store, again=[text])
        assert run.renewed == frozenset()
        assert run.answers[text].keep
        assert run.answers[text].label is None
        assert votes() == 2
        # A run that asks nobody again leaves them alone.
        fails = False
        run = run_labels(chat(votes=3), [*TEXTS, "new"], store=store)
        assert run.answers[text].label is None
        asked = len(said)
        run = run_labels(chat(votes=3), TEXTS, store=store, again=[text])
        assert run.answers[text].label == "refund"
        assert len(said) - asked == 1
        assert run.answers[text].cost == pytest.approx(3 * 110e-6)
        old = next(s for s in answer_sets(store) if s.teacher.endswith(", replaced"))
        assert old.cost == pytest.approx(first * 110e-6)
        ids = {text_address(text)}
        assert not ids & {row[0] for row in store.select("SELECT text_id FROM votes")}


def test_what_could_not_be_stored_is_stored_by_the_next_run_in_its_place(refused, monkeypatch):
    teacher = Scripted(lambda _: Answer("b", cost=0.3), concurrency=1)
    asker = Asker(teacher, refused.path)
    options = {"caps": make_caps(), "on_progress": None, "step": "label", "missing": True}

    def refuse(*_):
        raise StoreError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr("tracer_nb.labelling.keep.replace_missing", refuse)
        asker.ask(TEXTS, **options)
    assert "paid and not stored" in asker.stopped
    n = teacher.asked.total()
    assert 1 <= n < len(REFUSED)
    assert unlabelled(refused, teacher) == REFUSED
    asker.ask(TEXTS, **options)
    assert max(teacher.asked.values()) == 1
    assert unlabelled(refused, teacher) == set()
    assert books(refused) == pytest.approx(4.0 + 10 * 0.3)
