"""A process that dies at any point loses no batch that is paid, and has none made twice."""

import _thread
import asyncio
from contextlib import contextmanager

import pytest

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.labelling.batch import run_apart
from tracer_nb.labelling.book import BatchBook
from tracer_nb.standin import BatchRules, serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers.chat.batches import BatchServer

from .batches import (
    TABLE,
    TEXTS,
    cancel,
    collect,
    labels_of,
    put_clock_on,
    status,
    stored,
    submit,
    teacher_at,
    waiting,
)

SENDING = [
    (BatchBook, "note"),
    (BatchServer, "upload"),
    (BatchBook, "begin_sending"),
    (BatchServer, "create"),
    (BatchBook, "see"),
]
COLLECTING = [
    (BatchServer, "retrieve"),
    (BatchBook, "see"),
    (BatchServer, "content"),
    (BatchBook, "finish"),
]


class Killed(BaseException):
    """What nobody catches."""


def die(monkeypatch, act, owner, name, when):
    """Do ``act`` until the process dies "before" or "after" it has called a method."""
    method = getattr(owner, name)
    is_async = name in vars(BatchServer)

    async def async_killed(self, *args, **kwargs):
        if when == "after":
            await method(self, *args, **kwargs)
        raise Killed

    def killed(self, *args, **kwargs):
        if when == "after":
            method(self, *args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, async_killed if is_async else killed)
        with pytest.raises(Killed):
            act()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


def end_well(standin, path, monkeypatch):
    """What a user does in a new process, and what must have come of it."""
    is_sending = "sending" in {b.state for b in status(standin, path)}
    if is_sending:
        with pytest.raises(TeacherError, match="being sent: the server does not list it yet; look"):
            submit(standin, path)
        assert waiting(standin, path) == set(TEXTS)
        put_clock_on(monkeypatch, 130)
    submit(standin, path)
    for _ in range(3):
        collect(standin, path)
    assert len(standin.batches.made) == 1
    assert set(standin.asked().values()) == {1}
    answers = stored(standin, path)
    assert labels_of(answers) == TABLE
    (one,) = status(standin, path)
    assert (one.state, one.n_answers) == ("completed", 30)
    assert one.cost == pytest.approx(sum(answer.cost for answer in answers.values()))
    assert waiting(standin, path) == set()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", SENDING, ids=lambda point: point[1])
def test_killed_while_sending(path, monkeypatch, point, when):
    with serve(TABLE, batches=BatchRules(polls=2)) as standin:
        die(monkeypatch, lambda: submit(standin, path), *point, when)
        end_well(standin, path, monkeypatch)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", COLLECTING, ids=lambda point: point[1])
def test_killed_while_collecting(path, monkeypatch, point, when):
    with serve(TABLE, batches=BatchRules(polls=0)) as standin:
        submit(standin, path)
        die(monkeypatch, lambda: collect(standin, path), *point, when)
        end_well(standin, path, monkeypatch)


def test_killed_between_the_answers_and_the_end_of_their_batch(path, monkeypatch):
    # Inside the one commit: half of it must not be there.
    with serve(TABLE) as standin:
        submit(standin, path)
        writing = LabelStore.writing

        @contextmanager
        def half(self):
            with writing(self) as db:
                yield db
                if db.execute("SELECT 1 FROM answers").fetchone():
                    raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(LabelStore, "writing", half)
            with pytest.raises(Killed):
                collect(standin, path)
        assert stored(standin, path) == {}
        assert waiting(standin, path) == set(TEXTS)
        end_well(standin, path, monkeypatch)


def test_a_lost_reply_is_no_lost_batch(path, monkeypatch):
    with serve(TABLE, batches=BatchRules(lost_replies=1, polls=2)) as standin:
        with pytest.raises(TeacherError) as caught:
            submit(standin, path)
        assert "connection lost" in str(caught.value)
        assert "it may have made the batch all the same: %tracer batch collect" in str(caught.value)
        assert [b.state for b in status(standin, path)] == ["in_progress"]
        end_well(standin, path, monkeypatch)


def test_where_metadata_are_not_kept_a_batch_is_found_by_its_file(path, monkeypatch):
    with serve(TABLE, batches=BatchRules(keeps_metadata=False)) as standin:
        die(monkeypatch, lambda: submit(standin, path), BatchServer, "create", "after")
        end_well(standin, path, monkeypatch)


def test_collecting_finds_a_batch_whose_sending_was_not_noted(path, monkeypatch):
    with serve(TABLE) as standin:
        die(monkeypatch, lambda: submit(standin, path), BatchServer, "create", "after")
        assert [b.state for b in collect(standin, path).batches] == ["completed"]
        end_well(standin, path, monkeypatch)


def test_a_batch_that_was_never_made_is_lost_after_a_while(path, monkeypatch):
    with serve(TABLE) as standin:
        die(monkeypatch, lambda: submit(standin, path), BatchServer, "create", "before")
        early = collect(standin, path)
        assert (early.batches[0].state, early.n_free) == ("sending", 0)
        assert early.batches[0].note == "the server does not list it yet; look again in 2 minutes"
        with pytest.raises(InvalidInput, match="cannot be stopped now: the server does not list"):
            cancel(standin, path, early.batches[0].key)
        put_clock_on(monkeypatch, 130)
        late = collect(standin, path)
        assert (late.batches[0].state, late.n_free) == ("lost", 30)
        assert collect(standin, path).batches == ()
        end_well(standin, path, monkeypatch)


def test_where_batches_are_not_listed_the_user_decides(path, monkeypatch):
    with serve(TABLE, batches=BatchRules(has_list=False)) as standin:
        die(monkeypatch, lambda: submit(standin, path), BatchServer, "create", "after")
        put_clock_on(monkeypatch, 130)
        for act in (submit, collect, status):
            with pytest.raises(TeacherError, match="only it knows whether batch") as caught:
                act(standin, path)
        key = str(caught.value).rsplit(" ", 1)[1]
        gone = cancel(standin, path, key)
        assert (gone.state, gone.cost) == ("given up", None)
        assert submit(standin, path).n_texts == 30


def test_an_online_run_takes_over_what_was_not_sent(path, monkeypatch):
    with serve(TABLE) as standin:
        die(monkeypatch, lambda: submit(standin, path), BatchServer, "upload", "after")
        assert waiting(standin, path) == set()
        with LabelStore(path) as opened:
            run_labels(teacher_at(standin), TEXTS, store=opened)
        assert submit(standin, path).n_stored == 30
        assert standin.batches.made == []


def test_a_note_that_was_withdrawn_is_not_sent(path, monkeypatch):
    # Another process begins an online run while this one is uploading.
    upload = BatchServer.upload

    with serve(TABLE) as standin:

        async def slow(self, file):
            file_id = await upload(self, file)
            assert waiting(standin, path) == set()
            return file_id

        with monkeypatch.context() as patch:
            patch.setattr(BatchServer, "upload", slow)
            with pytest.raises(TeacherError, match="another process asks about these texts now"):
                submit(standin, path)
        assert standin.batches.made == []
        end_well(standin, path, monkeypatch)


def test_two_processes_that_submit_at_once_send_one_batch(path, monkeypatch):
    note = BatchBook.note

    with serve(TABLE) as standin:

        def late(self, *args):
            with monkeypatch.context() as patch:
                patch.setattr(BatchBook, "note", note)
                submit(standin, path)
            return note(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(BatchBook, "note", late)
            with pytest.raises(TeacherError, match="another process has just submitted 30 of"):
                submit(standin, path)
        end_well(standin, path, monkeypatch)


def test_an_interrupt_cancels_what_runs_and_is_raised():
    ended = []

    async def work():
        _thread.interrupt_main()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_apart(work)
    assert ended == [True]


def test_a_coroutine_runs_inside_a_loop_that_runs_already(path):
    async def in_a_notebook():
        return submit(standin, path).n_texts

    with serve(TABLE) as standin:
        assert asyncio.run(in_a_notebook()) == 30
