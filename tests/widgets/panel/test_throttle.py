"""Not too often, never not at all."""

from tracer_nb.widgets.panel.actions import Throttle


class World:
    """A clock that is moved by hand, and calls that wait for it."""

    def __init__(self):
        self.now, self.calls, self.later = 0.0, [], []
        self.throttle = Throttle(
            lambda: self.calls.append(self.now),
            0.25,
            clock=lambda: self.now,
            later=lambda seconds, call: self.later.append((self.now + seconds, call)),
        )

    def at(self, now):
        self.now = now
        due = [call for when, call in self.later if when <= now]
        self.later = [(when, call) for when, call in self.later if when > now]
        for call in due:
            call()


def test_the_first_call_is_at_once():
    world = World()
    world.throttle()
    assert world.calls == [0.0]
    assert world.later == []


def test_many_calls_are_four_a_second_and_the_last_is_not_lost():
    world = World()
    for i in range(1000):
        world.at(i / 1000)
        world.throttle()
    world.at(2.0)
    assert world.calls == [0.0, 0.25, 0.5, 0.75, 2.0]
    assert world.later == []


def test_after_a_pause_it_is_at_once_again():
    world = World()
    world.throttle()
    world.at(10.0)
    world.throttle()
    assert world.calls == [0.0, 10.0]


def test_a_real_timer_calls_in_the_end():
    import threading

    done = threading.Semaphore(0)
    throttle = Throttle(done.release, 0.01)
    throttle()
    throttle()
    assert done.acquire(timeout=30)
    assert done.acquire(timeout=30)
