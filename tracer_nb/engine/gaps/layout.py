"""Rows as points in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.zoo import Matrix, unit_rows
from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["LAYOUTS", "draw_points", "lay_out"]

# Points that each method lays out in a few seconds on one core: 0.1 s, 3 s and 6 s.
LAYOUTS = {"pca": 3000, "t-sne": 1000, "umap": 2000}

_FIT_ROWS = 5000
# Statuses have room for such a part of the points each.
_PARTS = 8
# Neighbours are sought among so many leading components.
_COMPONENTS = 50


def draw_points(status: NDArray[np.intp], most: int, seed: int) -> NDArray[np.intp]:
    """Draw at most ``most`` of n rows at random, rare statuses more often than their share.

    Each status has room for an eighth of the points, and shares the rest in proportion to the
    square root of its other rows: a hundred disagreements among a hundred thousand rows are all
    seen, and crowds still look like crowds.

    Returns
    -------
    ndarray of int
        Ascending.
    """
    if len(status) <= most:
        return np.arange(len(status))
    rng = np.random.default_rng([seed, 8])
    kinds, counts = np.unique(status, return_counts=True)
    quota = np.minimum(counts, most // _PARTS)
    more, left = counts - quota, most - int(quota.sum())
    # From the smallest: what it cannot use is left to the larger ones.
    order = np.argsort(more, kind="stable")
    for place, i in enumerate(order):
        share = np.sqrt(more[i]) / max(np.sqrt(more[order[place:]]).sum(), 1.0)
        given = min(int(more[i]), round(left * float(share)))
        quota[i] += given
        left -= given
    drawn = [
        rng.choice(np.flatnonzero(status == kind), n, replace=False)
        for kind, n in zip(kinds, quota, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def lay_out(
    blocks: Sequence[Matrix], rows: NDArray[np.intp], *, method: str = "pca", seed: int = 0
) -> tuple[NDArray[np.float64], float]:
    """Positions of some rows.

    Parameters
    ----------
    blocks : sequence of matrix of shape (n, d)
        Dense or sparse; unit rows of all blocks stand side by side.
    rows : ndarray of shape (m,), int
    method : str
        "pca": principal components of at most 5,000 random rows. "t-sne" and "umap" start
        from the leading fifty of them.
    seed : int

    Returns
    -------
    positions : ndarray of shape (m, 2)
    explained : float
        Share of the variance that the plane keeps; nan unless by "pca".

    Raises
    ------
    InvalidInput
        An unknown method, or more rows than it can lay out in a few seconds.
    MissingExtra
        umap-learn is not installed.
    """
    if method not in LAYOUTS:
        raise InvalidInput.unknown_name("map", method, LAYOUTS)
    if len(rows) > LAYOUTS[method]:
        raise InvalidInput(
            f"{method!r} takes at most {LAYOUTS[method]:,} points, got {len(rows):,}; draw fewer"
        )
    further = {"t-sne": _tsne, "umap": _umap}.get(method)
    positions, explained = _pca(blocks, rows, 2 if further is None else _COMPONENTS, seed)
    if further is None or len(rows) < 4:  # both look for neighbours
        return positions[:, :2], explained
    return further(positions, seed), np.nan


def _pca(
    blocks: Sequence[Matrix], rows: NDArray[np.intp], components: int, seed: int
) -> tuple[NDArray[np.float64], float]:
    from sklearn.decomposition import PCA  # noqa: PLC0415  slow to import

    n = blocks[0].shape[0]
    fitted = np.arange(n)
    if n > _FIT_ROWS:
        fitted = np.sort(np.random.default_rng([seed, 9]).choice(n, _FIT_ROWS, replace=False))
    X = _beside(blocks, fitted)
    kept = min(components, *X.shape)
    out = np.zeros((len(rows), max(kept, 2)))
    if len(rows) == 0 or not _varies(X):
        return out, 0.0
    if sparse.issparse(X) and kept < min(X.shape):
        pca = PCA(kept, svd_solver="arpack", random_state=seed)  # never makes X dense
    else:
        X = X.toarray() if sparse.issparse(X) else X
        solver = "randomized" if kept < min(X.shape) else "full"
        pca = PCA(kept, svd_solver=solver, random_state=seed)
    pca.fit(X)
    out[:, :kept] = pca.transform(_beside(blocks, rows))
    return out, float(pca.explained_variance_ratio_[:2].sum())


def _varies(X: Matrix) -> bool:
    """Whether rows differ: scikit-learn divides by their variance."""
    if X.shape[0] < 2:
        return False
    if sparse.issparse(X):
        squares = X.multiply(X).mean(axis=0) - np.square(X.mean(axis=0))
        return bool(np.asarray(squares).max() > 1e-12)
    return bool(np.ptp(X, axis=0).max() > 1e-6)


def _beside(blocks: Sequence[Matrix], rows: NDArray[np.intp]) -> Matrix:
    """Unit rows of all blocks side by side."""
    parts = [unit_rows(block[rows]) for block in blocks]
    if any(sparse.issparse(part) for part in parts):
        return sparse.hstack(parts, format="csr")
    return np.hstack(parts)


def _tsne(X: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE  # noqa: PLC0415  slow to import

    perplexity = min(30.0, (len(X) - 1) / 3)
    made = TSNE(2, init="pca", perplexity=perplexity, random_state=seed).fit_transform(X)
    return np.asarray(made, dtype=np.float64)


def _umap(X: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    try:
        umap: Callable[..., Any] = import_module("umap").UMAP
    except ImportError as error:
        raise MissingExtra.for_package("umap-learn", "maps", "the map 'umap'") from error
    neighbours = min(15, len(X) - 1)
    # With a seed it works in one thread, and says so in a warning unless told to.
    made = umap(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(X)
    return np.asarray(made, dtype=np.float64)
