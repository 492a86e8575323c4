"""Stored answers that this process has read once already, as long as the file holds the same."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracer_nb.records import Answer

__all__ = ["SUMMARY", "Recall", "file_mark"]

SUMMARY = "SELECT count(*), sum(run_id), max(created_at) FROM answers WHERE identity_id = ?"
"""What differs after answers of an identity were added, moved away, or replaced.

An answer never changes in its row, and a replaced one comes back with a later run.
"""

# Answers, and characters of their texts, that are kept at most: a few dozen megabytes.
_MOST = 100_000
_MOST_TEXT = 20_000_000


def file_mark(path: Path) -> tuple[Any, ...]:
    """What differs after anybody, with whatever program, has written to a SQLite file."""
    return tuple(_mark(path.with_name(path.name + end)) for end in ("", "-wal"))


def _mark(path: Path) -> tuple[int, ...] | None:
    """Which file it is, its size and when it was written; None while nothing is in it."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not status.st_size:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class _Kept:
    mark: object = None
    answers: Mapping[str, Answer] = field(default_factory=dict)


class Recall:
    """Answers to many texts, looked up last, under the mark of what they were read from.

    Only what was found is kept. A text that is not among it may have an answer all the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = _Kept()

    def find(self, mark: object, texts: Iterable[str]) -> dict[str, Answer]:
        """Those of ``texts`` that are kept under this mark, and their answers."""
        kept = self._kept
        if kept.mark != mark:
            return {}
        answers = kept.answers
        return {text: answers[text] for text in texts if text in answers}

    def keep(self, mark: object, found: Mapping[str, Answer]) -> None:
        """Keep what was found, beside what has the same mark; what has another one goes."""
        with self._lock:
            before = self._kept.answers if self._kept.mark == mark else {}
            # Never changed in place: another thread may be reading it.
            both = {**before, **found}
            fits = len(both) <= _MOST and sum(map(len, both)) <= _MOST_TEXT
            self._kept = _Kept(mark, both) if fits else _Kept()
