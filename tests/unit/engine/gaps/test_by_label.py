"""Agreement and counts for each label, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.unit.engine.gaps.judgements import any_judged, judged
from tracer_nb.engine.gaps import count_labels, label_agreement
from tracer_nb.records import Selection


def test_agreement_that_was_counted_by_hand():
    rows = judged("aaaab-", "aabbba", handled=[1, 1, 1, 0, 1, 1])
    found = label_agreement(rows, target=0.9)
    assert found.labels == ("a", "b")
    assert found.n_rows.tolist() == [4, 1]
    assert found.n_handled.tolist() == [3, 1]
    assert found.n_agree.tolist() == [2, 1]
    assert found.agreement.tolist() == pytest.approx([2 / 3, 1])
    assert found.coverage.tolist() == [0.75, 1]
    assert found.handled_only
    assert found.target == 0.9


def test_by_the_surrogates_label_a_missing_one_is_a_disagreement():
    rows = judged("aa-", "aaa", handled=[1, 1, 1])
    found = label_agreement(rows, target=0.9, by="surrogate")
    assert (found.n_handled.tolist(), found.n_agree.tolist()) == ([3], [2])
    assert label_agreement(rows, target=0.9).n_handled.tolist() == [2]


def test_while_nothing_is_handled_all_rows_count():
    found = label_agreement(judged("aab", "abb"), target=0.9)
    assert not found.handled_only
    assert found.n_handled.tolist() == [2, 1]
    assert found.coverage.tolist() == [0, 0]


@given(any_judged(), st.sampled_from(["teacher", "surrogate"]))
def test_figures_are_those_of_a_loop(rows, by):
    found = label_agreement(rows, target=0.9, by=by)
    own = rows.teacher if by == "teacher" else rows.surrogate
    for i, label in enumerate(found.labels):
        mine = own == rows.names.index(label)
        counted = mine & (rows.handled if rows.handled.any() else True)
        assert found.n_rows[i] == mine.sum() > 0
        assert found.n_handled[i] == counted.sum()
        assert found.n_agree[i] == (counted & (rows.teacher == rows.surrogate)).sum()
        if counted.any():
            interval = stats.binomtest(int(found.n_agree[i]), int(counted.sum())).proportion_ci(
                0.9, method="exact"
            )
            assert (found.lower[i], found.upper[i]) == pytest.approx(tuple(interval))
            assert found.lower[i] <= found.agreement[i] <= found.upper[i]
        else:
            assert (found.lower[i], found.upper[i]) == (0, 1)
            assert np.isnan(found.agreement[i])
    assert found.n_rows.sum() == (own >= 0).sum()


def test_a_bar_knows_its_rows():
    rows = judged("ab", "bb")
    assert label_agreement(rows, target=0.9).bar(1) == Selection(teacher=("b",), tested=True)
    of_surrogate = label_agreement(rows, target=0.9, by="surrogate")
    assert of_surrogate.bar(0) == Selection(surrogate=("b",), tested=True)


def test_labels_are_counted_in_sample_and_output():
    found = count_labels(
        *(("a", "b", "c"), np.array([0, 0, -1, 2]), np.array([1]), np.array([2, 2])),
        n_missing=3,
        n_abstained=2,
    )
    assert found.sample.tolist() == [2, 0, 1]
    assert (found.by_teacher.tolist(), found.by_surrogate.tolist()) == ([0, 1, 0], [0, 0, 2])
    assert (found.n_sample, found.n_sample_missing, found.n_routed) == (4, 1, 8)
