"""Where the texts of a map stand: near what is like them, and near what the surrogate answers alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.gaps.rows import joined_rows
from tracer_nb.engine.zoo import Matrix
from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["LAYOUTS", "MOST_POINTS", "Outputs", "lay_out"]


Outputs = Callable[[NDArray[np.intp]], NDArray[np.floating]]
"""From rows, (m,), to the surrogate's outputs, (m, K)."""

LAYOUTS = ("t-sne", "pca", "umap")
# More would lie on one another on any screen.
MOST_POINTS = 100_000

_FIT_ROWS = 5000
# Neighbours are sought among so many leading components.
_COMPONENTS = 50
# Rows that t-SNE and UMAP place: a few seconds on one core. All others follow their nearest.
_LANDMARKS = 1500
_STEPS = 500
_NEAREST = 5
# What is farther apart in the plane than this part of it is another island.
_ISLAND = 0.04
_CHUNK = 4096


def lay_out(
    blocks: Sequence[Matrix],
    rows: NDArray[np.intp],
    *,
    outputs: Outputs | None = None,
    method: str = "t-sne",
    seed: int = 0,
) -> tuple[NDArray[np.float64], float]:
    """Positions of some rows.

    Parameters
    ----------
    blocks : sequence of matrix of shape (n, d)
        Dense or sparse; joined by :func:`joined_rows`.
    rows : ndarray of shape (m,), int
    outputs : callable, optional
        The surrogate's outputs: "t-sne" and "umap" then part what it answers differently, too,
        texts and answers counting alike.
    method : str
        "pca": principal components of at most 5,000 random rows. "t-sne" and "umap" place 1,500
        random landmarks by their leading fifty components, and every other row between the
        nearest of these that lie on one island.
    seed : int

    Returns
    -------
    positions : ndarray of shape (m, 2)
    explained : float
        Share of the variance that the plane keeps; nan unless by "pca".

    Raises
    ------
    InvalidInput
        An unknown method, or more than 100,000 rows.
    MissingExtra
        umap-learn is not installed.
    """
    if method not in LAYOUTS:
        raise InvalidInput.unknown_name("map", method, LAYOUTS)
    if len(rows) > MOST_POINTS:
        raise InvalidInput(
            f"a map takes at most {MOST_POINTS:,} points, got {len(rows):,}; draw fewer"
        )
    further = {"t-sne": _tsne, "umap": _umap}.get(method)
    positions, explained = _pca(blocks, rows, 2 if further is None else _COMPONENTS, seed)
    if further is None or len(rows) < 4:  # both look for neighbours
        return positions[:, :2], explained
    rng = np.random.default_rng([seed, 10])
    landmarks = np.arange(len(rows))
    if len(rows) > _LANDMARKS:
        landmarks = np.sort(rng.choice(len(rows), _LANDMARKS, replace=False))
    space = [_even(positions, landmarks)]
    if outputs is not None:
        space.append(_even(_leading(outputs, rows, landmarks, seed), landmarks))
    X = np.hstack([part for part in space if part.any()] or [positions])
    if not _varies(X[landmarks]):
        return np.zeros((len(rows), 2)), np.nan
    placed = further(X[landmarks], seed)
    if len(landmarks) == len(rows):
        return placed, np.nan
    return _follow(X, landmarks, placed, rng), np.nan


def _even(X: NDArray[np.float64], landmarks: NDArray[np.intp]) -> NDArray[np.float64]:
    """Centred, with a variance of 1 in all: parts that are put side by side count alike."""
    centred = X - X[landmarks].mean(axis=0)
    spread = float(np.sqrt(centred[landmarks].var(axis=0).sum()))
    return centred / spread if spread > 1e-9 else np.zeros_like(centred)


def _leading(
    outputs: Outputs, rows: NDArray[np.intp], landmarks: NDArray[np.intp], seed: int
) -> NDArray[np.float64]:
    """Leading components of the outputs, (m, at most fifty); never all outputs at a time."""
    from sklearn.decomposition import PCA  # noqa: PLC0415  slow to import

    fitted = np.asarray(outputs(rows[landmarks]), dtype=np.float64)
    if not _varies(fitted):
        return np.zeros((len(rows), 1))
    kept = min(_COMPONENTS, *fitted.shape)
    pca = PCA(
        kept, svd_solver="randomized" if kept < fitted.shape[1] else "full", random_state=seed
    )
    pca.fit(fitted)
    parts = [
        pca.transform(np.asarray(outputs(rows[at : at + _CHUNK]), dtype=np.float64))
        for at in range(0, len(rows), _CHUNK)
    ]
    return np.asarray(np.concatenate(parts), dtype=np.float64)


def _follow(
    X: NDArray[np.float64],
    landmarks: NDArray[np.intp],
    placed: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Every row between the nearest landmarks on the island of the nearest; these stay."""
    near = X[landmarks].astype(np.float32)
    squares = (near * near).sum(axis=1)
    own = squares[:, None] + squares - 2.0 * near @ near.T
    np.fill_diagonal(own, np.inf)
    width = max(float(np.median(own.min(axis=1))), 1e-9)
    span = float(np.ptp(placed, axis=0).max()) or 1.0
    out = np.empty((len(X), 2))
    for at in range(0, len(X), _CHUNK):
        part = X[at : at + _CHUNK].astype(np.float32)
        far = squares - 2.0 * part @ near.T + (part * part).sum(axis=1)[:, None]
        best = np.argpartition(far, _NEAREST, axis=1)[:, :_NEAREST]
        distance = np.take_along_axis(far, best, axis=1)
        first = best[np.arange(len(best)), distance.argmin(axis=1)]
        weights = np.exp((distance.min(axis=1, keepdims=True) - distance) / width)
        apart = np.abs(placed[best] - placed[first][:, None]).max(axis=2)
        weights *= apart <= _ISLAND * span
        out[at : at + _CHUNK] = (weights[..., None] * placed[best]).sum(axis=1)
        out[at : at + _CHUNK] /= weights.sum(axis=1, keepdims=True)
    # Many rows follow one landmark: a little apart, they show how many.
    out += rng.normal(scale=0.004 * span, size=out.shape)
    out[landmarks] = placed
    return out


def _pca(
    blocks: Sequence[Matrix], rows: NDArray[np.intp], components: int, seed: int
) -> tuple[NDArray[np.float64], float]:
    from sklearn.decomposition import PCA  # noqa: PLC0415  slow to import

    n = blocks[0].shape[0]
    fitted = np.arange(n)
    if n > _FIT_ROWS:
        fitted = np.sort(np.random.default_rng([seed, 9]).choice(n, _FIT_ROWS, replace=False))
    X = joined_rows([block[fitted] for block in blocks])
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
    for at in range(0, len(rows), _CHUNK):
        part = rows[at : at + _CHUNK]
        out[at : at + _CHUNK, :kept] = pca.transform(joined_rows([block[part] for block in blocks]))
    return out, float(pca.explained_variance_ratio_[:2].sum())


def _varies(X: Matrix) -> bool:
    """Whether rows differ: scikit-learn divides by their variance."""
    if X.shape[0] < 2:
        return False
    if sparse.issparse(X):
        squares = X.multiply(X).mean(axis=0) - np.square(X.mean(axis=0))
        return bool(np.asarray(squares).max() > 1e-12)
    return bool(np.ptp(X, axis=0).max() > 1e-6)


def _tsne(X: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE  # noqa: PLC0415  slow to import

    perplexity = min(30.0, (len(X) - 1) / 3)
    model = TSNE(2, init="pca", perplexity=perplexity, max_iter=_STEPS, random_state=seed)
    made = model.fit_transform(X)
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
