"""Near-identical rows that were treated differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.gaps.judged import Judged
from tracer_nb.engine.views import View
from tracer_nb.engine.zoo.matrix import similarities

__all__ = ["boundary_pairs", "joined_rows"]


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
