"""What servers say beside the protocol: refused forms, errors of any shape, bodies, redirects."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import tracemalloc
import warnings
from contextlib import suppress

import pytest
from aiohttp import web
from faulty.echo import listen

from tracer_nb.errors import KeyRefused, TeacherError
from tracer_nb.teachers.base import NotAsked
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.chat.wire import MOST_BYTES
from tracer_nb.teachers.chat.words import plain, words_of

from .chatserver import LABELS, Say, ask, labelled

REFUND = {"role": "assistant", "content": '{"label": "refund"}'}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint._PAUSE", 0)
    monkeypatch.setattr("tracer_nb.teachers.chat.failures._FIRST", 0.001)


def said(body, status=400):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Say(status=status, raw=raw)


def without(field, refusal):
    """Answers of a server that takes no request with ``field``."""

    def rule(server):
        return lambda _: refusal if field in server.bodies[-1] else labelled("refund")

    return rule


# --- refused forms


@pytest.mark.parametrize(
    "refusal",
    [
        said({"error": {"message": "failed to parse grammar"}}),
        said({"error": "grammar: unimplemented"}, 500),
        said({"detail": [{"loc": ["body", "response_format", "type"], "msg": "unexpected"}]}, 422),
        said(b"bad request"),
        said(b"<html><title>Not Implemented</title></html>", 501),
        said({"detail": "No endpoints found that can handle these parameters"}, 404),
        said(b"Internal Server Error", 500),
    ],
)
def test_a_refused_form_is_asked_without_and_that_is_remembered(server, chat, refusal):
    server.rule = without("response_format", refusal)(server)
    answers = ask(chat(max_retries=2), "x", "y", "z")
    assert [a.label for a in answers] == ["refund"] * 3
    assert server.asked["x"] <= 3
    assert server.asked["y"] == server.asked["z"] == 1


def test_many_at_once_guess_once(server, chat):
    server.rule = without("response_format", said(b"bad request"))(server)
    teacher = chat()

    async def run():
        try:
            return await asyncio.gather(*(teacher.label([f"text {i}"]) for i in range(40)))
        finally:
            await teacher.close()

    assert {a.label for (a,) in asyncio.run(run())} == {"refund"}
    assert len(server.bodies) <= 40 + 6


@pytest.mark.parametrize(
    ("field", "refusal", "options"),
    [
        ("response_format", said(b"bad request"), {}),
        ("temperature", said({"error": "temperature is not supported"}), {}),
        ("max_tokens", said({"error": "max_tokens: use max_completion_tokens"}), {}),
        ("logprobs", said({"error": "logprobs is not supported"}), {"logprobs": True}),
    ],
)
def test_the_next_teacher_need_not_learn_it_again(server, chat, field, refusal, options):
    server.rule = without(field, refusal)(server)
    waiting = chat(**options)  # made before, and asked afterwards
    first = ask(chat(**options), "x")
    learned = server.bodies[-1]
    n = len(server.bodies)
    assert n > 1
    again = [ask(teacher, "y") for teacher in (chat(**options), waiting)]
    assert {a.mode for a in again} == {first.mode}
    assert len(server.bodies) == n + 2
    assert all(body.keys() == learned.keys() for body in server.bodies[n:])


def test_fewer_alternatives_are_remembered_too(server, chat):
    refusal = said({"error": "top_logprobs must be at most 5"})
    server.rule = lambda _: refusal if server.bodies[-1]["top_logprobs"] > 5 else labelled("refund")
    for _ in range(2):
        ask(chat(answers="codes"), "x")
    assert [body["top_logprobs"] for body in server.bodies] == [20, 5, 5]


def test_what_one_server_takes_says_nothing_about_another_or_another_model(server, chat):
    refusal = said(b"bad request")
    server.rule = without("response_format", refusal)(server)
    ask(chat(), "x")
    seen = []

    async def other(request):
        seen.append(await request.json())
        return web.json_response({"choices": [{"message": REFUND}]})

    with listen(other) as address:
        ask(chat(base_url=address), "x")
    assert "response_format" in seen[0]
    n = len(server.bodies)
    ask(ChatTeacher("n", LABELS, "Choose.", base_url=server.base_url), "x")
    assert "response_format" in server.bodies[n]


def test_after_a_first_failure_that_is_not_about_the_form_nobody_waits(chat):
    """A busy server is known to be there: as many requests go as the pace allows."""
    most, under_way = 0, 0

    async def say(_request):
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1
        return web.Response(status=500 if most < 2 else 503)

    with listen(say) as address:
        teacher = chat(base_url=address, max_retries=3)

        async def run():
            try:
                await asyncio.gather(*(teacher.label([f"text {i}"]) for i in range(8)))
            finally:
                await teacher.close()

        asyncio.run(run())
    assert most > 2


def test_a_stop_ends_the_wait_for_the_first_contact(chat):
    async def say(_request):
        await asyncio.sleep(30)

    async def run(teacher):
        calls = [asyncio.ensure_future(teacher.label([f"text {i}"])) for i in range(8)]
        await asyncio.sleep(0.5)
        teacher.halt()
        done, left = await asyncio.wait(calls, timeout=5)
        for call in left:
            call.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await teacher.close()
        return [type(call.exception()) for call in done], len(left)

    with listen(say) as address:
        assert asyncio.run(run(chat(base_url=address))) == ([NotAsked] * 6, 2)


@pytest.mark.parametrize(
    ("refusal", "most"),
    [
        (said({"error": {"message": "API key not valid. Please pass one."}}), 1),
        (said([{"error": {"code": 400, "status": "API_KEY_INVALID", "message": "no"}}]), 1),
        (said({"error": {"message": "model 'm' not found"}}, 404), 1),
        (said({"detail": "prompt is too long: maximum context length"}, 400), 1),
        (said(b"no", 404), 4),
    ],
)
def test_what_is_no_form_costs_few_requests(server, chat, refusal, most):
    server.rule = lambda _: refusal
    with suppress(TeacherError):
        ask(chat(), "x")
    assert len(server.bodies) <= most


def test_a_form_is_taken_again_when_it_was_not_the_form(server, chat):
    server.script = [said(b"bad request")] * 4
    first, second = ask(chat(), "x", "y")
    assert (first.label, first.reason) == (None, "request rejected: bad request")
    assert second.label is not None
    assert "response_format" in server.bodies[-1]


def test_a_refusal_of_one_generation_is_that_rows(server, chat):
    error = {"message": "Failed to generate JSON.", "code": "json_validate_failed"}
    refusal = said({"error": error})
    server.script = [labelled("refund"), refusal, refusal]
    answers = ask(chat(), "x", "y", "z")
    assert all(a.label is not None for a in answers)
    assert ["response_format" in body for body in server.bodies] == [True, True, True, False, True]
    assert not answers[1].counted  # what was made and thrown away may be billed


def test_a_server_that_changes_its_mind_loses_no_row(server, chat):
    server.script = [labelled("refund")] * 3
    server.rule = without("response_format", said(b"schemas are gone"))(server)
    answers = ask(chat(), *(f"text {i}" for i in range(12)))
    assert {a.label for a in answers} == {"refund"}
    assert len(server.bodies) == 12 + 3


# --- words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "out of tea"}, "out of tea"),
        ({"detail": "out of tea"}, "out of tea"),
        ({"message": {"text": "out of tea"}}, "out of tea"),
        ([{"error": {"message": "out of tea"}}], "out of tea"),
        ({"error": {"message": '{"error": {"message": "out of tea"}}'}}, "out of tea"),
        ({"error": {"message": "failed", "metadata": {"raw": "out of tea"}}}, "failed; out of tea"),
        (b"out of tea", "out of tea"),
        (b"<html><head><title>out of tea</title></head><p>nginx", "out of tea"),
        (b"\x1b[31mout\x1b[0m of <b>tea</b>\x07", "out of tea"),
    ],
)
def test_an_error_of_any_shape_is_told_in_words(server, chat, body, words):
    server.rule = lambda _: said(body, 409)
    assert ask(chat(max_retries=0), "x").reason == f"request rejected: {words}"


def test_words_without_end_do_not_break():
    nested: object = "deep"
    for _ in range(400):
        nested = {"error": nested}
    assert words_of(nested) == ""
    assert plain("<" * 30_000) == "<" * 20_000


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "API key not valid. Please pass a valid API key."}}),
        (400, [{"error": {"message": "no", "details": [{"reason": "API_KEY_INVALID"}]}}]),
        (403, {"detail": "forbidden"}),
        (422, {"detail": "Missing API key"}),
        (401, b"Unauthorized"),
    ],
)
def test_a_wrong_key_is_recognised_by_what_is_said(server, chat, status, body):
    server.rule = lambda _: said(body, status)
    with pytest.raises(KeyRefused):
        ask(chat(), "x")
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": {"message": "input was flagged", "metadata": {"reasons": ["violence"]}}}),
        (400, {"error": {"message": "filtered", "code": "content_filter"}}),
    ],
)
def test_a_moderated_row_is_that_rows_failure(server, chat, status, body):
    server.script = [said(body, status)]
    moderated, after = ask(chat(), "x", "y")
    assert moderated.reason.startswith("the server's moderation refused the text: ")
    assert after.label is not None
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "input was flagged"),
        (400, "prompt is too long: maximum context length is 4096 tokens"),
    ],
)
def test_rows_that_are_themselves_refused_do_not_end_a_run(server, chat, status, message):
    refusal = said({"error": {"message": message}}, status)
    server.script = [labelled("refund")]
    server.rule = lambda text: labelled("refund") if text == "good" else refusal
    answers = ask(chat(), "first", *(f"bad {i}" for i in range(25)), "good")
    assert [a.label for a in answers] == ["refund", *[None] * 25, "refund"]
    server.rule = lambda _: Say(status=409)
    with pytest.raises(TeacherError, match="20 texts in a row got no answer"):
        ask(chat(max_retries=0), *(f"bad {i}" for i in range(25)))


@pytest.mark.parametrize("asked", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "9" * 40])
def test_a_wait_of_hours_ends_the_run_and_says_until_when(server, chat, asked):
    server.rule = lambda _: Say(status=429, headers={"Retry-After": asked})
    with pytest.raises(TeacherError, match="asks to wait "):
        ask(chat(), "x")
    assert len(server.bodies) == 1


# --- failures called a success


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": '{"label": "ref'}, "finish_reason": "error"},
        {"message": REFUND, "error": {"message": "upstream gone"}, "finish_reason": "stop"},
        {
            "message": {"content": ""},
            "finish_reason": "stop",
            "native_finish_reason": "network_error",
        },
        {"message": {"content": None}, "finish_reason": "insufficient_system_resource"},
    ],
)
def test_an_upstream_error_in_a_success_is_a_failed_request(server, chat, choice):
    usage = {"prompt_tokens": 100, "completion_tokens": 7}
    broken = said({"choices": [choice], "usage": usage}, 200)
    server.script = [broken]
    answer = ask(chat(), "x")
    assert answer.label is not None
    assert (answer.prompt_tokens, answer.completion_tokens) == (200, 12)
    server.rule = lambda _: broken
    answer = ask(chat(), "y")
    assert (answer.label, answer.keep) == (None, False)
    assert answer.reason.startswith("the server failed: ")


def piece(delta, **options):
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, **options}]}) + "\n\n"


def test_a_reply_that_streams_anyway_is_joined(server, chat):
    parts = [
        piece({"role": "assistant", "content": ""}),
        piece({"content": '{"label": "re'}),
        piece({"content": 'fund"}'}, finish_reason="stop"),
        'data: {"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 6}}\n\n',
        "data: [DONE]\n\n",
    ]
    server.script = [said("".join(parts).encode(), 200)]
    answer = ask(chat(), "x")
    assert (answer.label, answer.prompt_tokens, answer.completion_tokens) == ("refund", 90, 6)
    assert server.bodies[0]["stream"] is False
    server.script = [said("".join(parts[:2]).encode(), 200)]
    assert ask(chat(), "y").label is not None
    assert server.asked["y"] == 2  # it broke off


# --- bodies and redirects


def endless(**options):
    async def say(_request):
        response = web.StreamResponse(**options)
        await response.prepare(_request)
        piece = b" " * 65536
        if "headers" in options:
            piece = gzip.compress(b" " * 2**24)
        try:
            while True:
                await response.write(piece)
        except ConnectionError:
            return response

    return say


@pytest.mark.parametrize("options", [{}, {"headers": {"Content-Encoding": "gzip"}}])
def test_a_body_without_end_is_refused_with_bounded_memory(chat, options):
    with listen(endless(**options)) as address:
        teacher = chat(base_url=address)
        tracemalloc.start()
        answer = ask(teacher, "x")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "larger than 4 MB" in answer.reason
    assert answer.cost > 0
    assert most < 12 * MOST_BYTES


def test_a_compressed_reply_is_read_and_a_corrupt_one_may_be_billed(server, chat):
    body = gzip.compress(json.dumps({"choices": [{"message": REFUND}]}).encode())
    packed = {"Content-Encoding": "gzip"}
    server.script = [Say(raw=body, headers=packed)]
    assert ask(chat(), "x").label == "refund"
    for broken in (body[:-12], body[:20] + b"\xff" * 30, b"none at all"):
        server.script = [Say(raw=broken, headers=packed)]
        answer = ask(chat(), "y")
        assert answer.label is not None
        assert answer.prompt_tokens > 100


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_is_not_followed(server, chat, status):
    seen = []

    async def other(request):
        seen.append(await request.read())
        return web.json_response({"choices": [{"message": REFUND}]})

    with listen(other) as address:
        place = f"{address}/chat/completions?api_key=secret"
        server.rule = lambda _: Say(status=status, headers={"Location": place})
        with pytest.raises(TeacherError, match="was not followed") as caught:
            ask(chat(), "x")
    assert address in str(caught.value)
    assert "secret" not in str(caught.value)
    assert (seen, len(server.bodies)) == ([], 1)


@pytest.mark.parametrize(("status", "label"), [(307, "refund"), (308, "refund"), (302, None)])
def test_within_one_server_a_redirect_keeps_method_and_body(chat, status, label):
    async def say(request):
        if not request.path.endswith("/"):
            return web.Response(status=status, headers={"Location": request.path + "/"})
        body = await request.json() if request.can_read_body else {}
        ok = request.method == "POST" and "messages" in body
        return web.json_response({"choices": [{"message": REFUND}]} if ok else {"choices": []})

    with listen(say) as address:
        teacher = chat(base_url=address)
        if label:
            assert ask(teacher, "x").label == label
        else:
            with pytest.raises(TeacherError, match="was not followed"):
                ask(teacher, "x")


def test_a_teacher_left_open_works_in_another_loop_and_leaves_no_connection(chat):
    complaints = []

    async def run(teacher, text):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        return await teacher.label([text])

    teacher = chat()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for text in ("x", "y"):
            assert asyncio.run(run(teacher, text))[0].label is not None
            gc.collect()
        asyncio.run(teacher.close())
        del teacher
        gc.collect()
    assert [str(w.message) for w in caught if "127.0.0.1" in str(w.message)] == []
    assert [str(w.message) for w in caught if "nclosed" in str(w.message)] == []
    assert complaints == []
