"""A chat teacher in its run: stopped half-way, paused by the server, limited by the account."""

import asyncio
import socket

import pytest

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.teachers.base import Haltable, NotAsked
from tracer_nb.teachers.chat.pace import Pace

from .chatserver import Say, ask, labelled


def halted_after(teacher, server, n_requests, *texts):
    """Outcomes of texts that are asked about together; a halt comes with a request's arrival."""

    async def run():
        calls = [asyncio.create_task(teacher.label([text])) for text in texts]
        while len(server.bodies) < n_requests:  # noqa: ASYNC110 -- another thread fills it
            await asyncio.sleep(0.005)
        teacher.halt()
        try:
            return await asyncio.gather(*calls, return_exceptions=True)
        finally:
            await teacher.close()

    return [end[0] if isinstance(end, list) else type(end) for end in asyncio.run(run())]


def test_the_requests_under_way_are_answered_and_no_other_is_sent(server, chat):
    server.rule = lambda _: labelled("refund", seconds=0.1)
    teacher = chat(concurrency=2)
    assert isinstance(teacher, Haltable)
    one, two, *rest = halted_after(teacher, server, 2, *"abcdef")
    assert one.label == two.label == "refund"
    assert rest == [NotAsked] * 4
    assert sum(server.asked.values()) == 2


def test_who_waits_to_ask_again_after_a_refusal_was_not_asked(server, chat):
    server.rule = lambda _: Say(status=429, headers={"Retry-After": "50"})
    assert halted_after(chat(), server, 1, "a", "b") == [NotAsked] * 2


def test_what_was_paid_before_the_stop_is_counted(server, chat):
    server.rule = lambda _: Say('{"label": "nothing of ours"}', seconds=0.1)
    (answer,) = halted_after(chat(), server, 1, "a")
    assert (answer.label, answer.reason, answer.keep) == (None, "the run was stopped", False)
    assert (answer.prompt_tokens, answer.completion_tokens) == (100, 5)
    assert answer.cost == pytest.approx(110e-6)
    assert server.asked["a"] == 1


def test_a_teacher_that_was_halted_works_in_the_next_run(server, chat):
    teacher = chat()
    halted_after(teacher, server, 1, "a")
    assert ask(teacher, "b").label is not None
    teacher.halt()  # between two runs it says nothing
    assert ask(teacher, "c").label is not None


def test_a_refusal_is_told_to_the_pace_and_a_wait_holds_for_all(server, chat, monkeypatch):
    told = []
    note = Pace._note

    def spy(self, turn, *args, **options):
        told.append((turn.overloaded, turn.wait, options["clean"]))
        note(self, turn, *args, **options)

    monkeypatch.setattr(Pace, "_note", spy)
    server.script = [
        Say(status=429, headers={"retry-after-ms": "20"}),
        Say(status=503),
        Say(status=500, headers={"Retry-After": "0.01"}),
        Say(status=429),
        labelled("refund"),
    ]
    monkeypatch.setattr("tracer_nb.teachers.chat.failures._FIRST", 0.01)
    assert ask(chat(max_retries=6), "x").label == "refund"
    assert told == [
        (True, 0.02, False),
        (True, 0.0, False),
        (False, 0.01, False),
        (True, 0.0, False),
        (False, 0.0, True),
    ]


def test_a_time_out_is_trouble_and_a_refused_connection_is_not(server, chat, monkeypatch):
    limits = []
    note = Pace._note

    def spy(self, *args, **options):
        note(self, *args, **options)
        limits.append(self.limit)

    monkeypatch.setattr(Pace, "_note", spy)
    server.rule = lambda _: labelled("refund", seconds=5)
    ask(chat(timeout=0.2, max_retries=0), "x")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(TeacherError, match="cannot reach"):
            ask(chat(base_url=address, max_retries=0), "x")
    assert limits == [4, 8]


def test_the_account_s_tokens_are_estimated_first_and_corrected_by_the_server(
    server, chat, monkeypatch
):
    counted = []
    monkeypatch.setattr(Pace, "correct", lambda _, tokens: counted.append(tokens))
    teacher = chat(tokens_per_minute=10**9)
    server.script = [labelled("refund", usage=(1000, 5)), labelled("refund", usage=None)]
    ask(teacher, "x", "x")
    prompt, completion = teacher.cost_estimate("x")[:2]
    # The estimate counts 4 characters a token, here as in a plan; nothing said, nothing corrected.
    assert counted == [pytest.approx(1005 - prompt - completion, abs=60), 0]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute"])
def test_rates_that_are_none(chat, name, rate):
    with pytest.raises(InvalidInput, match=f"{name} must be above 0, got"):
        chat(**{name: rate})
