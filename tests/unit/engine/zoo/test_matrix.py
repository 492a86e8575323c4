"""Unit rows, and rows in parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.zoo import matrix as module
from tracer_nb.engine.zoo.matrix import row_chunks, unit_rows

from .rows import MAKES

both = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


@both
def test_unit_rows(make):
    X = make(np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]], dtype=np.float32))
    units = unit_rows(X)
    assert units.dtype == np.float32
    dense = units.toarray() if sparse.issparse(units) else units
    assert dense == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0], [0.0, -1.0]]))
    # The caller's matrix is left alone.
    assert (X.toarray() if sparse.issparse(X) else X).tolist()[0] == [3.0, 4.0]


@both
def test_unit_rows_in_double_precision(make):
    units = unit_rows(make(np.array([[1.0, 2.0]])), np.float64)
    dense = units.toarray() if sparse.issparse(units) else units
    assert dense[0].tolist() == pytest.approx([5**-0.5, 2 * 5**-0.5], rel=1e-15)


@both
@pytest.mark.parametrize("scale", [1e-30, 1e30, 2e38])
def test_unit_rows_of_any_magnitude(make, scale):
    """Squares of these do not exist in single precision."""
    units = unit_rows(make(np.array([[scale, scale]], dtype=np.float32)))
    dense = units.toarray() if sparse.issparse(units) else units
    assert dense == pytest.approx(np.full((1, 2), np.sqrt(0.5)))


def test_unit_rows_add_up_split_entries():
    X = sparse.csr_matrix(([2.0, 1.0, 4.0], [0, 0, 1], [0, 3]), shape=(1, 2))
    assert unit_rows(X).toarray() == pytest.approx(np.array([[0.6, 0.8]]))


def test_chunks_cover_all_rows_once(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_CELLS", 80 * 30)
    assert list(row_chunks(70, 80)) == [slice(0, 30), slice(30, 60), slice(60, 70)]
    assert list(row_chunks(0, 80)) == []
    # A row larger than a part is a part.
    assert len(list(row_chunks(3, 10**9))) == 3


def test_unit_rows_are_the_same_in_any_company():
    X = np.random.default_rng(0).normal(size=(6, 20)).astype(np.float32)
    X *= np.array([[1.0], [0.0], [1e-30], [1e30], [1e37], [3.0]], dtype=np.float32)
    units = unit_rows(X)
    assert all(unit_rows(X[i : i + 1]).tobytes() == units[i].tobytes() for i in range(6))
    assert np.linalg.norm(units, axis=1) == pytest.approx([1.0, 0.0, 1.0, 1.0, 1.0, 1.0])
