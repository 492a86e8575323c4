"""Freezes a job: what is fitted on its answers, and the test of what is open, each once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import NEW_ROWS, TEST, Draw
from tracer_nb.draws.fitted import Fitted, chained, fit_answers
from tracer_nb.draws.frozen import Frozen
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.draws.opinions import Opinions, Rule
from tracer_nb.draws.together import aim_of
from tracer_nb.engine import ExtraRows
from tracer_nb.engine.likely import likely_outcome
from tracer_nb.records.preparing import Preparing, tell_preparing

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
    aim : Aim
    soft : ndarray of shape (n_texts, K), or None
        The teacher's distributions over ``classes``, a row of NaN where there is none. Whoever
        has them sets them.
    names : ExtraRows or None
        What the labels are called, for a fit to learn from; they are part of ``terms.features``.
    """

    def __init__(self, column: Column, classes: tuple[str, ...], terms: Terms) -> None:
        self.column, self.classes, self.terms = column, classes, terms
        self.aim = aim_of(column, classes, terms)
        self.soft: NDArray[np.float32] | None = None
        self.names: ExtraRows | None = None
        self._fitted: dict[str, Fitted] = {}
        self._frozen: dict[tuple[str, Rule, str, bool, int | None], Frozen] = {}
        self._likely: dict[tuple[str, int, float, int], tuple[float, float]] = {}

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
            number = 1 + sum(draw.purpose == TEST for draw in draws)
            fitted = fit_answers(
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
                on_part=lambda *parts: tell_preparing(Preparing("test", number, *parts)),
                options=self.terms.options,
            )
            self._fitted[state] = self.aim.masked(fitted)
        return state, self._fitted[state]

    def plan(
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        n_round: int,
        most: int | None,
        chain: tuple[Opinions, Rule] | None = None,
        *,
        last: bool = False,
    ) -> tuple[str, Frozen]:
        """The state, and what is frozen in it for a test of at most so many rows.

        With ``last`` nothing behind the test can be paid for.
        """
        state, fitted = self.fit(draws, labels)
        opinions, rule = chain or (None, Rule())
        key = state, rule, "" if opinions is None else opinions.digest(), last
        if (known := (*key, most)) not in self._frozen:
            weighed = None
            if opinions is not None:
                fitted, weighed = chained(fitted, self.column.X, opinions, rule, self.classes)
            frozen = self.aim.plan(
                *(fitted, self.column.open_rows(draws), draws, labels, n_round),
                most=most,
                last=last,
                chain=weighed,
                chosen=float((~self.column.fitted_on(draws, labels)[1]).sum())
                / max(int((self.column.codes >= 0).sum()), 1),
            )
            # The same plan is the best of those that are no larger than it.
            same = (*key, frozen.outlook.n_test)
            self._frozen[known] = self._frozen[same] = frozen
        return state, self._frozen[known]

    def likely(
        self,
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        n_round: int,
        target: float,
        n_test: int,
    ) -> tuple[float, float]:
        """How likely a test of another target passes, and the share of the open rows that it certifies then."""
        state, fitted = self.fit(draws, labels)
        if (key := (state, n_round, target, n_test)) not in self._likely:
            self._likely[key] = likely_outcome(
                fitted.scores[self.column.codes[self.column.open_rows(draws)]],
                *fitted.left_out,
                target=target,
                delta=self.terms.delta(n_round),
                n_test=n_test,
                seed=self.terms.seed,
            )
        return self._likely[key]

    def _soft_of(
        self, texts: NDArray[np.intp], labels: NDArray[np.intp]
    ) -> NDArray[np.float32] | None:
        """Distributions of some texts, NaN where there is no label; None without any."""
        if self.soft is None:
            return None
        return np.where(labels[texts, None] >= 0, self.soft[texts], np.float32(np.nan))
