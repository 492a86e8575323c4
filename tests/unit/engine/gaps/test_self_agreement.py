"""A teacher's agreement with itself: counts by hand, and intervals on a known teacher."""

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.gaps import self_agreement

N, DRAWS = 60, 3000


def twice(rng, wavering):
    """Two answers to each of N texts: drawn 9 : 1 for a share of them, else the same."""
    unsure = rng.random(N) < wavering
    first, second = (np.where(unsure & (rng.random(N) < 0.1), "b", "a") for _ in range(2))
    return {str(i): (str(a), str(b)) for i, (a, b) in enumerate(zip(first, second, strict=True))}


def known(wavering):
    """Chance of the same label twice, and the best agreement that a surrogate may have."""
    return 1 - wavering * 2 * 0.1 * 0.9, 1 - wavering * 0.1


def test_counts_by_hand():
    answers = {"1": ("a", "a"), "2": ("a", "b"), "3": ("a", "b"), "4": ("b", None), "5": ("b", "b")}
    found = self_agreement(answers)
    assert (found.n, found.n_same, found.share) == (5, 2, 0.4)
    assert found.ceiling == pytest.approx(0.4**0.5)
    assert found.labels == (("a", 3, 2), ("b", 2, 1))
    assert found.pairs == (("a", "b", 2), ("b", None, 1))
    assert found.changed == (("2", "a", "b"), ("3", "a", "b"), ("4", "b", None))
    exact = stats.binomtest(2, 5).proportion_ci(0.95)
    assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))
    nothing = self_agreement({})
    assert (nothing.share, nothing.ceiling, nothing.lower, nothing.upper) == (None, None, 0, 1)


def test_the_interval_holds_as_often_as_it_says_and_a_naive_one_does_not():
    rng = np.random.default_rng(11)
    missed = naive = 0
    widths = []
    share, _ = known(0.1)
    for _ in range(DRAWS):
        found = self_agreement(twice(rng, 0.1))
        missed += not found.lower <= share <= found.upper
        half = 1.96 * np.sqrt(found.share * (1 - found.share) / N)
        naive += abs(found.share - share) > half
        widths.append(found.upper - found.lower)
    allowed = stats.binom.ppf(1 - 1e-4, DRAWS, 0.05)
    assert missed <= allowed
    assert naive > allowed
    assert np.mean(widths) < 0.12  # and is not held by saying nothing


def test_no_surrogate_can_exceed_the_ceiling_and_the_share_alone_is_none():
    rng = np.random.default_rng(12)
    for wavering in (0.3, 1.0):
        share, best = known(wavering)
        assert share < best <= np.sqrt(share)
        found = [self_agreement(twice(rng, wavering)) for _ in range(400)]
        # Always the likelier label: it agrees more often than the teacher does with itself.
        assert np.mean([f.share for f in found]) == pytest.approx(share, abs=0.01)
        assert np.mean([f.ceiling for f in found]) >= best - 0.01
