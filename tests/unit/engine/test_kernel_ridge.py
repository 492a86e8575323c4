"""Kernel ridge regression against explicit computation, its leave-one-out against refits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from tracer_nb.engine import kernel_ridge as module
from tracer_nb.engine.kernel_ridge import fit_kernel_ridge, unit_rows


def rows(n=80, d=5, n_classes=3, seed=0):
    """Three noisy clusters and their indicators."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    X = rng.normal(size=(n_classes, d))[codes] + 0.6 * rng.normal(size=(n, d))
    return X.astype(np.float32), np.eye(n_classes, dtype=np.float32)[codes]


def kernel(A, B, width):
    return np.exp(-width * cdist(A, B, "sqeuclidean"))


def refit_without(X, Y, i, width, ridge):
    """Output for row i of a regression that has not seen it."""
    kept = np.arange(len(X)) != i
    gram = kernel(X[kept], X[kept], width) + ridge * np.eye(len(X) - 1)
    return kernel(X[[i]], X[kept], width) @ np.linalg.solve(gram, Y[kept])


# --- unit rows ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_unit_rows(make):
    X = make(np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]], dtype=np.float32))
    units = unit_rows(X)
    assert units.dtype == np.float32
    dense = units.toarray() if sparse.issparse(units) else units
    assert dense == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0], [0.0, -1.0]]))
    # The caller's matrix is left alone.
    assert (X.toarray() if sparse.issparse(X) else X).tolist()[0] == [3.0, 4.0]


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("scale", [1e-30, 1e30, 2e38])
def test_unit_rows_of_any_magnitude(make, scale):
    """Squares of these do not exist in single precision."""
    units = unit_rows(make(np.array([[scale, scale]], dtype=np.float32)))
    dense = units.toarray() if sparse.issparse(units) else units
    assert dense == pytest.approx(np.full((1, 2), np.sqrt(0.5)))


def test_unit_rows_add_up_split_entries():
    X = sparse.csr_matrix(([2.0, 1.0, 4.0], [0, 0, 1], [0, 3]), shape=(1, 2))
    assert unit_rows(X).toarray() == pytest.approx(np.array([[0.6, 0.8]]))


# --- fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_left_out_outputs_are_those_of_refits(make):
    X, Y = rows()
    model = fit_kernel_ridge(unit_rows(make(X)), Y)
    units = unit_rows(X).astype(np.float64)
    for i in range(len(X)):
        expected = refit_without(units, Y, i, model.width, model.ridge)
        assert model.left_out[i] == pytest.approx(expected[0], abs=2e-4)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_outputs_are_those_of_the_regression(make):
    X, Y = rows()
    new, _ = rows(seed=1)
    model = fit_kernel_ridge(unit_rows(make(X)), Y)
    units, new_units = unit_rows(X).astype(np.float64), unit_rows(new).astype(np.float64)
    gram = kernel(units, units, model.width) + model.ridge * np.eye(len(X))
    expected = kernel(new_units, units, model.width) @ np.linalg.solve(gram, Y)
    assert model.outputs(unit_rows(make(new))) == pytest.approx(expected, abs=2e-4)


def test_width_and_ridge_have_the_least_left_out_error_of_those_tried():
    X, Y = rows(n=60)
    model = fit_kernel_ridge(unit_rows(X), Y)
    units = unit_rows(X).astype(np.float64)
    scale = np.median(cdist(units, units, "sqeuclidean")[np.triu_indices(60, k=1)])

    def error(width, ridge):
        left_out = [refit_without(units, Y, i, width, ridge)[0] for i in range(60)]
        return ((np.array(left_out) - Y) ** 2).mean()

    best = min(
        error(factor / scale, ridge) for factor in module._WIDTHS for ridge in module._RIDGES
    )
    assert error(model.width, model.ridge) == pytest.approx(best, rel=1e-3)


def test_sparse_and_dense_agree():
    X, Y = rows()
    X[X < 0.5] = 0.0
    dense, thin = (
        fit_kernel_ridge(unit_rows(make(X)), Y) for make in (np.asarray, sparse.csr_matrix)
    )
    assert dense.width == pytest.approx(thin.width, rel=1e-5)
    assert dense.ridge == thin.ridge
    assert dense.left_out == pytest.approx(thin.left_out, abs=1e-3)


def test_classes_may_come_in_any_order():
    X, Y = rows()
    model, turned = fit_kernel_ridge(unit_rows(X), Y), fit_kernel_ridge(unit_rows(X), Y[:, ::-1])
    assert turned.left_out[:, ::-1] == pytest.approx(model.left_out, abs=1e-5)


def test_more_features_than_rows():
    X, Y = rows(n=30, d=400)
    model = fit_kernel_ridge(unit_rows(X), Y)
    assert (model.left_out.argmax(axis=1) == Y.argmax(axis=1)).mean() > 0.5


def test_many_rows_are_tuned_on_some_of_them(monkeypatch):
    monkeypatch.setattr(module, "_TUNING_ROWS", 50)
    X, Y = rows(n=200)
    a, b = (fit_kernel_ridge(unit_rows(X), Y, seed=4) for _ in range(2))
    assert (a.width, a.ridge) == (b.width, b.ridge)
    assert a.left_out.shape == (200, 3)
    i = 7
    expected = refit_without(unit_rows(X).astype(np.float64), Y, i, a.width, a.ridge)
    assert a.left_out[i] == pytest.approx(expected[0], abs=2e-4)


@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-4, 1e-3, 1e-2])
def test_nearly_equal_rows_are_survived(noise):
    """Distances drown in rounding errors, which can make the kernel indefinite."""
    rng = np.random.default_rng(0)
    X = np.ones((300, 20)) + noise * rng.normal(size=(300, 20))
    Y = np.eye(3, dtype=np.float32)[rng.integers(3, size=300)]
    model = fit_kernel_ridge(unit_rows(X), Y)
    assert np.isfinite(model.left_out).all()
    assert np.isfinite(model.outputs(unit_rows(X[:5]))).all()


def test_a_ridge_that_rounding_outgrows_is_raised(monkeypatch):
    X, Y = rows()
    monkeypatch.setattr(module, "_tune", lambda *_: (1.0, -2.0))
    solved = module._solve(np.eye(3), np.eye(3, dtype=np.float32), -2.0)
    assert solved is None
    monkeypatch.setattr(module, "_tune", lambda *_: (1.0, 0.01))
    attempts = []

    def fails_twice(kernel, targets, ridge, solve=module._solve):
        attempts.append(ridge)
        return None if len(attempts) < 3 else solve(kernel, targets, ridge)

    monkeypatch.setattr(module, "_solve", fails_twice)
    model = fit_kernel_ridge(unit_rows(X), Y)
    assert attempts == pytest.approx([0.01, 0.1, 1.0])
    assert model.ridge == pytest.approx(1.0)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_outputs_of_many_rows_are_made_in_parts(make, monkeypatch):
    """The kernel of a million rows against thousands would not fit into memory."""
    X, Y = rows()
    model = fit_kernel_ridge(unit_rows(make(X)), Y)
    new = unit_rows(make(rows(n=70, seed=1)[0]))
    expected = model.outputs(new)
    shapes = []

    def recorded(A, B, width, kernel=module._kernel):
        shapes.append((A.shape[0], B.shape[0]))
        return kernel(A, B, width)

    monkeypatch.setattr(module, "_kernel", recorded)
    monkeypatch.setattr(module, "_CHUNK_CELLS", 80 * 30)
    assert model.outputs(new) == pytest.approx(expected, abs=1e-5)
    assert shapes == [(30, 80), (30, 80), (10, 80)]
