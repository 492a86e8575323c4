"""Who audits the rows that a surrogate answered, and heeds the alarm that may follow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tracer_nb.engine.checks import check_seed
from tracer_nb.records import Audit, Caps, Certificate, Routing, Watch
from tracer_nb.steps.audit.evidence import check_consequence, check_rate, draw_audits, replay
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker, OnProgress, Shelf
from tracer_nb.store import AuditStore
from tracer_nb.store.rows import text_address
from tracer_nb.teachers import ReplayTeacher, Teacher
from tracer_nb.words import alarm_sentence

__all__ = ["Auditor", "Promise", "deferring", "handled_texts"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is watched: the key that its audits are stored by, and what was promised."""

    key: str
    target: float
    confidence: float


class Auditor:
    """Draws audits, asks about them, stores them, and tells what follows from all of them.

    Attributes
    ----------
    on_alarm : str
        What routing does about an alarm of a watch for which nothing was chosen: "defer",
        "stricter" or "tell"; the last choice.
    warning : str
        Of the last alarm, in words; empty when there is none.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._store = AuditStore(shelf.path, opened=shelf.open)
        self._drawing: tuple[float, int] | None = None  # rate and seed of the last draw
        self.on_alarm, self.warning = "defer", ""

    def continue_from(self, other: Auditor) -> None:
        """Take over what to do on an alarm, and audits that live in memory alone."""
        if not self._shelf.is_file and not other._shelf.is_file:
            self._store = other._store
        self.on_alarm = other.on_alarm

    def audit(
        self,
        asker: Asker,
        promise: Promise,
        handled: Mapping[str, str],
        rate: Any,
        *,
        seed: Any,
        on_alarm: Any,
        caps: Caps,
        on_progress: OnProgress | None,
        stop: threading.Event | None,
    ) -> Watch:
        """Ask about some of the handled texts; arguments as in :meth:`tracer_nb.Tracer.audit`.

        Parameters
        ----------
        handled : mapping of str to str
            Text to the surrogate's label.
        """
        drawing = check_rate(rate), check_seed(seed)
        stored = self._store.on_alarm(promise.key)
        consequence = (stored or self.on_alarm) if on_alarm is None else check_consequence(on_alarm)
        done = self._store.audits(promise.key)
        texts = [t for t in draw_audits(handled, *drawing) if text_address(t) not in done]
        asker.check(texts, caps)
        self.on_alarm, self._drawing = consequence, drawing
        if consequence != stored:
            self._store.choose(promise.key, consequence)
        asker.stop("audit", None)
        if texts:
            asker.ask(texts, caps=caps, on_progress=on_progress, step="audit", stop=stop)
        known = asker.known(texts)
        found = [
            Audit(text, handled[text], known[text].label)
            for text in texts
            if text in known and known[text].keep
        ]
        self._store.put(promise.key, found)
        watch = self.watch(promise, handled, asker.stopped_in("audit"))
        self.warning = alarm_sentence(watch)
        return watch

    def watch(
        self, promise: Promise, handled: Collection[str], stopped: str | None = None
    ) -> Watch:
        """What the stored audits of a promise tell; nothing is asked."""
        done = self._store.audits(promise.key)
        drawn = draw_audits(handled, *self._drawing) if self._drawing else []
        return replace(
            self._replayed(promise, done.values()),
            n_handled=len(handled),
            n_waiting=sum(text_address(text) not in done for text in drawn),
            stopped=stopped,
        )

    def audited(self, promise: Promise) -> list[str]:
        """Texts that were audited for a promise, the oldest first."""
        return [audit.text for audit in self._store.audits(promise.key).values()]

    def has_alarm(self, promise: Promise) -> bool:
        """Whether the stored audits of a promise ever raised an alarm."""
        return self._replayed(promise).has_alarm

    def heed(
        self,
        certificate: Certificate,
        others: Iterable[Certificate],
        promise_of: Callable[[Certificate], Promise],
    ) -> tuple[Certificate, bool]:
        """The certificate to route by after any alarm, and whether everything is deferred.

        Parameters
        ----------
        certificate : Certificate
            The one that was asked for.
        others : iterable of Certificate
            Which hold as well, for a move to a stricter one.
        promise_of : callable
        """
        watch = self._replayed(promise_of(certificate))
        self.warning = alarm_sentence(watch)
        if not watch.has_alarm or watch.consequence == "tell":
            return certificate, False
        if watch.consequence == "stricter":
            stricter = [c for c in others if c.certified and c.target > certificate.target]
            for other in sorted(stricter, key=lambda c: c.target):
                if not self._replayed(promise_of(other)).has_alarm:
                    self.warning = alarm_sentence(watch, moved_to=other.target)
                    return other, False
        return certificate, True

    def _replayed(self, promise: Promise, done: Iterable[Audit] | None = None) -> Watch:
        if done is None:
            done = self._store.audits(promise.key).values()
        consequence = self._store.on_alarm(promise.key) or self.on_alarm
        return replay(tuple(done), promise.target, promise.confidence, consequence=consequence)


def handled_texts(
    texts: Texts, routing: Routing, teacher: Teacher, sampled: Collection[str] = ()
) -> dict[str, str]:
    """Texts that the surrogate answers, with its labels, without those of the sample.

    Whether a text was asked about before must not matter, or the draw is none at random. Of
    recorded labels those without a record are left out, since nothing can be learned of them.
    """
    handled = {
        text: str(label)
        for text, label, by in zip(texts.unique, routing.labels, routing.handled, strict=True)
        if by and text not in sampled
    }
    if isinstance(teacher, ReplayTeacher):
        return {text: label for text, label in handled.items() if teacher.knows(text)}
    return handled


def deferring(routing: Routing) -> Routing:
    """The same routing with every row deferred."""
    return replace(routing, handled=np.zeros_like(routing.handled))
