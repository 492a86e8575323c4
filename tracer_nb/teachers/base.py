"""What a teacher is: a name, an identity, and one async method over a batch of texts.

With the checks of the numbers that teachers are given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Protocol, runtime_checkable

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer

__all__ = [
    "Haltable",
    "InTurn",
    "NotAsked",
    "Teacher",
    "check_at_least",
    "check_rates",
    "check_texts",
    "check_whole",
    "explanation_for",
    "is_paid",
    "members_of",
]


def check_at_least(least: float, **values: float) -> None:
    """Check that every value is a number of at least ``least``.

    Raises
    ------
    InvalidInput
        One is not, NaN included.
    """
    for name, value in values.items():
        if not (_is_number(value) and value >= least):
            raise InvalidInput(f"{name} must be at least {least:g}, got {value!r}")


def check_whole(least: int, **values: int) -> None:
    """Check that every value is a whole number of at least ``least``.

    Raises
    ------
    InvalidInput
        One is not.
    """
    check_at_least(least, **values)
    for name, value in values.items():
        if value == math.inf or value != int(value):
            raise InvalidInput(f"{name} must be a whole number, got {value!r}")


def check_rates(**rates: float | None) -> None:
    """Check that every rate is None, for no limit, or a finite number above 0.

    Raises
    ------
    InvalidInput
        One is not.
    """
    for name, rate in rates.items():
        if rate is not None and not (_is_number(rate) and 0 < rate < math.inf):
            raise InvalidInput(f"{name} must be above 0, got {rate!r}; leave it out for no limit")


def check_texts(**values: str | None) -> None:
    """Check that every value is text, or None.

    Raises
    ------
    InvalidInput
        One is not.
    """
    for name, value in values.items():
        if not (value is None or isinstance(value, str)):
            raise InvalidInput(f"{name} must be text, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


class NotAsked(Exception):
    """A call was stopped before it sent anything that could be paid: nobody was asked."""


@runtime_checkable
class Teacher(Protocol):
    """Anything that can put one label on each of a few texts.

    Attributes
    ----------
    name : str
        Short name for captions ("gpt-6-luna", "stand-in").
    labels : tuple of str
        The label set. An answer outside it is turned into a missing label with a reason.
    batch_size : int
        How many texts one call of :meth:`label` takes; 1 for an LLM asked text by text,
        so that every answer is stored as soon as it is there.
    concurrency : int
        How many calls may run at the same time.
    """

    name: str
    labels: tuple[str, ...]
    batch_size: int
    concurrency: int

    @property
    def identity(self) -> Mapping[str, Any]:
        """Everything besides the text that decides an answer, as JSON values.

        Model, prompt, labels, output schema, parameters. It addresses stored answers, so
        two teachers with the same identity share answers. It never holds a key.
        """
        ...

    def cost_bound(self, text: str) -> float | None:
        """Dollars that answering ``text`` can cost at the very most; None when unknown."""
        ...

    def token_bound(self, text: str) -> int | None:
        """Tokens that answering ``text`` can take at the very most, prompt and answer.

        None for a teacher that counts no tokens.
        """
        ...

    def cost_estimate(self, text: str) -> tuple[int, int, float | None]:
        """Estimate (prompt tokens, completion tokens, dollars or None) for ``text``."""
        ...

    async def label(self, texts: Sequence[str]) -> Sequence[Answer]:
        """Give one :class:`Answer` per text, in order.

        A failure of one text is an ``Answer`` without a label; a failure that would hit
        every text (wrong key, unknown model, no server) raises ``TeacherError``.
        """
        ...

    async def close(self) -> None:
        """Release connections. Called in the event loop that called :meth:`label`."""
        ...


def explanation_for(label: str | None, answers: Iterable[Answer]) -> str | None:
    """The first explanation that came with this label, of several answers to one text."""
    told = (a.explanation for a in answers if a.label == label and a.explanation is not None)
    return None if label is None else next(told, None)


def is_paid(answer: Answer) -> bool:
    """Whether an answer tells that it took money or tokens."""
    return bool(answer.cost or answer.prompt_tokens or answer.completion_tokens)


def members_of(teacher: Teacher) -> tuple[Teacher, ...]:
    """Who is asked: the members of a panel and its arbiter, else the teacher itself."""
    own: tuple[Teacher, ...] = (teacher,)
    return getattr(teacher, "everybody", own) if teacher.identity.get("teacher") == "panel" else own


@runtime_checkable
class Haltable(Protocol):
    """A teacher whose calls may wait before they send anything, as for a rate limit."""

    def halt(self) -> None:
        """Send nothing more in this run: a call that has sent nothing raises ``NotAsked``.

        Called in the event loop that called ``label``. Calls that wait for an answer go on.
        """
        ...


@runtime_checkable
class InTurn(Protocol):
    """A teacher that may answer at no price and in next to no time, such as a function."""

    @property
    def in_turn(self) -> bool:
        """Whether it can be asked so: nothing is known to be paid, and its calls take one text."""
        ...

    async def label_in_turn(self, texts: Sequence[str], answers: list[Answer]) -> None:
        """Answer one text after the other, and put each answer behind ``answers`` when it is there.

        The first is answered however long it takes, and others only while that is next to no
        time and none says that it is paid. Errors are those of :meth:`Teacher.label`; what was
        answered before stands.
        """
        ...
