"""The path of a strategy: in which order rows are handed to the surrogate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.options import STRATEGIES, check_costs, check_threshold, cost_path, path_of
from tracer_nb.errors import InvalidInput

ROWS = st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 100)), min_size=1, max_size=30)
TARGETS = st.floats(0.05, 0.99)


def columns_of(rows):
    return np.array([s for s, _ in rows]), np.array([c for _, c in rows])


# --- cost-aware --------------------------------------------------------------------------


def test_cost_path_by_hand():
    """T = .9: a row at T is at 1/2, one at 1 is at 1; one .1 short at the typical cost loses .1."""
    path = cost_path(np.array([1.0, 0.95, 0.9, 0.8, 0.8]), np.array([1, 9, 1, 2, 4]), 0.9, 2.0)
    assert path == pytest.approx([1.0, 0.75, 0.5, 0.5 / 1.1, 0.5 / 1.05])


@given(ROWS, TARGETS, st.floats(0.01, 100))
def test_cost_path_laws(rows, target, typical):
    scores, costs = columns_of(rows)
    path = cost_path(scores, costs, target, typical)
    assert ((path >= 0) & (path <= 1)).all()
    sure = scores >= target
    # All sure rows come before all others.
    assert (path[sure] >= 0.5).all()
    assert (path[~sure] < 0.5).all()
    # The sure ones by score, the others by what is lost for each dollar saved.
    for part, key in ((sure, -scores), (~sure, (target - scores) / costs)):
        order = np.argsort(key[part], kind="stable")
        assert (np.diff(path[part][order]) <= 1e-12).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), TARGETS, st.floats(0.01, 100))
def test_equal_costs_give_the_order_of_scores(scores, target, cost):
    path = cost_path(np.array(scores), np.full(len(scores), cost), target, cost)
    assert (np.diff(path[np.argsort(scores)]) >= 0).all()


@given(ROWS, TARGETS, st.floats(0.01, 100))
def test_the_currency_of_costs_is_irrelevant(rows, target, rate):
    scores, costs = columns_of(rows)
    path = cost_path(scores, costs, target, 2.0)
    assert cost_path(scores, rate * costs, target, rate * 2.0) == pytest.approx(path)


def test_a_dear_row_comes_before_an_equally_sure_cheap_one():
    cheap, dear = cost_path(np.array([0.7, 0.7]), np.array([1.0, 10.0]), 0.9, 1.0)
    assert dear > cheap


# --- paths -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES[:2])
def test_other_strategies_go_by_the_score(strategy):
    scores = np.array([0.3, -np.inf, 1.0])
    assert path_of(strategy, scores, np.ones(3), 0.9, 1.0).tolist() == scores.tolist()


def test_deferred_rows_stay_at_the_end_of_the_path():
    scores = np.array([0.95, -np.inf, 0.0])
    path = path_of("cost-aware", scores, np.array([1.0, 1000.0, 1.0]), 0.9, 1.0)
    assert path[1] == -np.inf
    assert (path[[0, 2]] >= 0).all()


def test_unknown_costs_are_typical_ones():
    scores = np.array([0.95, 0.5, 0.7])
    expected = path_of("cost-aware", scores, np.full(3, 4.0), 0.9, 4.0)
    assert path_of("cost-aware", scores, None, 0.9, 4.0).tolist() == expected.tolist()


# --- checks ------------------------------------------------------------------------------


@pytest.mark.parametrize("costs", [[1, 2, 0.5], (1, 2, 0.5), np.array([1, 2, 0.5], dtype="f4")])
def test_costs_become_double_precision(costs):
    found = check_costs("costs", costs, 3)
    assert found.dtype == np.float64
    assert found.tolist() == [1, 2, 0.5]


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ([1, 2], "costs must have one entry for each of the 3 rows, got shape (2,)"),
        (1.0, "costs must have one entry for each of the 3 rows, got shape ()"),
        (
            [1, 0, -2],
            "costs holds 2 values that are not above 0; give what asking about a row costs",
        ),
        (
            [1, np.nan, np.inf],
            "costs holds 2 values that are not above 0; give what asking about a row costs",
        ),
        (["1", "2", "x"], "costs must be numbers, got list"),
        ([1, 2, {}], "costs must be numbers, got list"),
    ],
)
def test_other_costs_are_refused(costs, message):
    with pytest.raises(InvalidInput) as error:
        check_costs("costs", costs, 3)
    assert str(error.value) == message


@pytest.mark.parametrize("threshold", [0, 1, 0.5, np.float32(0.25)])
def test_thresholds_in_the_unit_interval_pass(threshold):
    found = check_threshold("fixed-threshold", threshold)
    assert found == float(threshold)
    assert type(found) is float


@pytest.mark.parametrize("threshold", [None, 1.1, -0.1, np.nan, True, "0.9", 90])
def test_other_thresholds_are_refused(threshold):
    with pytest.raises(InvalidInput) as error:
        check_threshold("fixed-threshold", threshold)
    assert str(error.value) == (
        "strategy 'fixed-threshold' needs threshold, a gate score in [0, 1] such as 0.9, got "
        f"{threshold!r}"
    )


def test_a_threshold_belongs_to_one_strategy():
    for strategy in ("adaptive-threshold", "cost-aware"):
        assert check_threshold(strategy, None) is None
        with pytest.raises(InvalidInput) as error:
            check_threshold(strategy, 0.9)
        assert str(error.value) == (
            f"threshold 0.9 belongs to strategy 'fixed-threshold', and strategy is {strategy!r}"
        )
