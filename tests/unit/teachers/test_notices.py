"""What is odd about a server and is said once: a prompt cut silently, log-probabilities in vain."""

import json

import pytest

from tracer_nb.teachers.chat.conversation import Notices
from tracer_nb.teachers.chat.forms import make_forms
from tracer_nb.teachers.chat.prompt import ChatPrompt
from tracer_nb.teachers.chat.reading import Reading
from tracer_nb.teachers.chat.reply import Reply

from .chatserver import Say, ask

LABELS = ("refund", "card lost")
PROMPT = ChatPrompt("What is the customer's question about?", LABELS)
FORM = make_forms(LABELS, PROMPT.schema, "json-schema", logprobs=False)[0]
WORDS = "I paid twice at the counter yesterday and would like my money back please "


def told(*asked):
    notices = Notices()
    for count, text, *usage in asked:
        reply = Reply("", FORM, prompt_tokens=count, usage=usage[0] if usage else None)
        notices.note_prompt(reply, PROMPT, text)
    return notices.lines


def test_a_count_far_below_what_was_sent_is_said_once_with_both_numbers():
    text = WORDS * 1000
    line, *more = told((4096, text), (4096, text + "x"), (100, text))
    sent = len(PROMPT.messages(text, FORM)[0]["content"]) + len(text)
    assert "4,096 prompt tokens" in line
    assert f"{sent:,} characters" in line
    assert not more


@pytest.mark.parametrize("per_token", [1, 2, 4.5, 8])
def test_no_honest_count_is_suspected(per_token):
    system = len(PROMPT.messages("", FORM)[0]["content"])
    texts = [WORDS * n + "." * n for n in (1, 2, 3, 50, 51, 400)]
    assert not told(*((int((system + len(t)) / per_token) + 8, t) for t in texts))


@pytest.mark.parametrize("run", [" ", "\n", "-", "=-", "ab"])
def test_runs_that_a_vocabulary_holds_as_one_token_do_not_count(run):
    assert not told((200, WORDS + run * 20_000))


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 9000}},
        {"prompt_cache_hit_tokens": 9000},
        {"cache_read_input_tokens": 9000},
    ],
)
def test_what_was_cached_may_be_left_out_of_the_count(usage):
    text = WORDS * 200
    assert not told((30, text, usage))
    assert told((30, text, dict.fromkeys(usage, 0)))


def test_the_very_same_count_for_texts_of_other_lengths_is_a_limit():
    limit = [(2048, WORDS * n) for n in (120, 200, 290)]
    assert "2,048" in told(*limit)[0]
    assert not told(*limit[:2])
    assert not told((3000, WORDS * 130), *limit)  # which is none, as a longer prompt shows
    assert not told(*[(2048, WORDS * 120 + "x" * n) for n in (0, 1, 2, 3)])


def test_log_probabilities_in_vain_are_said_once():
    notices = Notices()
    with_tokens = Reply("refund", FORM, tokens=(("x", {"x": 1.0}),))
    notices.note_reading(with_tokens, Reading("refund", "text", {"refund": 1.0}))
    notices.note_reading(with_tokens, Reading(None, "text"))
    notices.note_reading(Reply("refund", FORM), Reading("refund", "text"))
    assert not notices.lines
    for _ in range(3):
        notices.note_reading(with_tokens, Reading("refund", "text"))
    assert len(notices.lines) == 1
    assert "Log-probabilities" in notices.lines[0]


def test_a_teacher_tells_what_it_saw_but_not_of_repairs(server, chat):
    say = json.dumps({"label": "refund"})
    server.script = [Say("dunno", usage=(4000, 5)), Say(say, usage=(5, 5))]
    teacher = chat()
    assert ask(teacher, WORDS * 50).label == "refund"
    assert teacher.warnings == ()
    server.script = [Say(say, usage=(50, 5))]
    ask(teacher, WORDS * 51)
    assert "50 prompt tokens" in teacher.warnings[0]
