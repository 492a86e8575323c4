"""How many texts a worker asks about in one call, and the calls of teachers that answer at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tracer_nb.records import Answer
from tracer_nb.teachers.base import InTurn, Teacher

__all__ = ["Turns"]

# Texts of one call of a teacher that answers at once: by itself a call takes ten times what such an
# answer does, and so does its commit.
_MOST = 128


class Turns:
    """The calls of one worker.

    A teacher that answers in turn is asked about twice as many texts as before, as long as it answers
    all of them in next to no time. One that takes its time, or is paid, answers one at a time, and
    each answer is on disk before it is asked about the next text.

    Parameters
    ----------
    teacher : Teacher

    Attributes
    ----------
    error : Exception or None
        What ended the last call after some answers: it is raised when these are kept.
    cut_off : bool
        Whether the last call was cancelled after some answers.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._in_turn = teacher if isinstance(teacher, InTurn) and teacher.in_turn else None
        self._size = max(1, teacher.batch_size)
        self.error: Exception | None = None
        self.cut_off = False

    def next(self, share: int) -> int:
        """Texts of the next call; where they are answered in turn no more than this worker's share."""
        return self._size if self._in_turn is None else max(1, min(self._size, share))

    async def label(self, texts: list[str]) -> Sequence[Answer]:
        """Answers to the texts, or to the first of them where they are answered in turn."""
        if self._in_turn is None:
            return await self._teacher.label(texts)
        came: list[Answer] = []
        try:
            await self._in_turn.label_in_turn(texts, came)
        except asyncio.CancelledError:
            if not came:
                raise
            self.cut_off = True
        except Exception as error:
            if not came:
                raise
            self.error = error
        answers = list(came)  # a thread that was given up may add to it
        all_at_once = len(answers) == len(texts)
        self._size = min(2 * len(texts), _MOST) if all_at_once else len(answers)
        if all(answer.label is None for answer in answers):  # and more may be in vain
            self._size = 1
        return answers

    def fits(self, answers: Sequence[Answer], texts: Sequence[str]) -> bool:
        """Whether a call gave as many answers as it may."""
        return len(answers) == len(texts) or (
            self._in_turn is not None and 0 < len(answers) < len(texts)
        )
