"""Jobs for a promise of one label: its precision, or its recall.

Each is one by itself: recall says nothing about precision, nor the other way round. GUARANTEES,
"Recall and precision of a label" and "Rare labels".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import HARD, TEST, Draw, Look, rows_of
from tracer_nb.draws.aims import Aim, Standing
from tracer_nb.draws.fitted import Fitted
from tracer_nb.draws.frozen import Frozen
from tracer_nb.draws.reading import Late, certify_reading, expect_reading, plan_reading
from tracer_nb.draws.stopping import none_given, none_wanted
from tracer_nb.engine.certificates import code_of
from tracer_nb.engine.growing import Sketch
from tracer_nb.engine.outlook import Outlook
from tracer_nb.engine.zoo import Matrix
from tracer_nb.records import Certificate, Pilot

__all__ = ["Precision", "Recall"]

# One row that is asked about saves more than one of reading: a little more, while a batch is answered.
_PAYS, _NEARLY_PAYS = 1.0, 1.5
_LIKELY, _MAYBE = 0.7, 0.5
# Of the labels, the last so many tell what another batch would find.
_LATE_SHARE = 1 / 3


class _OneLabel(Aim):
    """A promise of one label: the quick surrogate learns whether a row has it."""

    def told(self, labels: NDArray[np.intp]) -> NDArray[np.intp]:
        """1 for the label, 0 for another one."""
        return np.where(labels >= 0, (labels == self.wanted).astype(np.intp), labels)

    def given(self, fitted: Fitted) -> NDArray[np.bool_]:
        """Texts that the surrogate gives the label, (n_texts,); none where it never saw one."""
        at = np.flatnonzero(fitted.fit.classes == self.classes[self.wanted])
        return np.isin(fitted.answers.codes, at)


class Precision(_OneLabel):
    """Of the rows that are given a label, and handled, a share is the teacher's; others are asked."""

    def expect(
        self, found: Sketch, n_bare: int, chance: NDArray[np.bool_], at: Standing
    ) -> tuple[Outlook, NDArray[np.float64]]:
        """See :meth:`Aim.expect`."""
        sure, left_out, agree = found.with_bare(n_bare)
        own, own_left_out = _for_wanted(found)
        n = len(sure)
        mine, pilot = own[:n] > 0, np.r_[own_left_out, own[n:]] > 0
        n_given = round(at.n_open * float(mine.mean())) if n else 0
        outlook = self.ahead(replace(at, n_open=n_given))(
            *(sure[mine], left_out[pilot], agree[pilot], chance[pilot])
        )
        return self._of_all(outlook, at.n_open, n_given), sure

    @staticmethod
    def _of_all(outlook: Outlook, n_open: int, n_given: int) -> Outlook:
        """From the rows that are given the label to all open ones: the others are asked about."""
        others = n_open - n_given
        return replace(
            outlook,
            coverage=outlook.coverage * n_given / max(n_open, 1),
            n_deferred=outlook.n_deferred + others,
            bill=outlook.bill + others,
        )

    def hopeless(self, outlook: Outlook, n_open: int, n_rows: int, **counted: int) -> str:
        """See :meth:`Aim.hopeless`; a label that was never given is one that none can be promised of."""
        why = super().hopeless(outlook, n_open, n_rows, **counted)
        if not why or counted["n_wanted"]:
            return why
        return none_given(outlook.n_labels, self.classes[self.wanted], counted["n_random"])

    def masked(self, fitted: Fitted) -> Fitted:
        """See :meth:`Aim.masked`."""
        code = code_of(self.classes[self.wanted], fitted.fit.classes.tolist())

        def own(pilot: Pilot) -> Pilot:
            return replace(pilot, scores=np.where(pilot.codes == code, pilot.scores, -np.inf))

        fit, extra = fitted.fit, fitted.fit.extra_pilot
        fit = replace(fit, pilot=own(fit.pilot), extra_pilot=extra and own(extra))
        keep = fitted.answers.codes == code
        return replace(fitted, fit=fit, scores=np.where(keep, fitted.scores, -np.inf))

    def plan(
        self,
        fitted: Fitted,
        open_: NDArray[np.intp],
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        n_round: int,
        **how: Any,
    ) -> Frozen:
        """See :meth:`Aim.plan`."""
        own = self._given_among(fitted, open_)
        frozen = super().plan(fitted, own, draws, labels, n_round, **how)
        return replace(frozen, outlook=self._of_all(frozen.outlook, len(open_), len(own)))

    def tested_among(self, frozen: Frozen, open_: NDArray[np.intp]) -> NDArray[np.intp]:
        """See :meth:`Aim.tested_among`."""
        return self._given_among(frozen, open_)

    def _given_among(self, fitted: Fitted, open_: NDArray[np.intp]) -> NDArray[np.intp]:
        return open_[np.isfinite(fitted.scores[self.column.codes[open_]])]


class Recall(_OneLabel):
    """Of the rows to which the teacher gives a label, a share comes out with it.

    What is likely to be wanted is asked about first, whether the surrogate is sure of it or not: a row
    that was asked about is never missed, and rows that are known to be wanted leave room for missed
    ones. The rows that are *not* given the label are read in part, at random. No threshold is tried:
    what would be deferred as likely to be wanted is asked about before. It says nothing about precision.
    """

    def fewest(self, n_open: int, n_round: int = 1) -> int:
        """One: how many it takes depends on how many are found."""
        return 1

    def standing(
        self, draws: tuple[Draw, ...], labels: NDArray[np.intp], n_open: int, n_round: int
    ) -> Standing:
        """See :meth:`Aim.standing`; with what the last rows that were asked about have found."""
        texts = self.column.texts_of(rows_of(d for d in draws if d.purpose in (HARD, TEST)))
        texts = texts[labels[texts] >= 0]
        at = super().standing(draws, labels, n_open, n_round)
        texts = texts[len(texts) - min(len(texts), int(_LATE_SHARE * at.n_labels)) :]
        n_wanted = int((labels[texts] == self.wanted).sum())
        return replace(at, late=Late(len(texts), n_wanted, self.known(draws, labels)))

    def known(self, draws: tuple[Draw, ...], labels: NDArray[np.intp]) -> int:
        """Rows that the teacher has given the label, those set aside left out."""
        texts = self.column.fitted_on(draws, labels)[0]
        mask = np.zeros(self.column.n_texts, dtype=bool)
        mask[texts[labels[texts] == self.wanted]] = True
        return len(self.column.holding(mask))

    def expect(
        self, found: Sketch, n_bare: int, chance: NDArray[np.bool_], at: Standing
    ) -> tuple[Outlook, NDArray[np.float64]]:
        """See :meth:`Aim.expect`."""
        n = len(found.margins) - n_bare
        own = _for_wanted(found)[0][:n]
        n_dropped = round(at.n_open * float((own <= 0).mean())) if n else 0
        return self.expected(at, n_dropped), -own

    def expected(self, at: Standing, n_dropped: int, most: int | None = None) -> Outlook:
        """The bill, if so many rows that are not given the label were read now."""
        return expect_reading(
            *(at.n_labels, at.n_open, n_dropped, at.late),
            target=self.terms.target,
            delta=self.terms.delta(at.n_round),
            failed=at.n_round - 1,
            most=most,
        )

    def _first(self, n_test: int) -> int:
        return n_test

    def choose(
        self, sure: NDArray[np.float64], X: Matrix, size: int, waiting: Matrix
    ) -> NDArray[np.intp]:
        """The likeliest."""
        return np.argsort(sure, kind="stable")[:size]

    def worth(self, outlook: Outlook, n_open: int, n_left: int, *, full: bool, grown: bool) -> bool:
        """Whether asking about one more row saves less than one of reading."""
        if not outlook.n_test or full:
            return bool(outlook.n_test)
        likely = outlook.chance >= _LIKELY and outlook.bill < outlook.n_labels + n_left
        return grown and likely and outlook.gain <= _PAYS

    def nearly(self, outlook: Outlook, n_open: int, n_left: int, *, eager: bool) -> bool:
        """See :meth:`Aim.nearly`."""
        return outlook.chance >= _MAYBE and outlook.gain <= _NEARLY_PAYS

    def hopeless(self, outlook: Outlook, n_open: int, n_rows: int, **counted: int) -> str:
        """See :func:`~tracer_nb.draws.stopping.none_wanted`."""
        label = self.classes[self.wanted]
        return none_wanted(
            outlook,
            label=label,
            n_rows=n_rows,
            target=self.terms.target,
            n_random=counted["n_random"],
        )

    def plan(
        self,
        fitted: Fitted,
        open_: NDArray[np.intp],
        draws: tuple[Draw, ...],
        labels: NDArray[np.intp],
        n_round: int,
        **how: Any,
    ) -> Frozen:
        """See :meth:`Aim.plan`."""
        at = self.standing(draws, labels, len(open_), n_round)
        outlook = self.expected(at, len(self.dropped(fitted, open_)), how["most"])
        parts = fitted.fit, fitted.answers, fitted.scores, fitted.labelled, fitted.codes
        return Frozen(*parts, np.zeros(1), outlook)

    def tested_among(self, frozen: Frozen, open_: NDArray[np.intp]) -> NDArray[np.intp]:
        """See :meth:`Aim.tested_among`."""
        return self.dropped(frozen, open_)

    def dropped(self, fitted: Fitted, open_: NDArray[np.intp]) -> NDArray[np.intp]:
        """Open rows that are not given the label, and may be answered."""
        may = ~self.given(fitted) & np.isfinite(fitted.scores)
        return open_[may[self.column.codes[open_]]]

    def looks(
        self, frozen: Frozen, among: NDArray[np.intp], at: Standing, most: int | None
    ) -> tuple[Look, ...]:
        """See :meth:`Aim.looks`."""
        levels = self.terms.target, self.terms.delta(at.n_round)
        planned = plan_reading(len(among), at.late.n_known, *levels, most)
        return tuple(Look(n, error) for n, error in planned)

    def certify(
        self,
        frozen: Frozen,
        open_: NDArray[np.intp],
        before: tuple[Draw, ...],
        draw: Draw,
        look: int,
        labels: NDArray[np.intp],
    ) -> Certificate:
        """See :func:`~tracer_nb.draws.reading.certify_reading`."""
        codes = self.column.codes
        return certify_reading(
            *(frozen, self.classes, (codes[draw.rows[: draw.looks[look].n_rows]], labels), look),
            code=self.wanted,
            error=draw.error,
            scores=frozen.scores[codes[open_]],
            known=self.known(before, labels),
            terms=self.terms,
        )


def _for_wanted(found: Sketch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much speaks for the label rather than against it, for other rows and left-out ones."""
    assert found.outputs is not None and found.out_of_fold is not None  # noqa: S101, PT018
    return tuple(  # type: ignore[return-value]
        np.asarray(out[:, 1] - out[:, 0], dtype=float) for out in (found.outputs, found.out_of_fold)
    )
