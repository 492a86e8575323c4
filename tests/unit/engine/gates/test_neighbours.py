"""What near rows say, by hand: unit rows on a circle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.gates.learned import Neighbours


def at(*degrees):
    angles = np.deg2rad(degrees)
    return np.c_[np.cos(angles), np.sin(angles)].astype(np.float32)


ROWS = at(0, 10, 20, 30, 40, 180, 190)
CODES = np.array([0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_similarity_to_the_nearest_and_share_of_five(make):
    near = Neighbours(make(ROWS), CODES).features(make(at(5, 185)), np.array([0, 1]))
    # The five nearest of 5° are 0 to 40°, three of them with label 0; of 185° all but 10 and 20°
    # are near, in the order 190, 180, 40, 30, 0.
    assert near[:, 0] == pytest.approx(np.cos(np.deg2rad(5)))
    assert near[0, 1] == pytest.approx(3 / 5)
    other = Neighbours(ROWS, CODES).features(at(5), np.array([1]))
    assert other[0, 1] == pytest.approx(2 / 5)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_a_row_is_not_its_own_neighbour(make):
    neighbours = Neighbours(make(ROWS), CODES)
    counted = neighbours.features(make(ROWS), CODES)
    assert counted[:, 0] == pytest.approx(1.0)
    left_out = neighbours.features(make(ROWS), CODES, np.arange(7))
    assert left_out[:, 0] == pytest.approx(np.cos(np.deg2rad(10)))
    # Without itself the five nearest of 0° are 10 to 40° and 190°, two of them with its label.
    assert left_out[0, 1] == pytest.approx(2 / 5)


def test_rows_from_elsewhere_have_no_own_row():
    neighbours = Neighbours(ROWS, CODES)
    own = np.array([0, -1])
    near = neighbours.features(ROWS[[0, 0]], CODES[[0, 0]], own)
    assert near[0, 0] == pytest.approx(np.cos(np.deg2rad(10)))
    assert near[1, 0] == pytest.approx(1.0)


def test_fewer_than_five_rows():
    near = Neighbours(at(0, 10), np.array([0, 1])).features(at(1), np.array([0]))
    assert near[0, 1] == 0.5


def test_rows_as_near_as_the_fifth_count_too():
    """Nine copies of one row, three of them with label 1: a third, in any batch and order."""
    rows, codes = np.repeat(at(0), 9, axis=0), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    for order in (np.arange(9), np.arange(9)[::-1]):
        near = Neighbours(rows[order], codes[order]).features(at(3), np.array([1]))
        assert near[0, 1] == pytest.approx(1 / 3)


def test_copies_say_the_same_in_whatever_batch():
    rng = np.random.default_rng(0)
    distinct = rng.normal(size=(9, 33))
    distinct = (distinct / np.linalg.norm(distinct, axis=1)[:, None]).astype(np.float32)
    which = rng.integers(9, size=300)
    neighbours = Neighbours(distinct[which], rng.integers(2, size=300))
    X = distinct[rng.integers(9, size=200)]
    predicted = np.zeros(200, dtype=int)
    whole = neighbours.features(X, predicted)
    for size in (1, 7, 64):
        parts = [
            neighbours.features(X[i : i + size], predicted[i : i + size])
            for i in range(0, 200, size)
        ]
        assert np.concatenate(parts) == pytest.approx(whole, abs=1e-5)


def test_many_rows_are_looked_at_in_parts(monkeypatch):
    from tracer_nb.engine.zoo import matrix

    X, predicted = at(*range(0, 180, 7)), np.zeros(26, dtype=int)
    neighbours, own = Neighbours(ROWS, CODES), np.r_[np.arange(7), np.full(19, -1)]
    expected = neighbours.features(X, predicted, own)
    monkeypatch.setattr(matrix, "CHUNK_CELLS", 4 * len(neighbours.codes))
    assert neighbours.features(X, predicted, own) == pytest.approx(expected, abs=1e-6)
