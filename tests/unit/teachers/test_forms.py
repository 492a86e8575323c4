"""The forms of an answer, against servers that know some of them."""

import json
import math

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.standin import serve
from tracer_nb.teachers.chat.forms import FORMS, make_forms, short_codes
from tracer_nb.teachers.chat.teacher import ChatTeacher

from .chatserver import LABELS, Say, ask, labelled

TABLE = {f"question {i}": LABELS[i % 3] for i in range(30)}


def teacher_at(standin, **options):
    return ChatTeacher("m", LABELS, "Choose.", base_url=standin.base_url, **options)


@pytest.mark.parametrize(
    ("rejects", "mode"),
    [
        ((), "json-schema"),
        (("response_format",), "tool"),
        (("response_format", "tools"), "codes"),
        (("response_format", "tools", "logprobs"), "text"),
        (("temperature", "response_format"), "tool"),
    ],
)
def test_the_next_form_is_used_when_a_server_does_not_know_one(rejects, mode):
    with serve(TABLE, rejects=rejects) as standin:
        answers = ask(teacher_at(standin), *TABLE)
    assert [a.label for a in answers] == list(TABLE.values())
    assert {a.mode for a in answers} == {mode}
    assert all((a.probabilities is not None) == (mode == "codes") for a in answers)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_can_be_chosen(form):
    with serve(TABLE) as standin:
        answers = ask(teacher_at(standin, answers=form), *TABLE)
    assert [a.label for a in answers] == list(TABLE.values())
    assert {a.mode for a in answers} == {form}


@pytest.mark.parametrize("form", ["auto", "json-schema", "text"])
def test_logprobs_give_a_distribution_over_labels(form):
    with serve(TABLE, wrong=0.2, seed=3) as standin:
        answers = dict(
            zip(TABLE, ask(teacher_at(standin, logprobs=True, answers=form), *TABLE), strict=True)
        )
        for text, answer in answers.items():
            truth = standin.answers.distribution(text, answer.label, LABELS)
            if form != "text" or answer.label != "top up":
                assert answer.probabilities == pytest.approx(truth, abs=1e-6)
            assert math.fsum(answer.probabilities.values()) == pytest.approx(1)
    assert {a.mode for a in answers.values()} == {"json-schema" if form == "auto" else form}


def test_a_server_that_takes_no_logprobs_still_answers():
    with serve(TABLE, rejects=["logprobs"]) as standin:
        answers = ask(teacher_at(standin, logprobs=True), *TABLE)
    assert {(a.mode, a.probabilities) for a in answers} == {("json-schema", None)}


def test_fewer_alternatives_are_asked_for_before_none(server, chat):
    server.script = [
        Say(status=400, error={"message": "top_logprobs must be at most 8"}),
        Say("B"),
    ]
    assert ask(chat(answers="codes"), "x").label == LABELS[1]
    assert [body["top_logprobs"] for body in server.bodies] == [20, 5]


def test_logprobs_that_do_not_come_leave_the_answer(server, chat):
    server.script = [Say(" b.")]
    answer = ask(chat(logprobs=True, answers="codes"), "x")
    assert (answer.label, answer.mode, answer.probabilities) == (LABELS[1], "codes", None)


def test_a_code_outside_the_list_is_repaired(server, chat):
    server.script = [Say("Z"), Say("C")]
    answer = ask(chat(answers="codes"), "x")
    assert (answer.label, answer.mode) == (LABELS[2], "codes, repaired")
    assert "codes" in server.bodies[1]["messages"][-1]["content"]


def test_a_label_in_place_of_its_code_is_read_and_said_to_be_text(server, chat):
    server.script = [Say(LABELS[1])]
    answer = ask(chat(answers="codes"), "x")
    assert (answer.label, answer.mode) == (LABELS[1], "text")


def test_a_code_means_the_label_that_was_listed_under_it(server, chat):
    server.rule = lambda _: Say("A")
    teacher = chat(answers="codes", shuffle=True)
    texts = [f"text {i}" for i in range(12)]
    answers = ask(teacher, *texts)
    for body, answer in zip(server.bodies, answers, strict=True):
        assert f'"A": "{answer.label}"' in body["messages"][0]["content"]
    assert len({a.label for a in answers}) > 1


def test_a_tool_call_as_servers_write_it(server, chat):
    call = {"function": {"name": "answer", "arguments": {"label": "refund"}}}
    body = {"choices": [{"message": {"content": None, "tool_calls": [call]}}]}
    server.script = [
        Say(raw=json.dumps(body).encode()),
        Say(
            raw=b'{"choices": [{"message": '
            b'{"tool_calls": [{"function": "odd"}, 3], "content": "refund"}}]}'
        ),
    ]
    teacher = chat(answers="tool")
    first, second = ask(teacher, "x", "y")
    assert (first.label, first.mode) == ("refund", "tool")
    assert (second.label, second.mode) == ("refund", "text")


@pytest.mark.parametrize(
    "logprobs",
    [
        3,
        {"content": 3},
        {"content": [{}]},
        {"content": [{"token": "A", "logprob": "x"}]},
        {"content": [{"token": "A", "logprob": float("nan"), "top_logprobs": None}]},
    ],
)
def test_odd_logprobs_are_no_distribution(server, chat, logprobs):
    body = {"choices": [{"message": {"content": "A"}, "logprobs": logprobs}]}
    server.script = [Say(raw=json.dumps(body).encode())]
    answer = ask(chat(answers="codes"), "x")
    assert (answer.label, answer.probabilities) == (LABELS[0], None)


def test_models_that_reason_give_no_logprobs():
    with pytest.raises(InvalidInput, match="no logprobs"):
        ChatTeacher("gpt-5-mini", LABELS, "", logprobs=True)
    names = [f.name for f in make_forms(LABELS, {}, "auto", logprobs=None)]
    assert names == ["json-schema", "tool", "text"]
    assert "logprobs" not in make_forms(LABELS, {}, "codes", logprobs=None)[0].fields


def test_an_unknown_form():
    with pytest.raises(InvalidInput, match="json-schema"):
        ChatTeacher("m", LABELS, "", answers="json", base_url="http://localhost:1/v1")


def test_forms_and_examples_are_part_of_the_identity(chat):
    changes = (
        {"answers": "tool"},
        {"logprobs": True},
        {"shuffle": True},
        {"examples": {"x": "refund"}},
    )
    identities = [chat(**change).identity for change in changes]
    assert all(identity != chat().identity for identity in identities)
    assert all(a != b for i, a in enumerate(identities) for b in identities[:i])


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        (["yes", "no"], ("A", "B")),
        (["a", "no"], ("1", "2")),
        (["a", "1"], ("L1", "L2")),
        (["a", "1", "l2"], ("code-1", "code-2", "code-3")),
    ],
)
def test_codes_are_never_labels(labels, codes):
    assert short_codes(labels) == codes


def test_many_labels_have_codes_of_one_length():
    codes = short_codes([f"label {i}" for i in range(150)])
    assert (codes[0], codes[-1]) == ("001", "150")


def test_a_form_settled_on_stays(server, chat):
    reject = Say(status=400, error={"message": "response_format is unknown"})
    server.script = [reject, labelled("refund")]
    ask(chat(), "x", "y")
    assert ["tools" in body for body in server.bodies] == [False, True, True]
