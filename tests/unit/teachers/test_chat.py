import json
import socket

import pytest

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.teachers.chat.costs import MAX_REPLIES
from tracer_nb.teachers.chat.teacher import ChatTeacher

from .chatserver import LABELS, Drip, Say, ask, labelled, odd_server

KEY = "sk-secret-0123456789"


def test_a_label_with_its_tokens_and_cost(server, chat):
    server.script = [labelled("refund")]
    answer = ask(chat(), "money back please")
    assert (answer.label, answer.mode, answer.keep) == ("refund", "json-schema", True)
    assert (answer.prompt_tokens, answer.completion_tokens) == (100, 5)
    assert answer.cost == pytest.approx((100 * 1 + 5 * 2) / 1e6)


def test_what_is_sent(server, chat):
    ask(chat(max_answer_tokens=77), 'a "text" with {braces}')
    body = server.bodies[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.0, 77)
    assert "max_completion_tokens" not in body
    assert body["response_format"]["json_schema"]["strict"] is True
    assert json.loads(body["messages"][-1]["content"]) == {"text": 'a "text" with {braces}'}


def test_models_that_reason_get_no_temperature(server):
    teacher = ChatTeacher(
        "gpt-5-mini", LABELS, "", base_url=server.base_url, reasoning_effort="low"
    )
    ask(teacher, "x")
    assert "temperature" not in server.bodies[0]
    assert server.bodies[0]["reasoning_effort"] == "low"
    # Another server's prices are not OpenAI's, whatever the model is called.
    assert teacher.price is None
    assert teacher.cost_bound("x") is None


def test_openai_has_its_own_field_for_the_limit(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    teacher = ChatTeacher("gpt-4o-mini", LABELS, "")
    assert "max_completion_tokens" in teacher._dialect.way.fields
    assert teacher.price.input == 0.15


def test_a_wrong_answer_is_repaired_once(server, chat):
    server.script = [Say('{"label": "lost my card"}'), labelled("card lost")]
    answer = ask(chat(), "where is it")
    assert (answer.label, answer.mode) == ("card lost", "json-schema, repaired")
    assert (answer.prompt_tokens, answer.completion_tokens) == (200, 10)
    roles = [m["role"] for m in server.bodies[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert server.bodies[1]["messages"][2]["content"] == '{"label": "lost my card"}'


def test_two_wrong_answers_are_a_paid_answer_without_a_label(server, chat):
    server.script = [Say("dunno"), Say("still no idea")]
    answer = ask(chat(), "x")
    assert answer.label is None
    assert answer.reason == "answer is not one of the labels: 'still no idea'"
    assert answer.keep
    assert answer.prompt_tokens == 200


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Say(None, refusal="I cannot help with that"), "refused"),
        (Say("", finish="content_filter"), "refused"),
        (Say('{"la', finish="length"), "truncated by max_answer_tokens before a label was there"),
    ],
)
def test_answers_that_no_repair_would_help_are_kept(server, chat, said, reason):
    server.script = [said]
    answer = ask(chat(), "x")
    assert (answer.label, answer.reason, answer.keep) == (None, reason, True)
    assert sum(server.asked.values()) == 1


def test_a_reply_without_a_choice_is_asked_for_once_more(server, chat):
    empty = Say(raw=b'{"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 0}}')
    server.script = [empty, labelled("refund")]
    answer = ask(chat(), "x")
    assert (answer.label, answer.prompt_tokens) == ("refund", 190)
    server.script = [empty, empty]
    answer = ask(chat(), "y")
    assert (answer.reason, answer.keep) == ("the reply holds no choice", True)
    assert (server.asked["y"], answer.prompt_tokens) == (2, 180)


def test_a_message_in_parts(server, chat):
    parts = [{"type": "thinking"}, {"type": "text", "text": '{"label": "refund"}'}]
    body = {"choices": [{"message": {"content": parts}}], "usage": {"prompt_tokens": "many"}}
    server.script = [Say(raw=json.dumps(body).encode())]
    assert ask(chat(), "x").label == "refund"


def test_without_usage_the_estimate_is_counted(server, chat):
    server.script = [labelled("refund", usage=None)]
    teacher = chat()
    answer = ask(teacher, "x")
    prompt_tokens, completion_tokens, dollars = teacher.cost_estimate("x")
    assert (answer.prompt_tokens, answer.completion_tokens) == (prompt_tokens, completion_tokens)
    assert answer.cost == dollars > 0
    assert not answer.counted
    assert ask(chat(), "y").counted


def test_a_rate_limit_is_waited_out(server, chat):
    limit = Say(status=429, headers={"Retry-After": "0.01"}, error={"message": "slow down"})
    server.script = [limit, limit]
    assert ask(chat(), "x").label is not None
    assert server.asked["x"] == 3


def test_server_errors_end_as_a_failure_that_is_asked_again(server, chat):
    server.rule = lambda _: Say(status=500, headers={"Retry-After": "0.01"})
    answer = ask(chat(), "x")
    assert answer.label is None
    assert answer.reason.startswith("server error 500 after 3 tries")
    assert not answer.keep
    assert answer.cost == 0


def test_a_broken_body_is_asked_for_again(server, chat):
    server.script = [Say(raw=b'{"choices": [{"mess')]
    answer = ask(chat(), "x")
    assert answer.label is not None
    assert server.asked["x"] == 2
    assert answer.prompt_tokens > 100  # the unreadable reply was billed, too


@pytest.mark.parametrize("raw", [b"", b"null", b"<html>", b'{"choices": null}', b"\xff\xfe"])
def test_replies_that_stay_broken_are_bounded(server, chat, raw, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint._PAUSE", 0)
    server.rule = lambda _: Say(raw=raw)
    teacher = chat()
    answer = ask(teacher, "x")
    assert (answer.label, answer.keep) == (None, False)
    assert "not readable" in answer.reason
    assert server.asked["x"] == MAX_REPLIES
    assert 0 < answer.cost <= teacher.cost_bound("x")


def test_all_replies_to_a_text_cost_less_than_its_bound(server, chat):
    teacher = chat(max_answer_tokens=8)
    wrong = "é" * 3000
    sizes = []

    def most_expensive(_text):
        body = server.bodies[-1]
        sizes.append(len(json.dumps(body["messages"], ensure_ascii=False).encode()))
        return Say(wrong, usage=(sizes[-1], 8))

    server.rule = most_expensive
    server.script = [Say(raw=b"broken")]
    answer = ask(teacher, "ü" * 500)
    assert len(sizes) == 2
    assert answer.label is None
    assert answer.cost <= teacher.cost_bound("ü" * 500)
    assert answer.prompt_tokens + answer.completion_tokens <= teacher.token_bound("ü" * 500)


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_schemas_is_asked_in_words(server, chat, status):
    reject = Say(status=status, error={"message": "Unknown field: response_format"})
    server.script = [reject, Say("Refund"), Say('```\n{"label": "top up"}\n```')]
    first, second = ask(chat(), "x", "y")
    assert (first.label, first.mode) == ("refund", "text")
    assert (second.label, second.mode) == ("top up", "text")
    assert ["response_format" in body for body in server.bodies] == [True, False, False]
    assert ["tools" in body for body in server.bodies] == [False, True, True]


def test_a_server_that_ignores_the_schema_is_recorded_as_such(server, chat):
    server.script = [Say("refund")]
    assert ask(chat(), "x").mode == "text"


def test_other_names_for_the_limit_and_a_fixed_temperature(server, chat):
    server.script = [
        Say(
            status=400,
            error={"message": "'max_tokens' is not supported, use 'max_completion_tokens'"},
        ),
        Say(status=400, error={"message": "temperature does not support 0 with this model"}),
    ]
    assert ask(chat(), "x").label is not None
    last = server.bodies[-1]
    assert last["max_completion_tokens"] == 1024
    assert "max_tokens" not in last
    assert "temperature" not in last
    assert "response_format" in last


def test_a_limit_rejected_under_both_names_does_not_loop(server, chat):
    def reject(_text):
        field = next(k for k in server.bodies[-1] if k.startswith("max_"))
        return Say(status=400, error={"message": f"{field} is too large"})

    server.rule = reject
    answer = ask(chat(), "x")
    assert "max_completion_tokens is too large" in answer.reason
    assert server.asked["x"] == 2


def test_a_rejected_text_is_one_failure_and_changes_nothing_for_others(server, chat):
    bad = Say(status=400, error={"message": "response_format: context length exceeded"})
    server.script = [labelled("refund"), bad, labelled("refund")]
    good, rejected, after = ask(chat(), "x", "y", "z")
    assert good.label == after.label == "refund"
    assert "context length" in rejected.reason
    assert not rejected.keep
    assert "response_format" in server.bodies[-1]


def test_a_wrong_key_is_one_line_without_the_key(server, chat):
    server.rule = lambda _: Say(
        status=401, error={"message": f"Incorrect API key provided: {KEY}. Find yours at ..."}
    )
    teacher = chat(api_key=KEY)
    with pytest.raises(TeacherError, match="refused the API key") as caught:
        ask(teacher, "x")
    message = str(caught.value)
    assert server.base_url in message
    assert message.endswith("check api_key")
    assert "\n" not in message
    assert caught.value.__suppress_context__
    for shown in (message, repr(teacher), str(vars(teacher)), json.dumps(teacher.identity)):
        assert KEY not in shown


def test_the_key_that_reaches_a_foreign_server(server, chat, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "my-org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "my-project")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Extra: {KEY}\nAuthorization: Bearer {KEY}")
    ask(chat(), "x")
    ask(chat(api_key="meant-for-it"), "x")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    ask(chat(), "x")
    sent = server.headers
    assert [h["Authorization"] for h in sent[:2]] == ["Bearer none", "Bearer meant-for-it"]
    for headers in sent[:2]:
        assert KEY not in str(headers)
        assert "my-org" not in str(headers)
        assert "my-project" not in str(headers)
    assert KEY in sent[2]["Authorization"]


def test_no_key_for_openai_is_told_when_the_first_text_is_asked():
    teacher = ChatTeacher("gpt-5-mini", LABELS, "")
    assert teacher.cost_estimate("x")[2] > 0
    with pytest.raises(TeacherError, match="OPENAI_API_KEY"):
        ask(teacher, "x")


def test_a_model_that_is_not_there(server, chat):
    server.rule = lambda _: Say(status=404, error={"message": "The model `m` does not exist"})
    with pytest.raises(TeacherError, match="no model 'm'"):
        ask(chat(), "x")


def test_an_account_that_cannot_pay(server, chat):
    server.rule = lambda _: Say(
        status=429,
        headers={"x-should-retry": "false"},
        error={"message": "You exceeded your quota", "code": "insufficient_quota"},
    )
    with pytest.raises(TeacherError, match="cannot pay"):
        ask(chat(), "x")


def test_a_server_that_is_not_there(chat):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(TeacherError, match="cannot reach") as caught:
            ask(chat(base_url=address), "x")
    assert address in str(caught.value)


def test_a_name_that_does_not_resolve(chat):
    with pytest.raises(TeacherError, match="cannot reach"):
        ask(chat(base_url="http://no-such-host.invalid/v1"), "x")


def test_a_slow_reply_is_a_failure_of_one_text(server, chat):
    server.rule = lambda text: labelled("refund", seconds=5 if text == "slow" else 0)
    fast, slow = ask(chat(timeout=0.2, max_retries=0), "fast", "slow")
    assert fast.label == "refund"
    assert slow.reason == "no reply within 0.2 s, 1 tries"
    assert not slow.keep


def test_time_outs_are_bounded_and_cost_what_they_may(server, chat, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint.pause", lambda *_: 0)
    server.rule = lambda _: labelled("refund", seconds=5)
    teacher = chat(timeout=0.2, max_retries=6)
    answer = ask(teacher, "x")
    assert server.asked["x"] == MAX_REPLIES
    assert answer.reason == f"no reply within 0.2 s, {MAX_REPLIES} tries"
    assert answer.cost == teacher.cost_bound("x") > 0
    assert answer.prompt_tokens + answer.completion_tokens == teacher.token_bound("x")
    assert not answer.keep


def test_a_time_out_before_the_answer_is_counted(server, chat, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint.pause", lambda *_: 0)
    server.script = [labelled("refund", seconds=5), labelled("refund")]
    teacher = chat(timeout=0.5)
    answer = ask(teacher, "x")
    assert answer.label == "refund"
    assert answer.cost == pytest.approx(teacher.cost_bound("x") / MAX_REPLIES + 110e-6)
    tokens = answer.prompt_tokens + answer.completion_tokens
    assert tokens == teacher.token_bound("x") / MAX_REPLIES + 105


def test_a_reply_that_drips_in_is_a_time_out(server, chat):
    # Each part comes in time, and all of them never do.
    server.rule = lambda _: Drip(parts=1000, seconds=0.05)
    answer = ask(chat(timeout=0.2, max_retries=0), "x")
    assert answer.reason == "no reply within 0.2 s, 1 tries"


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"",
    ],
    ids=["no HTTP", "broken chunk", "endless header", "no gzip", "nothing"],
)
def test_a_server_that_speaks_no_proper_http_is_a_failure_of_one_text(chat, monkeypatch, reply):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint.pause", lambda *_: 0)
    with odd_server(reply) as address:
        answer = ask(chat(base_url=address, max_retries=1), "x")
    assert (answer.label, answer.keep) == (None, False)
    begins = ("connection lost, 2 tries: ", "the reply's compressed body is corrupt")
    assert answer.reason.startswith(begins)
    assert "\n" not in answer.reason


def test_an_answer_that_breaks_off_is_billed(chat, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint.pause", lambda *_: 0)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with odd_server(head + b'{"choices"') as address:
        teacher = chat(base_url=address, max_retries=6)
        answer = ask(teacher, "x")
    assert not answer.keep
    assert answer.cost == pytest.approx(MAX_REPLIES * teacher.cost_estimate("x")[2])


def test_errors_that_pass_are_retried_more_often_than_time_outs(server, chat):
    server.script = [Say(status=503, headers={"Retry-After": "0.01"})] * 5
    answer = ask(chat(max_retries=6), "x")
    assert answer.label is not None
    assert server.asked["x"] == 6


def test_failures_without_end_stop_the_run(server, chat):
    server.rule = lambda _: Say(status=400, error={"message": "no"})
    teacher = chat(concurrency=2)
    with pytest.raises(TeacherError, match="20 texts in a row"):
        ask(teacher, *(f"text {i}" for i in range(100)))
    assert len(server.bodies) == 23  # the first one was asked in every other form, too


def test_a_proxy_in_the_environment_does_not_catch_loopback(chat, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert ask(chat(), "x").label is not None


def test_the_teacher_works_again_in_another_loop(chat):
    teacher = chat()
    assert ask(teacher, "x").label == ask(teacher, "x").label is not None


def test_the_identity_tells_teachers_apart(chat):
    same = chat(name="other caption", concurrency=3, timeout=9, api_key=KEY).identity
    assert same == chat().identity
    for change in ({"temperature": 1.0}, {"max_answer_tokens": 5}, {"reasoning_effort": "low"}):
        assert chat(**change).identity != chat().identity
    assert chat(server_name="stand-in").identity["server"] == "stand-in"
    json.dumps(dict(same))


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"timeout": float("nan")}, {"max_answer_tokens": 0}]
)
def test_numbers_out_of_range(chat, options):
    with pytest.raises(InvalidInput, match=next(iter(options))):
        chat(**options)
