"""Counts of a run: written by the thread that labels, read by the one that waits."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from tracer_nb.records import Answer, Spending
from tracer_nb.teachers.budget import Amount
from tracer_nb.teachers.costs import CUT

__all__ = ["Tally"]

_UNIT = 10**12


class Tally:
    """Running totals, as one consistent :class:`Spending` at any moment.

    ``missing`` counts every text of the run without a label, asked now or before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = self._reused = self._missing = self._cut = 0
        self._prompt_tokens = self._completion_tokens = 0
        self._units = 0  # whole 10⁻¹² dollars: no drift over a million small floats
        self._priced = True
        self._waited = 0.0
        self._lost = self._lost_tokens = 0

    def asked(self, answer: Answer) -> None:
        """Count an answer that was asked for and stored in this run."""
        with self._lock:
            self._asked += 1
            self._waited += answer.seconds or 0.0
            self._missing += answer.label is None
            self._cut += answer.reason == CUT
            self._prompt_tokens += answer.prompt_tokens
            self._completion_tokens += answer.completion_tokens
            if answer.cost is None:
                self._priced = False
            else:
                self._units += round(answer.cost * _UNIT)

    @property
    def in_vain(self) -> int:
        """Answers that were asked for, as long as no text of the run has a label; else 0."""
        with self._lock:
            return self._asked if self._asked + self._reused == self._missing else 0

    @property
    def cut(self) -> tuple[int, int]:
        """Answers that were cut at the token limit, and all that were asked for."""
        with self._lock:
            return self._cut, self._asked

    def lost(self, n_texts: int, bound: Amount) -> None:
        """Count a call that was cancelled: the server may bill it, up to ``bound``."""
        with self._lock:
            self._lost += n_texts
            self._lost_tokens += bound.tokens or 0
            if bound.cost is None:
                self._priced = False
            else:
                self._units += round(bound.cost * _UNIT)

    def reused(self, answers: Iterable[Answer]) -> None:
        """Count stored answers: they cost nothing now."""
        missing = [answer.label is None for answer in answers]
        with self._lock:
            self._reused += len(missing)
            self._missing += sum(missing)

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
                lost=self._lost,
                lost_tokens=self._lost_tokens,
            )
