"""The guard: what is unlike every fitting row is deferred, and almost nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.gates import guard as module
from tracer_nb.engine.gates.guard import fit_guard
from tracer_nb.engine.zoo import matrix, unit_rows

both = pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])


def rows(n=1000, d=16, seed=0):
    """Directions within a cone around the first axis."""
    rng = np.random.default_rng([seed, 80])
    return unit_rows(np.eye(1, d) * 2.0 + 0.3 * rng.normal(size=(n, d)))


@both
def test_outliers_and_rows_of_zeros_are_far(make):
    guard, _ = fit_guard(make(rows()), 0)
    away = np.r_[-np.eye(1, 16), np.eye(16)[[3]], np.zeros((1, 16))].astype(np.float32)
    assert guard.far(make(away)).all()
    assert not guard.far(make(rows()[:50])).any()


@both
def test_almost_no_row_of_the_same_kind_is_far(make):
    """The limit is the .002 quantile of the fitting rows; of 1,000 two are allowed."""
    guard, far = fit_guard(make(rows()), 0)
    assert far.sum() <= 2
    assert guard.far(make(rows(n=5000, seed=1))).mean() < 0.006


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_about_the_given_share_of_rows_of_the_same_kind_is_far(share):
    """Up to four standard errors of quantile and count; the default share is farther off."""
    X, new = rows(n=4000), rows(n=20_000, seed=1)
    error = 4 * np.sqrt(share * (1 - share) * (1 / 4000 + 1 / 20_000))
    guard, far = fit_guard(X, 0, share=share)
    assert share - 0.003 < far.mean() <= share
    assert guard.far(new).mean() == pytest.approx(share, abs=error)
    assert fit_guard(X, 0)[0].far(new).mean() < share - error


def test_the_one_odd_fitting_row_is_far_from_the_others():
    X = rows(n=1000)
    X[77] = -np.eye(1, 16)
    guard, far = fit_guard(X, 0)
    assert far[77] or guard.limit < -0.5  # the quantile may be the odd row itself
    X[78] = -np.eye(1, 16)[:, ::-1]
    X[79] = np.eye(1, 16)[:, ::-1]
    _, far = fit_guard(X, 0)
    assert far.sum() <= 2
    assert set(np.flatnonzero(far)) <= {77, 78, 79}
    assert far.any()


def test_left_out_verdicts_are_those_of_a_guard_without_the_row():
    X = rows(n=1200)
    guard, far = fit_guard(X, 0)
    similarity = X @ X.T
    np.fill_diagonal(similarity, -1.0)
    nearest = similarity.max(axis=1)
    assert far.tolist() == (nearest < guard.limit).tolist()
    assert guard.limit == pytest.approx(np.sort(nearest)[2] - 1e-4, abs=1e-6)


@both
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_row_has_one_verdict_in_whatever_batch(make, size):
    """Fitting rows at the limit included: it lies a hair below the quantile."""
    X = rows()
    guard, _ = fit_guard(make(X), 0)
    new = np.r_[X[:200], rows(n=300, seed=1)]
    parts = [guard.far(make(new[i : i + size])) for i in range(0, 500, size)]
    assert np.concatenate(parts).tolist() == guard.far(make(new)).tolist()


def test_many_rows_are_compared_with_some_of_them(monkeypatch):
    monkeypatch.setattr(module, "_LANDMARKS", 100)
    monkeypatch.setattr(matrix, "CHUNK_CELLS", 64 * 100)
    X = rows()
    guard, far = fit_guard(X, 3)
    again, _ = fit_guard(X, 3)
    assert guard.landmarks.shape == (100, 16)
    assert guard.limit == again.limit
    assert far.mean() <= 0.002
    assert guard.far(-np.eye(1, 16, dtype=np.float32)).all()


@both
def test_a_kernel_s_own_rows_need_not_be_kept(make):
    """It multiplies each row with them anyway; the verdicts are the same."""
    X = rows()
    plain, plain_far = fit_guard(make(X), 0)
    guard, far = fit_guard(make(X), 0, make(X))
    assert guard.landmarks is None
    assert guard.limit == plain.limit
    assert far.tolist() == plain_far.tolist()
    new = np.r_[rows(n=200, seed=1), -X[:5]]
    verdicts = guard.far(make(new), (new @ X.T).max(axis=1))
    assert verdicts.tolist() == plain.far(make(new)).tolist()


def test_rows_among_a_part_of_them_are_not_their_own_landmark():
    X = rows()
    guard, far = fit_guard(X, 0, X[::3])
    similarity = X @ X[::3].T
    similarity[np.arange(0, 1000, 3), np.arange(334)] = -1.0
    nearest = similarity.max(axis=1)
    assert far.tolist() == (nearest < guard.limit).tolist()
    assert guard.limit == pytest.approx(np.sort(nearest)[1] - 1e-4, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_rows(n):
    X = rows(n=n)
    guard, far = fit_guard(X, 0)
    assert not far.any()
    assert not guard.far(X).any()
    assert guard.far(X[:0]).shape == (0,)
