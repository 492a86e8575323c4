"""What a run keeps: answers, checked and committed as they come, and their counts."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tracer_nb.labelsets import numbers_of
from tracer_nb.records import Answer, Spending
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.replaced import replace_missing
from tracer_nb.teachers.budget import Amount
from tracer_nb.teachers.chat.costs import CUT
from tracer_nb.teachers.chat.reading import quoted

__all__ = ["IN_VAIN", "Commits", "Groups", "Keeper", "Pairs", "Tally"]

IN_VAIN = "none of the first"
"""How ``stopped`` begins when no answer was a label."""


class Keeper:
    """Makes answers ready to be kept.

    Parameters
    ----------
    labels : sequence of str
        The label set.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = numbers_of(labels)

    def checked(self, answer: Answer) -> Answer:
        """Answer without its label if that is not one of the labels."""
        if answer.label is None:
            return answer
        if isinstance(answer.label, str) and answer.label in self._labels:
            return answer
        reason = f"answer is not one of the labels: {quoted(str(answer.label))}"
        return replace(answer, label=None, reason=reason)

    def ready(self, answer: Answer, seconds: float) -> Answer:
        """Checked answer, with the time that it took unless the teacher has measured it.

        Its label and mode become the same objects as those of all other answers: of a
        million answers, only what differs takes memory.
        """
        answer = self.checked(answer)
        return replace(
            answer,
            label=None if answer.label is None else sys.intern(str(answer.label)),
            mode=sys.intern(answer.mode),
            model=None if answer.model is None else sys.intern(answer.model),
            seconds=seconds if answer.seconds is None else answer.seconds,
        )


Pairs = list[tuple[str, Answer]]
Groups = Sequence[tuple[Mapping[str, Any], Pairs]]
# A reply takes some turns of the loop from the socket to its commit.
_TURNS = 8


class Commits:
    """Puts answers into a store, in a thread of their own, so that the loop never waits.

    ``shared`` turns true as soon as another process is seen to write to the same store.

    What a commit could not store stays in ``unsaved`` and is tried again with the next one.

    SQLite makes one commit at a time, and each waits for the disk. One commit for each answer
    would bound the answers a second by the disk; what waits together is committed together.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher that answered.
    writer : ThreadPoolExecutor
        With one thread.
    again : collection of str
        Texts whose stored answer gives way if it holds no label.
    labels : collection of str
        The label set.
    """

    def __init__(
        self,
        store: LabelStore,
        identity: Mapping[str, Any],
        writer: ThreadPoolExecutor,
        again: Collection[str] = (),
        labels: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._identity = identity
        self._writer = writer
        self._again = again
        self._labels = labels
        self.unsaved: dict[str, Answer] = {}
        self.shared = False
        self._waiting: Pairs = []
        self._next: asyncio.Future[dict[str, Answer]] | None = None
        self._running = False

    async def put(self, answered: Iterable[tuple[str, Answer]]) -> Mapping[str, Answer]:
        """Return when these are on disk, with the answers that others had stored before.

        Another process may have been faster with some; its answers are the ones that stay.
        Answers that others committed together with these may be among the ones returned.

        Raises
        ------
        StoreError
            The commit failed.
        """
        self._waiting.extend(answered)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        done = self._next
        if not self._running:
            self._soon(_TURNS)
        # Shared with others: a caller that is cancelled must not take it from them.
        return await asyncio.shield(done)

    def _soon(self, turns: int) -> None:
        """Start after some turns of the loop: what is coming in right now joins."""
        self._running = True
        if turns:
            asyncio.get_running_loop().call_soon(self._soon, turns - 1)
        else:
            self._start()

    def _start(self) -> None:
        group = [*self.unsaved.items(), *self._waiting]
        self._waiting = []
        done, self._next = self._next, None
        assert done is not None  # noqa: S101  put() made it
        loop = asyncio.get_running_loop()
        committed = loop.run_in_executor(self._writer, self._commit, group)
        committed.add_done_callback(lambda committed: self._end(group, committed, done))

    def _end(
        self,
        group: Pairs,
        committed: asyncio.Future[dict[str, Answer]],
        done: asyncio.Future[dict[str, Answer]],
    ) -> None:
        self._running = False
        error = committed.exception()
        if error is None:
            self.unsaved.clear()
            done.set_result(committed.result())
        else:
            self.unsaved.update((text, answer) for text, answer in group if answer.keep)
            done.set_exception(error)
        if self._waiting:
            self._soon(_TURNS)

    def _commit(self, group: Pairs) -> dict[str, Answer]:
        return self._commit_as([(self._identity, group)])[0]

    def _commit_as(self, groups: Groups) -> list[dict[str, Answer]]:
        """Store what teachers of these identities answered; for each what others had stored."""
        stored = self._put(
            [(each, [p for p in g if p[0] not in self._again]) for each, g in groups]
        )
        for identity, group in groups:
            again = [pair for pair in group if pair[0] in self._again]
            stored += replace_missing(self._store, identity, again, self._labels)
        self.shared = self.shared or self._store.others_wrote()
        if stored == sum(answer.keep for _, group in groups for _, answer in group):
            return [{} for _ in groups]
        return [
            self._store.get_many(identity, [text for text, _ in group])
            for identity, group in groups
        ]

    def _put(self, groups: Groups) -> int:
        return sum(self._store.put_many(identity, group) for identity, group in groups)


_UNIT = 10**12
# Answers without a label, and none with one, after which more would be paid for in vain.
_MANY = 50
# Answers cut at the token limit, half of all or more, after which it is: each takes the longest
# time and the most money that one can.
_FEW = 5


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

    def hopeless(self, last: Answer) -> str | None:
        """Why more answers such as the ``last`` would be paid for in vain; None where they would not."""
        with self._lock:
            cut, asked = self._cut, self._asked
            # As long as no text of the run has a label.
            in_vain = asked if asked + self._reused == self._missing else 0
        if cut >= _FEW and 2 * cut >= asked:
            return (
                f"{cut:,} of the first {asked:,} answers took all of max_answer_tokens and hold no "
                "label: raise max_answer_tokens for a model that thinks before it answers; for one "
                "that rambles, lower it, or take another model"
            )
        if in_vain >= _MANY:
            return f"{IN_VAIN} {in_vain:,} answers is a label: {last.reason or 'no answer'}"
        return None

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
