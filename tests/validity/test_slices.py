"""Slices: pure noise gives none, planted ones are found; uncorrected tests find noise."""

import numpy as np
import pytest
from scipy.stats import binom

from tracer_nb.engine.slicing import find_slices, propose

SHARE = 0.05


@pytest.fixture(scope="module")
def candidates():
    """Groups of 1,500 made-up texts by 60 words of very different frequency, and by length."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(60)]
    often = 1.0 / np.arange(1, 61)
    texts = [
        " ".join(rng.choice(words, size=rng.integers(3, 12), p=often / often.sum()))
        for _ in range(1500)
    ]
    return propose(texts, columns={"country": rng.choice(list("ABCDEF"), 1500).tolist()})


def null_draws(n_draws, seed):
    rng = np.random.default_rng(seed)
    return [rng.random(1500) < 0.06 for _ in range(n_draws)]


def check_null(candidates, n_draws, seed):
    found = sum(
        bool(find_slices(candidates, wrong, false_discoveries=SHARE))
        for wrong in null_draws(n_draws, seed)
    )
    assert found <= binom.ppf(0.999, n_draws, SHARE)


def test_noise_gives_no_slice(candidates):
    check_null(candidates, 150, seed=1)


@pytest.mark.long
def test_noise_gives_no_slice_long(candidates):
    check_null(candidates, 2000, seed=2)


def test_tests_without_a_correction_find_slices_in_noise(candidates):
    draws = null_draws(60, seed=3)
    alone = [
        any(find_slices([c], wrong, false_discoveries=SHARE) for c in candidates) for wrong in draws
    ]
    # The control that must fail.
    assert sum(alone) > 2 * binom.ppf(0.999, 60, SHARE)


@pytest.mark.parametrize("kind", ["word", "column"])
def test_planted_slices_are_found(candidates, kind):
    rng = np.random.default_rng(4)
    planted = next(c for c in candidates if c.kind == kind and 60 <= len(c.rows) <= 320)
    n_found = 0
    for _ in range(40):
        rate = np.full(1500, 0.04)
        rate[planted.rows] = 0.30
        found = find_slices(candidates, rng.random(1500) < rate)
        n_found += bool(found) and found[0].name == planted.name
    assert n_found >= 36
