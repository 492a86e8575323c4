"""The files and batches endpoints of the stand-in, through the SDK."""

import asyncio
import io
import json

import openai
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.standin import BatchRules, Faults, serve

LABELS = ("card", "refund")
TABLE = {f"text {i}": LABELS[i % 2] for i in range(20)}
ENDPOINT = "/v1/chat/completions"


def line(text, **changes):
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": f"id {text}", "method": "POST", "url": ENDPOINT, "body": body} | changes


def run(standin, lines, polls, *, cancel=False):
    """Make a batch and poll it; the last state, and the lines of both files."""

    async def go():
        async with openai.AsyncOpenAI(base_url=standin.base_url, api_key="k") as client:
            content = "\n".join(map(json.dumps, lines)).encode()
            file = ("b.jsonl", io.BytesIO(content))
            sent = await client.files.create(file=file, purpose="batch")
            batch = await client.batches.create(
                input_file_id=sent.id,
                endpoint=ENDPOINT,
                completion_window="24h",
                metadata={"who": "me"},
            )
            if cancel:
                batch = await client.batches.cancel(batch.id)
                assert batch.status == "cancelling"
            for _ in range(polls):
                batch = await client.batches.retrieve(batch.id)
            read = []
            for name in (batch.output_file_id, batch.error_file_id):
                content = (await client.files.content(name)).content if name else b""
                read.append([json.loads(raw) for raw in content.splitlines()])
            return batch, *read

    return asyncio.run(go())


def label_of(entry):
    return entry["response"]["body"]["choices"][0]["message"]["content"]


def test_a_batch_gives_the_answers_of_the_chat_endpoint():
    with serve(TABLE, wrong=0.3, seed=3, batches=BatchRules(polls=2)) as standin:
        batch, *_ = run(standin, [line(text) for text in TABLE], polls=1)
        assert batch.status == "in_progress"
        assert standin.requests == 0
        batch, output, errors = run(standin, [line(text) for text in TABLE], polls=2)
        expected = {f"id {text}": standin.answers.label(text) for text in TABLE}
    assert batch.status == "completed"
    assert (batch.request_counts.completed, batch.request_counts.failed) == (20, 0)
    assert batch.metadata == {"who": "me"}
    assert {entry["custom_id"]: label_of(entry) for entry in output} == expected
    assert sum(label != TABLE[name[3:]] for name, label in expected.items()) > 0
    assert errors == []
    assert batch.usage.input_tokens == sum(
        entry["response"]["body"]["usage"]["prompt_tokens"] for entry in output
    )


@pytest.mark.parametrize("one_file", [True, False])
def test_failed_requests_stand_in_a_file_of_their_own_or_not(one_file):
    faults = Faults(rate_limit=0.2, server_error=0.2)
    rules = BatchRules(one_file=one_file)
    with serve(TABLE, faults=faults, batches=rules) as standin:
        batch, output, errors = run(standin, [line(text) for text in TABLE], polls=1)
        met = standin.met()
    assert batch.request_counts.failed == met["rate_limit"] + met["server_error"] > 0
    codes = [entry["response"]["status_code"] for entry in output + errors]
    assert (codes.count(429), codes.count(500)) == (met["rate_limit"], met["server_error"])
    assert bool(errors) is not one_file


@pytest.mark.parametrize("cancel", [True, False])
def test_a_batch_that_ends_early_has_answered_a_part(cancel):
    rules = BatchRules(answered=0.25, ending="completed" if cancel else "expired")
    with serve(TABLE, batches=rules) as standin:
        batch, output, errors = run(standin, [line(text) for text in TABLE], polls=1, cancel=cancel)
        assert standin.requests == 5
    assert batch.status == ("cancelled" if cancel else "expired")
    assert (len(output), len(errors)) == (5, 15)
    assert {entry["error"]["code"] for entry in errors} == {"batch_expired"}


@pytest.mark.parametrize(
    "lines",
    [
        [line("a"), line("a")],
        [line("a", method="GET")],
        [line("a", url="/v1/embeddings")],
        [line("a", body="text")],
        [{"body": {}}],
        [7],
        [],
    ],
)
def test_what_is_no_batch_fails_its_validation(lines):
    with serve(TABLE) as standin:
        batch, output, errors = run(standin, lines, polls=1)
    assert batch.status == "failed"
    assert batch.errors.data[0].message
    assert output == errors == []


def test_a_failure_on_purpose_and_a_missing_output():
    with serve(TABLE, batches=BatchRules(ending="failed")) as standin:
        batch, *_ = run(standin, [line("text 1")], polls=1)
        assert (batch.status, batch.errors.data[0].code) == ("failed", "token_limit_exceeded")
    with (
        serve(TABLE, batches=BatchRules(has_output=False)) as standin,
        pytest.raises(openai.NotFoundError, match="No such File"),
    ):
        run(standin, [line("text 1")], polls=1)


def test_a_line_may_be_broken_and_the_order_another():
    with serve(TABLE, batches=BatchRules(shuffled=True)) as standin:
        _, output, _ = run(standin, [line(text) for text in TABLE], polls=1)
    names = [entry["custom_id"] for entry in output]
    assert sorted(names) == sorted(f"id {text}" for text in TABLE)
    assert names != [f"id {text}" for text in TABLE]
    with (
        serve(TABLE, faults=Faults(malformed=1.0)) as standin,
        pytest.raises(json.JSONDecodeError),
    ):
        run(standin, [line("text 1")], polls=1)


def test_batches_are_listed_page_by_page_the_last_first():
    async def names(url):
        async with openai.AsyncOpenAI(base_url=url, api_key="k") as client:
            return [batch.id async for batch in client.batches.list(limit=2)]

    with serve(TABLE) as standin:
        for _ in range(5):
            run(standin, [line("text 1")], polls=0)
        assert asyncio.run(names(standin.base_url)) == [f"batch-{i}" for i in (5, 4, 3, 2, 1)]
        assert standin.batches.made[0]["id"] == "batch-1"


def test_there_may_be_no_batches_and_a_key_is_needed():
    with (
        serve(TABLE, batches=BatchRules(available=False)) as standin,
        pytest.raises(openai.NotFoundError),
    ):
        run(standin, [line("text 1")], polls=1)
    with serve(TABLE, api_key="other") as standin, pytest.raises(openai.AuthenticationError):
        run(standin, [line("text 1")], polls=1)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"ending": "over"}, "no ending of a batch 'over'"),
        ({"polls": -1}, "polls must be 0 or more, got -1"),
        ({"lost_replies": -2}, "lost_replies must be 0 or more, got -2"),
        ({"answered": 1.5}, "answered must be a share"),
    ],
)
def test_rules_that_cannot_be_are_refused(rules, said):
    with pytest.raises(InvalidInput, match=said):
        BatchRules(**rules)
