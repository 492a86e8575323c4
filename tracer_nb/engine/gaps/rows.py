"""Rows to look at: near-identical ones treated differently, likely mistakes, points in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tracer_nb.engine.gaps.agreement import Judged
from tracer_nb.engine.pipeline import View
from tracer_nb.engine.zoo import Matrix
from tracer_nb.engine.zoo.matrix import similarities
from tracer_nb.errors import InvalidInput, MissingExtra
from tracer_nb.records import STATUSES, Selection

__all__ = [
    "LAYOUTS",
    "RowTable",
    "boundary_pairs",
    "draw_points",
    "joined_rows",
    "lay_out",
    "likely_mistakes",
    "select_rows",
]


def joined_rows(blocks: Sequence[Any]) -> Any:
    """Blocks beside one another, (n, d): every block counts alike, every row has length 1.

    A product of two rows is the mean of the cosines in the blocks. Zero rows stay zero.
    """
    return View("joined", (1.0 / len(blocks),) * len(blocks)).prepare(blocks)


def boundary_pairs(
    judged: Judged,
    unit: Any,
    texts: NDArray[np.intp],
    *,
    least: float = 0.8,
    most: int = 50,
) -> list[tuple[int, int, float]]:
    """For each row the nearest one that was treated differently; the nearest pairs of those.

    Differently means that the teacher's labels differ, or that they are equal and one row was
    handled, the other deferred. Rows without a label are left out.

    Parameters
    ----------
    judged : Judged
    unit : matrix of shape (n, d)
        Of :func:`joined_rows`.
    texts : ndarray of shape (n,), int
        Equal numbers for equal texts; only the first row of each text is looked at.
    least : float
        Smallest cosine that counts as near.
    most : int
        Pairs to give.

    Returns
    -------
    list of (int, int, float)
        Two rows, the smaller first, and their cosine; the most similar first.
    """
    first = np.sort(np.unique(texts, return_index=True)[1])
    rows = first[judged.teacher[first] >= 0]
    label, handled, near = judged.teacher[rows], judged.handled[rows], unit[rows]
    found: dict[tuple[int, int], float] = {}
    for part, cosine in similarities(near, near):
        same = (label[part, None] == label) & (handled[part, None] == handled)
        cosine[same] = -np.inf
        other = cosine.argmax(axis=1)
        value = cosine[np.arange(len(other)), other]
        # A little slack: cosines are of single precision.
        for i in np.flatnonzero(value >= least - 1e-6).tolist():
            a, b = sorted((int(rows[part.start + i]), int(rows[other[i]])))
            found[a, b] = min(float(value[i]), 1.0)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(a, b, value) for (a, b), value in ranked[:most]]


def likely_mistakes(
    judged: Judged, *, most: int = 50
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rows on which the surrogate is surer of another label than it usually is of that label.

    In the manner of confident learning (Northcutt, Jiang and Chuang 2021): labels differ in how
    sure one can be of them, so each has a threshold of its own, the mean score of the rows to
    which both give it. A label that they never agree on accuses nobody.

    Parameters
    ----------
    judged : Judged
    most : int
        Rows to give.

    Returns
    -------
    rows : ndarray of int
        Those furthest above the threshold first; of equal ones, the first row.
    usual : ndarray of float
        The threshold of each.
    """
    k = len(judged.names)
    # Where the guard defers, the row is unlike all others and its score says nothing.
    near = np.isfinite(judged.scores)
    both = judged.agree & near
    n = np.bincount(judged.surrogate[both], minlength=k)
    total = np.bincount(judged.surrogate[both], judged.scores[both], minlength=k)
    usual = np.full(k, np.inf)
    np.divide(total, n, out=usual, where=n > 0)
    excess = judged.scores - usual[judged.surrogate]
    rows = np.flatnonzero(near & (judged.teacher >= 0) & ~judged.agree & (excess >= 0))
    rows = rows[np.argsort(-excess[rows], kind="stable")][:most]
    return rows, usual[judged.surrogate[rows]]


@dataclass(frozen=True, slots=True, eq=False)
class RowTable:
    """What is known about each row of a column, (n,) each.

    Attributes
    ----------
    names : tuple of str
        The label set.
    rows : ndarray of int
        Positions in the column, ascending: of the rows that hold text.
    teacher, surrogate : ndarray of int
        Index into ``names``; -1 where there is none.
    scores : ndarray of float
        nan where no surrogate has looked at the row, -inf where the guard defers it.
    status : ndarray of int
        Index into ``STATUSES``.
    tested, fitted : ndarray of bool
        Counted in pictures of agreement; its text was fitted on.
    """

    names: tuple[str, ...]
    rows: NDArray[np.intp]
    teacher: NDArray[np.intp]
    surrogate: NDArray[np.intp]
    scores: NDArray[np.float64]
    status: NDArray[np.intp]
    tested: NDArray[np.bool_]
    fitted: NDArray[np.bool_]


def select_rows(table: RowTable, selection: Selection) -> NDArray[np.intp]:
    """Places in the table that match all that is said, but for the text that is searched.

    Parameters
    ----------
    table : RowTable
    selection : Selection
        Names that do not exist match nothing.
    """
    keep = np.ones(len(table.rows), dtype=bool)
    for wanted, known, codes in (
        (selection.teacher, table.names, table.teacher),
        (selection.surrogate, table.names, table.surrogate),
        (selection.status, STATUSES, table.status),
    ):
        if wanted is not None:
            keep &= np.isin(codes, [i for i, name in enumerate(known) if name in set(wanted)])
    if selection.scores is not None:
        low, high = selection.scores
        keep &= np.isfinite(table.scores) & (table.scores >= low) & (table.scores <= high)
    if selection.rows is not None:
        keep &= np.isin(table.rows, np.asarray(selection.rows, dtype=np.intp))
    if selection.tested:
        keep &= table.tested
    return np.flatnonzero(keep)


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
        Dense or sparse; joined by :func:`joined_rows`.
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
    out[:, :kept] = pca.transform(joined_rows([block[rows] for block in blocks]))
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
