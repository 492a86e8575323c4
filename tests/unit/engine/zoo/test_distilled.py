"""A regression on smoothed rows, distilled: against refits without a label, and by what it keeps."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.zoo import KernelRidge, distilled, fit_distilled, smoothing_over
from tracer_nb.engine.zoo.distilled import _RIDGE
from tracer_nb.engine.zoo.kernel_ridge import Exact, _solve
from tracer_nb.engine.zoo.landmarks import _JITTER
from tracer_nb.engine.zoo.matrix import rbf_kernel

from .rows import MAKES, clusters

both = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
WIDTH, RIDGE = 1.5, 0.03


def parts(n=60, m=300):
    """Labelled rows and those of a column, smoothed and as they are."""
    X, Y, codes = clusters(n=n + m)
    smooth = smoothing_over([X], 0)(X)
    return smooth[:n], X[:n], Y[:n], codes, (smooth[n:], X[n:])


def by_hand(smooth, Y, column, landmarks, width):
    """Outputs of rows, every step written out."""
    K = rbf_kernel(smooth, smooth, WIDTH).astype(float) + RIDGE * np.eye(len(Y))
    said = rbf_kernel(column[0], smooth, WIDTH) @ np.linalg.solve(K, Y)
    near = rbf_kernel(column[1], landmarks, width).astype(float)
    among = rbf_kernel(landmarks, landmarks, width) + _JITTER * np.eye(len(landmarks))
    weights = np.linalg.solve(near.T @ near + _RIDGE * among, near.T @ said)
    return lambda rows: rbf_kernel(rows, landmarks, width) @ weights


@both
def test_left_out_outputs_are_those_of_refits(monkeypatch, make):
    monkeypatch.setattr(distilled, "_LANDMARKS", 50)
    smooth, plain, Y, _, column = parts()
    weights, diagonal, factor = _solve(rbf_kernel(smooth, smooth, WIDTH).astype(float), Y, RIDGE)
    exact = Exact(weights, Y, diagonal, factor, WIDTH, RIDGE)
    monkeypatch.setattr(distilled, "fit_exactly", lambda *_: exact)
    fit = fit_distilled(smooth, make(plain), Y, (column[0], make(column[1])))
    landmarks, width = fit.model.support, fit.model.width
    assert landmarks.shape[0] == 50
    dense = landmarks if isinstance(landmarks, np.ndarray) else landmarks.toarray()
    whole = by_hand(smooth, Y, column, dense, width)
    assert fit.model.outputs(make(plain)) == pytest.approx(whole(plain), abs=1e-3)
    for i in range(0, 60, 7):
        kept = np.arange(60) != i
        without = by_hand(smooth[kept], Y[kept], column, dense, width)
        assert fit.out_of_fold[i] == pytest.approx(without(plain[[i]])[0], abs=1e-3)
        assert np.abs(fit.out_of_fold[i] - whole(plain[[i]])[0]).max() > 2e-3  # unlike its fit


def test_it_says_what_the_smoothed_regression_says():
    smooth, plain, Y, codes, column = parts(n=200, m=800)
    fit = fit_distilled(smooth, plain, Y, column)
    assert isinstance(fit.model, KernelRidge)
    assert "distilled on 800 rows" in fit.settings
    said = fit.model.outputs(column[1]).argmax(axis=1)
    first = distilled.fit_exactly(smooth, Y)
    teacher = (rbf_kernel(column[0], smooth, first.width) @ first.weights).argmax(axis=1)
    assert (said == teacher).mean() > 0.98
    assert (said == codes[200:]).mean() >= (teacher == codes[200:]).mean() - 0.02


def test_the_seed_draws_the_landmarks(monkeypatch):
    monkeypatch.setattr(distilled, "_LANDMARKS", 50)
    given = parts()
    one, again, other = (
        fit_distilled(*given[:3], given[4], seed).model.support for seed in (1, 1, 2)
    )
    assert one.tolist() == again.tolist() != other.tolist()
    assert len(other) == 50


def test_more_labels_have_more_landmarks(monkeypatch):
    monkeypatch.setattr(distilled, "_LANDMARKS", 10)
    smooth, plain, Y, _, column = parts()
    assert len(fit_distilled(smooth, plain, Y, column).model.support) == 30
