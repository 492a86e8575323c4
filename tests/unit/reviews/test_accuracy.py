"""The teacher's accuracy: the interval covers as often as it says, and what does not."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from tracer_nb.records import Review
from tracer_nb.steps.review.sitting import start_review, teacher_accuracy
from tracer_nb.store import ReviewStore

from .reviewable import Planted

RUNS = 120
# Three standard errors below 95 % in so many runs.
FEWEST = 0.95 - 3 * math.sqrt(0.95 * 0.05 / RUNS)


def said(n_right, n_wrong=0, n_skipped=0, **options):
    labels = ["yes"] * n_right + ["no"] * n_wrong + [None] * n_skipped
    return teacher_accuracy([("yes", Review("", label, **options)) for label in labels], 0.95)


def test_by_hand_and_by_scipy():
    found = said(11, 1)
    assert (found.n_reviewed, found.n_right, found.n_skipped) == (12, 11, 0)
    assert found.accuracy == pytest.approx(11 / 12)
    low, high = stats.binomtest(11, 12).proportion_ci(0.95, "exact")
    assert (found.lower, found.upper) == (pytest.approx(low), pytest.approx(high))
    assert said(3).lower == pytest.approx(0.025 ** (1 / 3))
    assert said(3).upper == 1.0


def test_with_no_row_nothing_is_known():
    for found in (said(0), said(0, n_skipped=5)):
        assert math.isnan(found.accuracy)
        assert (found.lower, found.upper) == (0.0, 1.0)


def test_a_skipped_row_counts_for_neither_side():
    found = said(8, 1, 3)
    assert found.accuracy == pytest.approx(8 / 9)
    assert found.lower == pytest.approx(said(8, 4).lower)
    assert found.upper == pytest.approx(said(11, 1).upper)


def test_rows_that_were_not_blind_are_counted():
    assert said(3, 1).n_seen == 0
    assert said(3, 1, 2, blind=False).n_seen == 4


@pytest.mark.parametrize(("n_rows", "n"), [(60, 10), (200, 40), (200, 200)])
def test_drawn_without_replacement_it_covers_by_enumeration(n_rows, n):
    found = [said(k, n - k) for k in range(n + 1)]
    for n_right in range(n_rows + 1):
        share = n_right / n_rows
        chance = stats.hypergeom.pmf(np.arange(n + 1), n_rows, n_right, n)
        covers = np.array([f.lower <= share + 1e-12 and share - 1e-12 <= f.upper for f in found])
        assert chance[covers].sum() >= 0.95


def naive(reviewing):
    """The interval over everything that was reviewed, as if it were a random sample."""
    named = {item.text: item.teacher_label for item in reviewing.queue.items}
    return teacher_accuracy([(named[r.text], r) for r in reviewing.reviews], 0.95)


def covers(found, truth):
    return found.lower <= truth <= found.upper


def test_a_mixed_review_covers_and_the_naive_interval_does_not():
    hits = naive_hits = 0
    for seed in range(RUNS):
        world = Planted(seed)
        done = world.review(
            start_review(
                world.subject,
                ReviewStore(":memory:"),
                of="mixed",
                rows=60,
                blind=True,
                confidence=0.95,
            )
        )
        assert done.accuracy.n_reviewed == 30
        hits += covers(done.accuracy, world.accuracy)
        naive_hits += covers(naive(done), world.accuracy)
    assert hits / RUNS >= FEWEST
    assert naive_hits / RUNS < 0.5


def test_it_covers_when_a_review_is_gone_on_with():
    hits = early = 0
    for seed in range(RUNS):
        world = Planted(seed)
        store = ReviewStore(":memory:")
        options = {"blind": True, "confidence": 0.95}
        for of, rows in (("disputed", 20), ("mixed", 40), ("random", 50)):
            done = world.review(start_review(world.subject, store, of=of, rows=rows, **options))
        # Rows that were reviewed as disputed are among the random ones now, and count.
        assert done.accuracy.n_reviewed == 50
        early += sum(r.drawn != "random" for r in done.reviews)
        hits += covers(done.accuracy, world.accuracy)
    assert early / RUNS > 2
    assert hits / RUNS >= FEWEST


def test_it_covers_when_hard_rows_are_skipped_and_leaving_them_out_does_not():
    hits = left_out = 0
    for seed in range(RUNS):
        world = Planted(seed)
        # The human skips most rows on which the teacher is wrong.
        hard = {text for text in world.texts if text in world.wrong and world.rng.random() < 0.8}
        done = world.review(
            start_review(
                world.subject,
                ReviewStore(":memory:"),
                of="random",
                rows=60,
                blind=True,
                confidence=0.95,
            ),
            skips=hard.__contains__,
        )
        found = done.accuracy
        assert found.n_reviewed + found.n_skipped == 60
        hits += covers(found, world.accuracy)
        left_out += covers(said(found.n_right, found.n_reviewed - found.n_right), world.accuracy)
    assert hits / RUNS >= FEWEST
    assert left_out / RUNS < 0.5


def test_more_rows_tell_more():
    widths = [said(9 * k, k).upper - said(9 * k, k).lower for k in (1, 3, 10, 30)]
    assert all(a > b for a, b in pairwise(widths))
