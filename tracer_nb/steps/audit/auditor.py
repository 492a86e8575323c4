"""Audits: what to ask about, what was said before, and what the answers show of the promise."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tracer_nb.draws import coin
from tracer_nb.engine import SurrogateFit
from tracer_nb.engine.checks import check_seed, is_number
from tracer_nb.engine.monitor import Monitor
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput
from tracer_nb.records import HANDLED, Audit, Caps, Certificate, Labels, Routing, Watch
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import Asker, OnProgress
from tracer_nb.store import AuditStore, Shelf
from tracer_nb.store.rows import text_address
from tracer_nb.teachers import ReplayTeacher, Teacher
from tracer_nb.words import alarm_sentence, unaudited_words

__all__ = [
    "CONSEQUENCES",
    "Auditor",
    "Promise",
    "check_consequence",
    "check_rate",
    "check_watched",
    "deferring",
    "draw_audits",
    "fit_key",
    "handled_texts",
    "replay",
    "watch_key",
]


CONSEQUENCES = ("defer", "stricter", "tell")
"""What routing does about an alarm."""
_MOMENTS = 240


def check_rate(rate: Any) -> float:
    """The chance of each handled text to be audited.

    Raises
    ------
    InvalidInput
        Not a fraction above 0, 1 at most.
    """
    if not is_number(rate) or not 0.0 < rate <= 1.0:
        raise InvalidInput(f"rate must be a fraction above 0, 1 at most, got {rate!r}")
    return float(rate)


def check_consequence(on_alarm: Any) -> str:
    """What to do about an alarm.

    Raises
    ------
    InvalidInput
        Not one of :data:`CONSEQUENCES`.
    """
    if on_alarm not in CONSEQUENCES:
        raise InvalidInput.unknown_name("on_alarm", str(on_alarm), CONSEQUENCES)
    return str(on_alarm)


def draw_audits(texts: Iterable[str], rate: float, seed: int) -> list[str]:
    """The texts that an independent coin flip of chance ``rate`` chooses, in random order.

    Coin and order are one number made of seed and text: a repeat draws the same, a higher rate
    goes on where the lower one ended, and what a cap leaves out is left out at random.
    """
    coins = {text: coin("audit", seed, text) for text in texts}
    return sorted((text for text, at in coins.items() if at < rate), key=coins.__getitem__)


def fit_key(texts: Texts, labels: Labels, *, fitted: SurrogateFit, answers: Answers) -> str:
    """A fit by what it was made of and what it says about the column.

    The same steps in another kernel have the same key.
    """
    sample = hashlib.sha256()
    for code in texts.codes[labels.rows].tolist():
        sample.update(text_address(texts.unique[code]).encode())
    for codes in (labels.codes, answers.codes):
        sample.update(np.ascontiguousarray(codes, dtype=np.int64).tobytes())
    chosen = [(t.name, t.view, t.gate, t.settings) for t in fitted.trials if t.chosen]
    return _digest([sample.hexdigest(), chosen])


def watch_key(identity: Mapping[str, Any], fit: str, certificate: Certificate) -> str:
    """What the audits of one promise belong to: teacher, fit, method, target and threshold."""
    thresholds = [certificate.threshold, *(part.threshold for part in certificate.classes or ())]
    # Another order of summation may move the last digits of a score.
    shown = [f"{threshold:.9g}" for threshold in thresholds]
    asked = [] if certificate.promise == HANDLED else [str(certificate.promise)]
    method, target = certificate.method, f"{certificate.target!r}"
    return _digest([dict(identity), fit, method, target, shown, *asked])


def check_watched(certificate: Certificate) -> None:
    """Refuse audits of a promise that they do not refute: they count handled rows that agree.

    Raises
    ------
    InvalidInput
    """
    if why := unaudited_words(certificate):
        raise InvalidInput(why)


def replay(
    audits: Sequence[Audit],
    target: float,
    confidence: float,
    **others: Any,
) -> Watch:
    """What audits tell, in their order.

    Parameters
    ----------
    audits : sequence of Audit
    target, confidence : float
        Of the promise.
    **others
        Fields of the record that no audit tells.
    """
    state = Monitor(alpha=1.0 - target, delta=1.0 - confidence)
    needed = 1.0 / state.delta
    shown = {round(at) for at in np.linspace(1, max(len(audits), 1), min(len(audits), _MOMENTS))}
    history: list[tuple[int, float, float, float]] = []
    evidence, alarm_at, is_broken, has_drifted = state.evidence, None, False, False
    for audit in audits:
        state = state.audited(disagrees=audit.disagrees)
        evidence = max(evidence, state.evidence)
        is_broken, has_drifted = is_broken or state.is_broken, has_drifted or state.has_drifted
        if alarm_at is None and (is_broken or has_drifted):
            alarm_at = state.n_audits
        if state.n_audits in shown:
            low, high = state.interval()
            agreement = 1.0 - state.n_disagree / state.n_audits
            history.append((state.n_audits, agreement, 1.0 - high, 1.0 - low))
    return Watch(
        target=target,
        confidence=confidence,
        n_audits=state.n_audits,
        n_disagree=state.n_disagree,
        lower=history[-1][2] if history else 0.0,
        upper=history[-1][3] if history else 1.0,
        evidence=evidence,
        needed_evidence=needed,
        is_broken=is_broken,
        drift_level=state.drift_level,
        run_length=state.run_length,
        has_drifted=has_drifted,
        alarm_at=alarm_at,
        to_alarm=0 if alarm_at else state.to_alarm,
        history=tuple(history),
        **others,
    )


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


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

    @property
    def mark(self) -> tuple[Any, ...]:
        """What differs after anything happened that :meth:`heed` goes by."""
        return self.on_alarm, *self._store.mark

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
    return replace(routing, handled=np.zeros_like(routing.handled), waiting=None)
