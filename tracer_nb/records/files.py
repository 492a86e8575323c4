"""Files that were routed a batch at a time, and queues that were worked off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracer_nb.records.answers import Spending

__all__ = ["Drained", "FileMerged", "FileProgress", "FileRouted"]


@dataclass(frozen=True, slots=True)
class FileProgress:
    """One moment of reading a file.

    Attributes
    ----------
    n_done : int
        Rows that are done, those of an earlier run included.
    n_rows : int or None
        In all, where the file says so.
    share : float
        Of the file that is done, from 0 to 1.
    rate : float
        Rows a second of this run; nan before the first.
    seconds_left : float or None
        At this rate; None before anything is known.
    """

    n_done: int
    n_rows: int | None
    share: float
    rate: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class FileRouted:
    """What came of routing a file.

    Attributes
    ----------
    path : str
        What was written.
    n_rows : int
    counts : mapping of str to int
        Rows by who answered them: "surrogate", "teacher", "abstained", "deferred", and "no text".
    n_resumed : int
        Rows that an earlier run had done.
    n_waiting : int
        Texts that wait in the queue of this teacher, from whatever file.
    queued : bool
        Whether deferred texts were queued; not where everything is deferred.
    why : str
        Why everything is deferred; empty where it is not.
    """

    path: str
    n_rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    n_resumed: int = 0
    n_waiting: int = 0
    queued: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of asking about the texts of a queue.

    Attributes
    ----------
    n_waiting : int
        Texts that still wait.
    spending : Spending
    stopped : str or None
        Why it ended before all were asked about; None when it did not.
    """

    n_waiting: int
    spending: Spending
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class FileMerged:
    """What came of filling answers into a file.

    Attributes
    ----------
    path : str
    n_rows : int
    n_filled : int
        Rows that have the teacher's answer now, those without a label included.
    n_open : int
        Rows that still wait for one.
    """

    path: str
    n_rows: int
    n_filled: int
    n_open: int
