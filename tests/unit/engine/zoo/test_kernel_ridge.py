"""Kernel ridge regression against explicit computation, its leave-one-out against refits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tracer_nb.engine.zoo import kernel_ridge as module
from tracer_nb.engine.zoo import matrix, unit_rows
from tracer_nb.engine.zoo.kernel_ridge import KernelRidge, fit_kernel_ridge

from .rows import MAKES, clusters

both = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def kernel(A, B, width):
    return np.exp(-width * cdist(A, B, "sqeuclidean"))


def refit_without(X, Y, i, width, ridge):
    """Output for row i of a regression that has not seen it."""
    X = X.astype(np.float64)
    kept = np.arange(len(X)) != i
    gram = kernel(X[kept], X[kept], width) + ridge * np.eye(len(X) - 1)
    return kernel(X[[i]], X[kept], width) @ np.linalg.solve(gram, Y[kept])


@both
def test_left_out_outputs_are_those_of_refits(make):
    X, Y, _ = clusters(n=80)
    fit = fit_kernel_ridge(make(X), Y)
    for i in range(len(X)):
        expected = refit_without(X, Y, i, fit.model.width, fit.model.ridge)
        assert fit.out_of_fold[i] == pytest.approx(expected[0], abs=2e-4)


@both
def test_outputs_are_those_of_the_regression(make):
    X, Y, _ = clusters(n=80)
    new = clusters(seed=1)[0]
    model = fit_kernel_ridge(make(X), Y).model
    gram = kernel(X, X, model.width) + model.ridge * np.eye(len(X))
    expected = kernel(new, X, model.width) @ np.linalg.solve(gram, Y)
    assert model.outputs(make(new)) == pytest.approx(expected, abs=2e-4)
    precise = model.outputs(make(new).astype(np.float64))
    assert precise.dtype == np.float64
    assert precise == pytest.approx(expected, abs=2e-4)


def test_width_and_ridge_have_the_least_left_out_error_of_those_tried():
    X, Y, _ = clusters(n=60)
    model = fit_kernel_ridge(X, Y).model
    scale = np.median(cdist(X, X, "sqeuclidean")[np.triu_indices(60, k=1)])

    def error(width, ridge):
        left_out = [refit_without(X, Y, i, width, ridge)[0] for i in range(60)]
        return ((np.array(left_out) - Y) ** 2).mean()

    best = min(
        error(factor / scale, ridge) for factor in module._WIDTHS for ridge in module._RIDGES
    )
    assert error(model.width, model.ridge) == pytest.approx(best, rel=1e-3)


def test_width_and_ridge_that_are_given_are_kept():
    X, Y, _ = clusters(n=60)
    chosen = fit_kernel_ridge(X, Y).model
    assert fit_kernel_ridge(X, Y, width=0.123).model.width == 0.123
    assert fit_kernel_ridge(X, Y, ridge=0.456).model.ridge == 0.456
    model = fit_kernel_ridge(X, Y, width=0.123, ridge=0.456).model
    assert (model.width, model.ridge) == (0.123, 0.456)
    # The other one is still the best.
    assert fit_kernel_ridge(X, Y, width=chosen.width).model.ridge == chosen.ridge
    assert fit_kernel_ridge(X, Y, ridge=chosen.ridge).model.width == chosen.width


def test_settings_say_what_was_chosen():
    X, Y, _ = clusters(n=40)
    fit = fit_kernel_ridge(X, Y, width=0.5, ridge=0.03)
    assert fit.settings == "width 0.5, ridge 0.03"


def test_many_rows_are_tuned_on_some_of_them(monkeypatch):
    monkeypatch.setattr(module, "_TUNING_ROWS", 50)
    X, Y, _ = clusters(n=200)
    a, b = (fit_kernel_ridge(X, Y, seed=4) for _ in range(2))
    assert a.settings == b.settings
    assert a.out_of_fold.shape == (200, 3)
    expected = refit_without(X, Y, 7, a.model.width, a.model.ridge)
    assert a.out_of_fold[7] == pytest.approx(expected[0], abs=2e-4)


@pytest.mark.parametrize("exact_rows", [300, 100], ids=["exact", "landmarks"])
@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-4, 1e-3, 1e-2])
def test_nearly_equal_rows_are_survived(noise, exact_rows, monkeypatch):
    """Distances drown in rounding errors, which can make the kernel indefinite."""
    monkeypatch.setattr(module, "EXACT_ROWS", exact_rows)
    rng = np.random.default_rng(0)
    X = unit_rows(np.ones((300, 20)) + noise * rng.normal(size=(300, 20)))
    Y = np.eye(3, dtype=np.float32)[rng.integers(3, size=300)]
    fit = fit_kernel_ridge(X, Y, n_landmarks=100)
    assert np.isfinite(fit.out_of_fold).all()
    assert abs(fit.model.outputs(X[:5])).max() < 2
    assert abs(fit.out_of_fold).max() < 2


def test_a_ridge_that_rounding_outgrows_is_raised(monkeypatch):
    X, Y, _ = clusters()
    assert module._solve(np.eye(3), np.eye(3, dtype=np.float32), -2.0) is None
    attempts = []

    def fails_twice(kernel, targets, ridge, solve=module._solve):
        attempts.append(ridge)
        return None if len(attempts) < 3 else solve(kernel, targets, ridge)

    monkeypatch.setattr(module, "_solve", fails_twice)
    model = fit_kernel_ridge(X, Y, width=1.0, ridge=0.01).model
    assert attempts == pytest.approx([0.01, 0.1, 1.0])
    assert model.ridge == pytest.approx(1.0)


@both
def test_outputs_of_many_rows_are_made_in_parts(make, monkeypatch):
    """The kernel of a million rows against thousands would not fit into memory."""
    X, Y, _ = clusters(n=80)
    model = fit_kernel_ridge(make(X), Y).model
    new = make(clusters(n=70, seed=1)[0])
    expected = model.outputs(new)
    shapes = []

    chunks = module.row_chunks

    def recorded(n_rows, cells):
        for rows in chunks(n_rows, cells):
            shapes.append((new[rows].shape[0], cells))
            yield rows

    monkeypatch.setattr(module, "row_chunks", recorded)
    monkeypatch.setattr(matrix, "CHUNK_CELLS", 80 * 30)
    assert model.outputs(new) == pytest.approx(expected, abs=1e-5)
    assert shapes == [(30, 80), (30, 80), (10, 80)]


@pytest.mark.parametrize(
    "changes",
    [{"width": -1.0}, {"ridge": "big"}, {"width": float("nan")}, {"n_features": 0}],
)
def test_damaged_settings_are_refused(changes):
    X, Y, _ = clusters(n=20)
    settings, arrays = fit_kernel_ridge(X, Y).model.state()
    with pytest.raises(ValueError, match="the saved surrogate is damaged"):
        KernelRidge.from_state({**settings, **changes}, arrays)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("support_indices", 0, 6),
        ("support_indices", 0, -1),
        ("support_indptr", 1, 10**9),
        ("support_indptr", 5, 0),
        ("support_indptr", 0, 1),
        ("weights", (0, 0), np.nan),
    ],
)
def test_a_damaged_sparse_support_is_refused(name, at, value):
    X, Y, _ = clusters(n=20)
    settings, arrays = fit_kernel_ridge(MAKES["sparse"](X), Y).model.state()
    arrays[name] = arrays[name].copy()
    arrays[name][at] = value
    with pytest.raises(ValueError, match="the saved surrogate is damaged"):
        KernelRidge.from_state(settings, arrays)
