"""What targets give: estimates against counting, and what a hand does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.unit.engine.routed import OPTIONS, rows
from tracer_nb.engine import fit_surrogate
from tracer_nb.engine.gaps import Labelled, Others, at_threshold, target_estimates
from tracer_nb.engine.pipeline import Answers
from tracer_nb.records import Choice


@pytest.fixture(scope="module")
def fit():
    return fit_surrogate(*rows(noise=0.9), **OPTIONS)


def said(scores, far=None):
    n = len(scores)
    return Answers(
        np.zeros(n, dtype=np.intp), np.asarray(scores), np.zeros(n, bool) if far is None else far
    )


def world(n=200, n_others=500, *, seed=0, dollars=True, costs=False):
    rng = np.random.default_rng([seed, 71])
    scores, others = rng.random(n), rng.random(n_others)
    far = rng.random(n_others) < 0.1
    agree = rng.random(n) < 0.6 + 0.4 * scores
    n_rows = rng.integers(0, 3, size=n_others)
    price = rng.uniform(0.5, 2.0, size=n_others)
    return (
        Labelled(said(scores), agree, rng.uniform(1, 2, size=n) if costs else None),
        Others(said(others, far), n_rows, price if costs else None, price if dollars else None),
    )


def test_estimates_are_those_of_the_loosest_threshold_that_meets_the_target(fit):
    tested, others = world()
    found = target_estimates(fit, tested, others, certified=(), main=0.9)
    assert found.targets == pytest.approx(np.arange(0.8, 0.995, 0.01))
    scores, price = tested.answers.scores, others.dollars
    order = np.argsort(-scores)
    agreement = tested.agree[order].cumsum() / np.arange(1, 201)
    for i, target in enumerate(found.targets):
        # The frontier has 100 thresholds, so every second row.
        meets = [j for j in range(1, 200, 2) if agreement[j] >= target]
        if not meets:
            assert found.thresholds[i] == np.inf
            assert (found.coverage[i], found.saved[i], found.n_handled[i]) == (0, 0, 0)
            assert np.isnan(found.agreement[i])
            continue
        threshold = scores[order][meets[-1]]
        assert found.thresholds[i] == threshold
        handled = (others.answers.scores >= threshold) & ~others.answers.far
        reached = meets[-1] + 1 + others.n_rows[handled].sum()
        assert found.coverage[i] == pytest.approx(reached / (200 + others.n_rows.sum()))
        assert found.saved[i] == pytest.approx(price[handled].sum())
        assert found.agreement[i] == pytest.approx(agreement[meets[-1]])
        k, m = round(agreement[meets[-1]] * (meets[-1] + 1)), meets[-1] + 1
        interval = stats.binomtest(k, m).proportion_ci(0.9, method="exact")
        assert (found.lower[i], found.upper[i]) == pytest.approx(tuple(interval))
    assert (found.n_rows, found.n_population) == (200, 200 + others.n_rows.sum())


def test_a_stricter_target_never_gives_more(fit):
    found = target_estimates(fit, *world(), certified=(), main=0.9)
    for figures in (found.coverage, found.saved):
        assert (np.diff(figures) <= 1e-12).all()
    assert (np.diff(found.thresholds) >= 0).all()
    assert found.expected[0] > found.expected[-1]
    assert ((found.expected >= 0) & (found.expected <= 1)).all()


def test_certified_targets_are_among_them(fit):
    choice = Choice(0.925, certified=True, coverage=0.4, saved=1.0)
    found = target_estimates(fit, *world(), certified=[choice], main=0.925)
    assert 0.925 in found.targets
    assert len(found.targets) == 21
    assert (found.certified, found.main) == ((choice,), 0.925)


def test_money_that_is_not_known(fit):
    found = target_estimates(fit, *world(dollars=False), certified=(), main=0.9)
    assert np.isnan(found.saved).all()
    assert (found.coverage > 0).any()
    assert at_threshold(fit, *world(dollars=False), 0.5, main=0.9).saved is None


def test_by_cost_each_target_has_its_own_path():
    X, y = rows(noise=0.9)
    fit = fit_surrogate(X, y, strategy="cost-aware", costs=np.linspace(1, 2, len(y)), **OPTIONS)
    tested, others = world(costs=True)
    found = target_estimates(fit, tested, others, certified=(), main=0.9)
    for i in (5, 12):
        path = fit.path(tested.answers, tested.costs, found.targets[i])
        handled = path >= found.thresholds[i]
        assert handled.sum() == found.n_handled[i] > 0
        assert tested.agree[handled].mean() == pytest.approx(found.agreement[i])


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9, 1.0])
def test_a_threshold_moved_by_hand_is_counted_and_never_certified(fit, threshold):
    tested, others = world()
    found = at_threshold(fit, tested, others, threshold, main=0.9)
    handled = tested.answers.scores >= threshold
    reached = (others.answers.scores >= threshold) & ~others.answers.far
    assert found.certified is False
    assert (found.n_rows, found.n_handled) == (200, handled.sum())
    assert found.n_agree == tested.agree[handled].sum()
    total = 200 + others.n_rows.sum()
    assert found.coverage == pytest.approx((handled.sum() + others.n_rows[reached].sum()) / total)
    assert found.saved == pytest.approx(others.dollars[reached].sum())
    if handled.any():
        assert found.lower <= found.agreement <= found.upper
    else:
        assert np.isnan(found.agreement)
        assert (found.lower, found.upper) == (0, 1)


def test_what_the_guard_defers_no_hand_can_take(fit):
    tested, others = world()
    far = said(others.answers.scores, np.ones(500, dtype=bool))
    nothing = Others(far, others.n_rows, None, others.dollars)
    found = at_threshold(fit, tested, nothing, 0.0, main=0.9)
    assert found.saved == 0
    assert found.coverage == pytest.approx(200 / (200 + others.n_rows.sum()))
