"""Waits for replies of slow servers, on a clock that jumps: nothing is cancelled and paid twice."""

import asyncio
import json
import random
from types import SimpleNamespace

import pytest

from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.server import LONGEST, Patience

from .chatserver import LABELS
from .clock import run

USAGE = {"prompt_tokens": 100, "completion_tokens": 5}


class Slow:
    """A client whose server has some slots; ``seconds(i)`` is what its i-th answer takes."""

    def __init__(self, slots, seconds):
        self.free = asyncio.Semaphore(slots)
        self.seconds = seconds
        self.n_asked = self.n_answered = self.n_cancelled = 0
        self.opened = []

    def open(self, *_, **options):
        self.opened.append(options)
        return self

    async def post(self, *_, **__):
        i, self.n_asked = self.n_asked, self.n_asked + 1
        try:
            async with self.free:
                await asyncio.sleep(self.seconds(i))
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        self.n_answered += 1
        said = {"content": json.dumps({"label": LABELS[0]})}
        body = {"choices": [{"message": said, "finish_reason": "stop"}], "usage": USAGE}
        return SimpleNamespace(content=json.dumps(body).encode())

    async def close(self):
        pass


def asked(slots, seconds, n, workers=64, **options):
    """Client, answers and seconds of ``n`` texts."""

    async def ask():
        client = Slow(slots, seconds)
        teacher = ChatTeacher(
            "m",
            LABELS,
            "Choose.",
            base_url="http://127.0.0.1:9/v1",
            open_client=client.open,
            **options,
        )
        left, answers = iter(range(n)), []

        async def work():
            for i in left:
                answers.extend(await teacher.label([f"text {i}"]))

        await asyncio.gather(*(work() for _ in range(workers)))
        await teacher.close()
        return client, answers, asyncio.get_running_loop().time()

    return run(ask())


@pytest.mark.parametrize("seconds", [20, 60, 200])
def test_one_slow_slot_is_waited_for_and_nothing_is_asked_twice(seconds):
    draw = random.Random(seconds)
    client, answers, took = asked(1, lambda _: seconds * draw.uniform(0.7, 1.3), 60)
    assert (client.n_asked, client.n_cancelled) == (60, 0)
    assert [answer.label for answer in answers] == [LABELS[0]] * 60
    assert took == pytest.approx(60 * seconds, rel=0.1)


def test_a_model_that_is_loaded_first_is_waited_for():
    client, answers, _ = asked(1, lambda i: 280 if i == 0 else 2, 40)
    assert (client.n_asked, client.n_cancelled) == (40, 0)
    assert all(answer.label for answer in answers)


def test_a_request_that_a_fast_server_lost_is_given_up_after_a_minute():
    client, answers, took = asked(10**9, lambda i: 10**6 if i == 3 else 1, 200)
    # It was sent first, with five minutes; what the others took then counted for it, too.
    assert (client.n_asked, client.n_cancelled) == (201, 1)
    assert all(answer.label for answer in answers)
    assert took < 80


def test_a_server_that_becomes_slow_is_given_more_time_after_the_first_that_were_given_up():
    client, answers, _ = asked(8, lambda i: 1 if i < 100 else 100, 200, workers=8)
    assert all(answer.label for answer in answers)
    assert client.n_cancelled <= 8  # those that were under way, once


def test_a_server_that_never_answers_is_given_up():
    client, answers, took = asked(10, lambda _: 10**6, 1, max_retries=1)
    assert client.n_cancelled == client.n_asked == 2
    assert answers[0].label is None
    assert answers[0].reason == "no reply within 600 s, 2 tries"
    assert took < 1000


def test_seconds_that_were_given_are_kept_exactly():
    client, answers, took = asked(1, lambda _: 100, 1, timeout=30, max_retries=0)
    assert (client.n_cancelled, took) == (1, pytest.approx(40))  # ten are for the connection
    assert answers[0].reason == "no reply within 30 s, 1 tries"
    assert client.opened[0]["timeout"] == 30


def test_the_client_s_own_limit_does_not_come_first():
    client, _, _ = asked(1, lambda _: 1, 1)
    assert client.opened[0]["timeout"] == LONGEST


def test_who_is_cancelled_in_a_wait_cancels_the_request():
    async def wait():
        client = Slow(1, lambda _: 50)
        waiting = asyncio.create_task(Patience().wait(client.post()))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return client.n_cancelled

    assert run(wait()) == 1
