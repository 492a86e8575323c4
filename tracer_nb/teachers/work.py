"""The labelling itself: a thread with an event loop, and a few workers on one list of texts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tracer_nb.errors import TeacherError
from tracer_nb.records import Answer
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.budget import Budget, dollars, total_cost
from tracer_nb.teachers.purse import Purse
from tracer_nb.teachers.reading import quoted
from tracer_nb.teachers.store import LabelStore
from tracer_nb.teachers.tally import Tally

__all__ = ["LabelWork"]

_SHORT = 0.8
_LONG = 10.0


class LabelWork:
    """Asks for texts until none is left, money runs out, something breaks, or :meth:`stop`.

    Every answer is committed to the store before it appears in ``answers``. After a stop no
    text is asked, and the calls in flight, which the server bills, have a while to end: what
    they bring is committed. Then they are cancelled, and count at the most they can cost.

    Parameters
    ----------
    teacher : Teacher
    texts : sequence of str
        Each once.
    store : LabelStore or None
    budget : Budget or None
    """

    def __init__(
        self,
        teacher: Teacher,
        texts: Sequence[str],
        store: LabelStore | None,
        budget: Budget | None,
    ) -> None:
        self.answers: dict[str, Answer] = {}
        self.tally = Tally()
        self.error: BaseException | None = None
        self.stopped: str | None = None
        self.any_kept = False
        self._teacher = teacher
        self._identity = dict(teacher.identity)
        self._labels = frozenset(teacher.labels)
        self._texts = texts
        self._store = store
        self._budget = budget
        self._batches: Iterator[list[str]] = iter(())
        self._calls: set[asyncio.Future[Sequence[Answer]]] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = threading.Event()
        # A daemon, so that a teacher that hangs cannot keep the interpreter from ending.
        self._thread = threading.Thread(target=self._main, name="tracer-label", daemon=True)

    # --- called from any thread

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, why: str, *, hurry: bool = False) -> None:
        """Ask for no more texts, and let the calls in flight end. The first reason stays.

        They have about a second in a ``hurry``, because a user waits; else ten.
        """
        with self._lock:
            self.stopped = self.stopped or why
            if self._loop is not None:
                seconds = _SHORT if hurry else _LONG
                self._loop.call_soon_threadsafe(self._stop_calls, seconds)

    def wait(self, seconds: float) -> bool:
        """Wait until all is asked, stored and closed; whether it is."""
        if self._thread.ident is None:  # interrupted before it could start
            return True
        if not self._done.wait(seconds):
            return False
        self._thread.join(1.0)  # the loop is closing; a slow name look-up may go on alone
        return True

    # --- in the thread

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as e:  # noqa: BLE001 -- raised again in the thread that waits
            self.error = self.error or e
        finally:
            self._done.set()

    async def _run(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
        # One writer thread: SQLite commits one at a time, and the loop must not wait for it.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="tracer-store")
        self._purse = Purse(self._budget)
        try:
            await self._reuse()
            left = [text for text in self._texts if text not in self.answers]
            size = max(1, self._teacher.batch_size)
            self._batches = (left[i : i + size] for i in range(0, len(left), size))
            workers = min(self._teacher.concurrency, -(-len(left) // size))
            await asyncio.gather(*(self._work() for _ in range(workers)))
        except Exception as e:  # noqa: BLE001 -- as below; it must be there before done is
            self.error = self.error or e
        finally:
            with self._lock:
                self._loop = None
            self._writer.shutdown()
            await self._teacher.close()
            # Closing the loop may still wait for a name look-up; the caller need not.
            self._done.set()

    async def _reuse(self) -> None:
        if self._store is None:
            return
        found = await self._in_writer(self._store.get_many, self._identity, self._texts)
        for text, answer in found.items():
            self.answers[text] = checked = self._checked(answer)
            self.tally.reused(checked)

    async def _work(self) -> None:
        try:
            while self.stopped is None and (batch := next(self._batches, None)) is not None:
                started = time.monotonic()
                answers = await self._ask(batch)
                if answers is not None:
                    seconds = (time.monotonic() - started) / len(batch)
                    await self._keep(batch, answers, seconds)
        except Exception as e:  # noqa: BLE001 -- raised again in the thread that waits
            self.error = self.error or e
            self.stop("broken")

    async def _ask(self, batch: list[str]) -> Sequence[Answer] | None:
        """Answers for ``batch``; None when it may not be asked, or was cancelled."""
        bound = None
        if self._budget is not None:
            bound = total_cost(self._teacher.cost_bound(text) for text in batch)
        if not await self._purse.take(bound):
            self._purse.close()
            if self._budget is not None:
                self.stop(f"cost cap of {dollars(self._budget.max_cost)} reached")
            return None
        cost: float | None = None  # for a call that breaks or is cancelled: it may be billed
        call = asyncio.ensure_future(self._teacher.label(batch))
        self._calls.add(call)
        try:
            answers = await call
            cost = total_cost(answer.cost for answer in answers)
        except asyncio.CancelledError:
            if self.stopped is None:
                raise
            self.tally.lost(total_cost(self._teacher.cost_bound(text) for text in batch))
            return None
        finally:
            self._calls.discard(call)
            self._purse.settle(bound, cost)
        if len(answers) != len(batch):
            raise TeacherError(
                f"teacher {self._teacher.name!r} gave {len(answers)} answers for "
                f"{len(batch)} texts; its label method must give one each"
            )
        return answers

    async def _keep(self, batch: list[str], answers: Sequence[Answer], seconds: float) -> None:
        timed = (replace(self._checked(answer), seconds=seconds) for answer in answers)
        answered = dict(zip(batch, timed, strict=True))
        first = answered
        if self._store is not None and any(a.keep for a in answers):
            stored = await self._in_writer(
                self._store.put_many, self._identity, list(answered.items())
            )
            if stored < sum(a.keep for a in answers):
                # Another process was faster with some; its answers are the ones that stay.
                theirs = await self._in_writer(self._store.get_many, self._identity, batch)
                first = {**answered, **theirs}
        for text, answer in answered.items():
            self.tally.asked(answer, seconds)
            self.any_kept |= answer.keep
            self.answers[text] = first[text]

    def _checked(self, answer: Answer) -> Answer:
        """Answer without its label if that is not one of the labels."""
        if answer.label is None or answer.label in self._labels:
            return answer
        reason = f"answer is not one of the labels: {quoted(answer.label)}"
        return replace(answer, label=None, reason=reason)

    async def _in_writer(self, fn: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, fn, *args)

    def _stop_calls(self, seconds: float) -> None:
        self._purse.close()
        asyncio.get_running_loop().call_later(seconds, self._cancel_calls)

    def _cancel_calls(self) -> None:
        for call in self._calls:
            call.cancel()
