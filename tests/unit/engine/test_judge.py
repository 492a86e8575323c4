"""The judge: coverage to expect, by the user's targets, strategy and costs."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.judge import Judge, path_pilot
from tracer_nb.engine.options import make_options
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.records import Pilot

from .racing import LEVELS, choose, pilot_of, rows


def test_the_judge_means_over_targets_at_their_share_of_the_budget():
    X, Y, codes = rows(spread=1.2)
    pilot = pilot_of(choose(X, Y, codes), codes)
    judge = Judge(make_options(target=[0.85, 0.9], confidence=0.9), 200, 1.0)
    each = [
        plan_sequence(pilot, 200, target=t, confidence=0.95).expected_coverage for t in (0.85, 0.9)
    ]
    assert judge.expected_coverage(pilot) == pytest.approx(np.mean(each))


def test_the_judge_of_a_fixed_threshold_looks_at_no_other():
    pilot = Pilot(np.repeat([0.9, 0.4], 200), np.arange(400) < 200)
    for threshold, expected in ((0.5, 0.5), (0.3, 0.0), (0.95, 0.0)):
        options = make_options(strategy="fixed-threshold", threshold=threshold, **LEVELS)
        assert Judge(options, 200, 1.0).expected_coverage(pilot) == pytest.approx(expected)


def test_the_judge_of_cost_aware_routing_counts_dollars():
    """Half of the rows agree, and they cost three times what the others do."""
    agree = np.arange(400) < 200
    pilot = Pilot(np.where(agree, 0.95, 0.2), agree, costs=np.where(agree, 3.0, 1.0))
    options = make_options(strategy="cost-aware", **LEVELS)
    assert Judge(options, 200, 2.0).expected_coverage(pilot) == pytest.approx(0.75)
    path = path_pilot(pilot, options, 0.9, 2.0)
    assert (path.scores[agree] > 0.5).all()
    assert (path.scores[~agree] < 0.5).all()
    assert path.costs is pilot.costs
