"""Whoever is asked about deferred rows, and about a few of those that the surrogate answers."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakSet

from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.records import Answer, Caps, Certificate, Watch
from tracer_nb.serve.logbook import say
from tracer_nb.steps.audit.auditor import check_consequence, check_rate, draw_audits
from tracer_nb.steps.label.aside import Allowance, Aside
from tracer_nb.steps.label.asker import Asker
from tracer_nb.steps.route.saved import SavedRouter
from tracer_nb.store import Shelf

__all__ = ["Teaching", "Teachings", "Watcher"]

# Texts that wait for the teacher, and for an audit, at the most.
_MOST_WAITING = 4096
_MOST_AUDITS = 2000
# Seconds from one look at what is to be audited to the next.
_PAUSE = 1.0
# That answers on their way have at the end, to come and to be stored.
_END = 20.0


class Teachings:
    """The teachers of all routers, under one allowance.

    Parameters
    ----------
    options : mapping
        ``teacher``, ``store`` and what else :func:`~tracer_nb.steps.route.saved.load` takes.
    caps : Caps
        Of all that is asked while the service runs, about all routers together.
    rate : float, optional
        Chance of each handled text to be audited.
    on_alarm : str, optional
        What an alarm does: "defer", "stricter" or "tell".

    Raises
    ------
    InvalidInput
        No such rate or consequence.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        caps: Caps,
        *,
        rate: float | None = None,
        on_alarm: str | None = None,
    ) -> None:
        self.options = dict(options)
        self.allowance = Allowance(caps)
        self._rate = None if rate is None else check_rate(rate)
        self._on_alarm = None if on_alarm is None else check_consequence(on_alarm)
        self._shelf = Shelf(self.options.get("store"))
        self._asides: dict[str, Aside] = {}
        # A router that was replaced is forgotten when its last request is answered.
        self._all: WeakSet[Teaching] = WeakSet()

    def of(self, saved: SavedRouter) -> Teaching:
        """The teaching of a router that was loaded with the options.

        Routers, and one that takes another's place, ask the same teacher about the same labels
        through one hand, so that a text on its way is not asked about again.

        Raises
        ------
        InvalidInput
            Nothing bounds what it may cost.
        """
        teacher = saved.teacher
        assert teacher is not None  # noqa: S101  one of the options
        Asker(teacher, self._shelf).check(["a text"], self.allowance.caps)
        key = json.dumps(dict(teacher.identity), sort_keys=True, default=str)
        aside = self._asides.get(key)
        if aside is None:
            aside = self._asides[key] = Aside(teacher, self._shelf, self.allowance)
        watcher = None
        if self._rate is not None:
            asker = Asker(aside.teacher, self._shelf)
            watcher = Watcher(saved, asker, self.allowance, self._rate, self._on_alarm)
        teaching = Teaching(aside, watcher)
        self._all.add(teaching)
        return teaching

    def gauges(self) -> dict[str, tuple[Callable[[], float], str]]:
        """What is counted of them: how to read it, and what it is."""
        return {
            "teacher_waiting": (
                lambda: sum(aside.n_waiting for aside in self._asides.values()),
                "Texts whose answer is still to come.",
            ),
            "teacher_asked": (lambda: self.allowance.spending.asked, "Texts that were asked."),
            "teacher_dollars": (
                lambda: _number(self.allowance.spending.cost),
                "What was paid; NaN where no price is known.",
            ),
            "audits": (
                lambda: sum(w.latest.n_audits for w in self._watchers() if w.latest is not None),
                "Audits of the promises that are watched, earlier ones with the same store included.",
            ),
            "audits_left_out": (
                lambda: sum(watcher.n_left_out for watcher in self._watchers()),
                "Texts drawn for an audit that found no place in the queue.",
            ),
        }

    def health(self) -> dict[str, Any]:
        """What was asked and paid, and what audits tell."""
        spending = self.allowance.spending
        said: dict[str, Any] = {"asked": spending.asked, "dollars": spending.cost}
        troubles = [w.trouble for w in self._watchers() if w.trouble]
        if troubles:
            said["audits_stopped"] = troubles[0]
        return said

    def _watchers(self) -> list[Watcher]:
        return [each.watcher for each in list(self._all) if each.watcher is not None]

    def close(self) -> None:
        """End in good order: what is paid is stored."""
        for aside in self._asides.values():
            aside.close(_END)
        for teaching in list(self._all):
            teaching.close()


class Teaching:
    """Whoever is asked about the rows of one router.

    Parameters
    ----------
    aside : Aside
    watcher : Watcher or None
    """

    def __init__(self, aside: Aside, watcher: Watcher | None) -> None:
        self._aside, self.watcher = aside, watcher

    @property
    def n_waiting(self) -> int:
        """Texts whose answer is still to come."""
        return self._aside.n_waiting

    async def ask(self, texts: Iterable[str], seconds: float) -> dict[str, Answer]:
        """Answers, or why there is none after so many seconds.

        What is asked about goes on, and is kept, whoever has ceased to wait for it.
        """
        answers: dict[str, Answer] = {}
        asked: dict[asyncio.Future[Answer], str] = {}
        for text in dict.fromkeys(texts):
            if self._aside.n_waiting < _MOST_WAITING:
                asked[asyncio.wrap_future(self._aside.ask(text))] = text
            else:
                answers[text] = _none("too many texts wait for the teacher already")
        if not asked:
            return answers
        done, late = await asyncio.wait(asked, timeout=seconds)
        for future in done:
            error = future.exception()
            if error is not None and not isinstance(
                error, (StoreError, TeacherError, InvalidInput)
            ):
                raise error
            answers[asked[future]] = future.result() if error is None else _none(str(error))
        for future in late:
            answers[asked[future]] = _none(
                f"the teacher has not answered within {seconds:.3g} seconds; ask again: its answer is kept"
            )
        return answers

    def watch(self, certificate: Certificate, answered: Iterable[tuple[str, str]]) -> None:
        """Audit some of the texts that the surrogate has answered, later."""
        if self.watcher is not None:
            self.watcher.answered(answered, certificate)

    def close(self) -> None:
        """End the audits; the others are ended by whoever shares them."""
        if self.watcher is not None:
            self.watcher.close()


def _number(cost: float | None) -> float:
    return math.nan if cost is None else cost


def _none(why: str) -> Answer:
    return Answer(None, f"not asked: {why}", keep=False)


class Watcher:
    """Audits some of the texts that the surrogate answers, beside the requests.

    Which ones, a coin made of the text says, before anybody knows an answer. What does not fit
    into its queue is left out whatever it says, so that what is audited stays a random part.

    Parameters
    ----------
    saved : SavedRouter
    asker : Asker
    allowance : Allowance
    rate : float
    on_alarm : str or None
    """

    def __init__(
        self,
        saved: SavedRouter,
        asker: Asker,
        allowance: Allowance,
        rate: float,
        on_alarm: str | None,
    ) -> None:
        self._saved, self._asker, self._allowance = saved, asker, allowance
        self._rate, self._on_alarm = rate, on_alarm
        self._seed = saved.router.fit.options.seed
        self._drawn: dict[str, tuple[str, Certificate]] = {}
        self._end, self._stop, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._was_alarm = False
        self.latest: Watch | None = None
        self.n_left_out = 0
        self.trouble: str | None = None

    def answered(self, texts: Iterable[tuple[str, str]], certificate: Certificate) -> None:
        """Texts that the surrogate has answered under a certificate, with its labels."""
        for text, label in texts:
            if not draw_audits([text], self._rate, self._seed):
                continue
            with self._lock:
                if self._end.is_set():  # a request of a router that was replaced meanwhile
                    self.n_left_out += 1
                elif len(self._drawn) < _MOST_AUDITS or text in self._drawn:
                    self._drawn[text] = label, certificate
                else:
                    self.n_left_out += 1
                if self._thread is None and not self._end.is_set():
                    self._thread = threading.Thread(
                        target=self._work, name="tracer-audit", daemon=True
                    )
                    self._thread.start()

    def close(self) -> None:
        """Audit what was drawn until now, and end; what takes long is broken off in good order."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(_END)
            self._stop.set()
            self._thread.join(_END)

    def _work(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._end.wait(_PAUSE)
            with self._lock:
                drawn, self._drawn = self._drawn, {}
            if drawn:
                self._audit(drawn)

    def _audit(self, drawn: Mapping[str, tuple[str, Certificate]]) -> None:
        try:
            # What was answered under another certificate tells nothing about this one.
            in_force = self._saved.in_force[0]
            handled = {text: label for text, (label, given) in drawn.items() if given == in_force}
            with self._allowance.turn(self._asker) as caps:
                self.latest = self._saved.audit_handled(
                    handled,
                    self._rate,
                    asker=self._asker,
                    caps=caps,
                    on_alarm=self._on_alarm,
                    stop=self._stop,
                )
            self.trouble = self.latest.stopped
            self._asker.answers.clear()  # a service runs for months; the store remembers
        except (StoreError, TeacherError, InvalidInput) as error:
            self.trouble = str(error)
        if self.latest is not None and self.latest.has_alarm and not self._was_alarm:
            self._was_alarm = True
            say("alarm", why=self._saved.warning, audits=self.latest.n_audits)
