"""A run's moments: bounded, in order, the last never lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.records import Progress, Spending, Timeline


def moment(seconds, done=0, cost=0.0, step="label", total=100):
    return Progress(done, total, Spending(asked=done, cost=cost), seconds, step)


def test_moments_are_kept_as_they_come():
    line = Timeline(max_cost=2.0).after(moment(0.2, 3, 0.1)).after(moment(0.4, 9, 0.3))
    assert line.seconds.tolist() == [0.2, 0.4]
    assert line.done.tolist() == line.asked.tolist() == [3, 9]
    assert line.cost.tolist() == [0.1, 0.3]
    assert (line.total, line.step, line.max_cost) == (100, "label", 2.0)


def test_an_unknown_price_is_not_a_number():
    assert np.isnan(Timeline().after(moment(1, cost=None)).cost).all()


def test_another_step_and_a_new_run_begin_anew():
    line = Timeline(max_cost=2.0).after(moment(1, 5)).after(moment(2, 9))
    other = line.after(moment(0.1, 1, step="deferred"))
    assert (other.seconds.tolist(), other.step, other.max_cost) == ([0.1], "deferred", 2.0)
    assert line.after(moment(0.1, 1)).seconds.tolist() == [0.1]


def test_a_moment_at_the_same_time_takes_the_place_of_the_last():
    line = Timeline().after(moment(1, 5)).after(moment(1, 7))
    assert line.done.tolist() == [7]


@pytest.mark.parametrize("n", [1, 240, 241, 5000])
def test_a_long_run_keeps_as_many_moments_as_there_is_room_for(n):
    line = Timeline()
    for i in range(n):
        line = line.after(moment(0.2 * (i + 1), i + 1))
    assert len(line.seconds) == min(n, 240)
    assert (line.done[0], line.done[-1]) == (1, n)
    assert line.seconds == pytest.approx(0.2 * line.done)
    gaps = np.diff(line.seconds)
    # Evenly spread over the whole run.
    assert (gaps > 0).all()
    assert gaps.max(initial=0.2) <= 4 * n * 0.2 / 240 + 0.2


@given(st.lists(st.floats(0, 100, allow_nan=False), max_size=30))
def test_moments_are_in_order_whenever_they_come(seconds):
    line = Timeline()
    for i, second in enumerate(seconds):
        line = line.after(moment(second, i))
        assert (line.seconds[-1], line.done[-1]) == (second, i)
        assert (np.diff(line.seconds) > 0).all()
        assert len(line.seconds) == len(line.done) == len(line.cost) == len(line.asked)
