import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.reply import billed_tokens, read_reply
from tracer_nb.teachers.prices import Price

from .chatserver import Say, ask

FORM = make_forms(("a", "b"), {}, "text", logprobs=False)[0]


def usage(prompt=None, completion=None, total=None, **more):
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    told = zip(names, (prompt, completion, total), strict=True)
    return {**{name: n for name, n in told if n is not None}, **more}


@pytest.mark.parametrize(
    ("said", "billed"),
    [
        (usage(100, 8, 108), (100, 8)),
        (usage(100, 8), (100, 8)),
        # hidden tokens
        (usage(100, 8, 708, completion_tokens_details={"reasoning_tokens": 600}), (100, 608)),
        (usage(100, 8, 708), (100, 608)),
        (usage(100, 0, 700), (100, 600)),
        (usage(100, None, 700), (100, 600)),
        (usage(100, 608, 708, completion_tokens_details={"reasoning_tokens": 600}), (100, 608)),
        (usage(100, 8, 108, completion_tokens_details={"reasoning_tokens": 600}), (100, 608)),
        (usage(100, 8, completion_tokens_details={"reasoning_tokens": 600}), (100, 608)),
        (usage(100, 8, 108, completion_tokens_details={"reasoning_tokens": 5}), (100, 8)),
        (usage(100, 8, 108, completion_tokens_details=[600]), (100, 8)),
        # a total that tells nothing more
        (usage(100, 8, 50), (100, 8)),
        (usage(100, 8, 0), (100, 8)),
        (usage(100, 8, -5), (100, 8)),
        (usage(100, 8, "708"), (100, 8)),
        (usage(None, 8, 108), (100, 8)),
        # other names and kinds
        ({"input_tokens": 100, "output_tokens": 8}, (100, 8)),
        (usage(100.0, 8.0, 108.0), (100, 8)),
        # unknown
        (usage(0, 0, 0), (None, None)),
        (usage(0, 8, 8), (None, 8)),
        (usage(100, 0, 100), (100, None)),
        (usage(-1, -1, -2), (None, None)),
        (usage(100, -8), (100, None)),
        (usage("100", "8"), (None, None)),
        ({"prompt_tokens": True, "completion_tokens": True}, (None, None)),
        (usage(100.5, 8.5), (None, None)),
        (usage(math.nan, math.inf), (None, None)),
        (usage([100], {"n": 8}), (None, None)),
        (usage(10**400, 10**400, 10**400), (None, None)),
        (usage(2**63, 8), (None, 8)),
        (usage(2**63 - 1, 2**63 - 1, 2**63 - 1), (2**63 - 1, 2**63 - 1)),
        (usage(1, 2**63 - 1, completion_tokens_details={"reasoning_tokens": 2**63 - 1}), None),
        # a total alone: all of it may be of the answer
        (usage(None, None, 708), (None, 708)),
        (usage("many", -1, 708), (None, 708)),
        ({}, (None, None)),
        (None, (None, None)),
        ([100, 8], (None, None)),
        ("100", (None, None)),
    ],
)
def test_what_is_billed(said, billed):
    prompt, answer = billed_tokens(said)
    if billed is not None:
        assert (prompt, answer) == billed
    assert all(n is None or 0 < n < 2**63 for n in (prompt, answer))


@given(prompt=st.integers(1, 10**6), answer=st.integers(1, 10**6), hidden=st.integers(0, 10**6))
def test_never_less_than_the_server_says(prompt, answer, hidden):
    details = {"reasoning_tokens": hidden}
    for said in (
        usage(prompt, answer, prompt + answer + hidden),
        usage(prompt, answer, prompt + answer + hidden, completion_tokens_details=details),
    ):
        assert billed_tokens(said) == (prompt, answer + hidden)
    inside = usage(prompt, answer + hidden, prompt + answer + hidden)
    assert billed_tokens({**inside, "completion_tokens_details": details})[1] == answer + hidden


@pytest.mark.parametrize("number", ["9" * 400, "9" * 6000, "-" + "9" * 6000, "1e999", "NaN"])
@pytest.mark.parametrize("place", ["usage", "logprobs", "elsewhere"])
def test_a_number_beyond_all_measure_spoils_nothing_else(number, place):
    inside = {
        "usage": ("%s", '[{"token": "a", "logprob": -1}]', "0"),
        "logprobs": ("3", '[{"token": "a", "logprob": %s}]', "0"),
        "elsewhere": ("3", "[]", "%s"),
    }[place]
    prompt, tokens, other = (part.replace("%s", number) for part in inside)
    body = (
        '{"choices": [{"message": {"content": "{\\"label\\": \\"a\\"}"}, "logprobs": {"content": '
        f'{tokens}}}}}], "usage": {{"prompt_tokens": {prompt}, "completion_tokens": 4}}, '
        f'"created": {other}}}'
    )
    reply = read_reply(body.encode(), FORM)
    assert json.loads(reply.content) == {"label": "a"}
    assert (reply.prompt_tokens, reply.completion_tokens) == (None if place == "usage" else 3, 4)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-6-luna", "gpt-6-luna"),
        (" a\n b ", "a b"),
        ("a\x1b[31m\x00", "a[31m"),
        ("\ud800x", "?x"),
        ("x" * 10_000, "x" * 200),
        ("", None),
        (None, None),
        (["a"], None),
    ],
)
def test_who_answered(model, name):
    body = json.dumps({"model": model, "choices": [{"message": {"content": "a"}}]})
    assert read_reply(body.encode(), FORM).model == name


def test_a_total_alone_is_never_booked_at_less_than_was_billed(server, chat):
    body = {"choices": [{"message": {"content": "refund"}}], "usage": {"total_tokens": 9000}}
    server.script = [Say(raw=json.dumps(body).encode())]
    answer = ask(chat(price=Price(1.0, 8.0, "test")), "x")
    assert answer.label == "refund"
    assert not answer.counted
    assert answer.prompt_tokens > 0
    assert answer.completion_tokens == 9000
    assert answer.cost > 9000 * 8.0 / 1e6
