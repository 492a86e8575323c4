"""A pool of opinions weighs them by what they are worth, and says how sure it may be."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.pool import FEWEST_POOLED, fit_pool

K = 4


def world(n, *rights, seed=0):
    """Outputs that are the truth's own distribution, and LLMs that are right this often.

    The label given all of them has a distribution that is a logarithmic pool, with weight 1 for the
    outputs and the log odds of a right answer against any one wrong answer for each LLM.
    """
    rng = np.random.default_rng([seed, n])
    outputs = rng.dirichlet(np.full(K, 0.7), n)
    codes = (rng.random((n, 1)) > outputs.cumsum(axis=1)).sum(axis=1).clip(max=K - 1)
    opinions, true = [], outputs.copy()
    for right in rights:
        wrong = (codes + rng.integers(1, K, n)) % K
        said = np.eye(K)[np.where(rng.random(n) < right, codes, wrong)]
        opinions.append(said)
        true *= np.where(said > 0, right, (1 - right) / (K - 1))
    return outputs, opinions, codes, true / true.sum(axis=1, keepdims=True)


def log_odds(right):
    return np.log(right * (K - 1) / (1 - right))


def test_weights_are_what_each_opinion_is_worth():
    outputs, opinions, codes, _ = world(6_000, 0.8, 0.6, 1 / K)
    weights = fit_pool(outputs, opinions, codes).weights
    # Standard errors are .03 to .06; what the LLM at chance says has no weight.
    assert weights[2:] == pytest.approx([log_odds(0.8), log_odds(0.6), 0.0], abs=0.2)
    # The two parts of the outputs stand in for each other: together they are worth the logarithm.
    assert weights[0] == pytest.approx(1.0, abs=0.25)


def test_probabilities_are_those_of_the_world_on_other_rows():
    pool = fit_pool(*world(3_000, 0.85, 0.6)[:3])
    outputs, opinions, codes, true = world(4_000, 0.85, 0.6, seed=1)
    p = pool.probabilities(outputs, opinions)
    assert p.sum(axis=1) == pytest.approx(1.0)
    assert np.abs(p - true).mean() < 0.02
    sure, right = p.max(axis=1), p.argmax(axis=1) == codes
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        inside = (sure >= low) & (sure < high)
        # Within 4 standard errors of a share, and the pool's own error.
        assert right[inside].mean() == pytest.approx(
            sure[inside].mean(), abs=0.01 + 2.0 / np.sqrt(inside.sum())
        )


def test_one_who_says_nothing_leaves_the_others_as_they_are():
    outputs, (said,), codes, _ = world(3_000, 0.85)
    silent = np.random.default_rng(2).random(len(codes)) < 0.4
    pool = fit_pool(outputs, [np.where(silent[:, None], 0.0, said)], codes)
    assert pool.weights[2] == pytest.approx(log_odds(0.85), abs=0.25)
    nobody = pool.probabilities(outputs, [np.zeros_like(outputs)])
    assert np.abs(nobody - outputs).mean() < 0.02


def test_distributions_are_weighed_as_they_are():
    outputs, (said,), codes, _ = world(4_000, 0.85)
    # Twice as sure where it is right as where it is not: more is learned than from its labels.
    sure = np.where((said.argmax(axis=1) == codes)[:, None], 1.0, 0.5)
    soft = said * sure + (1 - sure) / K
    by_label, by_soft = (fit_pool(outputs, [o], codes) for o in (said, soft))
    right = np.arange(len(codes)), codes
    assert (
        np.log(by_soft.probabilities(outputs, [soft])[right]).mean()
        > np.log(by_label.probabilities(outputs, [said])[right]).mean() + 0.02
    )


def test_an_opinion_that_is_always_right_gets_a_weight_that_is_no_infinity():
    outputs, (said,), codes, _ = world(60, 1.0)
    weights = fit_pool(outputs, [said], codes).weights
    assert np.isfinite(weights).all()
    assert weights.max() < 50
    assert (fit_pool(outputs, [said], codes).probabilities(outputs, [said])[:, 0] >= 0).all()


def test_outputs_of_a_least_squares_surrogate_may_be_negative():
    outputs, opinions, codes, _ = world(500, 0.8)
    p = fit_pool(outputs - 0.1, opinions, codes).probabilities(outputs - 0.1, opinions)
    assert np.isfinite(p).all()


def test_too_few_rows_are_not_weighed():
    outputs, opinions, codes, _ = world(FEWEST_POOLED, 0.8)
    assert fit_pool(outputs[1:], [o[1:] for o in opinions], codes[1:]) is None
    assert fit_pool(outputs, opinions, codes) is not None
