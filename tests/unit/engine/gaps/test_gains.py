"""What would gain coverage: bounds by hand, and merged labels on worlds where the gain is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from tests.unit.engine.gaps.judgements import any_judged, judged
from tracer_nb.engine.gaps import Judged, loss_gains, lost_coverage, merge_gains
from tracer_nb.records import LostCoverage, SelfAgreement

TARGET, LABELS = 0.92, 8
LOST = LostCoverage(target=0.9, n_rows=100, coverage=0.5, hindsight=0.6, ceiling=0.8)


def world(rng, n, *, planted):
    """Rows of eight labels with 20 % other answers at random; of the first two one is drawn."""
    truth = rng.integers(LABELS, size=n)
    wrong = rng.random(n) < 0.2
    surrogate = np.where(wrong, rng.integers(LABELS, size=n), truth)
    teacher = truth.copy()
    unsure = (truth < 2) & ~wrong if planted else np.zeros(n, dtype=bool)
    surrogate[unsure], teacher[unsure] = (rng.integers(2, size=unsure.sum()) for _ in range(2))
    scores = rng.normal(size=n) - 2.0 * wrong - 2.0 * unsure
    none = np.zeros(n, dtype=bool)
    names = tuple("abcdefgh")
    return Judged(names, teacher, surrogate, scores, none, "calibration")


def coverage(rows):
    return lost_coverage(rows, target=TARGET).hindsight


def test_bounds_by_hand():
    assert [(g.by, round(g.coverage, 9), g.basis) for g in loss_gains(LOST, None)] == [
        ("gate", 0.3, "perfect gate"),  # the ceiling of .8, from the .5 of now
        ("surrogate", 0.5, "all"),
    ]
    # At most 0.64 the same twice: the best surrogate agrees on 0.8 at most.
    found = loss_gains(LOST, SelfAgreement(100, 55, 0.45, 0.64, 0.95))
    assert [(g.by, round(g.coverage, 9)) for g in found] == [
        ("gate", 0.3),
        ("surrogate", round(0.8 / 0.9 - 0.5, 9)),
        ("prompt", 0.5),
    ]
    sure = loss_gains(LOST, SelfAgreement(100, 100, 0.96, 1.0, 0.95))
    assert [(g.by, g.coverage) for g in sure] == [("gate", pytest.approx(0.3)), ("surrogate", 0.5)]
    assert all(g.at_most for g in found + sure)


def test_two_labels_are_not_merged_into_one():
    rows = judged("aabb", "abab", names="ab")
    assert merge_gains(rows, rows, target=0.9) == ()


def test_merging_by_hand():
    # Best first: three right, then a and b for one another twice, then c for d.
    rows = judged("aabbac", "aababd", scores=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    (gain,) = merge_gains(rows, rows, target=0.9)
    assert (gain.labels, gain.basis, gain.at_most) == (("a", "b"), "tested rows", False)
    # The first three agree, with both merged the first five.
    assert gain.coverage == pytest.approx(2 / 6)
    assert gain.ceiling == pytest.approx(5 / 6 / 0.9 - 3 / 6 / 0.9)
    assert merge_gains(judged("", ""), judged("", ""), target=0.9) == ()
    assert merge_gains(judged("ab", "-b".replace("-", "a")), judged("aa", "aa"), target=0.9) == ()


def test_two_labels_that_are_one_are_found_and_their_gain_is_told_without_bias():
    rng = np.random.default_rng(3)
    large = world(rng, 200_000, planted=True)
    as_one = replace(
        large,
        teacher=np.where(large.teacher == 1, 0, large.teacher),
        surrogate=np.where(large.surrogate == 1, 0, large.surrogate),
    )
    true = coverage(as_one) - coverage(large)
    assert true > 0.1
    told = []
    for _ in range(60):
        gains = merge_gains(
            world(rng, 400, planted=True), world(rng, 900, planted=True), target=TARGET
        )
        assert gains[0].labels == ("a", "b")
        assert gains[0].basis == "fitting rows"
        told.append(gains[0].coverage)
    error = np.std(told) / np.sqrt(len(told))
    assert abs(np.mean(told) - true) < 4 * error + 0.01


def test_without_such_a_pair_there_is_next_to_nothing_and_choosing_by_the_same_rows_flatters():
    rng = np.random.default_rng(4)
    told, flattered = [], []
    for _ in range(60):
        tested, choosing = (world(rng, n, planted=False) for n in (400, 900))
        few = judged("a", "a")
        for found, by in ((told, choosing), (flattered, few)):
            gains = merge_gains(tested, by, target=TARGET)
            found.append(gains[0].coverage if gains else 0.0)
    assert np.mean(told) < 0.015
    assert np.mean(flattered) > 0.017


@given(any_judged(), any_judged())
def test_gains_are_never_negative_and_rank(rows, choosing):
    choosing = replace(choosing, names=rows.names)
    keep = (choosing.teacher < len(rows.names)) & (choosing.surrogate < len(rows.names))
    choosing = Judged(
        rows.names,
        *(
            part[keep]
            for part in (choosing.teacher, choosing.surrogate, choosing.scores, choosing.handled)
        ),
        choosing.basis,
    )
    for by in (choosing, rows):
        gains = merge_gains(rows, by, target=0.8)
        assert len(gains) <= 3
        assert [g.coverage for g in gains] == sorted((g.coverage for g in gains), reverse=True)
        assert all(0 < g.coverage <= 1 and len(set(g.labels)) == 2 for g in gains)
