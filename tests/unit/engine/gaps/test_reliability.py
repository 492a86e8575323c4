"""Bins of scores: every row in one, about equally many, equal scores never parted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.unit.engine.gaps.judgements import any_judged, judged
from tracer_nb.engine.gaps import Judged, reliability
from tracer_nb.records import Selection


def many(n, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    wrong = (rng.random(n) > scores).astype(np.intp)
    return Judged(("a", "b"), np.zeros(n, np.intp), wrong, scores, np.ones(n, bool), "calibration")


def test_ten_bins_of_equal_size():
    found = reliability(many(2000))
    assert found.n_rows.tolist() == [200] * 10
    assert (np.diff(found.low) > 0).all()
    assert (found.low[1:] > found.high[:-1]).all()
    assert (found.low <= found.score).all()
    assert (found.score <= found.high).all()
    # This world's scores are true.
    share = found.n_agree / found.n_rows
    assert ((found.lower <= share) & (share <= found.upper)).all()
    assert abs(share - found.score).max() < 0.1


@pytest.mark.parametrize(("n", "n_bins"), [(1, 1), (39, 1), (40, 2), (199, 9), (200, 10)])
def test_few_rows_make_few_bins(n, n_bins):
    assert len(reliability(many(n)).n_rows) == n_bins


def test_equal_scores_stay_together():
    scores = [0.2] * 150 + [0.9] * 50
    found = reliability(judged("a" * 200, "a" * 200, scores=scores))
    assert found.n_rows.tolist() == [150, 50]
    assert (found.low.tolist(), found.high.tolist()) == ([0.2, 0.9], [0.2, 0.9])


def test_rows_that_the_guard_defers_are_in_no_bin():
    found = reliability(judged("aaa", "aba", scores=[-np.inf, 0.5, 0.6]))
    assert (found.n_far, found.n_rows.tolist(), found.n_agree.tolist()) == (1, [2], [1])


@given(any_judged())
def test_every_row_is_in_the_bin_of_its_score(rows):
    found = reliability(rows)
    finite = np.isfinite(rows.scores)
    assert found.n_rows.sum() == finite.sum()
    assert found.n_far == (~finite).sum()
    for i in range(len(found.n_rows)):
        inside = finite & (rows.scores >= found.low[i]) & (rows.scores <= found.high[i])
        assert inside.sum() == found.n_rows[i]
        assert (inside & rows.agree).sum() == found.n_agree[i]
        assert rows.scores[inside].mean() == pytest.approx(found.score[i])


def test_a_bin_knows_its_rows():
    found = reliability(judged("ab", "ab", scores=[0.25, 0.75]))
    assert found.bin(0) == Selection(scores=(0.25, 0.75), tested=True)


def test_no_rows():
    for rows in (judged("", ""), judged("a", "a", scores=[-np.inf])):
        found = reliability(rows)
        assert len(found.n_rows) == len(found.low) == len(found.lower) == 0
