import json
import math

import pytest

from tracer_nb.standin.wire import token_logprobs
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.reading import LabelMatcher, read_label
from tracer_nb.teachers.chat.reply import read_reply

LABELS = ("card", "card lost", "cash", "refund now", "你好", "你们")
SHARES = {"card lost": 0.5, "card": 0.3, "cash": 0.15, "refund now": 0.05}
FORMS = {form.name: form for form in make_forms(LABELS, {}, "codes", logprobs=True)}


def entry(token, chance=1.0, others=(), **more):
    top = [{"token": t, "logprob": math.log(p)} for t, p in others]
    return {"token": token, "logprob": math.log(chance), "top_logprobs": top, **more}


def plain(*tokens):
    return [entry(token, 0.9, [("card", 0.05), ("cash", 0.05)]) for token in tokens]


def spread(content, entries, form="json-schema", **message):
    message = {"content": content, **message}
    body = {"choices": [{"message": message, "logprobs": {"content": entries}}]}
    reply = read_reply(json.dumps(body).encode(), FORMS[form])
    return read_label(reply, LABELS, LabelMatcher(LABELS)).probabilities


OBJECT = '{"label": "card lost"}'
SPELLED = token_logprobs(SHARES, "card lost", as_json=True, top=20)
BARE = token_logprobs({"cash": 0.6, "refund now": 0.4}, "cash", as_json=False, top=20)


@pytest.mark.parametrize(
    ("content", "before", "behind"),
    [
        (OBJECT, [], []),
        (OBJECT, plain("<think>", "cash", "?", "</think>", "\n"), []),
        (OBJECT, [*plain("so "), *SPELLED, *plain("</think>")], plain("<|im_end|>")),
        (OBJECT, [], plain("<|im_end|>", "\n")),
        (f"\n{OBJECT}\n", plain("hm\n"), plain("\n")),
        (f"I say {OBJECT}.", plain("I", " say "), plain(".")),
        (f"```json\n{OBJECT}\n```", plain("```json", "\n"), plain("\n```")),
        (f"<think>cash</think>{OBJECT}", plain("<think>", "cash", "</think>"), []),
    ],
)
def test_only_the_tokens_that_spell_the_answer_count(content, before, behind):
    found = spread(content, [*before, *SPELLED, *behind])
    assert found == pytest.approx(SHARES)


def test_a_bare_label_behind_thoughts_that_say_the_same():
    thoughts = plain("<think>", "cash", " or ", "card", "</think>", "\n")
    assert spread("cash", [*thoughts, *BARE]) == pytest.approx({"cash": 0.6, "refund now": 0.4})
    end = plain("<|im_end|>")
    found = spread("cash", [*thoughts, *BARE, *end])
    assert found["cash"] > 0.5 > found["refund now"] > 0.3


def test_a_code_behind_thoughts():
    code = [entry("B", 0.7, [("B", 0.7), ("A", 0.3)])]
    thoughts = [entry("A", 0.9, [("C", 0.1)]), entry(" or "), entry("B"), entry("?\n")]
    found = spread("B", [*thoughts, *code], "codes")
    assert found == pytest.approx({"card lost": 0.7, "card": 0.3})


def test_thoughts_without_probabilities_do_no_harm():
    thoughts = [{"token": "hm"}, {"token": "so", "logprob": None}, {"token": "x", "logprob": 10**9}]
    assert spread(OBJECT, [*thoughts, *SPELLED]) == pytest.approx(SHARES)


@pytest.mark.parametrize(
    "entries",
    [
        plain("cash"),
        plain("{", "label", "card lost"),
        [*SPELLED, *plain(" but "), *SPELLED, *plain(" no")],  # twice, and ends with neither
        [*SPELLED[:5], {"token": SPELLED[5]["token"]}, *SPELLED[6:]],  # one without a number
        [*SPELLED[:4], {**SPELLED[4], "logprob": math.nan}, *SPELLED[5:]],
        [*SPELLED, "no token"],
        {"content": SPELLED},
        [],
        None,
    ],
)
def test_what_cannot_be_set_beside_the_answer_gives_no_distribution(entries):
    assert spread(OBJECT, entries) is None


def raw(part, chance):
    return {"token": "\\x00", "logprob": math.log(chance), "bytes": list(part)}


def test_parts_of_characters():
    # The second character of both labels begins in the token that parts them.
    one, two = "你好".encode(), "你们".encode()
    head = [entry('{"'), entry("label"), entry('":'), entry(' "')]
    first = {**raw(one[:4], 0.8), "top_logprobs": [raw(one[:4], 0.8), raw(two[:4], 0.2)]}
    found = spread('{"label": "你好"}', [*head, first, raw(one[4:], 1.0), entry('"}')])
    assert found == pytest.approx({"你好": 0.8, "你们": 0.2})


@pytest.mark.parametrize("space", ["\u0120", "\u2581"])
def test_a_vocabulary_that_writes_spaces_in_its_own_way(space):
    entries = json.loads(json.dumps(SPELLED))
    for one in entries:
        one["token"] = one["token"].replace(" ", space)
        del one["bytes"]
        for other in one["top_logprobs"]:
            other["token"] = other["token"].replace(" ", space)
    assert spread(OBJECT, entries) == pytest.approx(SHARES)


def test_an_answer_that_is_not_in_the_text_has_no_distribution():
    call = {"function": {"name": "answer", "arguments": OBJECT}}
    assert spread("", SPELLED, "tool", tool_calls=[call]) is None
