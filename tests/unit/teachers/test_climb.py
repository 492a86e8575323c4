"""Requests at a time on servers with few slots and with many, on a clock that jumps."""

import asyncio
import random

import pytest

from tracer_nb.teachers.pace import Pace

from .clock import run


class Slots:
    """A server that answers so many requests side by side; the others wait in line."""

    def __init__(self, n, seconds, most=64):
        self.pace = Pace(most)
        self.seconds = seconds
        self.waits = []
        self.limits = []
        self.free = asyncio.Semaphore(n)

    async def request(self):
        async with self.pace.turn():
            clock = asyncio.get_running_loop().time
            sent = clock()
            async with self.free:
                await asyncio.sleep(self.seconds())
            self.waits.append(clock() - sent)
            self.limits.append(self.pace.limit)


def served(slots, seconds, n, change=None):
    """The server after ``n`` requests of 64 workers, and the seconds that took."""

    async def serve():
        server = Slots(slots, seconds)
        left = iter(range(n))

        async def work():
            for i in left:
                if change is not None and i == n // 2:
                    change(server)
                await server.request()

        await asyncio.gather(*(work() for _ in range(64)))
        return server, asyncio.get_running_loop().time()

    return run(serve())


@pytest.mark.parametrize("seconds", [0.25, 5.0])
def test_one_slot_is_found_within_a_few_answers_and_is_never_idle(seconds):
    server, took = served(1, lambda: seconds, 345)
    assert max(server.limits) == 8
    assert server.limits[60] == server.limits[-1] == 1
    assert took == pytest.approx(345 * seconds, rel=0.02)
    # Nobody waits for more than two others once that is known.
    assert max(server.waits[60:]) <= 2 * seconds + 1e-3


def test_one_slot_with_answers_of_any_length():
    draw = random.Random(1)
    server, took = served(1, lambda: draw.uniform(3, 8), 345)
    assert max(server.limits[100:]) <= 4
    assert max(server.waits[100:]) < 40
    assert took == pytest.approx(345 * 5.5, rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_four_slots_are_used(seed):
    draw = random.Random(seed)
    server, took = served(4, lambda: draw.uniform(0.5, 1.5), 1000)
    assert took < 1.3 * 1000 / 4
    assert max(server.limits) <= 32


@pytest.mark.parametrize("seed", range(3))
def test_answers_of_any_length_do_not_pass_for_a_slow_server(seed):
    draw = random.Random(seed)
    server, took = served(10**9, lambda: draw.lognormvariate(-0.3, 0.7), 4000)
    assert server.limits[-1] == 64
    assert took < 1.6 * 4000 / 64


def test_a_server_that_loses_its_slots_in_mid_run_gets_fewer():
    def narrow(server):
        server.free = asyncio.Semaphore(1)

    server, _ = served(10**9, lambda: 1.0, 2000, narrow)
    assert max(server.limits[:1000]) == 64
    assert server.limits[-1] <= 2
