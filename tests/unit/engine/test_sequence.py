"""The order of the tests: pilot quantiles, decreasing, start and stride by expected coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, logit

from tracer_nb.engine import sequence
from tracer_nb.engine.bounds import held_out_p_value
from tracer_nb.engine.sequence import N_THRESHOLDS, plan_sequence, threshold_grid
from tracer_nb.records import Pilot

LEVELS = {"target": 0.92, "confidence": 0.9}
SCORES = hnp.arrays(
    np.float64, st.integers(1, 120), elements=st.floats(0, 1).map(lambda v: round(v, 2))
)


def pilot(n=700, drop=0.3, seed=0):
    """Agreement falls from 1 by ``drop`` with the cube of the rank."""
    rng = np.random.default_rng(seed)
    q = rng.random(n)
    return Pilot(1 - q, rng.random(n) < 1 - drop * q**3)


def hair_below(scores):
    """A thousandth lower in log-odds: no other batch of rows may push the row below."""
    return pytest.approx(expit(logit(np.asarray(scores)) - 0.001), rel=1e-12)


# --- grid --------------------------------------------------------------------------------


def test_grid_is_the_coverage_quantiles():
    scores = np.random.default_rng(0).permutation(np.arange(1, 101) / 100)
    # 50 thresholds on 100 scores: every second one, from the second highest to the lowest.
    assert threshold_grid(scores) == hair_below(np.arange(99, 0, -2) / 100)


def test_grid_ranks_are_rounded_up():
    # 75 scores, so each quantile holds 1.5: ranks 2, 3, 5, 6, 8, …
    grid = threshold_grid(np.arange(75.0) / 75)
    assert grid[:5] == hair_below(np.array([73, 72, 70, 69, 67]) / 75)
    assert grid[-1] == 0


def test_grid_merges_ties():
    scores = np.r_[np.full(60, 0.9), np.full(39, 0.4), 0.1]
    assert threshold_grid(scores) == hair_below([0.9, 0.4, 0.1])


def test_grid_of_few_scores_is_all_of_them():
    assert threshold_grid(np.array([0.2, 0.7, 0.5])) == hair_below([0.7, 0.5, 0.2])
    assert threshold_grid(np.array([0.3])) == hair_below([0.3])
    assert threshold_grid(np.array([])).tolist() == []


@given(SCORES)
def test_grid_laws(scores):
    grid = threshold_grid(scores)
    assert 1 <= len(grid) <= N_THRESHOLDS
    assert (np.diff(grid) < 0).all()
    assert grid[-1] == hair_below(scores.min())
    # Between neighbours there is at most a fiftieth of the rows, beside the tied ones.
    handled = np.array([(scores >= t).sum() for t in grid])
    tied = np.array([(np.abs(scores - t) < 1e-3).sum() for t in grid])
    assert (np.diff(handled, prepend=0) <= np.ceil(len(scores) / N_THRESHOLDS) + tied).all()


def test_rows_at_minus_infinity_count_for_nothing_in_the_grid():
    assert threshold_grid(np.array([0.2, -np.inf, 0.7])) == hair_below([0.7, 0.2])
    assert threshold_grid(np.full(5, -np.inf)).tolist() == []


def test_a_row_whose_score_is_one_is_handled_in_every_batch():
    """Near 1 a hair in log-odds is less than a step between numbers."""
    below = np.nextafter(1.0, 0.0)
    assert threshold_grid(np.array([1.0])).tolist() == [below]
    assert threshold_grid(np.array([below]))[0] < below


# --- plan --------------------------------------------------------------------------------


def test_plan_is_a_strided_part_of_the_grid_down_to_its_end():
    planned = plan_sequence(pilot(), 300, **LEVELS)
    grid = threshold_grid(pilot().scores)
    positions = np.flatnonzero(np.isin(grid, planned.thresholds))
    strides = set(np.diff(positions).tolist())
    assert len(strides) == 1
    assert strides <= {1, 2, 4}
    assert len(grid) - 1 - positions[-1] < strides.pop()
    assert 0 < planned.expected_coverage <= 1


@given(SCORES, st.data())
def test_plan_decreases_whatever_the_pilot(scores, data):
    agree = np.array(data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores))))
    planned = plan_sequence(Pilot(scores, agree), 40, **LEVELS)
    assert (np.diff(planned.thresholds) < 0).all()
    assert np.isin(planned.thresholds, threshold_grid(scores)).all()
    assert 0 <= planned.expected_coverage <= 1


def test_plan_is_determined_by_its_seed():
    a, b = (plan_sequence(pilot(), 300, **LEVELS, seed=3) for _ in range(2))
    assert a.thresholds.tolist() == b.thresholds.tolist()
    assert a.expected_coverage == b.expected_coverage
    other = plan_sequence(pilot(), 300, **LEVELS, seed=4)
    assert other.expected_coverage != a.expected_coverage


def test_by_default_its_seed_is_zero():
    found = plan_sequence(pilot(), 300, **LEVELS)
    assert (
        found.expected_coverage == plan_sequence(pilot(), 300, **LEVELS, seed=0).expected_coverage
    )
    assert (
        found.expected_coverage != plan_sequence(pilot(), 300, **LEVELS, seed=1).expected_coverage
    )


def always(*p):
    """A test whose p-value at each threshold is always the same."""
    return lambda k, _m, i: np.array(p)[i] + 0.0 * k


def test_a_test_at_the_level_is_expected_to_pass():
    grid = np.array([0.8, 0.0])
    how = {"target": 0.92, "confidence": 0.875, "grid": grid}
    assert plan_sequence(pilot(), 300, **how, p_value=always(0.125, 0.125)).expected_coverage == 1
    assert plan_sequence(pilot(), 300, **how, p_value=always(0.126, 0.126)).expected_coverage == 0


def test_of_plans_that_start_as_surely_the_one_that_reaches_further_is_taken():
    """One row of 200 is below the first threshold, which is less than noise."""
    few = Pilot(np.r_[np.full(199, 0.9), 0.2], np.ones(200, dtype=bool))
    planned = plan_sequence(
        few, 300, **LEVELS, grid=np.array([0.8, 0.1]), p_value=always(0.0, 0.05)
    )
    assert planned.thresholds.tolist() == [0.8, 0.1]
    assert planned.expected_coverage == 1.0


def test_a_surer_start_is_worth_a_hundredth_of_coverage_and_no_more():
    """The first test is sure to pass, the next ones to fail, the last one passes less surely."""
    grid, p = np.array([0.8, 0.6, 0.4, 0.2]), always(0.0, 1.0, 1.0, 0.05)
    for n_below, start in ((1, 0.8), (2, 0.2)):
        few = Pilot(np.r_[np.full(100 - n_below, 0.9), np.full(n_below, 0.3)], np.ones(100, bool))
        planned = plan_sequence(few, 300, **LEVELS, grid=grid, p_value=p)
        assert planned.thresholds[0] == start


def test_first_threshold_has_rows_enough_to_pass():
    """At T = .92 and delta = .1 nothing below 28 handled rows can pass."""
    first = plan_sequence(pilot(), 100, **LEVELS).thresholds[0]
    assert 100 * (pilot().scores >= first).mean() > 28


def test_easier_pilots_start_looser_and_expect_more():
    easy = plan_sequence(pilot(drop=0.05), 300, **LEVELS)
    hard = plan_sequence(pilot(drop=0.9), 300, **LEVELS)
    assert easy.thresholds[0] < hard.thresholds[0]
    assert easy.expected_coverage > hard.expected_coverage + 0.2


def test_more_calibration_rows_expect_more():
    expected = [plan_sequence(pilot(), n, **LEVELS).expected_coverage for n in (40, 200, 2000)]
    assert expected == sorted(expected)
    assert expected[-1] > expected[0] + 0.1


@pytest.mark.parametrize("n", [0, 5, 27])
def test_too_few_calibration_rows_expect_nothing(n):
    assert plan_sequence(pilot(drop=0.0), n, **LEVELS).expected_coverage == 0.0


def test_expected_coverage_is_what_fresh_samples_get():
    """Simulated from the pilot, so near the mean over calibration samples of its world."""
    expected, reached = [], []
    for seed in range(8):
        planned = plan_sequence(pilot(400, drop=0.6, seed=seed), 300, **LEVELS)
        expected.append(planned.expected_coverage)
        rng = np.random.default_rng(100 + seed)
        for _ in range(60):
            q = rng.random(300)
            agree = rng.random(300) < 1 - 0.6 * q**3
            best = 0.0
            for t in planned.thresholds:
                handled = 1 - q >= t
                if held_out_p_value(agree[handled].sum(), handled.sum(), 0.92) > 0.1:
                    break
                best = 1 - t
            reached.append(best)
    # Measured .72 and .70.
    assert np.mean(expected) == pytest.approx(np.mean(reached), abs=0.06)


def test_pilots_without_rows_or_with_one():
    nothing = plan_sequence(Pilot(np.array([]), np.array([], bool)), 100, **LEVELS)
    assert len(nothing.thresholds) == 0
    assert nothing.expected_coverage == 0.0
    one = plan_sequence(Pilot(np.array([0.5]), np.array([True])), 100, **LEVELS)
    assert one.thresholds == hair_below([0.5])


def test_tied_pilots_are_handled_by_their_own_threshold():
    planned = plan_sequence(Pilot(np.full(300, 0.7), np.ones(300, dtype=bool)), 300, **LEVELS)
    assert planned.thresholds == hair_below([0.7])
    assert planned.expected_coverage == 1.0


def test_rows_at_minus_infinity_are_never_expected_to_be_handled():
    scores = np.r_[np.full(150, 0.7), np.full(150, -np.inf)]
    planned = plan_sequence(Pilot(scores, np.ones(300, dtype=bool)), 300, **LEVELS)
    assert planned.thresholds == hair_below([0.7])
    assert planned.expected_coverage == pytest.approx(0.5)
    nothing = plan_sequence(Pilot(np.full(9, -np.inf), np.ones(9, dtype=bool)), 300, **LEVELS)
    assert (len(nothing.thresholds), nothing.expected_coverage) == (0, 0.0)


def test_expected_coverage_weighs_rows_by_their_costs():
    """The half that agrees costs three times what the other does."""
    agree = np.arange(400) < 200
    scores, costs = np.where(agree, 0.9, 0.3), np.where(agree, 3.0, 1.0)
    plain = plan_sequence(Pilot(scores, agree), 300, **LEVELS)
    dear = plan_sequence(Pilot(scores, agree, costs=costs), 300, **LEVELS)
    assert plain.expected_coverage == pytest.approx(0.5)
    assert dear.expected_coverage == pytest.approx(0.75)


def test_grid_and_test_can_be_given():
    grid = np.array([0.8, 0.0])
    never = plan_sequence(
        pilot(), 300, **LEVELS, grid=grid, p_value=lambda k, _m, _i: np.ones(k.shape)
    )
    assert never.expected_coverage == 0.0
    always = plan_sequence(
        pilot(), 300, **LEVELS, grid=grid, p_value=lambda k, _m, _i: np.zeros(k.shape)
    )
    assert always.expected_coverage == 1.0
    strict = plan_sequence(
        pilot(),
        300,
        **LEVELS,
        grid=grid,
        p_value=lambda k, _m, i: np.where(i == 0, np.zeros(k.shape), 1.0),
    )
    assert strict.expected_coverage == pytest.approx((pilot().scores >= 0.8).mean())


def test_gained_is_the_coverage_of_the_last_test_before_the_first_failure():
    passed = np.array([[True, True, False, True], [False, True, True, True]])
    coverage = np.array([0.1, 0.2, 0.3, 0.4])
    assert sequence.gained_coverage(passed, coverage, 1).tolist() == [
        [0.2, 0.2, 0.0, 0.4],
        [0.0, 0.4, 0.4, 0.4],
    ]
    assert sequence.gained_coverage(passed, coverage, 2).tolist() == [
        [0.1, 0.4, 0.0, 0.4],
        [0.0, 0.4, 0.3, 0.4],
    ]


# --- the simulation --------------------------------------------------------------------------


def simulated(pilot, n, grid):
    """Agreeing and handled rows at each threshold, (draws, thresholds), and the coverage."""
    kept = []

    def keep(k, m, i):
        kept.append((k, m, i))
        return np.zeros(k.shape)

    _, coverage = sequence._simulate(pilot, n, grid, keep, 0)
    return *kept[0], coverage


def test_true_agreement_is_drawn_between_a_bins_own_count_and_the_smooth_one():
    """15 of 20 above, 20 of 20 below: smoothed .875 each, which weighs as much as 20 rows."""
    scores = np.r_[np.full(20, 0.9), np.full(20, 0.4)]
    pilot = Pilot(scores, np.r_[np.arange(20) < 15, np.ones(20, dtype=bool)])
    k, m, i, coverage = simulated(pilot, 20_000, np.array([0.8, 0.3]))
    share = k[:, 0] / m[:, 0]
    a, b = 15 + 17.5, 5 + 2.5
    assert share.mean() == pytest.approx(a / (a + b), abs=0.02)
    assert share.std() == pytest.approx(np.sqrt(a * b / (a + b + 1)) / (a + b), rel=0.2)
    below = (k[:, 1] - k[:, 0]) / (m[:, 1] - m[:, 0])
    assert below.mean() == pytest.approx((20 + 17.5) / 40, abs=0.01)
    assert coverage.tolist() == [0.5, 1.0]
    assert i[0].tolist() == [0, 1]


def test_counts_of_rows_are_drawn_too():
    """Half of the pilot lies above: of 100 rows 50 on average, and a binomial spread."""
    scores = np.r_[np.full(30, 0.9), np.full(30, 0.4)]
    _, m, _, coverage = simulated(Pilot(scores, np.ones(60, dtype=bool)), 100, np.array([0.8]))
    assert len(m) == 200
    assert m.mean() == pytest.approx(50, abs=1.5)
    assert m.std() == pytest.approx(5, rel=0.2)
    assert coverage.tolist() == [0.5]


def test_coverage_by_cost_where_the_pilot_knows_it():
    scores, costs = np.r_[np.full(30, 0.9), np.full(30, 0.4)], np.r_[np.full(30, 3.0), np.ones(30)]
    pilot = Pilot(scores, np.ones(60, dtype=bool), costs=costs)
    assert simulated(pilot, 100, np.array([0.8, 0.3]))[-1].tolist() == [0.75, 1.0]


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_thresholds_below_all_rows_of_the_pilot_add_nothing(unit):
    """A column has scores that the pilot has not; costs may be millionths of a dollar."""
    pilot = Pilot(np.full(30, 0.9), np.ones(30, dtype=bool), costs=np.full(30, unit))
    k, m, _, coverage = simulated(pilot, 100, np.array([0.8, 0.3, 0.1]))
    assert coverage.tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert (m == 100).all()
    assert (k[:, 0] == k[:, 2]).all()
    assert k.mean() > 99


def test_a_pilot_of_one_row_stands_for_all():
    _, m, _, coverage = simulated(Pilot(np.array([0.9]), np.array([True])), 100, np.array([0.8]))
    assert coverage.tolist() == [1.0]
    assert (m == 100).all()


def test_bins_weigh_by_their_rows():
    """20 of 40 above, 10 of 10 below: smoothed 30 / 50 each."""
    scores = np.r_[np.full(40, 0.9), np.full(10, 0.4)]
    pilot = Pilot(scores, np.r_[np.arange(40) < 20, np.ones(10, dtype=bool)])
    k, m, _, _ = simulated(pilot, 50_000, np.array([0.8, 0.3]))
    assert (k[:, 0] / m[:, 0]).mean() == pytest.approx(32 / 60, abs=0.02)
    below = (k[:, 1] - k[:, 0]) / (m[:, 1] - m[:, 0])
    assert below.mean() == pytest.approx(22 / 30, abs=0.03)


def test_a_bin_of_one_row_counts_and_one_of_none_does_not():
    """Nothing above, three that agree, and one that does not below."""
    pilot = Pilot(np.r_[np.full(3, 0.9), 0.2], np.arange(4) < 3)
    k, m, _, _ = simulated(pilot, 10_000, np.array([0.95, 0.8, 0.1]))
    assert (m[:, 0] == 0).all()
    assert (k[:, 1] / m[:, 1]).mean() > 0.99
    below = (k[:, 2] - k[:, 1]) / (m[:, 2] - m[:, 1])
    assert below.mean() < 0.01
