"""What a run foretells of its own end."""

import pytest

from tracer_nb.records import Progress, Spending


def at(asked, reused=0, total=1000, cost=0.5, seconds=10.0):
    return Progress(asked + reused, total, Spending(asked=asked, reused=reused, cost=cost), seconds)


def test_cost_and_time_go_on_as_they_began():
    progress = at(100, reused=300)
    # 600 texts are left at half a cent and a tenth of a second each.
    assert progress.cost_all == pytest.approx(0.5 + 600 * 0.005)
    assert progress.seconds_left == pytest.approx(60.0)


def test_a_few_answers_foretell_nothing():
    assert at(9).cost_all is None
    assert at(9).seconds_left is None
    assert at(10).cost_all == pytest.approx(50.0)


def test_unknown_costs_and_times_stay_unknown():
    assert at(100, cost=None).cost_all is None
    assert at(100, cost=None).seconds_left == pytest.approx(90.0)
    assert at(100, seconds=0.0).seconds_left is None


def test_at_the_end_all_is_what_was_paid():
    progress = at(700, reused=300)
    assert (progress.cost_all, progress.seconds_left) == (0.5, 0.0)
