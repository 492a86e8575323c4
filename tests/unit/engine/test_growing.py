"""The next batch: unsure rows among many others, not all of one kind, nor of a kind that is on its way."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.growing import choose_rows
from tracer_nb.engine.zoo import unit_rows

PER_KIND, KINDS = 100, 4


@pytest.fixture
def rows():
    """Equally unsure rows of four kinds, far from each other."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(KINDS), PER_KIND)
    return unit_rows(np.eye(KINDS)[kinds] + 0.1 * rng.normal(size=(len(kinds), KINDS))), kinds


def test_a_batch_is_not_all_of_one_kind(rows):
    X, kinds = rows
    margins = np.where(kinds == 0, 0.0, 0.01)
    chosen = choose_rows(margins, X, 40)
    assert len(set(chosen.tolist())) == 40
    assert set(kinds[chosen]) > {0}


def test_rows_like_those_that_are_being_asked_about_come_last(rows):
    X, kinds = rows
    margins = np.zeros(len(kinds))
    waiting = X[kinds == 1][:20]
    alone = choose_rows(margins, X, 40)
    beside = choose_rows(margins, X, 40, waiting)
    assert 1 in kinds[alone[:10]]
    assert 1 not in kinds[beside[:10]]
    # They are looked for among more rows, too: the least sure ones may all be like these.
    margins = np.where(kinds == 1, 0.0, 0.01) + 1e-6 * np.arange(len(kinds))
    assert set(kinds[choose_rows(margins, X, 30)]) == {1}
    assert (kinds[choose_rows(margins, X, 30, waiting)] == 1).mean() < 0.5


def test_nothing_on_its_way_changes_nothing(rows):
    X, kinds = rows
    margins = np.random.default_rng(1).random(len(kinds))
    assert choose_rows(margins, X, 40, X[:0]).tolist() == choose_rows(margins, X, 40).tolist()


def test_few_rows_are_all_chosen(rows):
    X, _ = rows
    assert sorted(choose_rows(np.zeros(5), X[:5], 40, X[5:9])) == list(range(5))
