"""The steps that watch whether the promise still holds after routing."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from tracer_nb.engine.checks import check_seed
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import NotFitted
from tracer_nb.records import Audit, Certificate, Routing, Watch
from tracer_nb.steps.asking import OnProgress, make_caps
from tracer_nb.steps.job import Job
from tracer_nb.steps.watching import check_consequence, check_rate, draw_audits, replay, watch_key
from tracer_nb.teachers import AuditStore, ReplayTeacher
from tracer_nb.teachers.rows import text_address
from tracer_nb.words import alarm_sentence

__all__ = ["MonitorSteps", "deferring"]


class MonitorSteps(Job):
    """The part of a Tracer that audits handled rows and acts on an alarm."""

    _audits: AuditStore
    _answers: Answers | None
    _watched: Certificate | None
    _drawing: tuple[float, int] | None
    _on_alarm: str
    _warning: str

    def audit(
        self,
        rate: float = 0.05,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        seed: int | None = None,
        on_alarm: str = "defer",
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Watch:
        """Ask the teacher about a few of the rows that the surrogate answered, drawn at random.

        Call it after each :meth:`route`, and as often as you like: what it says is valid at all
        times. Audits are stored, so that a watch goes on in another session that does the same
        steps. A new fit, threshold, target or teacher begins a new watch.

        Distinct texts are audited, once each, and never those of the labelled sample: where a
        text that stands in many rows is often wrong, rows agree less than audits say. An answer
        without a label counts as a disagreement; a request that failed is made again by the
        next call. The frame that was routed stays as it is; the next :meth:`route` has the
        teacher's label on audited rows.

        Parameters
        ----------
        rate : float
            Chance of each handled text to be audited, in (0, 1]. The same rate again draws the
            same texts, a higher one more.
        max_cost, max_tokens, max_rows : optional
            Hard caps as in :meth:`label`, for these audits alone.
        seed : int, optional
            Of the draw; that of the Tracer by default.
        on_alarm : str
            What :meth:`route` does after an alarm: "defer" every row; move to the next
            "stricter" certified target, if there is one without an alarm, else defer; or only
            "tell". An alarm stays until :meth:`calibrate` has made another certificate, from
            fresh labels. Holds for this Tracer; one in another session defers until told
            otherwise.
        on_progress : callable, optional
        stop : threading.Event, optional
            As in :meth:`label`.

        Returns
        -------
        Watch

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        InvalidInput
            A rate, cap, seed or consequence that cannot be; or nothing bounds the cost.
        TeacherError
            No answer at all could be had.
        StoreError
            The store failed; what it had committed is safe.
        """
        drawing = check_rate(rate), self.seed if seed is None else check_seed(seed)
        consequence, caps = check_consequence(on_alarm), make_caps(max_cost, max_tokens, max_rows)
        certificate, handled = self._watching(), self._auditable()
        key = self._watch_key(certificate)
        done = self._audits.audits(key)
        texts = [t for t in draw_audits(handled, *drawing) if text_address(t) not in done]
        self._asker.check(texts, caps)
        self._on_alarm, self._drawing = consequence, drawing
        self._asker.stop("audit", None)
        if texts:
            self._asker.ask(texts, caps=caps, on_progress=on_progress, step="audit", stop=stop)
        known = self._asker.known(texts)
        found = [
            Audit(text, handled[text], known[text].label)
            for text in texts
            if text in known and known[text].keep
        ]
        self._audits.put(key, found)
        watch = self._seen(certificate, key, handled)
        self._warning = alarm_sentence(watch)
        return watch

    def watch(self) -> Watch:
        """What the audits of the last routing's promise tell so far; nothing is asked.

        Raises
        ------
        NotFitted
            Before :meth:`route`.
        StoreError
            The store cannot be read.
        """
        certificate, handled = self._watching(), self._auditable()
        return self._seen(certificate, self._watch_key(certificate), handled)

    def _seen(self, certificate: Certificate, key: str, handled: Collection[str]) -> Watch:
        done = self._audits.audits(key)
        drawn = draw_audits(handled, *self._drawing) if self._drawing else []
        return replace(
            self._replayed(certificate, done),
            n_handled=len(handled),
            n_waiting=sum(text_address(text) not in done for text in drawn),
            stopped=self._asker.stopped_in("audit"),
        )

    def _watching(self) -> Certificate:
        """The certificate that the last routing went by."""
        if self.outcome is None or self._watched is None:
            raise NotFitted("nothing is routed yet; call route() first")
        return self._watched

    def _auditable(self) -> dict[str, str]:
        """Texts that the surrogate answers in the last routing, the sample aside; its labels."""
        assert self._routed is not None  # noqa: S101  _watching() was called
        texts, routing = self._routed
        home, labels = self._labelled()
        sampled = {home.texts.unique[code] for code in home.texts.codes[labels.rows].tolist()}
        # Whether a text was asked about before must not matter, or the draw is none at random.
        handled = {
            text: str(label)
            for text, label, by in zip(texts.unique, routing.labels, routing.handled, strict=True)
            if by and text not in sampled
        }
        teacher = self.teacher
        if isinstance(teacher, ReplayTeacher):
            return {text: label for text, label in handled.items() if teacher.knows(text)}
        return handled

    def _watch_key(self, certificate: Certificate) -> str:
        home, labels = self._labelled()
        assert self.fitted is not None and self._answers is not None  # noqa: S101, PT018
        return watch_key(
            self.teacher.identity,
            home.texts,
            labels,
            fitted=self.fitted,
            answers=self._answers,
            certificate=certificate,
        )

    def _replayed(self, certificate: Certificate, done: Mapping[str, Audit] | None = None) -> Watch:
        """What the stored audits of a certificate tell; ``done`` where they are at hand."""
        if done is None:
            done = self._audits.audits(self._watch_key(certificate))
        audits = tuple(done.values())
        return replay(audits, certificate.target, self.confidence, consequence=self._on_alarm)

    def _heeded(self, certificate: Certificate, *, own: bool) -> tuple[Certificate, bool]:
        """The certificate to route by after any alarm, and whether everything is deferred."""
        watch = self._replayed(certificate)
        self._warning = alarm_sentence(watch)
        if not watch.has_alarm or self._on_alarm == "tell":
            return certificate, False
        assert self.router is not None  # noqa: S101  route() has one
        if self._on_alarm == "stricter":
            among = (self.router.column_certificates if own else None) or self.router.certificates
            stricter = [c for c in among if c.certified and c.target > certificate.target]
            for other in sorted(stricter, key=lambda c: c.target):
                if not self._replayed(other).has_alarm:
                    self._warning = alarm_sentence(watch, moved_to=other.target)
                    return other, False
        return certificate, True


def deferring(routing: Routing) -> Routing:
    """The same routing with every row deferred."""
    return replace(routing, handled=np.zeros_like(routing.handled))
