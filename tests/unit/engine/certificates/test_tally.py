"""The rows of a test, counted: costs, single rows, and what the order of the tests is made of."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.bounds import column_p_value
from tracer_nb.engine.certificates import (
    AGREEMENT,
    Evidence,
    Kind,
    Promise,
    Rows,
    agreement_of,
    certify,
    certify_classes,
    tally,
)
from tracer_nb.engine.certificates.tally import Path, Tally
from tracer_nb.engine.sequence import Sequence, plan_sequence, threshold_grid
from tracer_nb.records import Pilot

from .worlds import LEVELS, PILOT, column, held_out, world


@pytest.fixture
def planned(monkeypatch):
    """What the planner was asked for."""
    asked = []

    def plan(pilot, n, **how):
        asked.append((pilot, n, how))
        return Sequence(how["grid"], 0.0)

    monkeypatch.setattr(tally, "plan_sequence", plan)
    return asked


# --- costs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_coverage_by_cost_in_dollars_or_millionths_of_them(unit):
    path = Path.of(np.array([0.2, 0.9, 0.5]), unit * np.array([1.0, 4.0, 3.0]))
    assert path.cost_coverage(np.array([0.95, 0.9, 0.3, 0.0])) == pytest.approx([0, 0.5, 0.875, 1])


def test_a_refusal_covers_no_cost():
    scores, agree = world(20, seed=2)
    assert held_out(PILOT, scores, agree, costs=np.ones(20), **LEVELS).cost_coverage == 0.0


def test_the_pilot_keeps_the_costs_of_its_rows():
    pilot = Pilot(*world(50, seed=1), codes=np.arange(50) % 2, costs=np.arange(50.0) + 1)
    scores, agree = world(30, seed=2)
    rows = Rows(scores, agree, np.zeros(30, dtype=int), np.ones(30))
    found = Tally.of(Promise(kind=agreement_of(1), **LEVELS), Evidence(pilot, rows))
    assert found.pilot.costs.tolist() == list(range(2, 51, 2))


# --- tests at their limits -------------------------------------------------------------------


def test_nothing_handled_proves_nothing_and_a_known_row_everything():
    """One row of the column is above .9, and it was asked about."""
    evidence = Evidence(PILOT, Rows(np.array([0.95]), np.array([True])), Rows(np.array([0.1])))
    p = Tally.of(Promise(**LEVELS), evidence).p_values(np.array([0.99, 0.9]))
    assert p.tolist() == [1.0, 0.0]


def test_a_p_value_at_the_level_passes():
    kind = Kind(
        "agreement", AGREEMENT.among, AGREEMENT.wrong, held_out=lambda k, _m, _t: 0 * k + 1 / 8
    )
    evidence = Evidence(PILOT, Rows(*world(100, seed=2)))
    assert certify(Promise(0.9, 0.875, kind=kind), evidence).certified
    assert not certify(Promise(0.9, 0.876, kind=kind), evidence).certified


# --- the order of the tests ------------------------------------------------------------------


def test_the_planner_hears_of_promise_and_seed(planned):
    evidence = Evidence(PILOT, Rows(*world(100, seed=2)))
    Tally.of(Promise(0.9, 0.8, n_shares=2), evidence).sequence(7)
    [(pilot, n, how)] = planned
    assert pilot.scores.tolist() == PILOT.scores.tolist()
    assert n == 100
    assert (how["target"], how["confidence"], how["seed"]) == (0.9, 0.9, 7)
    assert how["grid"].tolist() == threshold_grid(PILOT.scores).tolist()


def test_the_planner_hears_of_a_column_too(planned):
    scores, agree = world(100, seed=2)
    others = Rows(world(300, seed=3)[0])
    Tally.of(Promise(0.9, 0.8, n_shares=2), Evidence(PILOT, Rows(scores, agree), others)).sequence(
        7
    )
    [(pilot, n, how)] = planned
    everyone = np.sort(np.r_[scores, others.scores])
    assert np.isin(pilot.scores, everyone).all()
    assert pilot.agree.sum() == PILOT.agree.sum()
    assert n == 100
    assert (how["target"], how["confidence"], how["seed"]) == (0.9, 0.9, 7)
    assert how["grid"].tolist() == threshold_grid(everyone).tolist()


@pytest.mark.parametrize("by_class", [False, True])
def test_by_default_the_seed_is_zero(planned, by_class):
    scores, agree = world(200, seed=2)
    codes = np.zeros(200, dtype=int)
    evidence = Evidence(Pilot(scores, agree, codes), Rows(scores, agree, codes))
    if by_class:
        certify_classes(Promise(**LEVELS), evidence, ["a"])
    else:
        certify(Promise(**LEVELS), evidence)
    assert planned[0][-1]["seed"] == 0


def test_the_order_is_planned_for_the_test_of_the_promise():
    """One that counts agreement against half of what is promised starts looser."""

    def half(k, m, target):
        return AGREEMENT.held_out(k, m, target / 2)

    kind = Kind("agreement", AGREEMENT.among, AGREEMENT.wrong, held_out=half)
    evidence = Evidence(PILOT, Rows(*world(100, seed=2)))
    found = Tally.of(Promise(kind=kind, **LEVELS), evidence).sequence(0)
    usual = Tally.of(Promise(**LEVELS), evidence).sequence(0)
    easy = plan_sequence(PILOT, 100, target=0.45, confidence=0.9)
    assert found.tolist() == easy.thresholds.tolist()
    assert found[0] < usual[0]


def test_the_order_in_a_column_is_planned_by_what_is_not_known_yet():
    """Of 300 rows 270 were asked about: at most 30 are in doubt, and the count of a test says so."""
    scores, agree = world(270, seed=2)
    others = Rows(world(30, seed=3)[0])
    found = Tally.of(Promise(**LEVELS), Evidence(PILOT, Rows(scores, agree), others))
    grid = threshold_grid(found.column.scores)
    total = found.column.handled(grid)

    def p_value(k, m, i):
        d, handled = np.minimum(m - k, total[i]), np.minimum(m, total[i])
        return column_p_value(d, handled, total[i], 0.9)

    pilot = tally._match_ranks(PILOT, found.column.scores)
    how = {"grid": grid, "seed": 5, **LEVELS}
    expected = plan_sequence(pilot, 270, p_value=p_value, **how).thresholds
    assert found.sequence(5).tolist() == expected.tolist()
    assert expected.tolist() != plan_sequence(pilot, 270, **how).thresholds.tolist()


# --- what is said of the rows ----------------------------------------------------------------


def test_the_whole_output_of_a_column_is_known_and_that_of_new_rows_is_not():
    scores, agree = world(300, seed=2)
    found = column(PILOT, scores, agree, world(300, seed=3)[0], **LEVELS)
    assert found.certified
    share = found.n_population_handled / found.n_population
    assert found.whole_output_lower == pytest.approx(1 - 0.1 * share)
    new = held_out(PILOT, scores, agree, **LEVELS)
    assert new.certified
    assert (new.n_population, new.n_population_handled, new.whole_output_lower) == (None, None, 0.9)
