"""The labelling itself: a thread with an event loop, and a few workers on one list of texts."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tracer_nb.errors import StoreError, TeacherError
from tracer_nb.labelling.keep import Commits, Keeper, Tally
from tracer_nb.labelling.members import seat_members
from tracer_nb.labelling.supply import Supply
from tracer_nb.labelling.turns import Turns
from tracer_nb.records import Answer, Caps
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import storable
from tracer_nb.teachers.base import Haltable, NotAsked, Teacher, members_of
from tracer_nb.teachers.budget import (
    EVERYTHING,
    Amount,
    Budget,
    bound_of,
    cap_reached,
    check_bounded,
    taken_by,
    total_cost,
)
from tracer_nb.teachers.panel import PanelTeacher
from tracer_nb.teachers.till import TAB, Purse, Tab, Till
from tracer_nb.teachers.voting import Ballots, Polled

__all__ = ["LabelWork"]

_SHORT = 0.8
_LONG = 10.0
# Texts that are looked up in the store together: a stop waits for no more than these.
_LOOKED_UP = 50_000


class LabelWork:
    """Asks for texts until none is left, a cap is reached, something breaks, or :meth:`stop`.

    Every answer is committed to the store before it appears in ``answers``. After a stop no
    text is asked, and the calls in flight, which the server bills, have a while to end: what
    they bring is committed. Then they are cancelled, and count at the most they can cost.

    Parameters
    ----------
    teacher : Teacher
    texts : sequence of str
        Each once.
    store : LabelStore or None
    caps : Caps
    identity : mapping, optional
        Of what is stored; the teacher's own by default.
    again : collection of str
        Those of ``texts`` that are asked even where an answer is stored, if it holds no label.
        Until another one is there to be kept, that answer stays.
    growing : bool
        More texts may come meanwhile: whenever the run is :attr:`hungry`, it waits for
        :meth:`feed`.
    """

    def __init__(
        self,
        teacher: Teacher,
        texts: Sequence[str],
        store: LabelStore | None,
        caps: Caps,
        identity: Mapping[str, Any] | None = None,
        *,
        again: Collection[str] = (),
        growing: bool = False,
    ) -> None:
        self.answers: dict[str, Answer] = {}
        self.tally = Tally()
        self.error: BaseException | None = None
        self.stopped: str | None = None
        self.any_kept = False
        self.renewed: set[str] = set()
        self._teacher = teacher
        self._identity = dict(teacher.identity if identity is None else identity)
        self._keeper = Keeper(teacher.labels)
        self.n_texts = len(texts)
        self._texts = texts
        self._again = again
        self._growing = growing
        self._n_wanted = self._n_fed = 0
        self._old: dict[str, Answer] = {}
        self._store = store
        self._caps = caps
        self._budget = Budget(caps)
        self._supply: Supply | None = None
        self._parted = False
        self._commits: Commits | None = None
        self._calls: set[asyncio.Future[Sequence[Answer]]] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = threading.Event()
        self._news = threading.Event()
        # A daemon, so that a teacher that hangs cannot keep the interpreter from ending.
        self._thread = threading.Thread(target=self._main, name="tracer-label", daemon=True)

    @property
    def unsaved(self) -> dict[str, Answer]:
        """What was received and could not be stored."""
        return {} if self._commits is None else self._commits.unsaved

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

    @property
    def hungry(self) -> bool:
        """Whether it waits to be fed."""
        return self._n_fed < self._n_wanted

    def feed(self, texts: Sequence[str]) -> None:
        """Give more texts to a run that is hungry, each new to it; none: there are no more."""
        texts = list(texts)
        if self._parted:
            random.shuffle(texts)
        with self._lock:
            self._n_fed += 1
            self.n_texts += len(texts)
            if self._loop is not None and self._supply is not None:
                self._loop.call_soon_threadsafe(self._supply.put, texts, len(texts))

    def wait(self, seconds: float) -> bool:
        """Wait until all is asked, stored and closed; whether all is.

        The waiting ends early where the run is hungry, and with each answer that comes then.
        """
        if self._thread.ident is None:  # interrupted before it could start
            return True
        self._news.wait(seconds)
        self._news.clear()
        if not self._done.is_set():
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
            self._end()

    def _end(self) -> None:
        self._done.set()
        self._news.set()

    def _want(self) -> None:
        self._n_wanted += 1
        self._news.set()

    async def _run(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="tracer-store")
        self._purse = Purse(self._budget)
        self._till = Till(self._caps)
        if self._store is not None:
            self._commits = Commits(
                self._store, self._identity, self._writer, self._again, self._teacher.labels
            )
        if isinstance(self._teacher, Polled):
            ballots = None
            if self._store is not None:
                ballots = Ballots(self._store, self._identity, self._writer, self._again)
            self._teacher.remember(ballots)
        if isinstance(self._teacher, PanelTeacher):
            seat_members(self._teacher, self._store, self._identity, self._writer, self._again)
        try:
            await self._reuse()
            await self._ask_all()
        except Exception as e:  # noqa: BLE001 -- as below; it must be there before done is
            self.error = self.error or e
        finally:
            with self._lock:
                self._loop = None
            self._stay()
            self._writer.shutdown()
            await self._teacher.close()
            # Closing the loop may still wait for a name look-up; the caller need not.
            self._end()

    async def _reuse(self) -> None:
        """Take over what is stored."""
        if self._store is None:
            return
        loop = asyncio.get_running_loop()
        for start in range(0, len(self._texts), _LOOKED_UP):
            part = self._texts[start : start + _LOOKED_UP]
            found = await loop.run_in_executor(
                self._writer, self._store.get_many, self._identity, part
            )
            self._take_over(found)
            if self.stopped is not None:
                return

    def _take_over(self, found: Mapping[str, Answer]) -> Collection[str]:
        """Take over stored answers; the texts of which are settled by that."""
        checked = {text: self._keeper.checked(answer) for text, answer in found.items()}
        settled = checked
        if self._again:
            old = {t: a for t, a in checked.items() if a.label is None and t in self._again}
            settled = {text: answer for text, answer in checked.items() if text not in old}
            self._old.update(old)
        self.answers.update(settled)
        self.tally.reused(settled.values())
        return settled

    def _stay(self) -> None:
        """Let the answers stay that should have given way to others, which did not come."""
        left = {text: answer for text, answer in self._old.items() if text not in self.answers}
        self.answers.update(left)
        self.tally.reused(left.values())

    async def _ask_all(self) -> None:
        n_left = len(self._texts) - len(self.answers)
        if not n_left or self.stopped is not None:
            return
        check_bounded(self._teacher, self._texts[0], self._caps)
        size, workers = max(1, self._teacher.batch_size), self._teacher.concurrency
        self._supply = supply = Supply(
            self._caps.max_rows,
            fewest=workers * size,
            want=self._want if self._growing else None,
        )
        # No list, and no task for each: there may be millions.
        supply.put((text for text in self._texts if text not in self.answers), n_left)
        if not self._growing:
            workers = min(workers, -(-supply.n_left // size))
        await asyncio.gather(*(self._work(supply, workers) for _ in range(workers)))
        if supply.n_over:
            self.stopped = self.stopped or cap_reached("row", f"{self._caps.max_rows:,}")

    async def _work(self, supply: Supply, workers: int) -> None:
        turns = Turns(self._teacher)
        try:
            while self.stopped is None and (
                batch := await supply.take(turns.next(supply.n_left // workers))
            ):
                batch = self._unanswered(batch)
                if not batch:
                    continue
                started = time.monotonic()
                answers = await self._ask(batch, turns)
                if answers is not None:
                    supply.put_back(batch[len(answers) :])
                    seconds = (time.monotonic() - started) / len(answers)
                    await self._keep(batch[: len(answers)], answers, seconds)
                    if turns.error is not None:
                        self._break(turns.error)
        except Exception as e:  # noqa: BLE001 -- raised again in the thread that waits
            self._break(e)

    def _break(self, error: Exception) -> None:
        self.error = self.error or error
        self.stop("broken")

    def _unanswered(self, batch: list[str]) -> list[str]:
        """``batch`` without what another process has answered since this run began.

        Nothing is looked up as long as no other one has written: it would be a query a text.
        """
        if self._store is None or self._commits is None or not self._commits.shared:
            return batch
        found = self._store.get_many(self._identity, batch)
        settled = self._take_over(found)
        return [text for text in batch if text not in settled]

    def _part_ways(self) -> None:
        """Go on in an order of our own: another process asks about the same texts in this one."""
        if self._parted:
            return
        self._parted = True
        if self._supply is not None:
            self._supply.reorder(random.shuffle)

    async def _ask(self, batch: list[str], turns: Turns) -> Sequence[Answer] | None:
        """Answers for ``batch``, or the first of it; None when it may not be asked, or was stopped."""
        bound = await self._purse.take(lambda: bound_of(self._teacher, batch, self._caps))
        if bound is None:
            self._purse.close()
            if self._budget.reached:
                self.stop(self._budget.reached)
            return None
        taken: Amount | None = None  # a call that breaks or is cancelled may be billed in full
        tab = Tab(self._till)
        TAB.set(tab)  # the call's task takes it over
        call = asyncio.ensure_future(turns.label(batch))
        self._calls.add(call)
        try:
            answers = list(map(storable, await call))
            taken = taken_by(answers)
        except (NotAsked, asyncio.CancelledError) as e:
            if self._till.reached:
                self.stop(self._till.reached)
            if self.stopped is None:
                raise
            taken = self._taken(tab, batch) if isinstance(e, asyncio.CancelledError) else Amount()
            return None
        finally:
            tab.close()
            self._calls.discard(call)
            self._purse.settle(bound, taken)
        if turns.cut_off:
            self._taken(tab, batch[len(answers) :][:1])
        if not turns.fits(answers, batch):
            raise TeacherError(
                f"teacher {self._teacher.name!r} gave {len(answers)} answers for "
                f"{len(batch)} texts; its label method must give one each"
            )
        return answers

    def _taken(self, tab: Tab, batch: list[str]) -> Amount:
        """What a call took that was stopped, and whose answers are lost."""
        tab.close()
        taken = bound_of(self._teacher, batch, EVERYTHING)
        if tab.kept:
            # Functions beside models in a panel book nothing there.
            apart = [m for m in members_of(self._teacher) if m.token_bound(batch[0]) is None]
            costs = (m.cost_bound(text) for m in apart for text in batch)
            taken = replace(tab.booked, cost=total_cost((tab.booked.cost, *costs)))
        if taken != Amount():
            self.tally.lost(len(batch), taken)
        return taken

    async def _keep(self, batch: list[str], answers: Sequence[Answer], seconds: float) -> None:
        answered = {
            text: self._keeper.ready(answer, seconds)
            for text, answer in zip(batch, answers, strict=True)
        }
        first = answered
        kept = any(answer.keep for answer in answers)
        # Received is received: when it cannot be stored, it counts and is not lost all the same.
        self.any_kept |= kept
        if self._commits is not None and kept:
            try:
                others = await self._commits.put(answered.items())
            except StoreError as e:
                self._break(e)
            else:
                first = {**answered, **others}
                if others:
                    self._part_ways()
        for text, answer in answered.items():
            self.tally.asked(answer)
            if text in self._old and answer.keep:
                self.renewed.add(text)
            stays = text in self._old and not answer.keep
            self.answers[text] = self._old[text] if stays else first[text]
        if self.hungry:  # what comes next may have waited for these
            self._news.set()
        hopeless = self.tally.hopeless(next(iter(answered.values())))
        if hopeless is not None:
            self.stop(hopeless)

    def _stop_calls(self, seconds: float) -> None:
        if self._supply is not None:
            self._supply.end()
        self._purse.close()
        self._till.close()
        if isinstance(self._teacher, Haltable):
            self._teacher.halt()
        asyncio.get_running_loop().call_later(seconds, self._cancel_calls)

    def _cancel_calls(self) -> None:
        for call in self._calls:
            call.cancel()
