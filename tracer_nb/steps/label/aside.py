"""Asking about one text at a time, while others do the same: for rows that come one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

from tracer_nb.errors import StoreError, TeacherError
from tracer_nb.records import Answer, Caps, Spending
from tracer_nb.steps.label.asker import Asker
from tracer_nb.store import Shelf
from tracer_nb.teachers import Teacher

__all__ = ["Allowance", "Aside"]

# Texts that one run takes up before the next one begins: what it remembers goes with it.
_MOST = 1000


class Allowance:
    """What several askers may spend together: each knows, when it begins, what the others left.

    Parameters
    ----------
    caps : Caps
        Of all that is asked from here on.

    Attributes
    ----------
    spending : Spending
        Of all that was asked.
    """

    def __init__(self, caps: Caps) -> None:
        self.caps, self.spending = caps, Spending()
        self._lock = threading.Lock()
        self._n_waiting = 0

    @property
    def is_wanted(self) -> bool:
        """Whether another one waits for its turn."""
        return self._n_waiting > 0

    @contextmanager
    def turn(self, asker: Asker) -> Iterator[Caps]:
        """What ``asker`` may spend in this block, in which nobody else spends anything."""
        self._n_waiting += 1
        with self._lock:
            self._n_waiting -= 1
            asker.begin()
            try:
                yield self.caps.left(self.spending)
            finally:
                self.spending = self.spending.plus(asker.spending)


class Aside:
    """Asks a teacher about single texts, those that come at the same time in one run.

    A run does all that it does for a column: an answer that is stored costs nothing, and what
    is paid is in the store before it counts. It ends when nobody waits any more, and connections
    with it. One text that several wait for is asked once.

    Parameters
    ----------
    teacher : Teacher
    shelf : Shelf
    allowance : Allowance, optional
        What all its runs may spend; by default nothing bounds them.
    """

    def __init__(self, teacher: Teacher, shelf: Shelf, allowance: Allowance | None = None) -> None:
        self.teacher = teacher
        self._allowance = allowance or Allowance(Caps())
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._asker = Asker(teacher, shelf)
        # A store remembers for longer, and a service runs for months.
        self._forgets = shelf.is_file
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[Answer]] = {}
        self._new: list[str] = []
        self._is_running = False

    def ask(self, text: str) -> Future[Answer]:
        """The answer to come; without a label, and a reason, where there will be none."""
        with self._lock:
            if (answer := self._waiting.get(text)) is None:
                answer = self._waiting[text] = Future()
                self._new.append(text)
            if not self._is_running:
                self._is_running = True
                self._thread = threading.Thread(target=self._work, name="tracer-aside", daemon=True)
                self._thread.start()
        return answer

    @property
    def n_waiting(self) -> int:
        """Texts whose answer is still to come."""
        return len(self._waiting)

    def close(self, seconds: float) -> None:
        """Ask about nothing more; what is under way has so long to come and to be stored."""
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        while texts := self._taken():
            self._run(texts)

    def _taken(self) -> list[str]:
        """Texts that came since; without any, the thread is at its end."""
        with self._lock:
            texts, self._new = self._new[:_MOST], self._new[_MOST:]
            self._is_running = bool(texts)
        return texts

    def _run(self, texts: list[str]) -> None:
        asked = dict.fromkeys(texts)

        def more(answers: Mapping[str, Answer], spending: Spending) -> list[str] | None:
            del spending
            for text in asked:
                if text in answers:
                    self._answer(text, answers[text])
            came = [] if self._allowance.is_wanted else self._joining(asked)
            is_open = any(text not in answers for text in asked)
            asked.update(dict.fromkeys(came))
            return came or (None if is_open and len(asked) < _MOST else [])

        try:
            with self._allowance.turn(self._asker) as caps:
                most = _MOST if caps.max_rows is None else min(caps.max_rows, _MOST)
                self._asker.ask(
                    texts,
                    caps=replace(caps, max_rows=most),
                    on_progress=None,
                    step="deferred",
                    stop=self._stop,
                    more=more,
                )
            why = self._asker.stopped or "no answer"
        except (StoreError, TeacherError) as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 -- raised where it is waited for
            for text in asked:
                self._answer(text, error)
            return
        for text in asked:
            answer = self._asker.answers.get(text)
            if self._forgets:
                self._asker.answers.pop(text, None)
            self._answer(text, answer or Answer(None, f"not asked: {why}", keep=False))

    def _joining(self, asked: Mapping[str, None]) -> list[str]:
        """Texts that came since and may join a run."""
        with self._lock:
            came = [text for text in self._new if text not in asked][: _MOST - len(asked)]
            joined = set(came)
            self._new = [text for text in self._new if text not in joined]
        return came

    def _answer(self, text: str, answer: Answer | Exception) -> None:
        """Give it to whoever waits for it."""
        with self._lock:
            waiting = self._waiting.pop(text, None)
        if waiting is None:
            return
        if isinstance(answer, Answer):
            waiting.set_result(answer)
        else:
            waiting.set_exception(answer)
