"""What is expected of open rows, from the left-out answers of labelled ones."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.bounds import column_p_value
from tracer_nb.engine.outlook import bin_ends, look_ahead

OPEN = {"n_open": 5000, "n_labels": 800, "target": 0.9, "delta": 0.08}


def labelled(n, seed, *, times=1.0):
    """Scores, and agreement that grows with them; disagreements so many times as often."""
    rng = np.random.default_rng([seed, 3])
    scores = rng.random(n)
    return scores, rng.random(n) >= times * 0.25 * (1.0 - scores) ** 2


def expected(n_random, n_chosen, seed, *, worse=1.0, **changes):
    rng = np.random.default_rng(seed)
    parts = [labelled(n_random, seed), labelled(n_chosen, seed + 100, times=worse)]
    scores, agree = (np.concatenate(each) for each in zip(*parts, strict=True))
    chance = np.arange(len(scores)) < n_random
    return look_ahead(rng.random(5000), scores, agree, chance, **{**OPEN, **changes})


def test_chosen_rows_that_disagree_more_often_are_told_from_random_ones():
    """Open rows disagree in a twelfth; chosen rows, at any score, twice as often."""
    alone = np.mean([expected(400, 0, seed).wrong for seed in range(8)])
    both = np.mean([expected(400, 1000, seed, worse=2.0).wrong for seed in range(8)])
    assert both == pytest.approx(alone, rel=0.25)


def test_chosen_rows_make_the_outlook_steadier():
    def spread(n_chosen):
        return np.std([np.log(expected(100, n_chosen, seed).wrong) for seed in range(16)])

    assert spread(1500) < spread(0)


def test_nothing_seen_to_disagree_is_no_proof():
    scores = np.linspace(0, 1, 150)
    agree, chance = np.ones(150, dtype=bool), np.ones(150, dtype=bool)
    found = look_ahead(np.linspace(0, 1, 5000), scores, agree, chance, **OPEN)
    assert 0.005 < found.wrong < 0.03
    assert found.n_test > 30  # more than the fewest that could pass without one disagreement


@pytest.mark.parametrize("times", [1.0, 1.4])
def test_a_test_is_planned_that_passes_where_the_outlook_was_too_bright(times):
    """Disagreements are so many times as often as the labelled rows say."""
    rng, passed, n = np.random.default_rng(8), 0, 20
    handled = bin_ends(5000)
    for seed in range(n):
        found = expected(150, 800, seed)
        surest = np.sort(rng.random(found.n_test))[::-1]  # an open row's score is its quantile
        wrong = rng.random(found.n_test) < times * 0.25 * (1.0 - surest) ** 2
        n_handled = handled[found.start]
        m = int((surest >= 1.0 - n_handled / 5000).sum())
        passed += bool(column_p_value(wrong[:m].sum(), m, n_handled, 0.9) <= 0.08)
    assert passed >= 0.8 * n


def test_without_random_rows_or_with_few_open_ones_nothing_is_planned():
    scores, agree = labelled(50, 0)
    for chance, n in ((np.zeros(50, dtype=bool), 5000), (np.ones(50, dtype=bool), 20)):
        found = look_ahead(np.linspace(0, 1, n), scores, agree, chance, **{**OPEN, "n_open": n})
        assert (found.n_test, found.wrong) == (0, 1.0)


def test_rows_that_are_deferred_whatever_happens_are_no_part_of_the_curve():
    scores, agree = labelled(300, 1)
    chance = np.ones(300, dtype=bool)
    far = np.r_[scores, np.full(50, -np.inf)]
    with_far = look_ahead(
        np.linspace(0, 1, 5000), far, np.r_[agree, np.zeros(50, dtype=bool)],
        np.ones(350, dtype=bool), **OPEN,
    )  # fmt: skip
    assert with_far == look_ahead(np.linspace(0, 1, 5000), scores, agree, chance, **OPEN)


def test_finer_bins_end_where_the_others_do():
    assert bin_ends(5000, 4)[3::4].tolist() == bin_ends(5000).tolist()
    assert len(bin_ends(5000, 4)) == 160
