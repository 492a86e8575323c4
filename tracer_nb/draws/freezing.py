"""Freezes a job: what is fitted on its answers, and the test of what is open, each once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, Draw
from tracer_nb.draws.frozen import Fitted, Frozen, fit_answers, plan_test
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.engine import ExtraRows

__all__ = ["Freezer"]

# Probabilities are told apart to so many parts of 1 in a fingerprint.
_SOFT_UNITS = 1e6


class Freezer:
    """Fits and plans by the record of draws and the answers, and remembers what it made.

    Parameters
    ----------
    column : Column
    classes : tuple of str
        Labels; answers are codes into it.
    terms : Terms

    Attributes
    ----------
    soft : ndarray of shape (n_texts, K), or None
        The teacher's distributions over ``classes``, a row of NaN where there is none. Whoever
        has them sets them.
    names : ExtraRows or None
        What the labels are called, for a fit to learn from; they are part of ``terms.features``.
    """

    def __init__(self, column: Column, classes: tuple[str, ...], terms: Terms) -> None:
        self.column, self.classes, self.terms = column, classes, terms
        self.soft: NDArray[np.float32] | None = None
        self.names: ExtraRows | None = None
        self._fitted: dict[str, Fitted] = {}
        self._frozen: dict[tuple[str, int | None], Frozen] = {}

    def state(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> str:
        """Fingerprint of all that decides about a frozen fit, its order and its open rows."""
        texts, by_chance = self.column.fitted_on(draws, labels)
        aside = [draw.rows for draw in draws if draw.purpose == NEW_ROWS]
        # A test that nobody answered leaves what is fitted as it was, and fewer rows open.
        open_ = self.column.open_rows(draws)
        parts = [self.column.codes, texts, labels[texts], by_chance, open_, *aside]
        if (soft := self._soft_of(texts, labels)) is not None:
            parts.append(np.nan_to_num(soft * _SOFT_UNITS, nan=-1.0).astype(np.intp))
        return self.terms.fingerprint(self.classes, parts)

    def fit(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> tuple[str, Fitted]:
        """The state, and what is fitted in it."""
        state = self.state(draws, labels)
        if state not in self._fitted:
            texts, by_chance = self.column.fitted_on(draws, labels)
            aside = self.column.drawn_for(draws, NEW_ROWS)
            self._fitted[state] = fit_answers(
                self.column.X,
                texts,
                labels[texts],
                by_chance,
                classes=self.classes,
                soft=self._soft_of(texts, labels),
                rest=np.flatnonzero(~aside & ~np.isin(np.arange(len(aside)), texts)),
                target=self.terms.target,
                confidence=self.terms.confidence,
                seed=self.terms.seed,
                called=self.names,
                options=self.terms.options,
            )
        return state, self._fitted[state]

    def plan(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], n_round: int, most: int | None
    ) -> tuple[str, Frozen]:
        """The state, and what is frozen in it for a test of at most so many rows."""
        state, fitted = self.fit(draws, labels)
        if (state, most) not in self._frozen:
            frozen = plan_test(
                fitted,
                self.column.codes[self.column.open_rows(draws)],
                n_labels=len(self.column.fitted_on(draws, labels)[0]),
                target=self.terms.target,
                delta=self.terms.delta(n_round),
                failed=n_round - 1,
                most=most,
                seed=self.terms.seed,
            )
            # The same plan is the best of those that are no larger than it.
            self._frozen[state, most] = self._frozen[state, frozen.outlook.n_test] = frozen
        return state, self._frozen[state, most]

    def _soft_of(
        self, texts: NDArray[np.intp], labels: NDArray[np.intp]
    ) -> NDArray[np.float32] | None:
        """Distributions of some texts, NaN where there is no label; None without any."""
        if self.soft is None:
            return None
        return np.where(labels[texts, None] >= 0, self.soft[texts], np.float32(np.nan))
