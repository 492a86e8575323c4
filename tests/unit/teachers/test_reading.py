"""What a reply says: a table of shapes that are seen, many of which must give no label."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer_nb.teachers.chat import reading
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.reading import LabelMatcher, read_label
from tracer_nb.teachers.chat.reply import Reply, read_reply
from tracer_nb.teachers.chat.wire import named_in_text

LABELS = ("card lost", "refund", "top up", "5", "a.b", '"quoted"')
MATCH = LabelMatcher(LABELS)
FORMS = {form.name: form for form in make_forms(LABELS, {}, "codes", logprobs=False)}
REFUND = '{"label": "refund"}'
LOST = '{"label": "card lost"}'
FOO = '{"label": "foo"}'
CALL = '{"name": "answer", "arguments": {"label": "refund"}}'
TWICE = json.dumps(REFUND)
HARMONY = f"<|channel|>analysis<|message|>{LOST}<|end|>"
CALLED = "<|channel|>commentary to=functions.answer <|constrain|>json<|message|>"


def read(message, form="json-schema", **choice):
    body = {"choices": [{"message": message, **choice}]}
    return read_label(read_reply(json.dumps(body).encode(), FORMS[form]), LABELS, MATCH)


def said(content, form="json-schema"):
    found = read({"content": content}, form)
    return found.label, found.mode


# --- the text

AS_ASKED = [
    REFUND,
    ' {"label":"refund"}\n',
    '{"label": " Refund\\n"}',
    '{"label": "REFUND"}',
    '{"reason": "the\nmoney", "label": "refund"}',
    '{"label": "refund", "confidence": 0.9}',
    '{"label": "refund", "sure": NaN}',
    '{"label": "refund", "sure": -Infinity, "n": ' + "9" * 5000 + "}",
    '{"label": "refund", "label": "refund"}',
    '{"label": "refund", "why": "not </think> {\\"label\\": \\"top up\\"}"}',
    '{"label": "refund", "deep": ' + "[" * 400 + "]" * 400 + "}",
]
IN_TEXT = [
    # once more encoded, or inside something
    TWICE,
    json.dumps(TWICE),
    f"[{REFUND}]",
    '{"answer": {"label": "refund"}}',
    '{"label": {"label": "refund"}}',
    '{"role": "assistant", "content": "{\\"label\\": \\"refund\\"}"}',
    f"{REFUND}\n{REFUND}",
    f'{REFUND} or, shorter: {{"label":"Refund"}}',
    # a call of a function, written as text
    CALL,
    json.dumps({"name": "answer", "arguments": REFUND}),
    json.dumps({"name": "answer", "arguments": TWICE}),
    json.dumps({"name": "answer", "parameters": {"label": "refund"}}),
    json.dumps({"tool_calls": [{"function": {"name": "answer", "arguments": REFUND}}]}),
    f"<tool_call>\n{CALL}\n</tool_call>",
    f"[TOOL_CALLS]answer{REFUND}",
    f"[TOOL_CALLS][{CALL}]",
    f"<|python_tag|>{CALL}",
    "<function=answer>\n<parameter=label>\nrefund\n</parameter>\n</function>",
    "<tool_call>answer\n<arg_key>label</arg_key>\n<arg_value>refund</arg_value>\n</tool_call>",
    '[answer(label="refund")]',
    "answer(label='refund')",
    # fences and marks
    f"```json\n{REFUND}\n```",
    f"~~~\n{REFUND}\n~~~",
    f"`{REFUND}`",
    f"**{REFUND}**",
    f"{REFUND}<|im_end|>",
    f"<s> {REFUND} </s>",
    "```\nrefund\n```",
    "```text\nrefund\n```",
    "```json\nrefund",
    '```json\n"refund"\n```',
    "```refund```",
    # prose
    f"The answer is {REFUND}.",
    f"Sure! Here is the JSON:\n\n```json\n{REFUND}\n```\nHope this helps {{smile}}",
    f'Not "card lost", not top up, but {REFUND}',
    f"{{see: {REFUND}}}",
    f'He said "{{" and I say {REFUND}',
    f'{{"text": "unfinished, {REFUND}',
    "{'label': 'refund'}",
    '{label: "refund"}',
    '{"label": "refund",}',
    # thoughts
    f"<think>card lost? {LOST}</think>{REFUND}",
    f"<think>\n\n</think>\n\n{REFUND}",
    f"card lost, I think, {LOST}</think>\n{REFUND}",
    f"<think>a</think>b<think>{LOST}</think>{REFUND}",
    f"<thinking>{LOST}</thinking>{REFUND}",
    f"<thought>{LOST}</thought>{REFUND}",
    f"<reasoning>{LOST}</reasoning>{REFUND}",
    f"[THINK]{LOST}[/THINK]{REFUND}",
    f"\u25c1think\u25b7{LOST}\u25c1/think\u25b7{REFUND}",
    f"{HARMONY}<|start|>assistant<|channel|>final<|message|>{REFUND}<|return|>",
    f"{HARMONY}<|start|>assistant{CALLED}{REFUND}<|call|>",
    "<think>card lost?</think>refund",
    "so it is not card lost</think>\n\n**refund**",
    # the bare label
    "refund",
    "Refund",
    " refund\n",
    '"refund"',
    "'refund'.",
    "**refund**",
    "*Refund*.",
    "- refund",
    "# refund",
    "(refund)",
    "[refund]",
    "\u201crefund\u201d",
    "refund<|eot_id|>",
    "<answer>refund</answer>",
    "<label> refund </label>",
    "label: refund",
    "Label: **refund**",
    "**Label:** refund",
    '"label": "refund"',
    "LABEL = refund",
    "```\nlabel: refund\n```",
]
NO_LABEL = [
    "",
    " \n",
    # prose
    "not refund",
    "I think it is refund",
    "refund or card lost",
    "refund, card lost",
    "refund\ncard lost",
    "refund?",
    "!refund",
    "refunds",
    "re fund",
    "label: not refund",
    "label: refund or card lost",
    "label: label: refund",
    "label:",
    "Labels: refund",
    "answer: not refund",
    "The label is refund.",
    "refund because the customer wants money",
    "-5",
    "#5",
    ">5",
    ".5",
    "5.0",
    "```\nrefund\ncard lost\n```",
    "<a>refund</a><b>card lost</b>",
    "<answer>not refund</answer>",
    # two labels
    REFUND + LOST,
    f"{REFUND}\n{LOST}\n{REFUND}",
    f"Either {REFUND} or {LOST}.",
    f"[{REFUND}, {LOST}]",
    f"{REFUND} {FOO}",
    f"{FOO} {REFUND}",
    '{"label": "refund", "label": "card lost"}',
    '{"label": "refund", "second": {"label": "card lost"}}',
    '{"label": "refund"} {"label": ["card lost"]}',
    '{"label": "refund"} {"label": null}',
    f"{{'label': 'card lost'}} {REFUND}",
    f'answer(label="card lost") {REFUND}',
    json.dumps([{"name": "answer", "arguments": REFUND}, {"name": "answer", "arguments": LOST}]),
    f"<think>x</think>{REFUND}<think>y</think>{REFUND}{LOST}",
    f"{FOO}\nrefund",
    # something else than a label
    FOO,
    '{"label": ""}',
    '{"label": null}',
    '{"label": true}',
    '{"label": 5.0}',
    '{"label": 1e400}',
    '{"label": ["refund"]}',
    '{"label": ["refund", "card lost"]}',
    '{"labels": ["refund"]}',
    '{"Label": "refund"}',
    '{"answer": "refund"}',
    '["refund"]',
    '{"refund": true}',
    "null",
    "5 6",
    '{"label": "refund',
    '{"label": "refund"',
    '"{\\"label\\": \\"refund\\"',
    # somebody else's words
    json.dumps({"text": f"please answer {REFUND}"}),
    json.dumps({"text": REFUND}),
    json.dumps({"properties": {"label": {"type": "string", "enum": ["refund"]}}}),
    # thoughts without an end, or with nothing behind them
    f"<think>{REFUND}",
    "<think>refund",
    f"<think>a</think>\n<think>{REFUND}",
    f"{REFUND}</think>",
    f"<think>{REFUND}</think>",
    f"[THINK]{REFUND}",
    f"<|channel|>analysis<|message|>{REFUND}",
    f"<think>{REFUND}</think>not {LOST}{REFUND}",
    # rubbish
    "\x00",
    "\ud800",
    "refund\x00",
    '{"label": "\\ud800"}',
    '{"label": "refund\\u0000"}',
    '{"label": "' + "refund" * 100_000 + '"}',
    "[" * 100_000,
    '{"label":' * 3000,
    '{"label": ' + "[" * 480 + "]" * 480 + "}",
]


@pytest.mark.parametrize("content", AS_ASKED, ids=range(len(AS_ASKED)))
def test_the_object_asked_for(content):
    assert said(content) == ("refund", "json-schema")
    assert said(content, "text") == ("refund", "text")
    assert said(content, "tool") == ("refund", "text")


@pytest.mark.parametrize("content", IN_TEXT, ids=range(len(IN_TEXT)))
@pytest.mark.parametrize("form", ["json-schema", "text", "codes"])
def test_a_label_that_stands_in_the_text(content, form):
    assert said(content, form) == ("refund", "text")


@pytest.mark.parametrize("content", NO_LABEL, ids=range(len(NO_LABEL)))
@pytest.mark.parametrize("form", ["json-schema", "codes"])
def test_nothing_is_guessed(content, form):
    assert said(content, form)[0] is None


@pytest.mark.parametrize(
    ("content", "label"),
    [
        ("5", "5"),
        ('{"label": 5}', "5"),
        ('{"label": "5"}', "5"),
        ("5.", "5"),
        ("a.b", "a.b"),
        ('"quoted"', '"quoted"'),
        ("quoted", None),
        ('{"label": "\\"quoted\\""}', '"quoted"'),
        ("CARD \n LOST", "card lost"),
        ('{"label": "card\u00a0lost"}', "card lost"),
    ],
)
def test_labels_that_look_like_something_else(content, label):
    assert said(content)[0] == label


@pytest.mark.parametrize(
    ("content", "label", "mode"),
    [
        ("B", "refund", "codes"),
        (" b.\n", "refund", "codes"),
        ("`B`", "refund", "codes"),
        ("(B)", "refund", "codes"),
        ("<think>A or B?</think>B", "refund", "codes"),
        ("label: B", "refund", "text"),
        ('{"label": "B"}', "refund", "text"),
        ("refund", "refund", "text"),
        ("A or B", None, "text"),
        ("AB", None, "text"),
        ("Z", None, "text"),
        ("B refund", None, "text"),
        ('{"label": "A"} {"label": "refund"}', None, "text"),
        ('{"label": "B"} {"label": "refund"}', "refund", "text"),
    ],
)
def test_codes(content, label, mode):
    assert said(content, "codes") == (label, mode)
    assert content == "refund" or said("B")[0] is None  # without codes it is a letter


# --- other places than the text


def call(arguments):
    return {"type": "function", "function": {"name": "answer", "arguments": arguments}}


@pytest.mark.parametrize(
    ("message", "label", "mode"),
    [
        ({"parsed": {"label": "refund"}, "content": LOST}, "refund", "json-schema"),
        ({"parsed": {"label": "foo"}, "content": REFUND}, None, "json-schema"),
        ({"parsed": {}, "content": REFUND}, "refund", "json-schema"),
        ({"parsed": None, "content": REFUND}, "refund", "json-schema"),
        ({"content": {"label": "refund"}}, "refund", "json-schema"),
        ({"content": {"type": "text", "text": "refund"}}, "refund", "text"),
        ({"content": [{"type": "text", "text": REFUND}]}, "refund", "json-schema"),
        ({"content": [{"text": '{"label": '}, {"text": '"refund"}'}]}, "refund", "json-schema"),
        ({"content": ["refund"]}, "refund", "text"),
        (
            {"content": [{"type": "thinking", "text": LOST}, {"type": "text", "text": REFUND}]},
            "refund",
            "json-schema",
        ),
        ({"content": REFUND, "tool_calls": [call(LOST)]}, "refund", "json-schema"),
        ({"content": "card lost", "tool_calls": [call(REFUND)]}, "refund", "tool"),
        ({"content": None, "tool_calls": [call(REFUND)]}, "refund", "tool"),
        ({"content": "", "tool_calls": [call({"label": "refund"})]}, "refund", "tool"),
        ({"tool_calls": [call(TWICE)]}, "refund", "tool"),
        ({"tool_calls": [call(json.dumps(TWICE))]}, "refund", "tool"),
        ({"tool_calls": [call(CALL)]}, "refund", "tool"),
        ({"tool_calls": [call(REFUND), call(REFUND)]}, "refund", "tool"),
        ({"tool_calls": [call(REFUND), call(LOST)]}, None, "tool"),
        ({"tool_calls": [call(FOO)], "content": "refund"}, None, "tool"),
        ({"tool_calls": [call("")], "content": "refund"}, "refund", "text"),
        ({"function_call": {"name": "answer", "arguments": REFUND}}, "refund", "tool"),
        ({"content": None, "reasoning_content": REFUND}, "refund", "text"),
        ({"content": "", "reasoning_content": f"\n{REFUND}\n"}, "refund", "text"),
        ({"content": " \n", "reasoning": REFUND}, "refund", "text"),
        ({"content": "", "reasoning_content": None, "reasoning": REFUND}, "refund", "text"),
        ({"content": "", "reasoning_content": f"hm, {REFUND}"}, None, "text"),
        ({"content": "", "reasoning_content": "refund"}, None, "text"),
        ({"content": "", "reasoning_content": REFUND + LOST}, None, "text"),
        ({"content": "hm", "reasoning_content": REFUND}, None, "text"),
        ({"content": LOST, "reasoning_content": REFUND}, "card lost", "json-schema"),
        ({"content": 7}, None, "text"),
        ({"content": [[REFUND]]}, None, "text"),
        ({"tool_calls": {"label": "refund"}}, None, "text"),
        ({"tool_calls": [None, 3, {"function": []}]}, None, "text"),
        ({}, None, "text"),
        ([], None, "text"),
        (None, None, "text"),
    ],
)
def test_places_of_an_answer(message, label, mode):
    found = read(message)
    assert (found.label, found.mode) == (label, mode)


# --- laws

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(LABELS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["label", "arguments", "x"]) | st.text(), inner)
    ),
    max_leaves=12,
)
_keys = ["content", "tool_calls", "parsed", "reasoning_content", "function_call", "refusal"]
_pieces = st.sampled_from(
    [
        *(REFUND, LOST, FOO, TWICE, "refund", "label", "label:", "{", "}", '"', "\\", "[", "]"),
        *("<think>", "</think>", "```", "```json\n", "\n", " ", "'", "\x00", "\ud800", "é"),
        *("<|im_end|>", "<tool_call>", "answer(label=", ")", "arguments", ":", "5", "B"),
    ]
)
_texts = st.lists(_pieces | st.text(max_size=5), max_size=25).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    message=st.dictionaries(st.sampled_from(_keys), _json | _texts),
    form=st.sampled_from(list(FORMS)),
)
def test_any_message_gives_a_label_of_the_set_or_none(message, form):
    body = json.dumps({"choices": [{"message": message}], "usage": message}).encode()
    found = read_label(read_reply(body, FORMS[form]), LABELS, MATCH)
    assert found.label is None or found.label in LABELS
    assert found.mode in FORMS


@settings(max_examples=300, deadline=None)
@given(body=st.binary() | _json.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_is_no_reply(body):
    reply = read_reply(body, FORMS["text"])
    assert reply is None or read_label(reply, LABELS, MATCH).label in {None, *LABELS}


@settings(max_examples=300, deadline=None)
@given(before=_texts, between=_texts, behind=_texts)
def test_two_distinct_objects_are_no_label(before, between, behind):
    # Text around them may swallow one of them, never make an answer of the other.
    inside = before.count("think") + between.count("think") + behind.count("think")
    found = named_in_text(f"{before}\n{REFUND}{between}{LOST}\n{behind}")
    if not inside and {one.label for one in found} >= {"refund", "card lost"}:
        assert said(f"{before}\n{REFUND}{between}{LOST}\n{behind}")[0] is None


@settings(max_examples=200, deadline=None)
@given(prose=st.text(st.sampled_from("abc .,;:!?()\n-'*#")), tail=st.text("xyz .\n"))
def test_prose_around_two_objects_changes_nothing(prose, tail):
    assert said(f"{prose}{REFUND}{tail}{LOST}{prose}")[0] is None
    assert said(f"{prose}{REFUND}{tail}")[0] == "refund"


# --- hostile texts

HOSTILE = {
    "braces": "{",
    "objects begun": '{"a":',
    "lists begun": '{"a":[',
    "strings begun": '{"',
    "strings not ended": '{"a":"',
    "escapes": '{"\\',
    "labels begun": '{"label": "',
    "loose labels begun": "{label: '",
    "spaces": '{ "label"   ',
    "calls begun": "answer(label=",
    "parameters begun": "<parameter=label>",
    "thoughts begun": "<think>",
    "thoughts ended": "</think>",
    "tags": "<a>",
    "fences": "```",
    "template marks": "<|",
    "marks": "*",
    "prefixes": "label: ",
    "blank": " ",
    "objects": '{"label": "x"}',
    "objects gone wrong": '{"a":x',
    "lists gone wrong": '{"a":[0,0,0,0,0,0,0,0,0,x',
    "channels": "<|channel|>final",
}


def read_all(part, size):
    content = part * (size // len(part)) + "label"
    began = time.process_time()
    assert read_label(Reply(content, FORMS["json-schema"]), LABELS, MATCH).label is None
    return time.process_time() - began


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_takes_time_in_proportion_to_its_length(part):
    # A square would take minutes here: no figure is needed to see that it is none.
    read_all(part, 2_000_000)


@pytest.mark.parametrize("end", ["", "x", '"', "}"])
def test_many_openings_before_one_long_string(end):
    content = '{"a":' * 400 + '"' + "label " * 200_000 + end
    assert read_label(Reply(content, FORMS["text"]), LABELS, MATCH).label is None


def test_what_nearly_every_reply_says_is_read_without_a_search(monkeypatch):
    def search(*_):
        raise AssertionError("searched")

    for name in ("named_in_value", "named_in_text"):
        monkeypatch.setattr(reading, name, search)
    named = json.dumps({"label": LABELS[0]})
    code = FORMS["codes"].codes[0]
    asked = {"tool_calls": [{"function": {"name": "answer", "arguments": named}}]}
    for form, message, mode in (
        ("json-schema", {"content": named}, "json-schema"),
        ("text", {"content": named}, "text"),
        ("text", {"content": LABELS[0]}, "text"),
        ("codes", {"content": code}, "codes"),
        ("tool", {"content": None, **asked}, "tool"),
    ):
        body = json.dumps({"choices": [{"message": message}]}).encode()
        found = read_label(read_reply(body, FORMS[form]), LABELS, MATCH)
        assert (found.label, found.mode) == (LABELS[0], mode)
    two = f'{{"label": "{LABELS[0]}", "label": "{LABELS[1]}"}}'
    with pytest.raises(AssertionError, match="searched"):
        read_label(Reply(two, FORMS["text"]), LABELS, MATCH)
