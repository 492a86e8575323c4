"""Two fits side by side: by hand, and the interval of their difference on known worlds."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from tests.unit.engine.gaps.judgements import judged
from tracer_nb.engine.gaps import Judged, compare_fits
from tracer_nb.records import LabelDifference, Routing

DRAWS, N = 2000, 150


def routing(labels, handled):
    n = len(labels)
    none = np.zeros(n, dtype=bool)
    at = np.array([letter == "h" for letter in handled], dtype=bool)
    return Routing(at, np.array([*labels], dtype=object), np.full(n, 0.5), none)


NOTHING = (routing("", ""), routing("", ""))


def test_counts_by_hand():
    before, after = routing("aabb", "hh.."), routing("abbb", "h.h.")
    teacher = "aab-b"
    tested = (
        judged(teacher, "aaaab", handled=[1, 1, 1, 0, 0]),
        judged(teacher, "abbab", handled=[1, 1, 1, 1, 0]),
    )
    found = compare_fits(
        (before, after), np.array([10, 11, 12, 13]), tested, targets=(0.9, 0.8)
    )  # fmt: skip
    assert (found.n_rows, found.n_handled) == (4, (2, 2))
    assert found.to_handled.tolist() == [12]
    assert found.to_deferred.tolist() == found.relabelled.tolist() == [11]
    assert found.n_relabelled_handled == 0
    assert (found.n_tested, found.n_tested_handled, found.n_tested_agree) == (5, (3, 4), (2, 2))
    assert (found.n_both, found.only_before, found.only_after) == (3, 1, 1)
    assert found.p_value == 1.0
    assert found.lower == -found.upper < 0
    assert found.labels == (
        LabelDifference("a", 2, (2, 2), (2, 1)),
        LabelDifference("b", 2, (1, 1), (0, 1)),
    )


def test_nothing_to_compare():
    empty = judged("", "")
    found = compare_fits(NOTHING, np.array([], dtype=int), (empty, empty), targets=(0.9, 0.9))
    assert (found.n_rows, found.n_both, found.lower, found.upper, found.p_value) == (
        *(0, 0, -1.0, 1.0),
        1.0,
    )


def pair(rng, first, second):
    """Two fits on N rows of which each handles all; their agreements are dependent."""
    u = rng.random(N)
    agree = u < first, u > 1 - second
    teacher = np.zeros(N, dtype=int)
    every = np.ones(N, dtype=bool)
    return tuple(
        Judged(("a", "b"), teacher, np.where(a, 0, 1), u, every, "calibration") for a in agree
    )


def test_the_interval_holds_and_the_exact_test_too_where_a_naive_one_does_not():
    rng = np.random.default_rng(21)
    missed = rejected = naive = 0
    for _ in range(DRAWS):
        found = compare_fits(
            NOTHING, np.array([], dtype=int), pair(rng, 0.95, 0.95), targets=(0.9, 0.9)
        )
        missed += not found.lower <= 0 <= found.upper
        rejected += found.p_value <= 0.05
        # A test that takes the difference's sign for the finding.
        naive += found.only_after > found.only_before
    allowed = binom.ppf(1 - 1e-4, DRAWS, 0.05)
    assert missed <= allowed
    assert rejected <= allowed
    assert naive > allowed


def test_a_true_difference_is_seen():
    rng = np.random.default_rng(22)
    seen = 0
    for _ in range(200):
        found = compare_fits(
            NOTHING, np.array([], dtype=int), pair(rng, 0.75, 0.95), targets=(0.9, 0.9)
        )
        assert found.p_value == pytest.approx(
            binomtest(found.only_after, found.only_before + found.only_after).pvalue
        )
        seen += found.lower > 0
    assert seen > 150
