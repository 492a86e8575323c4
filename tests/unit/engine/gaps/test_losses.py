"""The budget of lost coverage and the risk-coverage area, in examples worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given

from tests.unit.engine.gaps.judgements import any_judged, judged
from tracer_nb.engine.gaps import lost_coverage, risk_area

# By falling score the rows are right, right, wrong, right, wrong.
ROWS = {"teacher": "aaaaa", "surrogate": "aabab", "scores": [0.9, 0.8, 0.7, 0.6, 0.5]}


def test_the_area_is_the_mean_risk_over_all_coverages():
    # Risks 0, 0, 1/3, 1/4 and 2/5.
    assert risk_area(judged(**ROWS)) == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert risk_area(judged("aa", "aa")) == 0
    assert math.isnan(risk_area(judged("", "")))


def test_equal_scores_count_in_random_order_and_deferred_rows_last():
    # Either order of two equal rows, one of them wrong: risks (0 or 1) and 1/2.
    assert risk_area(judged("aa", "ab")) == pytest.approx(0.5)
    assert risk_area(judged("aa", "ba", scores=[-np.inf, 0.1])) == pytest.approx(0.25)


def test_the_budget_goes_from_a_perfect_gate_to_the_handled_rows():
    rows = judged(**ROWS, handled=[True, False, False, False, False])
    lost = lost_coverage(rows, target=0.75)
    # 3 of 5 agree: 0.6 / 0.75. In hindsight the best four rows are 3/4 right.
    assert (lost.coverage, lost.hindsight, lost.ceiling) == pytest.approx((0.2, 0.8, 0.8))
    assert (lost.by_statistics, lost.by_ranking) == pytest.approx((0.6, 0.0))
    assert lost.by_surrogate == pytest.approx(0.2)
    strict = lost_coverage(rows, target=1.0)
    assert (strict.hindsight, strict.ceiling) == pytest.approx((0.4, 0.6))
    assert lost_coverage(rows, target=0.5).ceiling == 1
    assert lost_coverage(judged("", ""), target=0.9).n_rows == 0


def test_no_threshold_parts_equal_scores_or_hands_over_what_the_guard_defers():
    assert lost_coverage(judged("aa", "ab"), target=0.9).hindsight == 0
    guarded = judged("aa", "aa", scores=[0.3, -np.inf])
    assert lost_coverage(guarded, target=0.9).hindsight == 0.5


def test_another_rule_that_does_better_stands_for_the_best():
    rows = judged(**ROWS, handled=[True, True, False, True, False])
    lost = lost_coverage(rows, target=1.0)
    assert (lost.coverage, lost.hindsight, lost.ceiling) == pytest.approx((0.6, 0.6, 0.6))


@given(any_judged())
def test_the_parts_are_never_negative_and_add_up(rows):
    lost = lost_coverage(rows, target=0.8)
    assert 0 <= lost.coverage <= lost.hindsight <= lost.ceiling <= 1
    parts = lost.by_surrogate + lost.by_ranking + lost.by_statistics
    assert parts + lost.coverage == pytest.approx(1)
