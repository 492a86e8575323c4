"""The confusion matrix against counting by hand, and what is folded when labels are many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.gaps.judgements import any_judged, judged
from tracer_nb.engine.gaps import Judged, confusion
from tracer_nb.records import ConfusedPair, Selection


def test_a_matrix_that_was_counted_by_hand():
    found = confusion(judged("aabbbc-", "abbaacc", handled=[1, 0, 1, 1, 0, 1, 1]))
    assert found.labels == ("a", "b", "c")
    assert found.counts.tolist() == [[1, 1, 0], [2, 1, 0], [0, 0, 1]]
    assert found.handled.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.pairs == (ConfusedPair("b", "a", 2, 1), ConfusedPair("a", "b", 1, 0))
    assert (found.n_rows, found.n_agree, found.n_missing) == (6, 3, 1)
    assert found.folded == ()
    assert found.basis == "calibration"


def test_labels_that_agree_come_last_and_those_that_never_occur_are_left_out():
    found = confusion(judged("ccccab", "ccccba"))
    assert found.labels == ("a", "b", "c")


@given(any_judged())
def test_counts_are_those_of_a_loop(rows):
    found = confusion(rows)
    place = {name: i for i, name in enumerate(found.labels)}
    counts, handled = np.zeros_like(found.counts), np.zeros_like(found.handled)
    for t, s, h in zip(rows.teacher, rows.surrogate, rows.handled, strict=True):
        if t >= 0:
            at = place[rows.names[t]], place[rows.names[s]]
            counts[at] += 1
            handled[at] += h
    assert (found.counts == counts).all()
    assert (found.handled == handled).all()
    assert found.n_agree == np.trace(counts)
    assert found.n_missing == (rows.teacher < 0).sum()
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    assert (np.diff(wrong) <= 0).all()
    ranked = [(-pair.n, -pair.n_handled) for pair in found.pairs]
    assert ranked == sorted(ranked)
    assert sum(pair.n for pair in found.pairs) == found.n_rows - found.n_agree


@given(any_judged(), st.integers(1, 6))
def test_folding_loses_no_row(rows, shown):
    whole, part = confusion(rows, shown=100), confusion(rows, shown=shown)
    assert part.counts.sum() == whole.counts.sum()
    assert part.handled.sum() == whole.handled.sum()
    assert part.labels + part.folded == whole.labels
    assert len(part.folded) != 1
    k = len(part.labels)
    assert (part.counts[:k, :k] == whole.counts[:k, :k]).all()
    if part.folded:
        assert k == shown
        assert part.counts[-1, -1] == whole.counts[k:, k:].sum()
        assert part.n_folded_agree == np.trace(whole.counts[k:, k:])
        assert (part.counts[:-1, -1] == whole.counts[:k, k:].sum(axis=1)).all()
    assert part.pairs == whole.pairs


def test_a_thousand_labels_make_a_small_matrix():
    rng = np.random.default_rng(0)
    n, k = 5000, 1000
    teacher = rng.integers(k, size=n)
    surrogate = np.where(rng.random(n) < 0.7, teacher, rng.integers(k, size=n))
    rows = Judged(
        tuple(map(str, range(k))), teacher, surrogate, np.ones(n), np.ones(n, dtype=bool), ""
    )
    found = confusion(rows)
    assert found.counts.shape == (26, 26)
    assert len(found.pairs) == 50
    assert found.counts.sum() == n


def test_a_cell_knows_its_rows():
    found = confusion(judged("abcdabcd", "bacdabcd"), shown=2)
    assert found.cell(0, 1) == Selection(("a",), ("b",), tested=True)
    assert found.folded == ("c", "d")
    assert found.cell(2, 0) == Selection(("c", "d"), ("a",), tested=True)


def test_no_rows():
    for rows in (judged("", ""), judged("--", "ab")):
        found = confusion(rows)
        assert found.labels == found.pairs == ()
        assert found.counts.shape == (0, 0)
        assert found.n_rows == 0
