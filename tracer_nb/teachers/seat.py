"""One who is asked in a panel, and where its answers are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tracer_nb.errors import StoreError, TeacherError
from tracer_nb.records import Answer
from tracer_nb.store.rows import storable
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.replay import ReplayTeacher
from tracer_nb.teachers.server import redact
from tracer_nb.teachers.voting import Ballots, Polled

__all__ = ["MemberBook", "Seat"]


_SAID = ("label", "reason", "explanation")


class MemberBook(Protocol):
    """Where the answers of one member are kept in a run."""

    ballots: Ballots

    async def of(self, texts: Sequence[str]) -> Mapping[str, Answer]:
        """Answers to those of ``texts`` that it has given before."""
        ...

    async def put(self, answered: Sequence[tuple[str, Answer]]) -> Mapping[str, Answer]:
        """Store answers; those that another process had stored before come back."""
        ...


class _Memory:
    """Answers of a member where there is no store."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def of(self, texts: Iterable[str]) -> dict[str, Answer]:
        return {text: self.answers[text] for text in texts if text in self.answers}

    def put(self, answered: Iterable[tuple[str, Answer]]) -> None:
        self.answers.update((text, answer) for text, answer in answered if answer.keep)


class Seat:
    """A member of a panel, or its arbiter, as it is asked.

    Parameters
    ----------
    teacher : Teacher
    checked : callable
        Takes the label away from an answer that has none of the panel's.

    Attributes
    ----------
    down : str
        Why it has failed as a whole; empty as long as it has not.
    """

    def __init__(self, teacher: Teacher, checked: Callable[[Answer], Answer]) -> None:
        self.teacher = teacher
        self.down = ""
        # A record is stored where it comes from.
        self._stores = not isinstance(teacher, ReplayTeacher)
        self._checked = checked
        self._memories = _Memory(), _Memory()  # first answers and second ones
        self._second = False
        self._book: MemberBook | None = None
        self._gate: asyncio.Semaphore | None = None

    def sit(self, book: MemberBook | None, *, second: bool) -> None:
        """Get ready for a run; ``book`` is where answers are kept, None in memory."""
        self._book, self._second = book, second
        if isinstance(self.teacher, Polled):
            self.teacher.remember(None if book is None else book.ballots)

    def remembered(self, texts: Iterable[str]) -> dict[str, Answer]:
        """First answers that are in no store."""
        return self._memories[0].of(texts)

    async def known(self, texts: Sequence[str]) -> dict[str, Answer]:
        """Answers that it has given before."""
        stored = {} if self._book is None or not self._stores else await self._book.of(texts)
        found = {**self._memories[self._second].of(texts), **stored}
        return {text: self._checked(answer) for text, answer in found.items()}

    async def ask(self, texts: list[str]) -> list[Answer]:
        """Its answers, stored; none when it has failed as a whole."""
        if self._gate is None:
            # One that takes few calls at a time does so beside one that takes many.
            self._gate = asyncio.Semaphore(self.teacher.concurrency)
        async with self._gate:
            if self.down:
                return []
            started = time.monotonic()
            try:
                came = await self.teacher.label(texts)
            except TeacherError as error:
                self.down = self.down or redact(" ".join(str(error).split())) or "no reason given"
                return []
            seconds = (time.monotonic() - started) / len(texts)
        if len(came) != len(texts):
            why = f"its label method gave {len(came)} answers for {len(texts)} texts"
            self.down = self.down or why
            return []
        answers = [
            replace(answer, seconds=seconds if answer.seconds is None else answer.seconds)
            for answer in map(self._checked, map(storable, came))
        ]
        if not self._stores:
            # What a record does not hold it will not hold later: the text is not open.
            return [replace(answer, keep=True) for answer in answers]
        return await self._keep(list(zip(texts, answers, strict=True)))

    async def close(self) -> None:
        """End a run."""
        self._book = self._gate = None
        await self.teacher.close()

    async def _keep(self, answered: list[tuple[str, Answer]]) -> list[Answer]:
        """Store answers, and return those that stand."""
        others: Mapping[str, Answer] = {}
        memory = self._memories[self._second]
        if self._book is not None:
            try:
                others = await self._book.put(answered)
            except StoreError:
                # Paid all the same; the panel's own answer will not be stored either, and say so.
                memory.put(answered)
        else:
            memory.put(answered)
        # What another process had stored before stays; what came is paid for none the less.
        return [
            replace(answer, **{name: getattr(others[text], name) for name in _SAID})
            if text in others
            else answer
            for text, answer in answered
        ]
