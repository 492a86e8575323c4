"""Batch endpoints that say more, or less, than the protocol: errors, redirects, odd bodies, files."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from aiohttp import web
from faulty.echo import listen

from tracer_nb.errors import KeyRefused, TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.store import LabelStore
from tracer_nb.teachers.chat import batches as batchserver

from .batches import TEXTS, cancel, collect, status, stored, submit, teacher_at, waiting

FILE = {"id": "file-1", "object": "file"}
THREE = TEXTS[:3]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.failures._FIRST", 0.001)


class Rude:
    """A server whose batches work, but for what ``says`` has for one of its endpoints."""

    def __init__(self):
        self.says = {}
        self.called = []
        self.sent = []  # lines of the file that came last
        self.batch = {}
        self.line = self.answer

    async def respond(self, request):
        name = self._name(request)
        self.called.append(name)
        body = await request.read()
        if name == "upload":
            lines = [raw for raw in body.splitlines() if raw.startswith(b'{"custom_id"')]
            self.sent = [json.loads(raw) for raw in lines]
        if name in self.says:
            said = self.says[name]
            return said() if callable(said) else said
        return web.json_response(FILE) if name == "upload" else self._batches(name)

    def _batches(self, name):
        if name == "make":
            n = len(self.sent)
            self.batch = {
                "id": "batch-1",
                "status": "completed",
                "input_file_id": "file-1",
                "output_file_id": "file-2",
                "request_counts": {"completed": n, "failed": 0, "total": n},
            }
        if name == "list":
            return web.json_response({"data": [self.batch] if self.batch else []})
        if name == "content":
            lines = [json.dumps({"custom_id": s["custom_id"], **self.line(s)}) for s in self.sent]
            return web.Response(text="\n".join(lines))
        if name == "chat":
            return web.json_response(self.answer(None)["response"]["body"])
        return web.json_response(self.batch)

    @staticmethod
    def answer(_sent):
        message = {"role": "assistant", "content": '{"label": "login"}'}
        usage = {"prompt_tokens": 50, "completion_tokens": 5}
        body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
        return {"response": {"status_code": 200, "body": body}}

    @staticmethod
    def _name(request):
        path = request.path.removeprefix("/v1")
        if path == "/files":
            return "upload"
        if path == "/batches":
            return "make" if request.method == "POST" else "list"
        if path == "/chat/completions":
            return "chat"
        return path.rpartition("/")[2] if path.count("/") > 2 else "look"


@pytest.fixture
def rude():
    server = Rude()
    with listen(server.respond) as address:
        server.at = SimpleNamespace(base_url=address)
        yield server


def said(body, code=400, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda: web.Response(
        body=raw, status=code, content_type="application/json", headers=headers
    )


def page(text, code):
    return lambda: web.Response(text=text, status=code, content_type="text/html")


ACTS = {
    "upload": lambda at, path: submit(at, path, THREE),
    "make": lambda at, path: submit(at, path, THREE),
    "look": collect,
    "content": collect,
}


def act(rude, path, name):
    """Do what calls that endpoint; a batch is there if it needs one."""
    if name in ("look", "content"):
        held, rude.says = rude.says, {}
        submit(rude.at, path, THREE)
        rude.says = held
    return ACTS[name](rude.at, path)


def test_the_server_of_these_tests_works(rude, path):
    assert act(rude, path, "content").n_answers == 3
    assert rude.called == ["upload", "make", "look", "content"]


# --- failures -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (said({"error": "out of tea"}), "out of tea"),
        (said({"detail": [{"loc": ["body", "x"], "msg": "out of tea"}]}, 422), "x: out of tea"),
        (said([{"error": {"message": "out of tea"}}]), "out of tea"),
        (said(b"out of tea", 409), "out of tea"),
        (page("<html><title>out of tea</title></html>", 502), "out of tea"),
    ],
)
def test_an_error_of_any_shape_is_told_in_words(rude, path, name, refusal, words):
    rude.says = {name: refusal}
    with pytest.raises(TeacherError) as caught:
        act(rude, path, name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"message": "API key not valid."}}, 400),
        ([{"error": {"status": "API_KEY_INVALID"}}], 400),
        ({"detail": "Missing API key"}, 404),
        (b"Unauthorized", 401),
    ],
)
def test_a_wrong_key_is_recognised_by_what_is_said(rude, path, name, body, code):
    rude.says = {name: said(body, code)}
    with pytest.raises(KeyRefused):
        act(rude, path, name)
    assert rude.called.count(name) == 1


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_elsewhere_is_not_followed(rude, path, name, code):
    seen = []

    async def other(request):
        seen.append(await request.read())
        return web.json_response({})

    with listen(other) as address:
        to = {"upload": "/files", "make": "/batches"}.get(name, "/elsewhere")
        rude.says = {name: said(b"", code, Location=f"{address}{to}")}
        with pytest.raises(TeacherError, match="was not followed") as caught:
            act(rude, path, name)
    assert f"redirects to {address}" in str(caught.value)
    assert "/files" not in str(caught.value)
    assert seen == []


@pytest.mark.parametrize("asked", ["11", "119", "90000", "9" * 40])
@pytest.mark.parametrize("name", ACTS)
def test_nobody_sits_through_a_wait_that_the_server_asks_for(rude, path, name, asked):
    rude.says = {name: said({"error": "too many"}, 429, **{"Retry-After": asked})}
    with pytest.raises(TeacherError, match=r"asks to wait (until|for) .*too many.*again then"):
        act(rude, path, name)
    assert rude.called.count(name) == 1


@pytest.mark.parametrize("name", ["upload", "look", "content"])
def test_a_failure_that_passes_is_tried_again(rude, path, name):
    answers = [said(b"", 503), said(b"", 429, **{"Retry-After": "0.01"})]

    def say():
        del rude.says[name]
        if answers[1:]:
            rude.says[name] = say
        return answers.pop()()

    rude.says = {name: say}
    act(rude, path, name)
    assert rude.called.count(name) == 3
    assert len(rude.sent) == 3  # the file came whole the third time


def test_a_batch_is_not_made_twice(rude, path):
    rude.says = {"make": said(b"", 503)}
    with pytest.raises(TeacherError, match="it may have made the batch all the same"):
        submit(rude.at, path, THREE)
    assert rude.called.count("make") == 1


# --- failures called a success --------------------------------------------------------


@pytest.mark.parametrize("name", ["upload", "make", "look"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "out of tea"}}, "out of tea"),
        ({"error": "out of tea", "id": 7}, "out of tea"),
        ({"detail": "out of tea"}, "out of tea"),
        ([], "is no "),
        ({}, "is no "),
        (b'"out of tea"', ""),
        (b"[" * 3000, ""),
        (b"{broken", ""),
    ],
)
def test_an_error_in_a_success_is_no_success(rude, path, name, body, words):
    rude.says = {name: said(body, 200)}
    with pytest.raises(TeacherError) as caught:
        act(rude, path, name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "odd",
    [
        {"errors": "out of tea"},
        {"errors": {"data": ["out of tea"]}},
        {"errors": [{"message": {"text": "out of tea"}}]},
        {"errors": {"message": "out of tea"}},
    ],
)
def test_what_was_wrong_with_a_batch_is_told_whatever_its_shape(rude, path, odd):
    submit(rude.at, path, THREE)
    rude.batch.update(odd)
    assert "out of tea" in collect(rude.at, path).batches[0].note


@pytest.mark.parametrize(
    "odd",
    [
        {"metadata": "text"},
        {"request_counts": {"completed": 10**40, "failed": "no"}},
        {"request_counts": [1], "usage": "much"},
        {"output_file_id": {"id": "file-2"}},
        {"status": {"now": "done"}},
        {"status": "\x1b[31mdone\x1b[0m"},
    ],
)
def test_odd_parts_of_a_batch_break_nothing(rude, path, odd):
    submit(rude.at, path, THREE)
    rude.batch.update(odd)
    (one,) = collect(rude.at, path).batches
    assert "\x1b" not in repr(one)
    assert len(status(rude.at, path)) == 1


def test_a_list_of_anything_is_read(rude, path):
    rude.says = {"make": said(b"", 503), "list": said({"data": ["a", 1, None]}, 200)}
    with pytest.raises(TeacherError):
        submit(rude.at, path, THREE)
    (one,) = collect(rude.at, path).batches
    assert one.note.startswith("the server does not list it yet")


# --- files ----------------------------------------------------------------------------


def test_a_file_that_is_an_error_settles_nothing(rude, path):
    rude.says = {"content": said({"error": {"message": "not ready"}}, 200)}
    (one,) = act(rude, path, "content").batches
    assert one.collected_at is None
    assert one.note.startswith("in place of the file with its answers the server gave: not ready")
    assert waiting(rude.at, path) == set(THREE)
    del rude.says["content"]
    assert collect(rude.at, path).n_answers == 3


def test_such_a_batch_can_be_given_up(rude, path):
    rude.says = {"content": said({"error": "gone"}, 200)}
    key = act(rude, path, "content").batches[0].key
    assert cancel(rude.at, path, key).state == "given up"
    assert waiting(rude.at, path) == set()


def test_a_file_without_end_is_given_up(rude, path, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.guard._MOST_OF_A_FILE", 2**20)

    async def endless():
        while True:
            yield b" " * 65536

    rude.says = {"content": lambda: web.Response(body=endless())}
    with pytest.raises(TeacherError, match="larger than 1 MB"):
        act(rude, path, "content")
    assert rude.called.count("content") == 1
    assert waiting(rude.at, path) == set(THREE)


def test_a_file_that_drips_in_for_ever_is_given_up(rude, path, monkeypatch):
    monkeypatch.setattr(batchserver, "_FILE_SECONDS", 0.3)

    async def dripping():
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    rude.says = {"content": lambda: web.Response(body=dripping())}
    with pytest.raises(TeacherError, match="no reply within"):
        act(rude, path, "content")
    assert waiting(rude.at, path) == set(THREE)


# --- a refused form -------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        {"response": {"status_code": 400, "body": {"error": {"message": "bad grammar"}}}},
        {"response": {"status_code": 422, "body": {"detail": [{"msg": "extra fields"}]}}},
        {"response": {"status_code": 400, "body": {"error": "response_format: unexpected"}}},
        {"response": {"status_code": "500", "body": "schemas: unimplemented"}},
    ],
)
@pytest.mark.parametrize("how", ["submit", "label"])
def test_rows_refused_for_their_form_are_asked_in_the_next(rude, path, refusal, how):
    rude.line = lambda _: refusal
    done = act(rude, path, "content")
    assert (done.n_answers, done.n_free, done.n_unusable) == (0, 3, 0)
    assert stored(rude.at, path, THREE) == {}
    assert done.spending.cost == 0
    rude.line = rude.answer
    if how == "submit":
        assert submit(rude.at, path, THREE).n_texts == 3
        assert "response_format" not in rude.sent[0]["body"]
        assert "tools" in rude.sent[0]["body"]
        assert collect(rude.at, path).n_answers == 3
    else:
        with LabelStore(path) as store:
            run = run_labels(teacher_at(rude.at), THREE, store=store)
        assert {answer.mode for answer in run.answers.values()} <= {"tool", "text"}
        assert rude.called.count("chat") == 3


@pytest.mark.parametrize(
    "refusal",
    [
        {"response": {"status_code": 400, "body": {"error": "input was flagged"}}},
        {"response": {"status_code": 400, "body": {"error": "model 'm' not found"}}},
        {"response": {"status_code": 500, "body": "Internal Server Error"}},
        {"response": {"status_code": 200, "body": {"error": {"message": "schema overload"}}}},
        {"error": {"message": "schema lost"}},
    ],
)
def test_other_failures_of_rows_say_nothing_about_the_form(rude, path, refusal):
    rude.line = lambda _: refusal
    assert act(rude, path, "content").n_free == 3
    assert stored(rude.at, path, THREE) == {}
    submit(rude.at, path, THREE)
    assert "response_format" in rude.sent[0]["body"]


def test_one_row_refused_among_answers_says_nothing_about_the_form(rude, path):
    refusal = {"response": {"status_code": 400, "body": {"error": "bad grammar"}}}
    rude.line = lambda sent: refusal if sent is rude.sent[0] else rude.answer(sent)
    done = act(rude, path, "content")
    assert (done.n_answers, done.n_free) == (2, 1)
    submit(rude.at, path, THREE)
    assert len(rude.sent) == 1
    assert "response_format" in rude.sent[0]["body"]
