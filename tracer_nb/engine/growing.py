"""Which rows of a column to ask about next, so that what is left can be answered.

Rows that the surrogate cannot answer will be asked about anyway, so fitting on them first costs
nothing extra. They may be chosen in any way, by any label that is known: nothing that is chosen
here is ever tested on. GUARANTEES, "Hard rows first".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.extra import stack_rows
from tracer_nb.engine.gates.statistics import margin
from tracer_nb.engine.pipeline import decided, make_views
from tracer_nb.engine.subsets import fit_rule, indicators
from tracer_nb.engine.zoo import Matrix, Smoothing, smoothing_over, unit_rows
from tracer_nb.engine.zoo.kernel_ridge import fit_kernel_ridge
from tracer_nb.labelsets import LabelSets

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
# What a chosen row takes off others like it.
_TAKEN = 0.9
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
    outputs, out_of_fold : ndarray of shape (n_open, k) and (n, k), or None
        Of the rows that were looked at, and of the labelled ones from a fit without the row.
    present : ndarray of shape (k,), int
        Labels that the outputs stand for.
    """

    margins: NDArray[np.float64]
    left_out: NDArray[np.float64]
    agree: NDArray[np.bool_]
    width: float
    ridge: float
    n_tuned: int
    outputs: NDArray[np.floating] | None = None
    out_of_fold: NDArray[np.floating] | None = None
    present: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    def with_bare(
        self, n_bare: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Margins of the rows that were looked at, and margins and agreement of those with an answer.

        The last ``n_bare`` rows that were looked at got no label: each is a disagreement, wherever
        it stands.
        """
        n = len(self.margins) - n_bare
        left_out = np.r_[self.left_out, self.margins[n:]]
        return self.margins[:n], left_out, np.r_[self.agree, np.zeros(n_bare, dtype=bool)]


def batch_size(n_labels: int) -> int:
    """Rows of the next batch."""
    return max(_LEAST_BATCH, int(_STEP * n_labels))


def looked_at(open_: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """The open rows, or a random part of very many."""
    if len(open_) <= _MOST_LOOKED_AT:
        return open_
    return np.sort(np.random.default_rng([seed, 5]).choice(open_, _MOST_LOOKED_AT, replace=False))


def sketch(
    X: Matrix,
    codes: NDArray[np.intp],
    rest: Matrix,
    before: Sketch | None = None,
    *,
    sets: LabelSets | None = None,
    names: tuple[Matrix, NDArray[np.intp]] | None = None,
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
    sets : LabelSets, optional
        Where a row has several labels, and codes are numbers of sets.
    names : tuple of matrix of shape (k, d) and ndarray of shape (k,), optional
        Names of labels as further rows to fit on, and their codes; not with ``sets``.

    Returns
    -------
    Sketch or None
        None for a single label.
    """
    n = len(codes)
    if len(np.unique(codes)) < 2:
        return None
    if names is not None:
        X, codes = stack_rows([X, names[0]]), np.r_[codes, names[1]]
    present, own = np.unique(codes, return_inverse=True)
    known: dict[str, Any] = {}
    if before is not None and n < _RETUNE * before.n_tuned:
        known = {"width": before.width, "ridge": before.ridge}
    own = own if sets is None else codes
    members = indicators(own, sets)
    fitted = fit_kernel_ridge(X, members, **known)
    model = fitted.model
    outputs = model.outputs(rest)
    rule = None if sets is None else fit_rule(sets, fitted.out_of_fold, members)
    predicted, left_out = decided(fitted.out_of_fold, rule)
    return Sketch(
        margins=margin(decided(outputs, rule)[1]),
        left_out=margin(left_out[:n]),
        agree=(predicted == own)[:n],
        width=model.width,  # type: ignore[attr-defined]
        ridge=model.ridge,  # type: ignore[attr-defined]
        n_tuned=before.n_tuned if known and before is not None else n,
        outputs=outputs,
        out_of_fold=fitted.out_of_fold,
        present=present,
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
    sets: LabelSets | None = None,
) -> tuple[Matrix, Callable[[Sequence[Matrix]], Matrix]]:
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
    sets : LabelSets, optional
        As in :func:`sketch`.

    Returns
    -------
    matrix of shape (n, d)
    callable
        From blocks of other rows to these in the same view.
    """
    best, prepared = -1.0, None
    for view in make_views(len(blocks), None if smooth is None else smooth[0]):
        first = blocks[0] if view.smoothing is None or smooth is None else smooth[1]
        plain, parts = replace(view, smoothing=None), [first, *blocks[1:]]
        X = plain.prepare([part[pilot] for part in parts])
        found = sketch(X, codes, X[:1], sets=sets) if len(pilot) else None
        right = 0.0 if found is None else float(found.agree.mean())
        if right > best:
            best, prepared = right, (view, plain, parts)
    assert prepared is not None  # noqa: S101  there is a plain view at least
    view, plain, parts = prepared

    def others(given: Sequence[Matrix]) -> Matrix:
        first = given[0] if view.smoothing is None else view.smoothing(unit_rows(given[0]))
        return plain.prepare([first, *given[1:]])

    return plain.prepare(parts), others


def choose_rows(
    margins: NDArray[np.float64], rows: Matrix, size: int, waiting: Matrix | None = None
) -> NDArray[np.intp]:
    """The batch that teaches most: unsure rows among many others, not all of one kind.

    Parameters
    ----------
    margins : ndarray of shape (n,)
        How sure the surrogate is of each row.
    rows : matrix of shape (n, d)
        The same, unit rows.
    size : int
    waiting : matrix of shape (m, d), optional
        Rows whose labels are on their way: what they will teach is not asked about again.

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
    n_waiting = 0 if waiting is None else waiting.shape[0]
    pool = order[: _POOL * (size + n_waiting)]
    if len(pool) <= size:
        return pool
    around = order[: 10 * (size + n_waiting)]
    doubt = _doubt(margins[pool])
    near = np.exp(_SHARPNESS * (_cosines(rows[pool], rows[around]) - 1.0))
    left = doubt * (near @ _doubt(margins[around]))
    if waiting is not None:
        close = np.exp(_SHARPNESS * (_cosines(rows[pool], waiting) - 1.0))
        left *= np.prod(1.0 - _TAKEN * np.clip(close, 0.0, 1.0), axis=1)
    alike = near[:, : len(pool)]  # those around begin with the pool
    chosen = np.empty(size, dtype=np.intp)
    for i in range(size):
        best = int(left.argmax())
        chosen[i] = best
        left = left * (1.0 - _TAKEN * np.clip(alike[best], 0.0, 1.0))
        left[best] = -1.0
    return pool[chosen]


def _doubt(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = max(float(margins.std()), 1e-6)
    return np.asarray(1.0 / (1.0 + np.exp((margins - np.median(margins)) / spread)))


def _cosines(a: Matrix, b: Matrix) -> NDArray[np.float64]:
    product = a @ b.T
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=float)
