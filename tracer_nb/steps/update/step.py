"""The step that learns from what the teacher said since, and certifies again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.rounds import Draw, Trail, draw_round, labelled_elsewhere
from tracer_nb.engine import SurrogateFit
from tracer_nb.engine.bounds import fewest_handled
from tracer_nb.errors import NotFitted
from tracer_nb.records import Answer, Update, UpdateSide
from tracer_nb.steps.column.outcome import SURROGATE, TEACHER, Outcome
from tracer_nb.steps.column.sample import distinct_texts, draw_rows
from tracer_nb.steps.label.asker import OnProgress, make_caps
from tracer_nb.steps.label.plan import check_sample
from tracer_nb.steps.label.reject import ask_about
from tracer_nb.steps.update.remake import Remaking, Side

__all__ = ["UpdateSteps"]


class UpdateSteps(Remaking):
    """The part of a Tracer that turns answers to deferred rows into labels."""

    _asking: bool | None

    def _route_again(self, **how: Any) -> None:
        """Route the column as the public step does."""
        raise NotImplementedError

    def _tell(self, on_progress: OnProgress | None, step: str) -> None:
        raise NotImplementedError

    def update(
        self,
        *,
        sample: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        ask_teacher: bool | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Update:
        """Fit again on all that the teacher said, certify on fresh rows, and route again.

        Answers to rows that :meth:`route` deferred, of this column and of others, and to
        audited ones, become labels to fit on. They are the hard rows, so nothing is tested on
        them: the test takes fresh rows of the column, drawn at random like the sample. Those
        of them that were deferred cost nothing. So that later rounds have fresh rows too, the
        rows of ten tests, half of the column's other rows at most, are kept out of every fit
        until they were tested.

        Rows of the column that the surrogate answered keep its label: that certificate still
        stands. What the teacher has not answered yet may be answered by the new surrogate. New
        rows go by whichever router answers more of them.

        Parameters
        ----------
        sample : int, optional
            Fresh rows to test on; by default as many as the first test had.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for the fresh rows and the routing of this update.
        ask_teacher : bool, optional
            As in :meth:`route`; by default as in the last routing.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        Update
            The figures before and after. When it was stopped, at a cap for example, before all
            fresh rows were answered, everything is as it was; call it again to go on.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        NotEnoughData
            Too few rows are left that nothing was fitted on.
        InvalidInput
            A cap or a number of rows that cannot be; or nothing bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.

        Notes
        -----
        What is promised. With 1 - delta the confidence of the Tracer, round r (the first
        certificate on this column is round 1) is tested at an error of 6 delta / (pi^2 r^2),
        rounded down. All updates together, however many there will be, then spend less than
        .4 delta, so with confidence 1 - 1.4 delta the first certificate and those of every
        update hold at once; each says what is left so far. This is counted for the column's
        certificates and for those for new rows apart. Because all hold at once, the best may be
        chosen afterwards: for new rows the router that answers more of the rows that
        neither surrogate was fitted on, for the column all that any of them answers. One that
        an audit has refuted gives way.

        For new rows the promise is about rows like those of the whole column. For the column
        it is about the rows that the teacher had not answered when the test was drawn: all
        others carry the teacher's own label. After a cross-fit certificate, updates are tested
        on held-out rows, which is proved.
        """
        caps = make_caps(max_cost, max_tokens, max_rows)
        wanted = None if sample is None else check_sample(sample)
        trail = self._followed()
        texts, _, _ = self._featurized()
        order = draw_rows(self._askable(texts), texts.n_rows, self.seed)
        known = self._known()
        draw = self._draw(trail, order, known, wanted)
        asker, fresh = self._asker, distinct_texts(texts, draw.fresh)
        ask = self._asking if ask_teacher is None else ask_teacher
        # What would be refused at the end is refused before anything is paid.
        asker.check(texts.unique if trail.routed and ask is not False else fresh, caps)
        now, outcome = self._now(draw), None if self._others is not None else self.outcome
        told = self._told(trail, draw, now, outcome, known)
        paid = asker.spending
        asker.stop("update", None)
        ask_about(
            *(asker, fresh, self._reject),
            caps=caps,
            on_progress=on_progress,
            step="update",
            stop=stop,
        )
        told = replace(told, n_asked=asker.spending.since(paid).asked)
        if (why := asker.stopped_in("update")) is not None:
            return replace(told, stopped=why)
        self._tell(on_progress, "Fitting on all that the teacher said, and certifying again")
        known = self._known()
        new = self._remake(draw, order, known, now)
        taken = told.had_alarm or new.coverage >= now.coverage
        self._take_over(new if taken else now, new)
        trail.passed(draw)
        if trail.routed:
            self._route_again(
                target=self._target,
                **asdict(caps.left(asker.spending.since(paid))),
                ask_teacher=ask,
                on_progress=on_progress,
                stop=stop,
            )
        return replace(
            told,
            spent=sum(self._errors),
            new_labels=_new_labels(now.router.fit, known),
            outside=_outside(known),
            after=self._side(new, self.outcome),
            taken=taken,
            n_to_surrogate=_taken_over(outcome, self.outcome),
            n_to_teacher=_taken_over(self.outcome, outcome),
        )

    # --- parts -----------------------------------------------------------------------

    def _followed(self) -> Trail:
        """What happened to the column, audits included."""
        trail = self._trail
        if self.router is None or self.outcome is None or trail is None:
            raise NotFitted(
                "nothing is routed yet; call route() first (%tracer route): an update learns from it"
            )
        number = {text: i for i, text in enumerate(self._labelled()[0].texts.unique)}
        for certificate in (*(self.router.column_certificates or ()), *self.router.certificates):
            for text in self._auditor.audited(self._promise(certificate)):
                if text in number:
                    trail.sent[number[text]] = True
        return trail

    def _known(self) -> dict[str, Answer]:
        """Everything that the teacher said about texts of the column, and about deferred ones."""
        trail, texts = self._trail, self._labelled()[0].texts
        assert trail is not None  # noqa: S101  _followed() was called
        elsewhere = [text for there in trail.elsewhere for text in there.texts]
        return self._asker.known([*texts.unique, *elsewhere])

    def _draw(
        self,
        trail: Trail,
        order: NDArray[np.intp],
        known: Mapping[str, Answer],
        sample: int | None,
    ) -> Draw:
        """What the update learns from and tests on; that of one that was stopped goes on."""
        column, labels = self._labelled()
        level = 1.0 - (1.0 - self._next_confidence) / len(self.options.targets)
        fewest = fewest_handled(self.target, level)
        n = trail.prepare(len(labels.rows), len(order), sample, fewest)
        if trail.draw is None:
            trail.draw = draw_round(column.texts, order, trail, known, n)
        elif len(trail.draw.fresh) != n:
            trail.draw = replace(trail.draw, fresh=order[trail.start : trail.start + n])
        return trail.draw

    def _told(
        self,
        trail: Trail,
        draw: Draw,
        now: Side,
        outcome: Outcome | None,
        known: Mapping[str, Answer],
    ) -> Update:
        """An update of which nothing is known but where it starts."""
        assert self.router is not None  # noqa: S101
        promises = (
            *(self.router.column_certificates or ()),
            self.router.certificate_for(self._target),
        )
        return Update(
            n_round=self.rounds + 1,
            delta=1.0 - self._next_confidence,
            spent=sum(self._errors),
            n_learned=int(draw.learned.sum()),
            n_elsewhere=len(labelled_elsewhere(trail, known)),
            n_held_back=int(draw.held_back.sum()),
            n_fresh=len(draw.fresh),
            n_asked=0,
            n_left=len(draw.kept) - len(draw.fresh),
            new_labels=_new_labels(now.router.fit, known),
            outside=_outside(known),
            before=self._side(now, outcome),
            had_alarm=any(self._auditor.has_alarm(self._promise(c)) for c in promises),
        )

    def _side(self, side: Side, outcome: Outcome | None) -> UpdateSide:
        fit, router = side.router.fit, side.router
        target = self._target
        known = self._asker.known(self._labelled()[0].texts.unique)
        rows = [None if outcome is None else outcome.count(s) for s in (SURROGATE, TEACHER, None)]
        return UpdateSide(
            n_fit=len(fit.fit_rows) + fit.n_extra,
            coverage=side.coverage,
            certificate=router.certificate_for(target),
            column_certificate=router.certificate_for(target, column=True),
            n_surrogate=rows[0],
            n_teacher=rows[1],
            n_missing=rows[2],
            n_calls=sum(answer.keep for answer in known.values()),
        )


def _new_labels(fit: SurrogateFit, known: Mapping[str, Answer]) -> tuple[tuple[str, int], ...]:
    """Labels in the teacher's answers that a surrogate was never shown."""
    seen = {str(name) for name in fit.classes.tolist()}
    found = Counter(a.label for a in known.values() if a.label not in (None, *seen))
    return tuple((str(name), n) for name, n in found.most_common())


def _outside(known: Mapping[str, Answer]) -> tuple[tuple[str, int], ...]:
    """Why texts have no label although the teacher answered."""
    reasons = (a.reason or "no label" for a in known.values() if a.keep and a.label is None)
    return tuple(Counter(reasons).most_common())


def _taken_over(before: Outcome | None, now: Outcome | None) -> int:
    """Rows that the surrogate answers now and did not before."""
    if before is None or now is None:
        return 0
    was, does = (np.array(o.source, dtype=object) == SURROGATE for o in (before, now))
    return int((does & ~was).sum())
