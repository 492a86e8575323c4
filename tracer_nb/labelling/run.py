"""Labels many texts: resumes, stays under its caps, and stops when asked, losing nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tracer_nb.errors import InvalidInput, StoreError, TeacherError
from tracer_nb.labelling.work import LabelWork
from tracer_nb.records import Answer, Caps, Preparing, Progress, Spending
from tracer_nb.records.preparing import telling
from tracer_nb.store.labels import LabelStore
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.budget import check_caps

__all__ = ["INTERRUPTED", "LabelRun", "More", "run_labels"]

INTERRUPTED = "interrupted"
"""``LabelRun.stopped`` after the user's stop."""

More = Callable[[Mapping[str, Answer], Spending], Sequence[str] | None]
"""From answers and what they cost to texts that are asked about next; None: not yet."""

_STEP = 0.2
_GRACE = 12.0  # more than the calls in flight have


@dataclass(frozen=True, slots=True)
class LabelRun:
    """What came of a run.

    Attributes
    ----------
    answers : mapping of str to Answer
        For every text that has an answer, or a reason why it has none. A text that was
        never asked, because the run stopped, is not in it.
    spending : Spending
        What this run asked for and paid.
    stopped : str or None
        Why the run ended before all texts were asked; None when it did not.
    unsaved : mapping of str to Answer
        Those of ``answers`` that are paid and should be in the store, which failed. Store
        them before anything is asked again.
    renewed : frozenset of str
        Texts that had an answer without a label, and have another one now.
    """

    answers: Mapping[str, Answer]
    spending: Spending
    stopped: str | None = None
    unsaved: Mapping[str, Answer] = field(default_factory=dict)
    renewed: frozenset[str] = frozenset()


def run_labels(
    teacher: Teacher,
    texts: Iterable[str],
    *,
    store: LabelStore | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    max_rows: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    step: str = "label",
    identity: Mapping[str, Any] | None = None,
    again: Collection[str] = frozenset(),
    more: More | None = None,
) -> LabelRun:
    """Ask ``teacher`` for a label of every text that has no stored answer yet.

    Equal texts are asked once. The work is done in a thread with its own event loop, so it
    runs inside a notebook as anywhere else; this call waits for it, and an interrupt (Ctrl-C,
    the notebook's stop button) ends the run in about a second, with everything answered so
    far kept.

    Parameters
    ----------
    teacher : Teacher
    texts : iterable of str
    store : LabelStore, optional
        Where answers are looked up, and committed before they are counted.
    max_cost : float, optional
        Dollars that this run may not exceed; before a text is asked, the most that it can
        take is set aside, and what the server reports is counted. Reused answers take nothing.
    max_tokens, max_rows : int, optional
        In the same way tokens, of prompts and answers together, and texts that are asked.
    on_progress : callable, optional
        Called in this thread about five times a second, and once at the end.
    stop : threading.Event, optional
        Another thread sets it to end the run, like an interrupt.
    step : str
        Name of the step in the progress records.
    identity : mapping, optional
        Under which answers are looked up and stored; the teacher's own by default.
    again : collection of str
        Texts that are asked about although an answer is stored, where it holds no label. It
        stays until another one, with a label or without, is there to take its place.
    more : callable, optional
        Called in this thread, when no more texts are left than there are requests at a time, with
        all answers until then and what they cost: says what is asked about next, nothing, or
        None, to be called again with the next answer. So what comes next can depend on answers,
        and the teacher need not wait for it.

    Returns
    -------
    LabelRun

    Raises
    ------
    InvalidInput
        A text is not a str; a cap cannot be kept; or there is something to ask, no price for
        the teacher's tokens, and neither a cap on tokens nor on rows.
    TeacherError
        The teacher as a whole failed before it gave any answer. Afterwards, the run returns
        what there is, with the message in ``stopped``.
    StoreError
        The store failed before there was any answer. Afterwards, the run stops and returns
        what there is, with the message in ``stopped``. What was committed is safe; what was
        received and could not be stored is in ``unsaved``.
    """
    unique = _unique(texts)
    caps = Caps(max_cost, max_tokens, max_rows)
    if unique:
        check_caps(teacher, unique[0], caps)
    if store is not None:
        store.begin()
    work = LabelWork(teacher, unique, store, caps, identity, again=again, growing=more is not None)
    begun = time.monotonic()

    def notify(preparing: Preparing | None = None) -> None:
        if on_progress is not None:
            seconds = time.monotonic() - begun
            spending = work.tally.spending()
            done = spending.asked + spending.reused
            now = Progress(done, work.n_texts, spending, seconds, step, preparing=preparing)
            on_progress(now)

    try:
        # Inside the try: an interrupt between start and wait must not leave the thread alone.
        work.start()
        while not work.wait(_STEP):
            if stop is not None and stop.is_set():
                work.stop(INTERRUPTED, hurry=True)
            if more is not None:
                with telling(notify):
                    _feed(work, more)
            notify()
        notify()
    except KeyboardInterrupt:
        work.stop(INTERRUPTED, hurry=True)
        _finish(work)
        with suppress(KeyboardInterrupt):
            notify()
    except BaseException:
        work.stop("broken")
        _finish(work)
        raise
    return _outcome(work)


def _feed(work: LabelWork, more: More) -> None:
    if work.hungry:
        texts = more(dict(work.answers), work.tally.spending())
        if texts is not None:
            work.feed(_unique(texts))


def _finish(work: LabelWork) -> None:
    """Wait until what was received is stored; a second interrupt ends the waiting."""
    until = time.monotonic() + _GRACE
    with suppress(KeyboardInterrupt):
        # One wait is not enough: a run that may be fed wakes with each answer.
        while not work.wait(max(until - time.monotonic(), 0.0)) and time.monotonic() < until:
            pass


def _outcome(work: LabelWork) -> LabelRun:
    stopped, error = work.stopped, work.error
    unsaved = dict(work.unsaved)
    if isinstance(error, (StoreError, TeacherError)) and work.any_kept:
        stopped = stopped if stopped == INTERRUPTED and not unsaved else str(error)
        if unsaved:
            n = f"{len(unsaved):,} {'answer is' if len(unsaved) == 1 else 'answers are'}"
            stopped += f"; {n} paid and not stored: run again before you end this session"
    elif error is not None:
        raise error
    renewed = frozenset(work.renewed)
    return LabelRun(dict(work.answers), work.tally.spending(), stopped, unsaved, renewed)


def _unique(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise InvalidInput(f"texts must be a list of str, got the one string {texts!r}")
    unique = list(dict.fromkeys(texts))
    for text in unique:
        if not isinstance(text, str):
            raise InvalidInput(f"texts must be str, got {text!r} ({type(text).__name__})")
    return unique
