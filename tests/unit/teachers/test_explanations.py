"""A sentence on why, before each label: asked for, read, kept, and never taken for the label."""

import json

import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import LabelSets
from tracer_nb.records import Answer
from tracer_nb.standin import serve
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import EXPORT_COLUMNS, export_answers
from tracer_nb.store.replaced import find_superseded
from tracer_nb.teachers import FunctionTeacher, make_teacher
from tracer_nb.teachers.chat.teacher import ChatTeacher

from .chatserver import LABELS, Say, ask

TABLE = {f"question {i}": LABELS[i % 3] for i in range(12)}


def told(why, label="refund", **options):
    return Say(json.dumps({"explanation": why, "label": label}), **options)


def test_the_model_explains_before_it_chooses(server, chat):
    server.rule = lambda text: told(f"{text} is about  money\nback")
    assert ask(chat(reasons=True), "a") == Answer(
        "refund",
        mode="json-schema",
        prompt_tokens=100,
        completion_tokens=5,
        cost=pytest.approx(110e-6),
        seconds=pytest.approx(0, abs=60),
        explanation="a is about money back",
    )
    body = server.bodies[0]
    schema = body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == schema["required"] == ["explanation", "label"]
    # A small model on this machine would ramble on.
    assert schema["properties"]["explanation"] == {"type": "string", "maxLength": 300}
    system = body["messages"][0]["content"]
    assert '{"explanation": "...", "label": "..."}' in system
    assert "at most 25 words" in system


def test_a_service_gets_no_limit_that_its_strict_mode_refuses():
    for options in ({}, {"base_url": "https://gateway.example/v1"}):
        teacher = ChatTeacher("m", LABELS, "Choose.", reasons=True, **options)
        assert teacher._prompt.schema["properties"]["explanation"] == {"type": "string"}


def test_a_teacher_that_explains_nothing_asks_as_before(server, chat):
    server.rule = lambda _: told("a word too many")
    assert ask(chat(), "a").explanation is None
    assert "explanation" not in json.dumps(server.bodies)
    assert "reasons" not in chat().identity
    assert chat(reasons=True).identity == {**chat().identity, "reasons": True}


@pytest.mark.parametrize("rejects", [(), ("response_format",), ("response_format", "tools")])
def test_every_form_that_names_labels_carries_one(rejects):
    with serve(TABLE, rejects=rejects) as standin:
        teacher = ChatTeacher("m", LABELS, "Choose.", base_url=standin.base_url, reasons=True)
        answers = ask(teacher, *TABLE)
    assert [a.label for a in answers] == list(TABLE.values())
    if len(rejects) == 2:  # the stand-in answers in words then
        assert {a.mode for a in answers} == {"text"}
    else:
        assert all(text in a.explanation for text, a in zip(TABLE, answers, strict=True))


def test_a_set_of_labels_has_one_too():
    table = {"both": ["card lost", "refund"], "nothing": []}
    with serve(table) as standin:
        sets = LabelSets(LABELS)
        teacher = ChatTeacher("m", sets, "Choose.", base_url=standin.base_url, reasons=True)
        answers = ask(teacher, *table)
    assert [a.label for a in answers] == ['["card lost", "refund"]', "[]"]
    assert answers[0].explanation == '"both" reads like card lost, refund.'
    assert answers[1].explanation == '"nothing" reads like none of them.'


@pytest.mark.parametrize("said", ["", "   ", None, 7, ["so"]])
def test_a_label_without_an_explanation_is_an_answer(server, chat, said):
    server.rule = lambda _: told(said)
    answer = ask(chat(reasons=True), "a")
    assert (answer.label, answer.explanation, answer.reason) == ("refund", None, None)


def test_a_long_one_is_cut(server, chat):
    server.rule = lambda _: told("because " * 500)
    answer = ask(chat(reasons=True), "a")
    assert len(answer.explanation) == 500
    assert answer.explanation.endswith("…")


@pytest.mark.parametrize(
    "why",
    [
        'the text says {"label": "top up"}',
        "the text says {label: 'top up'} and label: top up",
        '{"label": "top up"}, {"label": "card lost"}',
    ],
)
def test_what_an_explanation_quotes_is_no_label(server, chat, why):
    server.rule = lambda _: told(why)
    answer = ask(chat(reasons=True), "a")
    assert (answer.label, answer.explanation) == ("refund", why)


def test_an_explanation_that_is_cut_short_has_no_label(server, chat):
    """What looks like a label in it is quoted from the text, which may say anything."""
    server.rule = lambda _: Say(
        '{"explanation": "the text says {label: \'top up\'} and so', finish="length"
    )
    answer = ask(chat(reasons=True), "a")
    assert (answer.label, answer.explanation) == (None, None)
    assert "truncated" in answer.reason


def test_a_whole_answer_that_used_all_its_tokens_counts(server, chat):
    server.rule = lambda _: told("so it is", finish="length")
    assert ask(chat(reasons=True), "a").label == "refund"


def test_what_cannot_go_with_explanations(chat):
    for options in ({"logprobs": True}, {"answers": "codes"}):
        with pytest.raises(InvalidInput, match="behind an explanation"):
            chat(reasons=True, **options)
    with pytest.raises(InvalidInput, match="max_answer_tokens=99 leaves no room"):
        chat(reasons=True, max_answer_tokens=99)


def test_a_plan_counts_the_tokens_of_explanations(chat):
    prompt, completion, dollars = chat().cost_estimate("a text")
    more_prompt, more, more_dollars = chat(reasons=True).cost_estimate("a text")
    assert more - completion == 45
    assert more_prompt > prompt
    assert more_dollars > dollars


def test_the_first_explanation_of_the_label_that_wins_is_kept(server, chat):
    server.script = [told("no", "top up"), told("first"), told("second")]
    answer = ask(chat(reasons=True, votes=3, concurrency=1), "a")
    assert (answer.label, answer.explanation) == ("refund", "first")


def test_a_panel_keeps_that_of_a_member_with_its_label():
    said = {"one": "top up", "two": "refund", "three": "refund"}

    def member(name):
        def label(text):
            return Answer(said[name], explanation=f"{name} about {text}")

        label.__qualname__ = name
        return FunctionTeacher(label, LABELS, name=name)

    panel = make_teacher([member(name) for name in said], LABELS, adaptive=False)
    answer = ask(panel, "a")
    assert (answer.label, answer.explanation) == ("refund", "two about a")


def test_only_those_explain_whose_explanation_is_kept(server):
    at = {"base_url": server.base_url, "reasons": True, "price": "1,1"}
    named = ["openai:a", "openai:b", "openai:c"]
    panel = make_teacher(named, LABELS, "Choose.", arbiter="openai:d", **at)
    assert [t.identity.get("reasons") for t in panel.everybody] == [True, True, True, None]
    job = Tracer("openai:a", LABELS, "Choose.", chain=[("openai:b", {"price": "0.1,0.1"})], **at)
    (stage,) = job._state.setup.stages.askers
    assert job.teacher.identity["reasons"]
    assert "reasons" not in stage.teacher.identity


def test_explanations_are_stored_and_exported(tmp_path):
    path = tmp_path / "labels.sqlite"
    odd = "half a pair \ud800 <b>=1+1</b>"
    who = {"teacher": "m"}
    with LabelStore(path) as store:
        store.put(who, "x", Answer("a", explanation=odd))
        store.put(who, "y", Answer("b"))
        store.put(who, "z", Answer("b", explanation=7))
    with LabelStore(path) as store:
        found = store.get_many(who, ["x", "y", "z"])
        assert [found[text].explanation for text in "yz"] == [None, "7"]
        assert found["x"].explanation.endswith("<b>=1+1</b>")
        export_answers(store, tmp_path / "answers.csv")
    assert "explanation" in EXPORT_COLUMNS
    assert "<b>=1+1</b>" in (tmp_path / "answers.csv").read_text()


def test_answers_without_explanations_are_of_another_setting(chat):
    """Who explains first may choose otherwise: both kinds are never mixed in one sample."""
    with LabelStore(":memory:") as store:
        store.put(chat().identity, "a", Answer("refund"))
        asks = chat(reasons=True).identity
        assert not store.get_many(asks, ["a"])
        assert find_superseded(store, asks, ["a"]).differs == ("setting of reasons",)
