"""Views: unit rows from blocks, smoothed or not, each row for itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.pipeline import View, make_views
from tracer_nb.engine.zoo import Smoothing, matrix, smoothing_over, unit_rows
from tracer_nb.engine.zoo import smoothing as module


def clusters(n=300, d=8, seed=0):
    rng = np.random.default_rng([seed, 70])
    return (
        rng.normal(size=(4, d))[rng.integers(4, size=n)] + 0.3 * rng.normal(size=(n, d))
    ).astype(np.float32)


def lengths(X):
    X = X.toarray() if sparse.issparse(X) else X
    return np.linalg.norm(X, axis=1)


# --- smoothing ---------------------------------------------------------------------------


def test_smoothing_by_hand():
    """Neighbours at cosine .8 and 0 weigh 1 and exp(sharpness * -.8)."""
    reference = np.float32([[1.0, 0.0], [0.6, 0.8]])
    row = np.float32([[0.8, 0.6], [0.0, 1.0]])
    found = Smoothing(reference, sharpness=2.0)(row)
    for x, y in zip(row, found, strict=True):
        mean = (np.exp(2.0 * (reference @ x - 1.0))[:, None] * reference).sum(axis=0)
        expected = x + mean / np.linalg.norm(mean)
        assert y == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_a_row_of_the_reference_is_not_its_own_neighbour():
    reference = np.float32([[1.0, 0.0], [0.0, 1.0]])
    # The first row's only neighbour is the second: half the way to it.
    assert Smoothing(reference)(reference[:1]) == pytest.approx(np.full((1, 2), np.sqrt(0.5)))
    copies = Smoothing(np.repeat(reference[:1], 3, axis=0))(reference[:1])
    assert copies == pytest.approx(reference[:1])  # nobody but itself: it stays


@pytest.mark.parametrize("size", [1, 7, 64, 299])
def test_smoothing_is_a_function_of_each_row_alone(size):
    X = unit_rows(clusters())
    smoothing = Smoothing(unit_rows(clusters(n=500, seed=1)))
    whole = smoothing(X)
    parts = [smoothing(X[i : i + size]) for i in range(0, len(X), size)]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-6)
    order = np.random.default_rng(0).permutation(len(X))
    assert smoothing(X[order]) == pytest.approx(whole[order], abs=1e-6)


def test_many_rows_are_smoothed_in_parts(monkeypatch):
    X, smoothing = unit_rows(clusters()), Smoothing(unit_rows(clusters(seed=1)))
    expected = smoothing(X)
    monkeypatch.setattr(matrix, "CHUNK_CELLS", 40 * len(smoothing.reference))
    assert smoothing(X) == pytest.approx(expected, abs=1e-6)


def test_smoothed_rows_are_unit_rows_nearer_to_each_other():
    X = unit_rows(clusters())
    smooth = Smoothing(X)(X)
    assert lengths(smooth) == pytest.approx(1.0, abs=1e-5)
    near = X @ X.T > 0.9
    assert (smooth @ smooth.T)[near].mean() > (X @ X.T)[near].mean()


def test_rows_of_zeros_stay_zero():
    X = unit_rows(clusters())
    X[3] = 0.0
    smooth = Smoothing(X)(X)
    assert np.isfinite(smooth).all()
    assert not smooth[3].any()
    assert lengths(np.delete(smooth, 3, axis=0)) == pytest.approx(1.0, abs=1e-5)


def test_the_reference_is_all_rows_or_a_draw_of_many(monkeypatch):
    X = clusters(n=60)
    assert smoothing_over([X], 0).reference.tolist() == unit_rows(X).tolist()
    monkeypatch.setattr(module, "_REFERENCE_ROWS", 20)
    one, two, other = (smoothing_over([X], seed).reference for seed in (1, 1, 2))
    assert one.shape == (20, 8)
    assert one.tolist() == two.tolist()
    assert one.tolist() != other.tolist()
    units = {row.tobytes() for row in unit_rows(X)}
    assert {row.tobytes() for row in one} <= units


def test_smoothing_has_no_use_for_sparse_rows_or_none():
    assert smoothing_over([sparse.csr_matrix(clusters())], 0) is None
    assert smoothing_over([clusters(), sparse.csr_matrix(clusters())], 0) is None
    assert smoothing_over([clusters()[:0]], 0) is None
    assert smoothing_over([], 0) is None


def test_the_column_may_come_in_parts(monkeypatch):
    X = clusters(n=60)
    parts = [X[:11], X[11:11], X[11:]]
    assert smoothing_over(parts, 0).reference.tolist() == unit_rows(X).tolist()
    monkeypatch.setattr(module, "_REFERENCE_ROWS", 20)
    expected = smoothing_over([X], 0).reference
    assert smoothing_over(parts, 0).reference.tolist() == expected.tolist()


def test_wide_rows_are_smoothed_along_the_axes_that_hold_most_of_them():
    """In 400 dimensions of which 20 hold nearly all: as without axes; what is beside stays far."""
    rng = np.random.default_rng(3)
    wide = clusters(n=900, d=20) @ rng.normal(size=(20, 400)).astype(np.float32)
    wide += 0.05 * rng.normal(size=wide.shape).astype(np.float32)
    smoothing = smoothing_over([wide], 0)
    assert smoothing.axes.shape == (400, module._AXES)
    assert smoothing.axes.T @ smoothing.axes == pytest.approx(np.eye(module._AXES), abs=1e-5)
    units = unit_rows(wide)
    short, whole = smoothing(units), Smoothing(units)(units)
    assert short.shape == (900, module._AXES + 1)
    assert lengths(short) == pytest.approx(1.0, abs=1e-5)
    assert short @ short.T == pytest.approx(whole @ whole.T, abs=0.02)
    # A row at right angles to the column is no nearer to it than to itself.
    basis = np.linalg.svd(units, full_matrices=False)[2]
    beside = basis[-1:] - basis[-1:] @ smoothing.axes @ smoothing.axes.T
    near = (smoothing(unit_rows(beside)) @ short.T).max()
    assert near < np.quantile((short @ short.T - np.eye(900)).max(axis=1), 0.002)
    assert smoothing_over([wide[:399]], 0).axes is None  # too few rows to tell axes by
    assert smoothing_over([wide[:, :383]], 0).axes is None  # little would be saved


# --- views -------------------------------------------------------------------------------


def test_a_view_without_its_smoothing_keeps_the_axes():
    rng = np.random.default_rng(4)
    wide = clusters(n=900, d=20) @ rng.normal(size=(20, 400)).astype(np.float32)
    smoothing = smoothing_over([wide], 0)
    second = clusters(n=900, seed=5)
    view = make_views(2, smoothing)[-1]
    assert view.smoothing is smoothing
    plain = view.unsmoothed
    assert plain.smoothing is None
    assert plain.weights == view.weights
    rows = plain.prepare([wide, second])
    assert rows.shape == view.prepare([wide, second]).shape == (900, module._AXES + 1 + 8)
    assert lengths(rows) == pytest.approx(1.0, abs=1e-5)
    whole = View("fused", view.weights).prepare([wide, second])
    assert rows @ rows.T == pytest.approx(whole @ whole.T, abs=1e-3)
    assert plain.unsmoothed.axes is plain.axes


def test_views_there_are():
    smoothing = Smoothing(unit_rows(clusters()))
    assert [v.name for v in make_views(1, None)] == ["plain"]
    two = ["plain", "fused", "fused 2:3", "second block"]
    assert [v.name for v in make_views(2, None)] == two
    assert [v.name for v in make_views(3, None)] == ["plain", "fused"]
    assert [v.name for v in make_views(1, smoothing)] == ["plain", "smoothed"]
    seven = make_views(2, smoothing)
    smoothed = ["smoothed", "smoothed, fused", "smoothed, fused 2:3"]
    assert [v.name for v in seven] == two + smoothed
    assert [v.smoothing is not None for v in seven] == [False] * 4 + [True] * 3
    last = make_views(2, smoothing, Smoothing(unit_rows(clusters(seed=2))))[-1]
    assert (last.name, last.first) == ("smoothed, second block", 1)
    assert last.smoothing is not smoothing
    for n_blocks in (1, 2, 3):
        for view in make_views(n_blocks, smoothing):
            assert sum(view.weights) == pytest.approx(1.0)


def test_plain_rows_are_those_of_the_first_block_at_unit_length():
    A, B = clusters(), clusters(seed=1)
    assert View("plain").prepare([A, B]).tolist() == unit_rows(A).tolist()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_fused_products_are_weighted_sums_of_each_block_s(make):
    A, B = clusters(), clusters(d=5, seed=1)
    fused = make_views(2, None)[1]
    X = fused.prepare([A, make(B)])
    assert sparse.issparse(X) == (make is sparse.csr_matrix)
    assert X.dtype == np.float32
    assert X.shape == (300, 13)
    assert lengths(X) == pytest.approx(1.0, abs=1e-5)
    dense = X.toarray() if sparse.issparse(X) else X
    units_A, units_B = unit_rows(A), unit_rows(B)
    expected = 0.85 * units_A @ units_A.T + 0.15 * units_B @ units_B.T
    assert dense @ dense.T == pytest.approx(expected, abs=1e-5)


def test_the_scale_of_a_block_is_irrelevant():
    A, B = clusters(), clusters(seed=1)
    fused = make_views(2, None)[1]
    assert fused.prepare([A, 1000 * B]) == pytest.approx(fused.prepare([A, B]), abs=1e-6)


def test_only_the_first_block_is_smoothed():
    A, B = clusters(), clusters(d=5, seed=1)
    smoothing = Smoothing(unit_rows(A))
    X = make_views(2, smoothing)[5].prepare([A, B])
    assert X[:, :8] == pytest.approx(np.sqrt(0.85) * smoothing(unit_rows(A)), abs=1e-6)
    assert X[:, 8:] == pytest.approx(np.sqrt(0.15) * unit_rows(B), abs=1e-6)


def test_the_second_block_alone():
    A, B = clusters(), clusters(d=5, seed=1)
    view = make_views(2, None)[3]
    assert view.prepare([A, B]).tolist() == unit_rows(B).tolist()
    smoothing = Smoothing(unit_rows(B))
    smoothed = make_views(2, None, smoothing)[-1]
    assert smoothed.prepare([A, B]) == pytest.approx(smoothing(unit_rows(B)), abs=1e-6)


def test_no_rows():
    smoothing = Smoothing(unit_rows(clusters()))
    for view in make_views(2, smoothing):
        assert view.prepare([np.empty((0, 8)), np.empty((0, 5))]).shape[0] == 0
