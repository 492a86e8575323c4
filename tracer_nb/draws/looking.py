"""What is to be expected of the open rows, seen by a quick surrogate that is refitted after every batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.moves import Column
from tracer_nb.engine.growing import Sketch, best_view, looked_at, sketch, smoothed
from tracer_nb.engine.outlook import Outlook, look_ahead
from tracer_nb.engine.zoo import Matrix

__all__ = ["Seen", "Surveyor"]

Seen = tuple[NDArray[np.intp], Sketch, Matrix]
"""The open rows that were looked at, what the quick surrogate says of them, and all texts prepared."""


class Surveyor:
    """Looks at the open rows of a column.

    Parameters
    ----------
    column : Column
    aside : ndarray of int
        Rows that are set aside: their texts leave no trace in what others are smoothed over.
    seed : int
    """

    def __init__(self, column: Column, aside: NDArray[np.intp], seed: int) -> None:
        self.column, self.aside, self.seed = column, aside, seed
        self._sketch: Sketch | None = None
        self._smooth: tuple[Any] | None = None
        self._prepared: Matrix | None = None
        self._last: tuple[bytes, tuple[Outlook, Seen | None]] | None = None

    def look(
        self,
        texts: NDArray[np.intp],
        by_chance: NDArray[np.bool_],
        labels: NDArray[np.intp],
        open_: NDArray[np.intp],
        *,
        target: float,
        delta: float,
        failed: int,
    ) -> tuple[Outlook, Seen | None]:
        """The best test of the open rows, and how sure a quick surrogate is of each.

        Parameters
        ----------
        texts : ndarray of int
            Texts with an answer, to be fitted on.
        by_chance : ndarray of bool
            Which of these came at random.
        labels : ndarray of shape (n_texts,), int
        open_ : ndarray of int
            Open rows.
        target, delta : float
            Of the test to come.
        failed : int
            Tests that did not pass.

        Returns
        -------
        Outlook
        Seen or None
            None where there is a single label.
        """
        # A step that ends where a test would begin is followed by one that begins there.
        key = hashlib.sha256(repr((target, delta, failed)).encode())
        for part in (texts, by_chance, labels[texts], open_):
            key.update(part.tobytes())
        if self._last is None or self._last[0] != key.digest():
            levels: dict[str, Any] = {
                "target": target,
                "delta": delta,
                "failed": failed,
                "seed": self.seed,
            }
            ahead = partial(look_ahead, n_open=len(open_), n_labels=len(texts), **levels)
            self._last = key.digest(), self._look(texts, by_chance, labels, open_, ahead)
        return self._last[1]

    def _look(
        self,
        texts: NDArray[np.intp],
        by_chance: NDArray[np.bool_],
        labels: NDArray[np.intp],
        open_: NDArray[np.intp],
        ahead: Callable[..., Outlook],
    ) -> tuple[Outlook, Seen | None]:
        known = labels[texts] >= 0
        rows = looked_at(open_, self.seed)
        X = self._prepare(texts[by_chance & known], labels)
        own = texts[known]
        # A text without a label is a disagreement, wherever it stands.
        bare = texts[~known]
        found = sketch(X[own], labels[own], X[np.r_[self.column.codes[rows], bare]], self._sketch)
        if found is None:
            return ahead(np.empty(0), np.empty(0), *[np.empty(0, dtype=bool)] * 2), None
        self._sketch = found
        of_bare = found.margins[len(rows) :]
        found = replace(found, margins=found.margins[: len(rows)])
        outlook = ahead(
            found.margins,
            np.r_[found.left_out, of_bare],
            np.r_[found.agree, np.zeros(len(bare), dtype=bool)],
            np.r_[by_chance[known], by_chance[~known]],
        )
        return outlook, (rows, found, X)

    def warm(self) -> None:
        """Work out what needs no answer, while the first ones are waited for."""
        if self._prepared is None and self._smooth is None:
            used = np.ones(self.column.n_texts, dtype=bool)
            used[self.column.codes[self.aside]] = False
            self._smooth = (smoothed(self.column.X, used, self.seed),)

    def _prepare(self, pilot: NDArray[np.intp], labels: NDArray[np.intp]) -> Matrix:
        """All texts, in the view that answers most of the start; found once."""
        if self._prepared is None:
            self.warm()
            assert self._smooth is not None  # noqa: S101  it is warm
            self._prepared = best_view(self.column.X, *self._smooth, pilot, labels[pilot])
            self._smooth = None
        return self._prepared
