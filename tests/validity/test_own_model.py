"""The promises about a model of one's own, in worlds with a known truth.

``certify`` without a pilot draws a quarter of the rows to order its tests; ``DeferralClassifier``
splits, fits and tests by itself, or on a held-out part that it is given. What must fail: the
lowest threshold whose observed agreement is enough, and a test on rows that were fitted on.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.neighbors import KNeighborsClassifier

from tracer_nb import DeferralClassifier, certify, certify_column

from .harness import CONFIDENCE, Outcome, held_out, known_column, naive
from .worlds import REALISTIC, nine, stress

TARGET = 0.92
DRAWS = 200


# --- certify and certify_column ----------------------------------------------------------------


def all_rows(pilot, tested):
    return np.r_[pilot.scores, tested.scores], np.r_[pilot.agree, tested.agree]


def by_itself(pilot, tested, target, seed, others=None):
    """Of a column the pilot is given, as its rows would be none of the column's."""
    options = {"target": target, "confidence": CONFIDENCE, "seed": seed}
    if others is None:
        return {target: certify(*all_rows(pilot, tested), **options).threshold}
    order = pilot.scores, pilot.agree
    rows = tested.scores, tested.agree, others.scores
    return {target: certify_column(*rows, pilot=order, **options).threshold}


def naive_of_all(pilot, tested, target, seed, others=None):
    """Must be caught: the naive rule on as many rows."""
    if others is not None:
        return naive(pilot, tested, target, seed, others)
    scores, agree = all_rows(pilot, tested)
    return naive(None, type(tested)(scores, agree), target, seed)


def check(world, n_labels, target, draws, power=None):
    new = held_out(world, n_labels, target, draws, rule=by_itself)
    column = known_column(world, n_labels, n_labels, target, draws, rule=by_itself)
    print(f"{world.name} {target} {n_labels}: {new}, {column}")
    assert new.kept, new
    assert column.kept, column
    if power is not None:
        floor = power * world.best_coverage(target)
        assert new.coverage >= floor, (new, floor)
        assert column.coverage >= floor, (column, floor)


def test_certify_keeps_its_promise_under_stress():
    check(stress(TARGET)[0], 500, TARGET, 120)


def test_certify_has_power_on_a_realistic_curve():
    check(REALISTIC[0], 500, TARGET, 40, power=0.6)


@pytest.mark.parametrize("run", [held_out, lambda *a, **o: known_column(*a[:2], 500, *a[2:], **o)])
def test_the_naive_rule_is_caught(run):
    result = run(stress(TARGET)[0], 500, TARGET, DRAWS, rule=naive_of_all)
    assert not result.kept, result


@pytest.mark.long
@pytest.mark.parametrize("n_labels", [200, 500, 2000])
@pytest.mark.parametrize("target", [0.92, 0.95])
def test_certify_keeps_its_promise_long(target, n_labels):
    for world in nine(target):
        check(world, n_labels, target, 1000)


# --- DeferralClassifier ------------------------------------------------------------------------


class Noisy:
    """Two classes with a known chance at each place: sure far from the border, a coin on it."""

    def __init__(self, slope=3.0):
        self.slope = slope

    def rows(self, rng, n):
        X = rng.normal(size=(n, 2))
        chance = expit(self.slope * X[:, 0])
        return X, (rng.random(n) < chance).astype(int), chance


NOISY = Noisy()


def memory():
    """Each row is one of its own neighbours: a test of rows that it was fitted on shows."""
    return KNeighborsClassifier(5)


def of_classifier(make, n, target, draws):
    """Certify on fresh rows, and compare with the chances at 4,000 new ones."""
    rng = np.random.default_rng([n, round(1000 * target), 1])

    def one(seed):
        classifier = make(rng, n, target, seed)
        X, _, chance = NOISY.rows(rng, 4000)
        labels, handled = classifier.decide(X)
        if not handled.any():
            return False, 0.0
        agreement = np.where(labels == 1, chance, 1.0 - chance)[handled].mean()
        return bool(agreement < target), float(handled.mean())

    return Outcome.of([one(seed) for seed in range(draws)])


def split_by_itself(rng, n, target, seed):
    X, y, _ = NOISY.rows(rng, n)
    return DeferralClassifier(memory(), target, CONFIDENCE, random_state=seed).fit(X, y)


def conformalized(rng, n, target, seed):
    X, y, _ = NOISY.rows(rng, n)
    held = NOISY.rows(rng, n // 2)[:2]
    made = DeferralClassifier(memory(), target, CONFIDENCE, random_state=seed).fit(X, y)
    return made.conformalize(*held)


def prefitted(rng, n, target, seed):
    X, y, _ = NOISY.rows(rng, n)
    held = NOISY.rows(rng, n // 2)[:2]
    base = memory().fit(X, y)
    made = DeferralClassifier(base, target, CONFIDENCE, prefit=True, random_state=seed)
    return made.conformalize(*held)


def on_fitted_rows(rng, n, target, seed):
    """Must be caught: the rows of the test are those that it was fitted on."""
    X, y, _ = NOISY.rows(rng, n)
    base = memory().fit(X, y)
    made = DeferralClassifier(base, target, CONFIDENCE, prefit=True, random_state=seed)
    return made.conformalize(X, y)


WAYS = [split_by_itself, conformalized, prefitted]


@pytest.mark.parametrize("way", WAYS)
def test_a_classifier_keeps_its_promise(way):
    result = of_classifier(way, 600, 0.88, 40)
    assert result.kept, result
    assert result.coverage > 0.15, result


def test_rows_that_were_fitted_on_are_caught():
    result = of_classifier(on_fitted_rows, 600, 0.88, 20)
    assert not result.kept, result


@pytest.mark.long
@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("target", [0.85, 0.88])
@pytest.mark.parametrize("way", WAYS)
def test_a_classifier_keeps_its_promise_long(way, target, n):
    result = of_classifier(way, n, target, 500)
    print(f"{way.__name__} {target} {n}: {result}")
    assert result.kept, result
