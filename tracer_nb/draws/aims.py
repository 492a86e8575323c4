"""What a job is after: its promise decides which rows are hard, when to test, which rows, and how.

Selective agreement is the default. Of the whole output every disagreement counts, and what is asked
about is right. For the precision of a label only rows that are given it matter; for its recall only
those that are not. Each promise is one by itself: recall says nothing about precision. GUARANTEES,
"Hard rows first", "The whole output" and "Recall and precision of a label".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import Draw, Look
from tracer_nb.draws.fitted import Fitted
from tracer_nb.draws.frozen import Frozen, certify_open, plan_test
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.draws.reading import Late
from tracer_nb.draws.stopping import (
    hopeless,
    nearly_worth_testing,
    plan_looks,
    worth_testing,
)
from tracer_nb.engine.growing import Sketch, choose_rows
from tracer_nb.engine.outlook import Outlook, fewest_tested, look_ahead, none_saved, too_few
from tracer_nb.engine.zoo import Matrix
from tracer_nb.records import Certificate

__all__ = ["Aim", "Standing", "WholeOutput"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is.

    Attributes
    ----------
    n_labels, n_open : int
        Texts that were asked about, and open rows.
    n_round : int
        Of the test to come.
    late : Late
        What was found last, where the recall of a label is promised.
    """

    n_labels: int
    n_open: int
    n_round: int
    late: Late = field(default_factory=lambda: Late(0, 0))


class Aim:
    """Selective agreement: of what the surrogate answers, a share carries the teacher's label.

    Parameters
    ----------
    column : Column
    classes : tuple of str
    terms : Terms

    Attributes
    ----------
    n_delivered : int or None
        All rows that come out, where the promise is about them.
    """

    def __init__(self, column: Column, classes: tuple[str, ...], terms: Terms) -> None:
        self.column, self.classes, self.terms = column, classes, terms
        self.n_delivered: int | None = None
        label = terms.promise.label
        self.wanted = -1 if label is None else classes.index(label)

    @property
    def plain(self) -> bool:
        """Selective agreement of all labels."""
        return type(self) is Aim

    def delta(self, n_round: int) -> float:
        """Error budget of a round."""
        return self.terms.delta(n_round)

    # Before anything is frozen -------------------------------------------------------------------

    def told(self, labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Answers as the quick surrogate learns them."""
        return labels

    def fewest(self, n_open: int, n_round: int = 1) -> int:
        """Test rows without which nothing can be certified of so many open rows."""
        levels = self.terms.target, self.terms.delta(n_round)
        return fewest_tested(n_open, *levels, n_delivered=self.n_delivered)

    def too_few(self, n_open: int, n_round: int = 1) -> str:
        """Why so many open rows cannot be tested, and what to do."""
        levels = self.terms.target, self.terms.delta(n_round)
        return too_few(n_open, *levels, n_delivered=self.n_delivered)

    def none_saved(self, n_rows: int, n_start: int) -> str:
        """Why none of so few rows can be saved, and what to do."""
        return none_saved(n_rows, n_start, self.terms.target, self.terms.delta(1))

    def ahead(self, at: Standing) -> Callable[..., Outlook]:
        """:func:`~tracer_nb.engine.outlook.look_ahead` for a round of this promise."""
        return partial(
            look_ahead,
            n_labels=at.n_labels,
            n_open=at.n_open,
            target=self.terms.target,
            delta=self.terms.delta(at.n_round),
            failed=at.n_round - 1,
            n_delivered=self.n_delivered,
            seed=self.terms.seed,
        )

    def expect(
        self, found: Sketch, n_bare: int, chance: NDArray[np.bool_], at: Standing
    ) -> tuple[Outlook, NDArray[np.float64]]:
        """The best test as things stand, and how much each row that was looked at is worth asking about.

        Parameters
        ----------
        found : Sketch
            Of the labelled rows and, one behind the other, the open rows that were looked at and
            those that got no label.
        n_bare : int
            Of these last.
        chance : ndarray of shape (n_labelled + n_bare,), bool
            Which rows with an answer came at random.
        at : Standing

        Returns
        -------
        Outlook
        ndarray of shape (n_looked_at,)
            The lowest first.
        """
        sure, left_out, agree = found.with_bare(n_bare)
        return self.ahead(at)(sure, left_out, agree, chance), sure

    def standing(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], n_open: int, n_round: int
    ) -> Standing:
        """How far the job is, so many rows being open."""
        return Standing(len(self.column.fitted_on(draws, labels)[0]), n_open, n_round)

    def choose(
        self, sure: NDArray[np.float64], X: Matrix, size: int, waiting: Matrix
    ) -> NDArray[np.intp]:
        """Rows of the next batch, by :meth:`expect`, beside those that ``waiting`` are like."""
        return choose_rows(sure, X, size, waiting)

    def _level(self, n_open: int) -> float:
        """Share of the open rows that have to be right."""
        return self.terms.target

    def worth(self, outlook: Outlook, n_open: int, n_left: int, *, full: bool, grown: bool) -> bool:
        """Whether to freeze and test now: see :func:`~tracer_nb.draws.stopping.worth_testing`."""
        target = self._level(n_open)
        return worth_testing(outlook, target=target, n_left=n_left, full=full, grown=grown)

    def nearly(self, outlook: Outlook, n_open: int, n_left: int, *, eager: bool) -> bool:
        """Whether the batch that is being answered may be the last one."""
        return nearly_worth_testing(outlook, self._level(n_open), n_left, eager=eager)

    def counted(self, said: NDArray[np.intp], by_chance: NDArray[np.bool_]) -> dict[str, int]:
        """Of texts that were asked about, what tells that none can pass."""
        return {
            "n_random": int(by_chance.sum()),
            "n_bare": int((said[by_chance] < 0).sum()),
            "n_wanted": int((said == self.wanted).sum()),
        }

    def hopeless(self, outlook: Outlook, n_open: int, n_rows: int, **counted: int) -> str:
        """Why no test is worth it: see :func:`~tracer_nb.draws.stopping.hopeless`."""
        target, n_random, n_bare = self._level(n_open), counted["n_random"], counted["n_bare"]
        rows = {"n_open": n_open, "n_rows": n_rows}
        return hopeless(outlook, **rows, target=target, n_random=n_random, n_bare=n_bare)

    # What is frozen, and its test ----------------------------------------------------------------

    def masked(self, fitted: Fitted) -> Fitted:
        """What was fitted, rows that may not be answered under this promise deferred."""
        return fitted

    def plan(
        self,
        fitted: Fitted,
        open_: NDArray[np.intp],
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        n_round: int,
        **how: Any,
    ) -> Frozen:
        """What is frozen for a test of the open rows: see :func:`~tracer_nb.draws.frozen.plan_test`."""
        return plan_test(
            fitted,
            self.column.codes[open_],
            n_labels=len(self.column.fitted_on(draws, labels)[0]),
            target=self.terms.target,
            delta=self.terms.delta(n_round),
            failed=n_round - 1,
            seed=self.terms.seed,
            n_delivered=self.n_delivered,
            **how,
        )

    def tested_among(self, frozen: Frozen, open_: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rows that those of the test are drawn from; fixed when all is frozen."""
        if not frozen.last:
            return open_
        scores = frozen.scores[self.column.codes[open_]]
        return np.asarray(open_[scores >= frozen.thresholds[-1]])

    def looks(
        self, frozen: Frozen, among: NDArray[np.intp], at: Standing, most: int | None
    ) -> tuple[Look, ...]:
        """Looks of the test, fixed before its rows are asked about; the last one is at all of them.

        ``among`` are the rows that they are the first of.
        """
        size = min(frozen.outlook.n_test, len(among))
        return plan_looks(size, self.terms.delta(at.n_round), last=frozen.last)

    def least(self, outlook: Outlook) -> float:
        """Rows asked about in all, if the first look of the test passes and nothing is deferred."""
        if not outlook.n_test:
            return outlook.bill
        return outlook.n_labels + self._first(outlook.n_test)

    def _first(self, n_test: int) -> int:
        """Rows of the first look."""
        return plan_looks(n_test, 1.0)[0].n_rows

    def lost(
        self,
        frozen: Frozen,
        open_: NDArray[np.intp],
        before: tuple[Draw, ...],
        draw: Draw,
        look: int,
        labels: NDArray[np.intp],
    ) -> bool:
        """Whether no later look can pass, all rows until this one being answered."""
        return False

    def gains(self, frozen: Frozen, draw: Draw, look: int) -> bool:
        """Whether a later look may still loosen the threshold."""
        return True

    def read(self, frozen: Frozen, draw: Draw, certificate: Certificate) -> NDArray[np.intp]:
        """Rows of a test that its certificate goes by."""
        return draw.rows[: certificate.n_calibration]

    def certify(
        self,
        frozen: Frozen,
        open_: NDArray[np.intp],
        before: tuple[Draw, ...],
        draw: Draw,
        look: int,
        labels: NDArray[np.intp],
    ) -> Certificate:
        """The exact test at one look: see :func:`~tracer_nb.draws.frozen.certify_open`."""
        return certify_open(
            *(frozen, self.column.codes, open_, draw, look),
            labels=labels,
            classes=self.classes,
            target=self.terms.target,
            promise=self.terms.promise,
            n_delivered=self.n_delivered,
        )


class WholeOutput(Aim):
    """Of all rows that come out a share carries the teacher's label; what is asked about does."""

    def __init__(self, column: Column, classes: tuple[str, ...], terms: Terms) -> None:
        super().__init__(column, classes, terms)
        self.n_delivered = int((column.codes >= 0).sum())

    def _level(self, n_open: int) -> float:
        assert self.n_delivered is not None  # noqa: S101  just set
        return 1.0 - (1.0 - self.terms.target) * self.n_delivered / max(n_open, 1)

    def _first(self, n_test: int) -> int:
        return n_test

    def looks(
        self, frozen: Frozen, among: NDArray[np.intp], at: Standing, most: int | None
    ) -> tuple[Look, ...]:
        """See :meth:`Aim.looks`."""
        # Every threshold is tried, so hardly any test fails: an earlier look would only certify less,
        # and spend of the error budget.
        return (Look(min(frozen.outlook.n_test, len(among)), self.terms.delta(at.n_round)),)
