"""Kernel ridge on landmarks: against explicit features, refits, and the exact regression."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tracer_nb.engine.zoo import kernel_ridge, matrix
from tracer_nb.engine.zoo.kernel_ridge import fit_kernel_ridge
from tracer_nb.engine.zoo.landmarks import _JITTER, _cholesky, landmark_regression

from .rows import MAKES, clusters

both = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
WIDTH, RIDGE = 0.8, 0.03


def kernel(A, B):
    return np.exp(-WIDTH * cdist(A, B, "sqeuclidean"))


def features(X, landmarks):
    """Rows in the landmarks' coordinates, K(X, L) C^-T."""
    factor = np.linalg.cholesky(kernel(landmarks, landmarks) + _JITTER * np.eye(len(landmarks)))
    return np.linalg.solve(factor, kernel(X, landmarks).T).T


def regress(X, Y, landmarks, new):
    """Ridge regression on explicit features."""
    phi = features(X, landmarks)
    gram = phi.T @ phi + RIDGE * np.eye(len(landmarks))
    return features(new, landmarks) @ np.linalg.solve(gram, phi.T @ Y)


@both
def test_left_out_outputs_are_those_of_refits(make):
    X, Y, _ = clusters(n=80)
    chosen = np.arange(0, 80, 3)
    _, left_out = landmark_regression(make(X), Y, chosen, WIDTH, RIDGE)
    exact = X.astype(np.float64)
    for i in range(80):
        kept = np.arange(80) != i
        landmarks = exact[chosen[chosen != i]]
        expected = regress(exact[kept], Y[kept], landmarks, exact[[i]])
        assert left_out[i] == pytest.approx(expected[0], abs=2e-4)


def test_a_row_that_is_no_landmark_is_left_out_by_the_hat_matrix():
    X, Y, _ = clusters(n=80)
    chosen = np.arange(0, 80, 3)
    _, left_out = landmark_regression(X, Y, chosen, WIDTH, RIDGE)
    phi = features(X.astype(np.float64), X[chosen].astype(np.float64))
    hat = phi @ np.linalg.solve(phi.T @ phi + RIDGE * np.eye(len(chosen)), phi.T)
    h = np.diagonal(hat)[:, None]
    others = np.setdiff1d(np.arange(80), chosen)
    expected = (hat @ Y - h * Y) / (1 - h)
    assert left_out[others] == pytest.approx(expected[others], abs=2e-4)


@both
def test_outputs_are_those_of_the_regression(make):
    X, Y, _ = clusters(n=80)
    new = clusters(seed=1)[0]
    chosen = np.arange(0, 80, 3)
    weights, _ = landmark_regression(make(X), Y, chosen, WIDTH, RIDGE)
    expected = regress(*(a.astype(np.float64) for a in (X, Y, X[chosen], new)))
    assert kernel(new, X[chosen]) @ weights == pytest.approx(expected, abs=2e-4)


def test_with_every_row_a_landmark_it_is_the_exact_regression(monkeypatch):
    X, Y, _ = clusters(n=100)
    exact = fit_kernel_ridge(X, Y, width=WIDTH, ridge=RIDGE)
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 50)
    fit = fit_kernel_ridge(X, Y, width=WIDTH, ridge=RIDGE, n_landmarks=1000)
    assert fit.out_of_fold == pytest.approx(exact.out_of_fold, abs=0.01)
    assert fit.model.outputs(X) == pytest.approx(exact.model.outputs(X), abs=0.01)
    assert "100 landmarks" in fit.settings


def test_landmarks_are_left_out_as_honestly_as_other_rows(monkeypatch):
    """With its basis function left in, a landmark's own row would be far worse than a new one."""
    X, Y, _ = clusters(n=600, d=30, n_classes=6, noise=1.2)
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 100)
    fit = fit_kernel_ridge(X, Y, ridge=0.01, n_landmarks=300)
    new, new_Y, _ = clusters(n=600, d=30, n_classes=6, noise=1.2, seed=1)
    support = {row.tobytes() for row in fit.model.support}
    is_landmark = np.array([row.tobytes() in support for row in X])
    assert is_landmark.sum() == 300
    errors = ((fit.out_of_fold - Y) ** 2).mean(axis=1)
    expected = ((fit.model.outputs(new) - new_Y) ** 2).mean()
    assert errors[is_landmark].mean() == pytest.approx(expected, rel=0.15)
    assert errors[~is_landmark].mean() == pytest.approx(expected, rel=0.15)


def test_rows_are_worked_on_in_parts(monkeypatch):
    X, Y, _ = clusters(n=80)
    whole = landmark_regression(X, Y, np.arange(20), WIDTH, RIDGE)
    monkeypatch.setattr(matrix, "CHUNK_CELLS", 20 * 30)
    for a, b in zip(whole, landmark_regression(X, Y, np.arange(20), WIDTH, RIDGE), strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def test_landmarks_are_drawn_with_the_seed(monkeypatch):
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 50)
    X, Y, _ = clusters()
    a, b, c = (fit_kernel_ridge(X, Y, seed, n_landmarks=20) for seed in (1, 1, 2))
    assert (a.model.support == b.model.support).all()
    assert a.out_of_fold.tobytes() == b.out_of_fold.tobytes()
    assert not (a.model.support == c.model.support).all()


def test_an_indefinite_matrix_is_lifted():
    factor = _cholesky(np.diag([1.0, 1.0, -1e-13]))
    assert np.isfinite(factor).all()
