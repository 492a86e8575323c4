"""Why nothing was certified, and how likely other numbers are: against known worlds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.bounds import held_out_p_value
from tracer_nb.engine.refusal import (
    chance_to_certify,
    likely_target,
    refusal_cause,
    surest_agreement,
)
from tracer_nb.records import CAUSES, ClassCertificate, Pilot


def pilot(n=400, *, agreement=0.8, gain=0.15, seed=0):
    """Scores in order; agreement falls along them from ``agreement + gain`` to ``agreement - gain``."""
    rng = np.random.default_rng(seed)
    scores = rng.permutation(np.linspace(0, 1, n))
    return Pilot(scores, rng.random(n) < agreement + gain * (2 * scores - 1))


FLAT = pilot(agreement=0.86, gain=0.0)
WEAK = pilot(agreement=0.55, gain=0.05)
SLOPE = pilot(agreement=0.84, gain=0.16, seed=3)
CLASS = ClassCertificate("a", math.inf, False, 9, 9, 8, 0.5, 0.9)  # noqa: FBT003

SITUATIONS = [
    ("stopped", SLOPE, {}, {"stopped": True}),
    ("labels", SLOPE, {}, {"unlabelled": 0.2}),
    ("teacher", SLOPE, {}, {"ceiling": 0.85}),
    ("threshold", SLOPE, {"strategy": "fixed-threshold"}, {}),
    ("classes", SLOPE, {"classes": (CLASS,)}, {}),
    ("rows", SLOPE, {"n_calibration": 20}, {}),
    ("late", SLOPE, {"n_calibration": 0}, {}),
    ("column", SLOPE, {"n_population": 30}, {}),
    ("luck", SLOPE, {}, {"chance": 0.7}),
    ("few", SLOPE, {}, {"chance": 0.2}),
    ("gate", FLAT, {}, {"chance": 0.0}),
    ("surrogate", WEAK, {}, {"chance": 0.0}),
]


def test_no_test_of_a_surrogate_that_cannot_follow_was_not_late(make_certificate):
    refusal = make_certificate(certified=False, n_calibration=0, n_population=2000)
    assert refusal_cause(refusal, WEAK) == "surrogate"
    assert refusal_cause(refusal, FLAT) == "gate"
    assert refusal_cause(refusal, Pilot(np.empty(0), np.empty(0, bool))) == "late"


def test_every_cause_is_among_the_situations_in_the_order_in_which_it_is_looked_for():
    assert tuple(cause for cause, *_ in SITUATIONS) == CAUSES


@pytest.mark.parametrize(("cause", "rows", "changes", "told"), SITUATIONS, ids=CAUSES)
def test_what_stands_in_the_way(make_certificate, cause, rows, changes, told):
    refusal = make_certificate(certified=False, n_calibration=100, n_population=2000)
    refusal = make_certificate(**{"certified": False, "n_calibration": 100, **changes})
    assert refusal_cause(refusal, rows, **told) == cause


def test_agreement_of_the_surest_fifth():
    rows = Pilot(np.arange(10) / 10, np.arange(10) >= 8)
    assert surest_agreement(rows) == (0.2, 1.0)
    assert all(math.isnan(x) for x in surest_agreement(Pilot(np.empty(0), np.empty(0, bool))))


def test_no_pilot_tells_nothing():
    assert math.isnan(chance_to_certify(Pilot(np.empty(0), np.empty(0, bool)), 100, 0.9, 0.95))


def test_chances_are_as_often_right_as_they_say():
    """Over many worlds with one threshold; what trusts the pilot's share is surer than it is right."""
    n_pilot, n_test, target, confidence = 100, 200, 0.9, 0.95
    rng = np.random.default_rng(1)
    agreement = rng.uniform(0.84, 1.0, size=600)
    agreeing = rng.binomial(n_pilot, agreement)
    k = np.arange(n_test + 1)
    fewest = k[held_out_p_value(k, np.full(n_test + 1, n_test), target) <= 1 - confidence][0]
    passed = rng.binomial(n_test, agreement) >= fewest
    told = np.array(
        [_chance_of(a, n_pilot, n_test, target, confidence) for a in range(n_pilot + 1)]
    )
    trusting = stats.binom.sf(fewest - 1, n_test, np.arange(n_pilot + 1) / n_pilot)
    assert _misjudged(told[agreeing], passed) < 0.04
    assert _misjudged(trusting[agreeing], passed) > 0.06


def _chance_of(a, n_pilot, *numbers):
    return chance_to_certify(Pilot(np.full(n_pilot, 0.5), np.arange(n_pilot) < a), *numbers)


def _misjudged(told, passed):
    """Mean distance, over fifths of what was told, between that and what came."""
    which = np.minimum((5 * told).astype(int), 4)
    parts = [which == b for b in range(5)]
    return sum(abs(passed[p].mean() - told[p].mean()) * p.mean() for p in parts if p.any())


def test_more_rows_and_lower_targets_are_likelier():
    by_rows = [chance_to_certify(SLOPE, n, 0.92, 0.95) for n in (60, 200, 1000)]
    assert by_rows == sorted(by_rows)
    by_target = [chance_to_certify(SLOPE, 100, t, 0.95) for t in (0.97, 0.9, 0.8, 0.6)]
    assert by_target == sorted(by_target)
    found = likely_target(SLOPE, 100, 0.97, 0.95)
    assert chance_to_certify(SLOPE, 100, found, 0.95) >= 0.8
    assert chance_to_certify(SLOPE, 100, found + 0.01, 0.95) < 0.8
    assert likely_target(pilot(agreement=0.3, gain=0.1), 20, 0.9, 0.95) is None
