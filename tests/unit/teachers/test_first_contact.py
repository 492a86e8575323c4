"""What a user reads who is wrong about the server: one line that says what to do."""

import re

import pytest

from tracer_nb.errors import KeyRefused, TeacherError
from tracer_nb.teachers.chat.words import about_silence, error_in
from tracer_nb.teachers.server import Secret, find_server

from .chatserver import Say, ask, labelled


def line_of(teacher):
    with pytest.raises(TeacherError) as caught:
        ask(teacher, "x")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_model_that_was_not_pulled(server, chat):
    server.script = [
        Say(status=404, error={"message": 'model "m" not found, try pulling it first'})
    ]
    line = line_of(chat())
    assert f"{server.base_url} has no model 'm'" in line
    assert line.endswith("get it with: ollama pull m")


def test_a_model_that_the_server_does_not_know(server, chat):
    server.script = [Say(status=404, error={"message": "The model `m` does not exist."})]
    assert line_of(chat()).endswith("check the model's name")


def test_an_address_without_v1(server, chat):
    base_url = server.base_url.removesuffix("/v1")
    line = line_of(chat(base_url=base_url))
    assert line.endswith(f"base_url usually ends in /v1: try {base_url}/v1")


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_where_something_else_is(server, chat, status):
    server.rule = lambda _: Say(status=status, error={"message": "no such page"})
    assert line_of(chat()).endswith("check the model's name and base_url")


def test_an_address_without_v1_at_a_server_that_calls_it_a_success(server, chat, monkeypatch):
    # LM Studio: status 200 and {"error": "Unexpected endpoint or method."}
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint._PAUSE", 0)
    says = Say(raw=b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}')
    server.rule = lambda _: says
    answer = ask(chat(), "x")
    assert answer.reason == (
        "the reply was not readable, 3 times: Unexpected endpoint or method. (POST /chat/completions)"
    )
    server.asked.clear()
    server.serve_without_v1()
    base_url = server.base_url.removesuffix("/v1")
    assert line_of(chat(base_url=base_url)).endswith(f"try {base_url}/v1")
    assert server.asked["x"] == 1


def test_an_error_after_the_first_answer_is_no_wrong_address(server, chat, monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.chat.endpoint._PAUSE", 0)
    server.serve_without_v1()
    server.script = [labelled("refund"), Say(raw=b'{"error": {"message": "overloaded"}}')]
    first, second = ask(chat(base_url=server.base_url.removesuffix("/v1")), "x", "y")
    assert first.label == "refund"
    assert second.label is not None


def test_https_to_a_server_that_speaks_http(server, chat):
    address = server.base_url
    line = line_of(chat(base_url=address.replace("http:", "https:")))
    assert line.endswith(f"it does not speak https there: is it {address}?")


@pytest.mark.parametrize(
    ("port", "start"),
    [
        (11434, "ollama serve"),
        (1234, "lms server start"),
        (8000, "vllm serve MODEL"),
        (8080, "llama-server -m FILE"),
        (4000, "litellm --config FILE"),
    ],
)
def test_a_local_server_that_is_not_running(port, start):
    hint = about_silence(find_server(f"http://localhost:{port}/v1", {}), "refused")
    assert f"started with: {start}. Is it running" in hint


def test_a_server_elsewhere_is_nobody_s_to_start():
    hint = about_silence(find_server("http://gpu.example:11434/v1", {}), "refused")
    assert hint == "is the server running, and is base_url right?"


def test_a_certificate_that_is_not_trusted():
    server = find_server("https://gateway.example/v1", {})
    hint = about_silence(server, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert "certificate" in hint


NO_KEY = Say(status=401, error={"message": "Missing credentials"})


def test_a_gateway_that_wants_a_key(server, chat):
    server.script = [NO_KEY]
    line = line_of(chat())
    assert "wants an API key" in line
    assert line.endswith("set TRACER_NB_API_KEY, or add --ask-key to type one")


@pytest.mark.parametrize(
    ("variable", "paired"), [("TRACER_NB_API_KEY", False), ("OPENAI_API_KEY", True)]
)
def test_a_key_of_the_environment_that_is_refused(server, chat, monkeypatch, variable, paired):
    monkeypatch.setenv(variable, "hunter2-hunter2")
    if paired:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    server.script = [Say(status=401, error={"message": "bad key hunter2-hunter2"})]
    line = line_of(chat())
    assert "refused the API key" in line
    assert line.endswith(f"check {variable}")
    assert "hunter2" not in line


def test_a_typed_key_that_is_refused(server, chat):
    teacher = chat()
    teacher.use_key(Secret("hunter2-hunter2", "typed"))
    server.script = [NO_KEY]
    with pytest.raises(KeyRefused, match="type it again"):
        ask(teacher, "x")
    assert server.headers[0]["Authorization"] == "Bearer hunter2-hunter2"


def test_the_variable_of_a_known_provider_is_named():
    server = find_server("https://openrouter.ai/api/v1", {})
    assert "OPENROUTER_API_KEY" in server.variables[0]
    assert not re.search("OPENAI", " ".join(server.variables))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error": {"message": "no", "code": 5}}', "no"),
        (b'{"error": {}}', None),
        (b'{"choices": []}', None),
        (b"[1]", None),
        (b"<html>", None),
    ],
)
def test_errors_in_replies_that_are_called_a_success(body, said):
    assert error_in(body) == said
