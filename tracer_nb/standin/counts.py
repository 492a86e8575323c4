"""What a stand-in counts. Written by the server's thread, read from any."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Counts"]


class Counts:
    """Requests, the texts they asked about, the faults they met, and the tokens of the answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._met: Counter[str] = Counter()
        self._requests = self._unknown = self._running = self._peak = 0
        self._prompt_tokens = self._completion_tokens = 0

    @contextmanager
    def _count_request(self, text: str, *, known: bool) -> Iterator[tuple[int, int]]:
        """Count one request while it runs; give its number and the text's earlier requests."""
        with self._lock:
            earlier = self._asked[text]
            self._asked[text] += 1
            self._unknown += not known
            self._running += 1
            self._peak = max(self._peak, self._running)
            self._requests += 1
            number = self._requests
        try:
            yield number, earlier
        finally:
            with self._lock:
                self._running -= 1

    def _count_fault(self, kind: str) -> None:
        """Count a fault or a manner."""
        with self._lock:
            self._met[kind] += 1

    def _count_tokens(self, prompt: int, completion: int) -> None:
        """Count an answer that was made, whether it arrives or not."""
        with self._lock:
            self._prompt_tokens += prompt
            self._completion_tokens += completion

    @property
    def requests(self) -> int:
        """How many well-formed requests for an answer came, those that met a fault included."""
        with self._lock:
            return self._requests

    @property
    def unknown(self) -> int:
        """How many of them asked about a text that is not in the table."""
        with self._lock:
            return self._unknown

    @property
    def peak(self) -> int:
        """The largest number of requests under way at the same time."""
        with self._lock:
            return self._peak

    @property
    def billed(self) -> tuple[int, int]:
        """Prompt and completion tokens of all answers that were made.

        A real server bills them, also where the answer never arrived or did not say its usage.
        """
        with self._lock:
            return self._prompt_tokens, self._completion_tokens

    def asked(self) -> Counter[str]:
        """Return how many times each text was asked, as of now."""
        with self._lock:
            return self._asked.copy()

    def met(self) -> Counter[str]:
        """Return how many requests met each kind of fault, and each manner, as of now."""
        with self._lock:
            return self._met.copy()
