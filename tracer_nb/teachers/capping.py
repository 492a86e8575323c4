"""Which caps can hold for a teacher, and which it must have."""

from __future__ import annotations

from collections.abc import Sequence

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Caps
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.budget import Amount, total_cost

__all__ = ["EVERYTHING", "bound_of", "check_bounded", "check_caps", "taken_by"]

EVERYTHING = Caps(max_cost=0.0, max_tokens=0)
"""For :func:`bound_of`, to bound money and tokens both."""


def check_caps(teacher: Teacher, text: str, caps: Caps) -> None:
    """Refuse a cap that could not be kept, on the strength of one text.

    Raises
    ------
    InvalidInput
        It is negative or no whole number; a cap on money, and no price; a cap on tokens, and a
        teacher that may cost something but counts no tokens.
    """
    for name, cap in (("max_tokens", caps.max_tokens), ("max_rows", caps.max_rows)):
        if cap is not None and not (isinstance(cap, int) and cap >= 0):
            raise InvalidInput(f"{name} must be a whole number, 0 or more, got {cap!r}")
    if caps.max_cost is not None and teacher.cost_bound(text) is None:
        price = "price as IN,OUT in dollars per million tokens, or leave max_cost out"
        if teacher.token_bound(text) is None:  # as of a function
            price = "max_rows instead, or in Python cost=, the dollars of one answer"
        raise InvalidInput(
            f"max_cost needs a price, and that of {teacher.name} is unknown; give {price}"
        )
    if (
        caps.max_tokens is not None
        and teacher.token_bound(text) is None
        and teacher.cost_bound(text) != 0
    ):
        raise InvalidInput(
            f"max_tokens needs a teacher that counts tokens, and {teacher.name} does not; give "
            "max_rows instead"
        )


def check_bounded(teacher: Teacher, text: str, caps: Caps) -> None:
    """Refuse to ask a teacher whose tokens have no known price, and no other cap either.

    Raises
    ------
    InvalidInput
        It has none.
    """
    if caps.max_tokens is not None or caps.max_rows is not None:
        return
    if teacher.token_bound(text) is not None and teacher.cost_bound(text) is None:
        raise InvalidInput(
            f"the price of {teacher.name} is unknown, so nothing bounds what this costs; give "
            "price as IN,OUT in dollars per million tokens (0,0 for a server of your own), "
            "max_tokens or max_rows"
        )


def bound_of(teacher: Teacher, texts: Sequence[str], caps: Caps) -> Amount:
    """What asking about ``texts`` can take at the very most, of what has a cap."""
    return Amount(
        cost=None if caps.max_cost is None else total_cost(map(teacher.cost_bound, texts)),
        tokens=None if caps.max_tokens is None else sum(teacher.token_bound(t) or 0 for t in texts),
    )


def taken_by(answers: Sequence[Answer]) -> Amount:
    """What these answers took."""
    return Amount(
        cost=total_cost(answer.cost for answer in answers),
        tokens=sum(answer.prompt_tokens + answer.completion_tokens for answer in answers),
    )
