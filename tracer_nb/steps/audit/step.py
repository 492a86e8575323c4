"""The steps that watch whether the promise still holds after routing."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np

from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import NotFitted, StoreError
from tracer_nb.records import Certificate, Routing, Watch
from tracer_nb.steps.audit.auditor import Auditor, Promise, handled_texts
from tracer_nb.steps.audit.evidence import fit_key, watch_key
from tracer_nb.steps.column.frames import Texts
from tracer_nb.steps.label.asker import OnProgress, make_caps
from tracer_nb.steps.state import Job

__all__ = ["MonitorSteps"]


class MonitorSteps(Job):
    """The part of a Tracer that audits handled rows and acts on an alarm."""

    _auditor: Auditor
    _answers: Answers | None
    _watched: Certificate | None
    _seen: tuple[tuple[Texts, Routing] | None, Watch] | None

    def audit(
        self,
        rate: float = 0.05,
        *,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        max_rows: int | None = None,
        seed: int | None = None,
        on_alarm: str | None = None,
        on_progress: OnProgress | None = None,
        stop: threading.Event | None = None,
    ) -> Watch:
        """Ask the teacher about a few of the rows that the surrogate answered, drawn at random.

        Call it after each :meth:`route`, and as often as you like: what it says is valid at all
        times. Audits are stored, so that a watch goes on in another session that does the same
        steps. A new fit, threshold, target or teacher begins a new watch.

        Distinct texts are audited, once each, and never those of the labelled sample or those that
        an update learned from: where a text that stands in many rows is often wrong, rows agree less than audits say. An answer
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
        on_alarm : str, optional
            What :meth:`route` does after an alarm: "defer" every row; move to the next
            "stricter" certified target, if there is one without an alarm, else defer; or only
            "tell". Stored with the watch; by default what was chosen before, at first "defer".
            An alarm stays until :meth:`calibrate` or :meth:`update` has made another certificate,
            from fresh labels.
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
        caps = make_caps(max_cost, max_tokens, max_rows)
        watch = self._auditor.audit(
            self._asker,
            self._promise(self._watching()),
            self._auditable(),
            rate,
            seed=self.seed if seed is None else seed,
            on_alarm=on_alarm,
            caps=caps,
            on_progress=on_progress,
            stop=stop,
        )
        self._seen = self._routed, watch
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
        promise, handled = self._promise(self._watching()), self._auditable()
        watch = self._auditor.watch(promise, handled, self._asker.stopped_in("audit"))
        self._seen = self._routed, watch
        return watch

    @property
    def known_watch(self) -> Watch | None:
        """The same for those who look again and again; None before :meth:`route`.

        It is worked out once for each routing and audit.
        """
        if self.outcome is None or self._watched is None:
            return None
        if self._seen is None or self._seen[0] is not self._routed:
            with suppress(StoreError):  # to look fails at nothing: the next step says what is wrong
                return self.watch()
            return None
        return self._seen[1]

    def _watching(self) -> Certificate:
        """The certificate that the last routing went by."""
        if self.outcome is None or self._watched is None:
            raise NotFitted("nothing is routed yet; call route() first (%tracer route)")
        return self._watched

    def _auditable(self) -> dict[str, str]:
        """Texts that the surrogate answers in the last routing and was not fitted or tested on."""
        assert self._routed is not None and self._watched is not None  # noqa: S101, PT018
        texts, routing = self._routed
        home, scope = self._labelled()[0].texts, self._scope
        known = self._fitted_texts()
        if scope is not None and self._others is None:
            about = scope.layers[self._watched.target].open
            if about is not None:  # what was answered at the draw, the certificate leaves out
                known = known.union(home.unique[i] for i in np.flatnonzero(~about))
        return handled_texts(texts, routing, self.teacher, known)

    def _fitted_texts(self) -> frozenset[str]:
        """Texts of the sample, and those that an update fitted on: audits of them tell nothing."""
        home, labels = self._labelled()
        unique = home.texts.unique
        known = {unique[code] for code in home.texts.codes[labels.rows].tolist()}
        if self._scope is None:
            return frozenset(known)
        learned = (unique[i] for i in np.flatnonzero(self._scope.learned))
        return self._scope.elsewhere.union(known, learned)

    def _promise(self, certificate: Certificate) -> Promise:
        """What the audits of a certificate belong to."""
        if self._scope is not None and certificate.n_population is not None:
            key = self._scope.layers[certificate.target].key
        else:
            key = watch_key(self.teacher.identity, self._fit_key(), certificate)
        return Promise(key, certificate.target, self.confidence)

    def _fit_key(self) -> str:
        home, labels = self._labelled()
        assert self.fitted is not None and self._answers is not None  # noqa: S101, PT018
        return fit_key(home.texts, labels, fitted=self.fitted, answers=self._answers)

    def _heeded(self, certificate: Certificate, *, own: bool) -> tuple[Certificate, bool]:
        """The certificate to route by after any alarm, and whether everything is deferred."""
        assert self.router is not None  # noqa: S101  route() has one
        others = (self.router.column_certificates if own else None) or self.router.certificates
        return self._auditor.heed(certificate, others, self._promise)
