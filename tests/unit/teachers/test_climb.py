"""Requests at a time on servers with few slots and with many, on a clock that jumps."""

import asyncio
import random
from statistics import fmean

import pytest

from tracer_nb.teachers.chat.climb import Climb, Line, Signs
from tracer_nb.teachers.chat.pace import Pace

from .clock import run

MANY = 10**9


class Eager(Climb):
    """One more with every clean answer, whatever the server: as fast as a server can be used."""

    def back(self, sent, now, *, clean, full):  # noqa: ARG002
        if clean and full:
            self.limit = min(self.limit + 1, 64)


class Slots:
    """A server that answers so many requests side by side; the others wait in line."""

    def __init__(self, n, seconds, climb=Climb):
        self.pace = Pace(64)
        self.pace.climb = climb(64)
        self.seconds = seconds
        self.waits = []
        self.limits = []
        self.under_way = []
        self.n = 0
        self.free = asyncio.Semaphore(n)

    async def request(self):
        async with self.pace.turn():
            self.n += 1
            self.under_way.append(self.n)
            clock = asyncio.get_running_loop().time
            sent = clock()
            async with self.free:
                await asyncio.sleep(self.seconds())
            self.waits.append(clock() - sent)
            self.limits.append(self.pace.limit)
            self.n -= 1


def served(slots, seconds, n, change=None, climb=Climb):
    """The server after ``n`` requests of 64 workers, and the seconds that took."""

    async def serve():
        server = Slots(slots, seconds, climb)
        left = iter(range(n))

        async def work():
            for i in left:
                if change is not None and i == n // 2:
                    change(server)
                await server.request()

        await asyncio.gather(*(work() for _ in range(64)))
        return server, asyncio.get_running_loop().time()

    return run(serve())


def constant(_):
    return lambda: 1.0


def jittered(draw):
    return lambda: draw.lognormvariate(0, 0.1)


def uneven(draw):
    return lambda: draw.lognormvariate(0, 0.5)


def very_uneven(draw):
    return lambda: draw.lognormvariate(0, 1)


def memoryless(draw):
    return lambda: draw.expovariate(1)


def partly_cached(draw):
    return lambda: 0.05 if draw.random() < 0.3 else draw.lognormvariate(0, 0.2)


def one_short(draw):
    first = iter([1.0, 1.0, 0.05])
    return lambda: next(first, None) or draw.lognormvariate(0, 0.1)


def loaded_first(draw):
    first = iter([30.0])
    return lambda: next(first, None) or draw.lognormvariate(0, 0.3)


EVERY = [constant, jittered, uneven, very_uneven, memoryless, one_short, loaded_first]


# --- servers that answer side by side


@pytest.mark.parametrize(("n", "n_seeds"), [(200, 4), (345, 4), (2000, 1)])
@pytest.mark.parametrize("slots", [64, MANY])
@pytest.mark.parametrize("latency", EVERY)
def test_a_server_that_answers_side_by_side_is_used_as_fast_as_it_can_be(
    latency, slots, n, n_seeds
):
    for seed in range(n_seeds):
        server, took = served(slots, latency(random.Random(seed)), n)
        _, fastest = served(slots, latency(random.Random(seed)), n, climb=Eager)
        assert took <= 1.02 * fastest, seed
        assert server.pace.limit == 64


def test_a_trial_of_fewer_that_was_for_nothing_costs_little():
    ratios = []
    for seed in range(8):
        server, took = served(MANY, partly_cached(random.Random(seed)), 345)
        _, fastest = served(MANY, partly_cached(random.Random(seed)), 345, climb=Eager)
        assert server.pace.limit == 64
        ratios.append(took / fastest)
    assert fmean(ratios) <= 1.1
    assert max(ratios) <= 1.4


@pytest.mark.parametrize("latency", [constant, uneven, memoryless])
def test_a_server_that_becomes_slow_and_still_answers_side_by_side_is_not_given_up(latency):
    def slower(server):
        before = server.seconds
        server.seconds = lambda: 10 * before()

    server, took = served(MANY, latency(random.Random(2)), 2000, slower)
    _, fastest = served(MANY, latency(random.Random(2)), 2000, slower, climb=Eager)
    assert took <= 1.15 * fastest
    assert server.limits[-1] >= 48


@pytest.mark.parametrize("latency", [constant, uneven, memoryless])
def test_a_server_that_gets_more_slots_in_mid_run_is_used(latency):
    def widen(server):
        for _ in range(1000):
            server.free.release()

    server, _ = served(1, latency(random.Random(3)), 2000, widen)
    assert max(server.limits[:1000]) < 32
    assert server.limits[-1] >= 48


# --- servers with few slots


@pytest.mark.parametrize("seconds", [0.25, 5.0, 60.0])
def test_one_slot_is_found_within_some_twenty_answers_and_is_never_idle(seconds):
    server, took = served(1, lambda: seconds, 345)
    assert max(server.under_way) <= 24
    assert max(server.limits[20:]) <= 5
    assert took == pytest.approx(345 * seconds, rel=0.01)
    # Nobody waits for more than a few others once that is known.
    assert max(server.waits[40:]) <= 5 * seconds + 1e-3


@pytest.mark.parametrize(
    "latency", [jittered, uneven, very_uneven, memoryless, partly_cached, one_short]
)
def test_one_slot_with_answers_of_any_length(latency):
    soon = []
    for seed in range(8):
        server, took = served(1, latency(random.Random(seed)), 345)
        _, fastest = served(1, latency(random.Random(seed)), 345, climb=Eager)
        assert took <= 1.01 * fastest
        assert max(server.under_way) < 64
        assert max(server.under_way[100:]) <= 16
        soon.append(max(server.under_way[60:]) <= 8)
    assert fmean(soon) >= 0.75


@pytest.mark.parametrize("latency", [constant, jittered, uneven, very_uneven, memoryless])
def test_four_slots_are_used_and_few_wait_there(latency):
    for seed in range(5):
        server, took = served(4, latency(random.Random(seed)), 345)
        _, fastest = served(4, latency(random.Random(seed)), 345, climb=Eager)
        assert took <= 1.1 * fastest
        assert max(server.under_way[150:]) <= 16


@pytest.mark.parametrize("latency", [constant, jittered, uneven])
def test_a_server_that_loses_its_slots_in_mid_run_gets_fewer(latency):
    def narrow(server):
        server.free = asyncio.Semaphore(1)

    server, _ = served(MANY, latency(random.Random(1)), 2000, narrow)
    assert max(server.limits[:1000]) == 64
    assert server.limits[-1] <= 5


def test_answers_that_come_all_at_once_tell_no_rate():
    # Eight together in each second, from the hundredth on in a hundred: nothing to divide by.
    seconds = iter([1.0] * 100 + [100.0] * 100)

    async def serve():
        server = Slots(8, lambda: next(seconds))
        left = iter(range(200))

        async def work():
            for _ in left:
                await server.request()

        await asyncio.gather(*(work() for _ in range(8)))
        return server.limits

    assert len(run(serve())) == 200


# --- signs


def test_an_answer_overtakes_what_was_sent_before_it_and_not_together_with_it():
    line = Line()
    first, second = (line.send(0.0, 0, is_trial=False) for _ in range(2))
    assert line.back(first) == (0, 0.0)
    third = line.send(1.0, 0, is_trial=False)
    # Of the two under way, the later one has one before it.
    assert line.back(third) == (1, 0.5)
    assert (second.under_way, third.under_way, line.n) == (2, 2, 1)


@pytest.mark.parametrize(("slots", "low", "high"), [(1, 0.9, 1.1), (4, 3, 5), (30, 20, 60)])
@pytest.mark.parametrize("latency", [constant, uneven, memoryless])
def test_the_places_of_a_server_are_seen_in_what_its_answers_do(slots, low, high, latency):
    signs, line, seconds = Signs(1.0), Line(), latency(random.Random(5))

    async def serve():
        clock, free, left = (
            asyncio.get_running_loop().time,
            asyncio.Semaphore(slots),
            iter([0] * 3000),
        )

        async def work():
            for _ in left:
                sent = line.send(clock(), 0, is_trial=False)
                async with free:
                    await asyncio.sleep(seconds())
                signs.add(*line.back(sent), sent, clock() - sent.at)

        await asyncio.gather(*(work() for _ in range(30)))

    run(serve())
    # Memoryless answers can be next to nothing, even ones never overtake: one of both shows.
    assert low * 0.7 - (slots == 1) <= signs.places(1.0 if latency is constant else 0.2) <= high


def test_a_run_a_moment_later_goes_on_with_what_was_found_out(monkeypatch):
    slots = Slots(64, lambda: 0.001)

    async def ask():
        await asyncio.gather(*(slots.request() for _ in range(400)))

    asyncio.run(ask())
    found = slots.pace.limit
    assert found > 8
    assert Pace(64, before=slots.pace).limit == found
    monkeypatch.setattr("tracer_nb.teachers.chat.pace._A_MOMENT", -1.0)
    assert Pace(64, before=slots.pace).limit == 8
    monkeypatch.undo()
    slots.pace.halt()
    assert Pace(64, before=slots.pace).limit == 8
