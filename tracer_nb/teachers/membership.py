"""Who may sit on a panel together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.store.rows import identity_address
from tracer_nb.teachers.base import Teacher, members_of
from tracer_nb.teachers.chat.reading import quoted

__all__ = ["COMBINATIONS", "check_combination", "check_members", "columns_of", "model_of"]

COMBINATIONS = ("majority", "dawid-skene")
"""Ways to make one label of several answers."""

# With two, nothing but their order tells which of them is right where they differ.
_FEWEST = 3


def check_members(members: Sequence[Teacher]) -> None:
    """Refuse what is no panel.

    Raises
    ------
    InvalidInput
        A single member, two that are the same teacher, or different labels or columns.
    """
    if len(members) < 2:
        raise InvalidInput(
            f"a panel needs two teachers or more, got {len(members)}; give a single one by itself, "
            "not in a list"
        )
    first, seen = members[0], dict[str, str]()
    for member in members:
        if members_of(member) != (member,):
            raise InvalidInput(
                f"{member.name!r} is a panel itself; list its members among the others"
            )
        if set(member.labels) != set(first.labels):
            only = sorted(set(member.labels) ^ set(first.labels))
            raise InvalidInput(
                f"members of a panel must have the same labels, and those of {first.name!r} and "
                f"{member.name!r} differ in {quoted(', '.join(only))}; give both the same"
            )
        if columns_of(member) != columns_of(first):
            raise InvalidInput(
                f"members of a panel must read the same columns, and {first.name!r} reads "
                f"{list(columns_of(first))}, {member.name!r} {list(columns_of(member))}; name the same "
                "{{columns}} in their prompts, or none"
            )
        address = identity_address(member.identity)[0]
        if address in seen:
            raise InvalidInput(
                f"{seen[address]!r} and {member.name!r} are one and the same teacher, whose answers "
                "are stored once; leave one out, or ask it several times with votes=3"
            )
        seen[address] = member.name


def check_combination(combine: Any, n_members: int) -> str:
    """How answers are combined.

    Raises
    ------
    InvalidInput
        Unknown, or not to be had of so few members.
    """
    if combine not in COMBINATIONS:
        raise InvalidInput.unknown_name("way to combine answers", str(combine), COMBINATIONS)
    if combine == COMBINATIONS[1] and n_members < _FEWEST:
        raise InvalidInput(
            f"combine {combine!r} learns from answers how right each member is, which takes "
            f"{_FEWEST} or more, got {n_members}; use 'majority', or an arbiter"
        )
    return str(combine)


def columns_of(member: Teacher) -> tuple[str, ...]:
    """Columns that a teacher reads beside the text."""
    return tuple(getattr(member, "columns", ()))


def model_of(member: Teacher) -> str:
    """What decides answers and names the member, which a caption's name does not."""
    identity = member.identity
    return str(identity.get("model") or identity.get("name") or identity.get("teacher") or "?")
