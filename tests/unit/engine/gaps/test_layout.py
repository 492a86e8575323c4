"""Points of a map: who is drawn, and where they stand."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tracer_nb.engine.gaps import draw_points, lay_out, layout
from tracer_nb.errors import InvalidInput, MissingExtra


def clusters(n=300, d=20, seed=0):
    """Three clusters on unit vectors, and which row is in which."""
    rng = np.random.default_rng([seed, 70])
    codes = rng.integers(3, size=n)
    return (np.eye(3, d)[codes] + 0.1 * rng.normal(size=(n, d))).astype(np.float32), codes


def apart(positions, codes):
    """Whether points of one cluster stand nearer to its middle than to any other."""
    middles = np.array([positions[codes == c].mean(axis=0) for c in range(3)])
    nearest = ((positions[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1)
    return (nearest == codes).mean() > 0.95


# --- who is drawn ---------------------------------------------------------------------


def test_rare_statuses_are_all_seen():
    status = np.repeat([0, 1, 2], [100_000, 5_000, 100])
    points = draw_points(status, 2000, seed=0)
    counts = np.bincount(status[points])
    assert counts.sum() == 2000 == len(set(points.tolist()))
    assert counts[2] == 100
    assert counts[0] > counts[1] > 250
    assert (np.diff(points) > 0).all()


@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 50), st.integers(0, 3))
def test_as_many_as_there_is_room_for(status, most, seed):
    status = np.array(status, dtype=np.intp)
    points = draw_points(status, most, seed)
    assert len(points) == len(set(points.tolist())) == min(most, len(status))
    assert draw_points(status, most, seed).tolist() == points.tolist()
    if most >= 8 * len(STATUS_KINDS):
        assert set(status[points]) == set(status)


STATUS_KINDS = range(6)


def test_within_a_status_the_draw_is_even():
    status = np.zeros(1000, dtype=np.intp)
    seen = np.zeros(1000)
    for seed in range(200):
        seen[draw_points(status, 100, seed)] += 1
    # 20 expected of each, standard deviation 4.2.
    assert seen.sum() == 20_000
    assert seen.max() < 20 + 6 * 4.3
    assert seen[:500].sum() == pytest.approx(10_000, rel=0.05)


# --- where they stand -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "sparse", "blocks", "mixed"])
def test_principal_components_part_clusters(kind):
    X, codes = clusters()
    blocks = {
        "dense": [X],
        "sparse": [sparse.csr_matrix(X)],
        "blocks": [X, X[:, ::-1].copy()],
        "mixed": [X, sparse.csr_matrix(X)],
    }[kind]
    rows = np.arange(0, 300, 2)
    positions, explained = lay_out(blocks, rows, method="pca")
    assert positions.shape == (150, 2)
    assert apart(positions, codes[rows])
    assert 0.5 < explained < 1


def test_they_are_those_of_all_rows_when_there_are_few():
    X, _ = clusters(200, 5)
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    centred = units - units.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    positions, explained = lay_out([X], np.arange(200), method="pca")
    assert np.abs(positions) == pytest.approx(np.abs(centred @ axes[:2].T), abs=1e-4)
    assert explained == pytest.approx((centred @ axes[:2].T).var(axis=0).sum() / centred.var(axis=0).sum(), rel=1e-3)  # fmt: skip


def test_many_rows_are_fitted_on_a_part_and_in_the_same_place_each_time():
    X, codes = clusters(12_000)
    one, _ = lay_out([X], np.arange(1000), method="pca")
    two, _ = lay_out([X], np.arange(500), method="pca")
    # A row stands where it stood, whichever others are shown.
    assert two == pytest.approx(one[:500], abs=1e-5)
    assert apart(one, codes[:1000])


@pytest.mark.parametrize(
    "X",
    [
        np.ones((1, 4), dtype=np.float32),
        np.ones((30, 4), dtype=np.float32),
        np.zeros((30, 4), dtype=np.float32),
        sparse.csr_matrix((30, 4), dtype=np.float32),
        np.arange(1, 31, dtype=np.float32)[:, None],
        np.eye(2, dtype=np.float32),
        sparse.csr_matrix(np.eye(3, dtype=np.float32)),
        np.eye(3, 1, dtype=np.float32),
    ],
    ids=["one", "equal", "zero", "sparse-zero", "one-column", "two", "sparse-square", "flat"],
)
def test_rows_that_span_no_plane(X):
    rows = np.arange(X.shape[0])
    assert np.isfinite(lay_out([X], rows)[0]).all()
    positions, explained = lay_out([X], rows, method="pca")
    assert positions.shape == (len(rows), 2)
    assert np.isfinite(positions).all()
    assert 0 <= explained <= 1 + 1e-6


def test_no_row_to_show():
    assert lay_out([clusters()[0]], np.empty(0, dtype=np.intp))[0].shape == (0, 2)


@pytest.mark.parametrize("n", [3, 12, 100])
def test_neighbours_stay_neighbours_with_tsne(n):
    X, codes = clusters(n)
    positions, explained = lay_out([X], np.arange(n), method="t-sne")
    assert positions.shape == (n, 2)
    assert np.isfinite(positions).all()
    if n == 100:
        assert apart(positions, codes)
        assert np.isnan(explained)
        again, _ = lay_out([X], np.arange(n), method="t-sne")
        assert (again == positions).all()


def test_umap_starts_from_leading_components_in_one_thread(monkeypatch):
    asked = {}

    class UMAP:
        def __init__(self, **options):
            asked.update(options)

        def fit_transform(self, X):
            asked["shape"] = X.shape
            return X[:, :2].astype(np.float32)

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=UMAP))
    X, _ = clusters(100, 60)
    positions, _ = lay_out([X], np.arange(100), method="umap", seed=3)
    assert positions.shape == (100, 2)
    assert asked == {"n_neighbors": 15, "random_state": 3, "n_jobs": 1, "shape": (100, 50)}


def test_umap_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtra, match=r"'umap' needs umap-learn .* pip install umap-learn"):
        lay_out([clusters()[0]], np.arange(100), method="umap")


def test_methods_and_points_that_cannot_be_used():
    with pytest.raises(InvalidInput, match="no map 'tsne'; did you mean 't-sne'"):
        lay_out([clusters()[0]], np.arange(10), method="tsne")
    many = np.zeros(100_001, dtype=np.intp)
    with pytest.raises(InvalidInput, match="a map takes at most 100,000 points, got 100,001"):
        lay_out([clusters(10)[0]], many)


def test_what_the_surrogate_answers_differently_stands_apart():
    # Texts say nothing of it: only the outputs do.
    rng = np.random.default_rng(3)
    X, codes = rng.normal(size=(300, 8)).astype(np.float32), rng.integers(3, size=300)
    sure = np.eye(3)[codes] + 0.05 * rng.normal(size=(300, 3))
    rows = np.arange(300)
    assert apart(lay_out([X], rows, outputs=lambda at: sure[at])[0], codes)
    assert not apart(lay_out([X], rows)[0], codes)


def test_rows_that_are_no_landmarks_stand_with_their_like(monkeypatch):
    monkeypatch.setattr(layout, "_LANDMARKS", 60)
    monkeypatch.setattr(layout, "_CHUNK", 100)
    X, codes = clusters(400)
    asked = []

    def outputs(rows):
        asked.append(len(rows))
        return np.eye(3)[codes[rows]]

    positions, _ = lay_out([X], np.arange(400), outputs=outputs)
    assert apart(positions, codes)
    assert max(asked) == 100  # never all at a time
    # Nobody stands between two islands.
    middles = np.array([positions[codes == c].mean(axis=0) for c in range(3)])
    spread = np.linalg.norm(positions - middles[codes], axis=1)
    gaps = np.linalg.norm(middles[:, None] - middles, axis=2)[np.triu_indices(3, 1)]
    assert spread.max() < gaps.min()
