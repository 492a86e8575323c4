"""Manners of the stand-in over real connections: what comes, what is billed, who has a turn."""

from __future__ import annotations

import gzip
import http.client
import json
import math
import subprocess
import sys
import urllib.error
import urllib.request
import zlib

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.standin import Faults, serve
from tracer_nb.standin.__main__ import main
from tracer_nb.standin.manners import MANNERS, table_of_manners

LABELS = ("delivery", "login", "refund")
TABLE = {f"text {i}": LABELS[i % 3] for i in range(60)}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {"type": "object", "properties": {"label": {"enum": list(LABELS)}}},
    },
}
TOOLS = [
    {
        "type": "function",
        "function": {"name": "answer", "parameters": SCHEMA["json_schema"]["schema"]},
    }
]
ASKED = {"max_tokens": 50, "response_format": SCHEMA}


def ask(standin, text="text 1", query="", **fields):
    """Status, headers and body of the reply to one request; no redirect is followed."""
    messages = [{"role": "user", "content": text}]
    host, _, path = standin.base_url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    body = json.dumps({"model": "m", "messages": messages, **(fields or ASKED)})
    connection.request("POST", f"/{path}/chat/completions{query}", body)
    response = connection.getresponse()
    try:
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def answer(standin, text="text 1", **fields):
    status, _, body = ask(standin, text, **fields)
    assert status == 200, body
    return json.loads(body)


def test_the_table_has_a_line_for_each_manner():
    assert len(MANNERS) >= 80
    for name, manner in MANNERS.items():
        assert manner.name == name == name.lower().replace(" ", "-")
        assert manner.does
        assert manner.we
        assert manner.ends in ("labels", "some", "none", "stops")
        assert manner.books in ("exact", "estimated", "bound")
        # A manner does something, and one that is an error is no answer.
        acts = [manner.refuse, manner.say, manner.thoughts, manner.count, manner.send]
        assert any(act is not None for act in acts) or manner.slots
    assert [row["manner"] for row in table_of_manners()] == [f"`{name}`" for name in MANNERS]


@pytest.mark.parametrize("name", MANNERS)
def test_every_manner_shows_over_a_real_connection(name):
    """Each of the texts that meets it gets another reply than a polite server's."""
    fields = {**ASKED, "logprobs": True, "top_logprobs": 3}
    with serve(TABLE) as polite, serve(TABLE, manners=name) as standin:
        for text in TABLE:
            there = comparable(ask(standin, text, **fields))
            if not standin.met():
                assert there[2] == comparable(ask(polite, text, **fields))[2]
                continue
            assert standin.met() == {name: 1}
            if MANNERS[name].slots is None:
                assert there != comparable(ask(polite, text, **fields))
            return
    pytest.fail("no text met it")


def comparable(reply):
    """A reply without its time and number."""
    status, headers, body = reply
    kind = headers.get("Content-Type"), headers.get("Retry-After"), headers.get("Location")
    if len(body) < 10_000 and headers.get("Content-Encoding") is None:
        try:
            value = json.loads(body)
        except ValueError:
            return status, kind, body
        if isinstance(value, dict):
            return status, (*kind, body[:1]), {**value, "id": "", "created": 0}
    return status, kind, body


def test_manners_take_turns():
    with serve(TABLE, manners="polite,schema-ignored, key-400", turn=2) as standin:
        said = [ask(standin, text) for text in list(TABLE)[:7]]
    statuses = [status for status, _, _ in said]
    assert statuses == [200, 200, 200, 200, 400, 400, 200]
    contents = [
        json.loads(body)["choices"][0]["message"]["content"]
        for status, _, body in said
        if status == 200
    ]
    assert [c.startswith("{") for c in contents] == [True, True, False, False, True]


def test_a_text_that_meets_a_manner_is_the_same_each_time_and_a_retry_can_pass():
    def met(standin):
        return {t: ask(standin, t)[0] for t in TABLE}

    with serve(TABLE, manners="loading") as one, serve(TABLE, manners=["loading"]) as two:
        first = met(one)
        assert first == met(two)
        assert set(first.values()) == {200, 503}
        assert set(met(one).values()) == {200}
    with serve(TABLE, manners="loading", seed=1) as other:
        assert met(other) != first


def test_faults_meet_requests_that_no_manner_meets():
    with serve(TABLE, manners="moderated", faults=Faults(server_error=1.0)) as standin:
        statuses = {ask(standin, text)[0] for text in TABLE}
        assert statuses == {403, 500}
        assert set(standin.met()) == {"moderated", "server_error"}


@pytest.mark.parametrize("name", ["polite", "loading", "schema-422"])
def test_an_error_bills_nothing_and_an_answer_its_tokens(name):
    with serve(TABLE, manners=name) as standin:
        for text in TABLE:
            before = standin.billed
            status, _, body = ask(standin, text)
            spent = standin.billed[0] - before[0], standin.billed[1] - before[1]
            if status == 200:
                usage = json.loads(body)["usage"]
                assert spent == (usage["prompt_tokens"], usage["completion_tokens"])
            else:
                assert spent == (0, 0)


def test_thoughts_are_billed_where_the_usage_hides_them():
    with serve(TABLE) as polite, serve(TABLE, manners="total-only") as standin:
        plain, usage = answer(polite)["usage"], answer(standin)["usage"]
        assert usage["completion_tokens"] == plain["completion_tokens"]
        assert usage["total_tokens"] == plain["total_tokens"] + 600
        assert standin.billed == (plain["prompt_tokens"], plain["completion_tokens"] + 600)


@pytest.mark.parametrize(
    "name", ["usage-zero", "usage-absurd", "usage-64-bits", "usage-400-digits", "usage-null"]
)
def test_the_bill_is_what_was_used_whatever_the_usage_says(name):
    with serve(TABLE) as polite, serve(TABLE, manners=name) as standin:
        usage = answer(standin)["usage"]
        told = usage["prompt_tokens"], usage["completion_tokens"]
        answer(polite)
        assert standin.billed == polite.billed != told


def test_a_dear_answer_passes_the_limit_and_is_billed():
    with serve(TABLE, manners="dear-answer") as standin:
        usage = answer(standin)["usage"]
        assert usage["completion_tokens"] > 3 * ASKED["max_tokens"]
        assert standin.billed[1] == usage["completion_tokens"]


def test_thoughts_written_into_the_content_count():
    with serve(TABLE, manners="thoughts") as standin:
        said = answer(standin)
        content = said["choices"][0]["message"]["content"]
        assert standin.billed[1] == math.ceil(len(content.encode()) / 4)
        # The other label stands in the thoughts, the right one behind them.
        thoughts, _, rest = content.partition("</think>")
        assert json.loads(rest) == {"label": TABLE["text 1"]}
        assert "label" in thoughts
        assert TABLE["text 1"] not in thoughts


def test_logprobs_of_thoughts_stand_before_those_of_the_answer():
    with serve(TABLE, manners="logprobs-thoughts") as standin:
        choice = answer(standin, logprobs=True, top_logprobs=2, **ASKED)["choices"][0]
        assert answer(standin)["choices"][0]["logprobs"] is None
    written = "".join(entry["token"] for entry in choice["logprobs"]["content"])
    assert written.endswith(choice["message"]["content"])
    assert written.startswith("<think>")


def test_functions_only():
    with serve(TABLE, manners="arguments-twice") as standin:
        assert ask(standin)[0] == 400
        message = answer(standin, tools=TOOLS)["choices"][0]["message"]
        given = message["tool_calls"][0]["function"]["arguments"]
        assert json.loads(json.loads(given)) == {"label": TABLE["text 1"]}
        assert standin.billed[0] > 0


def test_a_row_whose_generation_is_refused_is_answered_in_another_form():
    with serve(TABLE, manners="generation-refused-again") as standin:
        refused = next(text for text in TABLE if ask(standin, text)[0] == 400)
        assert ask(standin, refused, tools=TOOLS)[0] == 400
        assert ask(standin, refused, max_tokens=5)[0] == 200


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("streams", (1, 1, False)),
        ("streams-comments", (1, 1, True)),
        ("streams-uncounted", (0, 0, False)),
    ],
)
def test_a_stream_spells_the_answer(name, marks):
    with serve(TABLE, manners=name) as standin:
        _, headers, body = ask(standin)
    assert headers["Content-Type"] == "text/event-stream"
    lines = body.decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    events = [json.loads(line) for line in data if line != "[DONE]"]
    choices = [event["choices"][0] for event in events if event["choices"]]
    content = "".join(choice["delta"].get("content", "") for choice in choices)
    assert json.loads(content) == {"label": TABLE["text 1"]}
    assert choices[-1]["finish_reason"] == "stop"
    usages = [event for event in events if "usage" in event]
    comments = any(line.startswith(":") for line in lines)
    assert (len(usages), data.count("[DONE]"), comments) == marks


def test_a_stream_spells_the_arguments_of_a_function():
    with serve(TABLE, manners="streams") as standin:
        _, _, body = ask(standin, tools=TOOLS)
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line[6:8] == '{"']
    deltas = [e["choices"][0]["delta"] for e in events if e["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert calls[0]["function"]["name"] == "answer"
    arguments = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(arguments) == {"label": TABLE["text 1"]}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_to_a_server_that_notes_what_comes(status):
    with serve(TABLE, manners=f"redirect-{status}") as standin:
        found, headers, _ = ask(standin)
        assert found == status
        place = headers["Location"]
        assert place == standin.elsewhere.url
        assert not place.startswith(standin.base_url)
        request = urllib.request.Request(place, b"{}", {"Authorization": "Bearer k"})
        with urllib.request.urlopen(request) as response:
            assert "choices" in json.loads(response.read())
        (strayed,) = standin.elsewhere.strayed
        assert (strayed.method, strayed.key, strayed.size) == ("POST", "Bearer k", 2)
        assert standin.billed == (0, 0)


def test_a_redirect_to_another_path_of_the_same_server_is_answered_there():
    with serve(TABLE, manners="redirect-here") as standin:
        status, headers, _ = ask(standin)
        assert (status, headers["Location"]) == (308, "/v1/chat/completions?followed=1")
        assert ask(standin, query="?followed=1")[0] == 200


def large(name):
    """The first text that meets the manner, and its reply."""
    with serve(TABLE, manners=name) as standin:
        for text in TABLE:
            reply = ask(standin, text)
            if standin.met():
                assert standin.billed[0] > 0
                return reply
    raise AssertionError(name)


def test_bodies_are_large_and_end():
    _, headers, body = large("body-huge")
    assert len(body) == int(headers["Content-Length"]) > 32 * 2**20
    assert "choices" in json.loads(body)
    _, headers, body = large("body-packed")
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 100_000
    assert len(gzip.decompress(body)) > 32 * 2**20
    _, headers, body = large("body-endless")
    assert len(body) > 32 * 2**20
    with pytest.raises(ValueError, match=r".*"):
        json.loads(body)


def test_a_body_that_cannot_be_unpacked():
    _, headers, body = large("body-corrupt")
    assert headers["Content-Encoding"] == "gzip"
    with pytest.raises((zlib.error, OSError, EOFError)):
        gzip.decompress(body)


def test_one_slot_works_on_one_request_at_a_time():
    from concurrent.futures import ThreadPoolExecutor

    with serve(TABLE, manners="one-slot") as standin, ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda text: ask(standin, text)[0], list(TABLE)[:4]))
        assert replies == [200] * 4
        assert standin.peak > 1  # they came together, and waited


# --- batches --------------------------------------------------------------------------


def batched(standin, texts):
    """Lines of the outputs of a batch about texts."""
    lines = [
        {
            "custom_id": text,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "m", "messages": [{"role": "user", "content": text}], **ASKED},
        }
        for text in texts
    ]
    name = standin.batches.keep("\n".join(map(json.dumps, lines)).encode())
    made = {"input_file_id": name, "endpoint": "/v1/chat/completions"}
    standin.batches.poll(standin.batches.make(made)["id"])
    shown = standin.batches.made[0]
    files = [shown[kind] for kind in ("output_file_id", "error_file_id") if shown[kind]]
    return [json.loads(line) for f in files for line in standin.batches.files[f].splitlines()]


@pytest.mark.parametrize("name", MANNERS)
def test_every_manner_can_be_met_in_a_batch(name):
    with serve(TABLE, manners=name) as standin:
        lines = batched(standin, TABLE)
        assert len(lines) == len(TABLE)
        assert standin.met()[name] > 0
        assert standin.batches.made[0]["status"] == "completed"


# --- names ----------------------------------------------------------------------------


def test_an_unknown_manner_is_one_line():
    with pytest.raises(InvalidInput, match=r"no manner 'streem'; did you mean 'streams'"):
        serve(TABLE, manners="streem")
    with pytest.raises(InvalidInput, match="a turn must be 1 request or more, got 0"):
        serve(TABLE, manners="streams", turn=0)
    with serve(TABLE, manners="") as standin:
        assert ask(standin)[0] == 200
        assert not standin.met()


def test_manners_from_the_command_line(capsys):
    main(["--show-manners"])
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == list(MANNERS)
    with pytest.raises(SystemExit):
        main(["--manners", "rude"])
    assert "no manner 'rude'" in capsys.readouterr().err


def test_a_server_from_the_command_line_has_its_manner():
    command = [sys.executable, "-m", "tracer_nb.standin", "--manners", "key-400,polite"]
    with subprocess.Popen([*command, "--turn", "1"], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = [process.stdout.readline() for _ in range(2)][1].strip()
            data = json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode()
            request = urllib.request.Request(f"{url}/chat/completions", data)
            with pytest.raises(urllib.error.HTTPError, match="400"):
                urllib.request.urlopen(request)
            with urllib.request.urlopen(request) as response:
                assert "choices" in json.loads(response.read())
        finally:
            process.kill()
