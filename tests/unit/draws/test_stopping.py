"""When a job stops growing, and when a test stops drawing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tracer_nb.draws.stopping import (
    enough,
    hopeless,
    nearly_worth_testing,
    plan_looks,
    worth_testing,
)
from tracer_nb.engine.outlook import Outlook

# 5 % of 4,000 open rows are expected to disagree; 92 % are wanted to agree.
BRIGHT = Outlook(
    n_labels=1000, n_test=300, start=20, stride=1, chance=0.95, coverage=0.9, n_deferred=370,
    bill=1700.0, wrong=0.05,
)  # fmt: skip


def worth(outlook, **changes):
    return worth_testing(
        outlook, **{"target": 0.92, "n_left": 4000, "full": False, "grown": True} | changes
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, True),
        ({"wrong": 0.105}, False),  # more than 1.25 times the 8 % that the target permits
        ({"chance": 0.5, "n_labels": 999, "bill": 1699.0}, False),
        ({"chance": 0.3}, True),  # a fifth of the rows is asked about
        ({"chance": 0.2}, False),
        ({"bill": 5001.0}, False),  # more than asking about everything
        ({"n_test": 0}, False),
    ],
)
def test_a_test_is_made_where_the_open_rows_are_expected_to_pass_with_room(changes, said):
    assert worth(replace(BRIGHT, **changes)) is said


def test_a_cap_makes_a_test_worth_it_and_a_test_that_failed_is_not_made_again():
    dim = replace(BRIGHT, wrong=0.2, chance=0.3)
    assert worth(dim, full=True)
    assert not worth(replace(dim, n_test=0), full=True)
    assert not worth(BRIGHT, grown=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wrong": 0.12}, True),
        ({"wrong": 0.13}, False),
        ({"chance": 0.15}, False),
        ({"chance": 0.45, "n_labels": 999}, False),
        ({"chance": 0.2}, True),
        ({"bill": 5001.0}, False),  # what is left costs less than a test: a batch is no loss
        ({}, True),
    ],
)
def test_no_batch_is_chosen_ahead_where_a_test_is_near(changes, said):
    assert nearly_worth_testing(replace(BRIGHT, **changes), 0.92, 4000, eager=True) is said


def test_who_loses_little_by_waiting_waits_earlier():
    dim = replace(BRIGHT, wrong=0.16)  # twice what the target permits
    assert nearly_worth_testing(dim, 0.92, 4000, eager=False)
    assert not nearly_worth_testing(dim, 0.92, 4000, eager=True)
    assert not nearly_worth_testing(replace(dim, wrong=0.18), 0.92, 4000, eager=False)


def test_a_job_without_hope_ends_after_it_was_tried():
    dim = replace(BRIGHT, n_test=0, chance=0.0)
    assert hopeless(dim, n_open=1500, n_rows=2500, target=0.92)
    assert not hopeless(dim, n_open=4000, n_rows=5000, target=0.92)
    assert not hopeless(BRIGHT, n_open=1500, n_rows=2500, target=0.92)


def test_a_teacher_that_gives_too_few_labels_ends_it_at_once():
    dim, early = replace(BRIGHT, n_test=0, chance=0.0), {"n_open": 4000, "n_rows": 5000}
    said = hopeless(dim, **early, target=0.85, n_random=150, n_bare=50)
    assert said.startswith("50 of 150 texts drawn at random got no label")
    # As many as the target allows, by chance, or hope: go on.
    assert not hopeless(dim, **early, target=0.85, n_random=150, n_bare=25)
    assert not hopeless(BRIGHT, **early, target=0.85, n_random=150, n_bare=50)


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_looks_share_the_budget_and_the_last_is_at_the_end(size):
    looks = plan_looks(size, 0.08)
    assert sum(look.error for look in looks) == pytest.approx(0.08)
    assert looks[-1].n_rows == size
    assert all(1 <= a.n_rows <= b.n_rows for a, b in itertools.pairwise(looks))


def test_a_test_ends_where_going_on_costs_what_it_could_gain():
    looks = plan_looks(500, 0.08)  # at 200 and 500
    assert enough(looks, 0, 0)
    assert enough(looks, 0, 300)
    assert not enough(looks, 0, 301)
    assert not enough(looks, 1, 0)
