"""Which rows of a column to ask about next, so that what is left can be answered.

Rows that the surrogate cannot answer will be asked about anyway, so fitting on them first costs
nothing extra. They may be chosen in any way, by any label that is known: nothing that is chosen
here is ever tested on. GUARANTEES, "Hard rows first".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gates.statistics import margin
from tracer_nb.engine.pipeline import Smoothing, make_views, smoothing_over
from tracer_nb.engine.zoo import Matrix, unit_rows
from tracer_nb.engine.zoo.kernel_ridge import fit_kernel_ridge

__all__ = ["Sketch", "batch_size", "best_view", "choose_rows", "looked_at", "sketch", "smoothed"]

# A batch is this share of the labels that there are: on BANKING77 20 refits from 200 labels to
# 2,000, 8 s of CPU, and a batch too many costs under 1 % of the column.
_STEP = 0.1
_LEAST_BATCH = 40
# Chosen among this many batches of the least sure rows. Taking the very least sure ones gives
# clusters of one question: .906 of BANKING77 could be answered at .92 after 985 labels, and .913
# with the density of unsure rows taken into account.
_POOL = 3
_SHARPNESS = 12.0
# Width and ridge are chosen again when there are so many times as many labels.
_RETUNE = 1.5
# Rows that are looked at: beyond, a random part of the open ones.
_MOST_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A quick surrogate, refitted after every batch.

    Attributes
    ----------
    margins : ndarray of shape (n_open,)
        Of the rows that were looked at: largest minus second largest output.
    left_out, agree : ndarray of shape (n,)
        Of the labelled rows: the same margin from a fit without the row, and whether that fit
        gives its label.
    width, ridge : float
    n_tuned : int
        Labels that width and ridge were chosen on.
    """

    margins: NDArray[np.float64]
    left_out: NDArray[np.float64]
    agree: NDArray[np.bool_]
    width: float
    ridge: float
    n_tuned: int


def batch_size(n_labels: int) -> int:
    """Rows of the next batch."""
    return max(_LEAST_BATCH, int(_STEP * n_labels))


def looked_at(open_: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """The open rows, or a random part of very many."""
    if len(open_) <= _MOST_LOOKED_AT:
        return open_
    return np.sort(np.random.default_rng([seed, 5]).choice(open_, _MOST_LOOKED_AT, replace=False))


def sketch(
    X: Matrix, codes: NDArray[np.intp], rest: Matrix, before: Sketch | None = None
) -> Sketch | None:
    """Fit kernel ridge regression on the labels that there are, and look at the other rows.

    Parameters
    ----------
    X : matrix of shape (n, d)
        Unit rows with a label.
    codes : ndarray of shape (n,), int
    rest : matrix of shape (n_open, d)
        Unit rows without.
    before : Sketch, optional
        Whose width and ridge are used again while there are not many more labels.

    Returns
    -------
    Sketch or None
        None for a single label.
    """
    present, own = np.unique(codes, return_inverse=True)
    n = len(own)
    if len(present) < 2:
        return None
    known: dict[str, Any] = {}
    if before is not None and n < _RETUNE * before.n_tuned:
        known = {"width": before.width, "ridge": before.ridge}
    fitted = fit_kernel_ridge(X, np.eye(len(present), dtype=np.float32)[own], **known)
    model = fitted.model
    return Sketch(
        margins=margin(model.outputs(rest)),
        left_out=margin(fitted.out_of_fold),
        agree=fitted.out_of_fold.argmax(axis=1) == own,
        width=model.width,  # type: ignore[attr-defined]
        ridge=model.ridge,  # type: ignore[attr-defined]
        n_tuned=before.n_tuned if known and before is not None else n,
    )


def smoothed(
    blocks: Sequence[Matrix], used: NDArray[np.bool_], seed: int
) -> tuple[Smoothing, NDArray[np.float32]] | None:
    """The first block smoothed, and by what; None where that has no use. No label is needed.

    Parameters
    ----------
    blocks : sequence of matrix of shape (n, d)
    used : ndarray of shape (n,), bool
        Rows that may be smoothed over.
    seed : int
        Of these rows, where there are many.
    """
    smoothing = smoothing_over([blocks[0][used]], seed)
    return None if smoothing is None else (smoothing, smoothing(unit_rows(blocks[0])))


def best_view(
    blocks: Sequence[Matrix],
    smooth: tuple[Smoothing, NDArray[np.float32]] | None,
    pilot: NDArray[np.intp],
    codes: NDArray[np.intp],
) -> Matrix:
    """All rows in the view that gives most of the random start its label, out of fold.

    Parameters
    ----------
    blocks : sequence of matrix of shape (n, d)
    smooth : tuple or None
        Of :func:`smoothed`.
    pilot : ndarray of int
        Rows of the start that have a label.
    codes : ndarray of int
        Their labels.
    """
    best, prepared = -1.0, None
    for view in make_views(len(blocks), None if smooth is None else smooth[0]):
        first = blocks[0] if view.smoothing is None or smooth is None else smooth[1]
        plain, parts = replace(view, smoothing=None), [first, *blocks[1:]]
        X = plain.prepare([part[pilot] for part in parts])
        found = sketch(X, codes, X[:1]) if len(pilot) else None
        right = 0.0 if found is None else float(found.agree.mean())
        if right > best:
            best, prepared = right, (plain, parts)
    assert prepared is not None  # noqa: S101  there is a plain view at least
    return prepared[0].prepare(prepared[1])


def choose_rows(margins: NDArray[np.float64], rows: Matrix, size: int) -> NDArray[np.intp]:
    """The batch that teaches most: unsure rows among many others, not all of one kind.

    Parameters
    ----------
    margins : ndarray of shape (n,)
        How sure the surrogate is of each row.
    rows : matrix of shape (n, d)
        The same, unit rows.
    size : int

    Returns
    -------
    ndarray of int
        At most ``size`` positions, the best first.

    Notes
    -----
    Among the least sure three batches the next is the row with the largest product of doubt and
    density of doubtful rows around it; what is near to a chosen one counts less from then on.
    """
    order = np.argsort(margins, kind="stable")
    pool = order[: _POOL * size]
    if len(pool) <= size:
        return pool
    around = order[: 10 * size]
    doubt = _doubt(margins[pool])
    near = np.exp(_SHARPNESS * (_cosines(rows[pool], rows[around]) - 1.0))
    left = doubt * (near @ _doubt(margins[around]))
    alike = np.exp(_SHARPNESS * (_cosines(rows[pool], rows[pool]) - 1.0))
    chosen = np.empty(size, dtype=np.intp)
    for i in range(size):
        best = int(left.argmax())
        chosen[i] = best
        left = left * (1.0 - 0.9 * np.clip(alike[best], 0.0, 1.0))
        left[best] = -1.0
    return pool[chosen]


def _doubt(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = max(float(margins.std()), 1e-6)
    return np.asarray(1.0 / (1.0 + np.exp((margins - np.median(margins)) / spread)))


def _cosines(a: Matrix, b: Matrix) -> NDArray[np.float64]:
    product = a @ b.T
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=float)
