"""Several labels a row: what is asked for, and what answers are."""

import json

import numpy as np
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets
from tracer_nb.records import Answer
from tracer_nb.standin import serve
from tracer_nb.teachers import FunctionTeacher, ReplayTeacher, make_teacher
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.reading import LabelMatcher
from tracer_nb.teachers.chat.reply import read_reply
from tracer_nb.teachers.chat.subsets import read_set
from tracer_nb.teachers.chat.teacher import ChatTeacher

from .chatserver import LABELS, ask

SETS, SOME = LabelSets(LABELS), LabelSets(LABELS, "some")
TABLE = {
    f"question {i}": [label for j, label in enumerate(LABELS) if i >> j & 1] for i in range(24)
}
BOTH = '["card lost", "refund"]'
FORMS = {form.name: form for form in make_forms(SETS, {}, "auto", logprobs=False)}


def written(labels):
    return SETS.spelled(labels)


@pytest.mark.parametrize(
    ("rejects", "mode"),
    [
        ((), "json-schema"),
        (("response_format",), "tool"),
        (("response_format", "tools"), "text"),
    ],
)
def test_a_server_is_asked_for_a_list_in_the_form_that_it_takes(rejects, mode):
    with serve(TABLE, rejects=rejects) as standin:
        teacher = ChatTeacher("m", SETS, "Choose.", base_url=standin.base_url)
        answers = ask(teacher, *TABLE)
    assert [a.label for a in answers] == [written(labels) for labels in TABLE.values()]
    assert {a.mode for a in answers} == {mode}


def test_the_schema_is_a_list_of_the_labels_and_nothing_that_strict_servers_refuse():
    from tracer_nb.teachers.chat.prompt import ChatPrompt

    schema = ChatPrompt("", SETS).schema
    assert schema["properties"] == {
        "labels": {"type": "array", "items": {"type": "string", "enum": list(LABELS)}}
    }
    assert schema["required"] == ["labels"]


def test_the_prompt_says_whether_none_is_an_answer():
    from tracer_nb.teachers.chat.prompt import ChatPrompt

    for sets, said, not_said in ((SETS, "or none", "at least one"), (SOME, "at least one", "none")):
        prompt = ChatPrompt("", sets)
        form = make_forms(sets, prompt.schema, "auto", logprobs=False)[0]
        system = prompt.messages("a text", form)[0]["content"]
        assert said in system
        assert not_said not in system


def test_how_many_labels_a_row_may_have_tells_teachers_apart():
    identities = [
        json.dumps(dict(FunctionTeacher(len, labels).identity)) for labels in (LABELS, SETS, SOME)
    ]
    assert len(set(identities)) == 3


def read(content, sets=SETS, **message):
    body = {"choices": [{"message": {"content": content, **message}}]}
    reply = read_reply(json.dumps(body).encode(), FORMS["json-schema"])
    return read_set(reply, sets, LabelMatcher(LABELS))


@pytest.mark.parametrize(
    "content",
    [
        '{"labels": ["refund", "card lost"]}',
        ' {"labels": ["card lost", " REFUND "]}\n',
        '{"reason": "both", "labels": ["refund", "card lost"]}',
        '{"label": ["refund", "card lost"]}',
        '["refund", "card lost"]',
        '<think>{"labels": ["top up"]}</think>{"labels": ["refund", "card lost"]}',
        'Here:\n```json\n{"labels": ["refund", "card lost"]}\n```',
        json.dumps('{"labels": ["refund", "card lost"]}'),
        "refund; card lost",
        "refund, card lost.",
        "- refund\n- card lost\n",
        "Labels: refund; card lost",
        '{"labels": ["refund", "card lost"]} {"labels": ["card lost", "refund"]}',
    ],
)
def test_a_set_is_found_wherever_it_is_written(content):
    assert read(content).label == BOTH


@pytest.mark.parametrize("content", ['{"labels": []}', "[]", "none", "None.", '{"labels": null}'])
def test_none_of_the_labels_is_an_answer_where_it_may_be(content):
    assert read(content).label == "[]"
    found = read(content, SOME)
    assert (found.label, found.why) == (
        None,
        "answer holds no label, and every row has at least one",
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"labels": ["refund", "loan"]}', "answer holds what is not one of the labels: 'loan'"),
        ('{"labels": ["refund", "Refund"]}', "answer holds label 'refund' twice"),
        ('{"labels": [3]}', "answer holds what is not one of the labels: '[3]'"),
        ('{"labels": ["refund"]} {"labels": []}', "answer holds several sets of labels"),
        ("it is a refund, not a card lost", ""),
        ("", ""),
        ("{" * 5000, ""),
    ],
)
def test_what_is_no_set_gives_no_label_and_says_why(content, why):
    found = read(content)
    assert (found.label, found.why) == (None, why)


def test_a_wrong_set_is_asked_about_once_more_and_then_kept_without_a_label():
    table = {"a": ["refund"], "b": ["refund", "refund"]}
    with serve(table) as standin:
        standin.answers.labels = LABELS
        teacher = ChatTeacher("m", SETS, "", base_url=standin.base_url)
        good, bad = ask(teacher, "a", "b")
        assert standin.asked()["b"] == 2
    assert good.label == '["refund"]'
    assert (bad.label, bad.keep, bad.reason) == (None, True, "answer holds label 'refund' twice")
    assert bad.prompt_tokens > good.prompt_tokens


def test_what_tells_one_label_from_the_others_is_refused():
    for options in ({"logprobs": True}, {"answers": "codes"}):
        with pytest.raises(InvalidInput, match="a row may have several"):
            ChatTeacher("m", SETS, "", base_url="http://localhost:1/v1", **options)


def test_examples_are_shown_with_their_lists():
    from tracer_nb.teachers.chat.prompt import ChatPrompt

    prompt = ChatPrompt("", SETS, examples={"x": ["refund", "card lost"], "y": "top up"})
    assert [json.loads(line)["labels"] for line in prompt.examples.lines("z")] == [
        ["card lost", "refund"],
        ["top up"],
    ]
    with pytest.raises(InvalidInput, match="example 'x' has label"):
        ChatPrompt("", SETS, examples={"x": ["loan"]})


@pytest.mark.parametrize(
    "value",
    [
        ["refund", "card lost"],
        ("card lost", "refund"),
        {"refund", "card lost"},
        np.array(["refund", "card lost"]),
        BOTH,
        "card lost; refund",
        Answer(["refund", "card lost"]),
    ],
)
def test_a_function_may_return_its_labels_in_any_of_these(value):
    assert ask(FunctionTeacher(lambda _: value, SETS), "t").label == BOTH


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["loan"], "answer holds what is not one of the labels: 'loan'"),
        (["refund", "refund"], "answer holds label 'refund' twice"),
        ([], "answer holds no label, and every row has at least one"),
        ([None], "answer holds what is not one of the labels: 'None'"),
        (3, "answer is no set of labels: '3'; return a list of them"),
        ({"refund": 1.0}, "answer is no set of labels: \"{'refund': 1.0}\"; return a list of them"),
    ],
)
def test_what_a_function_returns_else_is_kept_as_no_label(value, reason):
    answer = ask(FunctionTeacher(lambda _: value, SOME), "t")
    assert (answer.label, answer.reason, answer.keep) == (None, reason, True)


def test_a_record_with_lists_says_that_rows_have_several():
    teacher = ReplayTeacher({"a": ["refund", "card lost"], "b": [], "c": "refund", "d": None})
    assert isinstance(teacher.labels, LabelSets)
    assert tuple(teacher.labels) == ("card lost", "refund")
    assert [a.label for a in ask(teacher, "a", "b", "c", "d")] == [BOTH, "[]", '["refund"]', None]
    texts = ReplayTeacher({"a": "refund; card lost"}, labels=LabelSets(["refund", "card lost"]))
    assert ask(texts, "a").label == BOTH
    with pytest.raises(InvalidInput, match="one label a row was asked for"):
        make_teacher({"a": ["refund"], "b": ["card lost"]}, ["refund", "card lost"])
