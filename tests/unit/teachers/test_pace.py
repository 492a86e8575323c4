"""Requests under way, on a clock that jumps: when each one was sent is known exactly."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.teachers.chat.pace import TIMING, Halted, Pace, Timing

from .clock import run


def moment():
    """Seconds on the loop's clock, without its rounding errors."""
    return round(asyncio.get_running_loop().time(), 3)


class Server:
    """Answers every request after ``seconds``; ``trouble(t)`` says how it failed, if it did.

    ``sent`` are the moments at which requests were sent.
    """

    def __init__(self, pace, trouble=lambda _: None, seconds=1.0):
        self.pace, self.trouble, self.seconds = pace, trouble, seconds
        self.sent = []
        self.running = self.most = 0

    async def request(self, tokens=0):
        async with self.pace.turn(tokens) as turn:
            now = moment()
            self.sent.append(now)
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                await asyncio.sleep(self.seconds)
            finally:
                self.running -= 1
            if (wait := self.trouble(now)) is not None:
                turn.failed(overloaded=True, wait=wait)

    async def requests(self, n, workers=1000):
        left = iter(range(n))

        async def work():
            for _ in left:
                await self.request()

        await asyncio.gather(*(work() for _ in range(min(n, workers))))

    def by_moment(self):
        return [n for _, n in sorted(Counter(self.sent).items())]


def sent_by_moment(n, trouble=lambda _: None, most=64):
    async def serve():
        server = Server(Pace(most), trouble)
        await server.requests(n)
        return server.by_moment()

    return run(serve())


# --- how many at a time


def test_it_begins_with_a_few_and_doubles_with_every_clean_round():
    assert sent_by_moment(300) == [8, 16, 32, 64, 64, 64, 52]


def test_it_never_has_more_than_the_maximum():
    assert sent_by_moment(60, most=10) == [8, 10, 10, 10, 10, 10, 2]
    assert sent_by_moment(10, most=3) == [3, 3, 3, 1]


def test_a_burst_of_trouble_halves_once_and_a_clean_round_then_adds_one():
    sent = sent_by_moment(300, lambda t: 0.0 if t == 3 else None)
    assert sent == [8, 16, 32, 64, 32, 33, 34, 35, 36, 10]


def test_trouble_of_a_later_round_halves_again():
    sent = sent_by_moment(300, lambda t: 0.0 if t in (3, 4) else None)
    assert sent[:7] == [8, 16, 32, 64, 32, 16, 17]


def test_one_at_a_time_is_the_least():
    assert sent_by_moment(20, lambda t: 0.0 if t < 6 else None) == [8, 4, 2, 1, 1, 1, 1, 2]


def test_requests_with_places_to_spare_do_not_raise_the_limit():
    async def few():
        server = Server(Pace(64))
        await server.requests(100, workers=3)
        return server.pace.limit

    assert run(few()) == 8


def test_a_request_that_failed_by_itself_is_neither_clean_nor_trouble():
    async def failing():
        pace = Pace(64)

        async def fail():
            with pytest.raises(ZeroDivisionError):
                async with pace.turn():
                    raise ZeroDivisionError

        await asyncio.gather(*(fail() for _ in range(100)))
        return pace.limit

    assert run(failing()) == 8


@given(
    most=st.integers(1, 20),
    n=st.integers(0, 120),
    fates=st.lists(st.sampled_from([None, None, None, 0.0, 0.3, 2.0]), min_size=1, max_size=40),
    seconds=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_all_requests_are_sent_and_never_too_many(most, n, fates, seconds):
    fate = iter(fates * (n + 1))

    async def serve():
        server = Server(Pace(most), lambda _: next(fate), seconds)
        await server.requests(n)
        return server

    server = run(serve())
    assert len(server.sent) == n
    assert server.most <= most
    assert 1 <= server.pace.limit <= most


# --- waits


def test_a_wait_that_the_server_asks_for_holds_for_all_requests():
    async def serve():
        server = Server(Pace(64), lambda t: 5.0 if t == 1 else None)
        await server.requests(60)
        return sorted(Counter(server.sent).items())

    # At 2 sixteen are told to wait five seconds: then as many as half of them go.
    assert run(serve()) == [(0, 8), (1, 16), (7, 8), (8, 9), (9, 10), (10, 9)]


def test_a_short_wait_does_not_end_a_long_one():
    async def serve():
        waits = iter([9.0, 1.0, *[0.0] * 20])
        server = Server(Pace(2), lambda _: next(waits))
        await server.requests(3)
        return server.sent

    assert run(serve()) == [0, 0, 10]


def test_waiting_in_line_is_not_counted_as_time_of_the_answer():
    async def text(pace):
        timing = Timing()
        TIMING.set(timing)
        async with pace.turn():
            await asyncio.sleep(2)
        async with pace.turn():
            await asyncio.sleep(2)
        return round(asyncio.get_running_loop().time() - timing.sent, 3)

    async def serve():
        pace = Pace(1)
        return await asyncio.gather(*(asyncio.create_task(text(pace)) for _ in range(2)))

    # One of them waits for the other's first request; both then take turns.
    assert run(serve()) == [6, 6]


# --- limits of the account


def test_requests_a_minute():
    async def serve():
        server = Server(Pace(64, requests_per_minute=120), seconds=0.1)
        await server.requests(9)
        return server.sent

    assert run(serve()) == pytest.approx([0, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5])


def test_one_request_a_minute():
    async def serve():
        server = Server(Pace(64, requests_per_minute=1))
        await server.requests(3)
        return server.sent

    assert run(serve()) == pytest.approx([0, 60, 120])


async def tokens_sent(pace, *requests):
    server = Server(pace, seconds=0.1)
    await asyncio.gather(*(server.request(tokens) for tokens in requests))
    return server.sent


def test_tokens_a_minute_also_for_requests_of_more_than_a_second_s_share():
    # Ten tokens a second; ten may go at once.
    pace = Pace(64, tokens_per_minute=600)
    assert run(tokens_sent(pace, 30, 30, 5, 5)) == pytest.approx([2, 5, 5.5, 6])


def test_a_short_request_does_not_pass_a_long_one():
    async def order():
        pace, sent = Pace(64, tokens_per_minute=600), []

        async def request(name, tokens):
            async with pace.turn(tokens):
                sent.append(name)

        await asyncio.gather(request("first", 10), request("long", 100), request("short", 1))
        return sent

    assert run(order()) == ["first", "long", "short"]


def test_what_the_server_counts_corrects_the_estimate():
    async def serve(correction):
        pace = Pace(64, tokens_per_minute=600)
        first = await tokens_sent(pace, 10)
        pace.correct(correction)
        return first + await tokens_sent(pace, 10)

    assert run(serve(0)) == pytest.approx([0, 1])
    assert run(serve(20)) == pytest.approx([0, 3])
    assert run(serve(-5)) == pytest.approx([0, 0.5])


# --- stops


def busy():
    """A pace with one place, which is taken for long."""
    return Pace(1)


def limited():
    """A pace that allows one request a minute."""
    return Pace(8, requests_per_minute=1)


def paused():
    """A pace whose server asks for an hour's wait."""
    return Pace(8)


@pytest.mark.parametrize("make", [busy, limited, paused])
def test_a_halt_ends_all_waiting_at_once_and_no_request_under_way(make):
    async def serve():
        server = Server(make(), lambda _: 3600.0 if make is paused else None, seconds=10)
        if make is paused:
            await server.request()
        under_way = asyncio.create_task(server.request()) if make is not paused else None
        await asyncio.sleep(1)
        waiting = [asyncio.create_task(server.request()) for _ in range(3)]
        waiting.append(asyncio.create_task(server.pace.sleep(60)))
        await asyncio.sleep(1)
        before = moment()
        server.pace.halt()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ends] == [Halted] * 4
        assert moment() == before
        with pytest.raises(Halted):
            await server.request()
        if under_way is not None:
            await under_way
        return server

    server = run(serve())
    assert len(server.sent) == 1
    assert server.running == 0


@pytest.mark.parametrize("make", [busy, limited])
def test_a_request_that_waits_can_be_cancelled_and_gives_up_its_place(make):
    async def serve():
        server = Server(make(), seconds=10)
        first = asyncio.create_task(server.request())
        await asyncio.sleep(1)
        second, third = (asyncio.create_task(server.request()) for _ in range(2))
        await asyncio.sleep(1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert moment() == 2
        await asyncio.gather(first, third)
        return server.sent

    assert run(serve()) == pytest.approx([0, 10 if make is busy else 60])
