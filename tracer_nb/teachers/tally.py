"""Counts of a run: written by the thread that labels, read by the one that waits."""

from __future__ import annotations

import threading

from tracer_nb.records import Answer, Spending

__all__ = ["Tally"]

_UNIT = 10**12


class Tally:
    """Running totals, as one consistent :class:`Spending` at any moment.

    ``missing`` counts every text of the run without a label, asked now or before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = self._reused = self._missing = 0
        self._prompt_tokens = self._completion_tokens = 0
        self._units = 0  # whole 10⁻¹² dollars: no drift over a million small floats
        self._priced = True
        self._waited = 0.0

    def asked(self, answer: Answer, seconds: float) -> None:
        """Count an answer that was asked for and stored in this run, and took so long."""
        with self._lock:
            self._asked += 1
            self._waited += seconds
            self._missing += answer.label is None
            self._prompt_tokens += answer.prompt_tokens
            self._completion_tokens += answer.completion_tokens
            if answer.cost is None:
                self._priced = False
            else:
                self._units += round(answer.cost * _UNIT)

    def lost(self, bound: float | None) -> None:
        """Count a call that was cancelled: the server may bill it, up to ``bound``."""
        with self._lock:
            if bound is None:
                self._priced = False
            else:
                self._units += round(bound * _UNIT)

    def reused(self, answer: Answer) -> None:
        """Count a stored answer: it costs nothing now."""
        with self._lock:
            self._reused += 1
            self._missing += answer.label is None

    def spending(self) -> Spending:
        """Totals so far."""
        with self._lock:
            return Spending(
                asked=self._asked,
                reused=self._reused,
                missing=self._missing,
                prompt_tokens=self._prompt_tokens,
                completion_tokens=self._completion_tokens,
                cost=self._units / _UNIT if self._priced else None,
                waited=self._waited,
            )
