"""The steps that ask a teacher twice, to see how far it agrees with itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from tracer_nb.draws.coins import coin
from tracer_nb.engine import gaps
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import ReaskPlan, SelfAgreement
from tracer_nb.steps.label.asker import Asker, OnProgress, make_caps
from tracer_nb.steps.label.plan import forecast, price_source
from tracer_nb.steps.state import Job
from tracer_nb.teachers import ReplayTeacher
from tracer_nb.teachers.capping import check_caps
from tracer_nb.teachers.checks import check_whole

__all__ = ["ReaskSteps"]


class ReaskSteps(Job):
    """The part of a Tracer that measures the teacher's agreement with itself."""

    _again: Asker

    def reask(
        self,
        rows: int = 100,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> SelfAgreement:
        """Ask the teacher a second time about a few texts of the sample, drawn at random.

        Where it does not agree with itself, no surrogate can agree with it either, and
        :meth:`gaps` says how much of the lost coverage that may explain. The first answer
        stays the label. Second answers are stored beside the first ones before they count, as
        a set of answers of their own: calling it again asks about none of them a third time.

        At temperature 0, or where a server keeps its answers, the same answer may come again
        however unclear the task is.

        Parameters
        ----------
        rows : int, default 100
            Distinct texts to draw, of those that have a label. A larger number keeps those of
            a smaller one. Fix it beforehand: the interval does not allow for asking about more
            until the figure pleases.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for these second questions alone.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        SelfAgreement
            Of all second answers to texts of the sample, those of earlier calls among them.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        NotEnoughData
            No text of the sample has a label.
        InvalidInput
            The teacher is a record of labels; a number or cap that cannot be; or nothing
            bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        caps, texts = make_caps(max_cost, max_tokens, max_rows), self._drawn_again(rows)
        again = self._again
        again.check(texts, caps)
        again.begin()
        try:
            again.ask(texts, caps=caps, on_progress=on_progress, step="reask", stop=stop)
        finally:
            self._asker.count(again.spending)
        self._asker.stop("reask", again.stopped)
        found, known = self._twice(), again.known(texts)
        waiting = sum(text not in known or not known[text].keep for text in texts)
        return replace(found, n_waiting=waiting, stopped=again.stopped)

    def plan_reask(
        self,
        rows: int = 100,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
    ) -> ReaskPlan:
        """Say what :meth:`reask` would ask and cost; nothing is sent.

        Raises
        ------
        NotFitted, NotEnoughData, InvalidInput, StoreError
            As :meth:`reask`.
        """
        caps, texts = make_caps(max_cost, max_tokens, max_rows), self._drawn_again(rows)
        check_caps(self.teacher, texts[0], caps)
        known = {text for text, answer in self._again.known(texts).items() if answer.keep}
        to_ask = [text for text in texts if text not in known]
        takes = forecast(self.teacher, to_ask, texts, self._asker.past(texts).experience)
        return ReaskPlan(
            teacher=self.teacher.name,
            n_drawn=len(texts),
            n_ask=len(to_ask),
            cost=takes.cost,
            cost_low=takes.cost_low,
            cost_high=takes.cost_high,
            price_source=price_source(self.teacher, takes.cost),
            caps=caps,
        )

    def self_agreement(self) -> SelfAgreement | None:
        """What second answers tell so far; None when there are none. Nothing is asked.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        StoreError
            The store cannot be read.
        """
        found = self._twice()
        return found if found.n else None

    def _twice(self) -> SelfAgreement:
        """The texts of the sample with two answers."""
        first = self._first_labels()
        second = self._again.known(first)
        both = {text: (first[text], answer.label) for text, answer in second.items() if answer.keep}
        return replace(gaps.self_agreement(both), repeats=_repeats(self.teacher))

    def _first_labels(self) -> dict[str, str]:
        """The label of each distinct text of the sample that has one."""
        home, labels = self._labelled()
        codes = home.texts.codes[labels.rows].tolist()
        return {
            home.texts.unique[text]: labels.classes[label]
            for text, label in zip(codes, labels.codes.tolist(), strict=True)
            if label >= 0
        }

    def _drawn_again(self, rows: Any) -> list[str]:
        """Texts of the sample, the first ones of a fixed random order."""
        check_whole(1, rows=rows)
        first = self._first_labels()
        if isinstance(self.teacher, ReplayTeacher):
            raise InvalidInput(
                f"{self.teacher.name!r} is a record of labels, which nobody can ask again; "
                "reask needs a teacher that answers"
            )
        if not first:
            raise NotEnoughData("no text of the sample has a label, so there is none to compare")
        return sorted(first, key=lambda text: coin("reask", self.seed, text))[: int(rows)]


def _repeats(teacher: Any) -> str:
    """Why a teacher may say the same again."""
    identity = teacher.identity
    if getattr(teacher, "simulated", False):
        return "stand-in"
    if identity.get("teacher") == "function":
        return "function"
    return "temperature 0" if identity.get("temperature") == 0 else ""
