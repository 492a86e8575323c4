"""Several labels a row: what the label set is then, and what it goes with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer_nb.engine.options import Options
from tracer_nb.engine.subsets import options_for_sets
from tracer_nb.errors import InvalidInput
from tracer_nb.labelset import clean_labels
from tracer_nb.labelsets import HOW_MANY, LabelSets, sets_of
from tracer_nb.teachers import Teacher
from tracer_nb.teachers.base import members_of
from tracer_nb.teachers.replay import recorded_labels

__all__ = ["check_several", "named_labels"]


def named_labels(
    labels: Iterable[str] | None, several: Any, teacher: Any
) -> tuple[str, ...] | None:
    """The label set that a job was given; one of sets, where a row may have several labels.

    Parameters
    ----------
    labels : iterable of str, or None
    several : bool or str, or None
        None or False for one label a row, True for "any", or one of ``HOW_MANY``.
    teacher : object
        As a job was given it: a record shows its labels.

    Raises
    ------
    InvalidInput
        ``several`` is something else, or there are no such labels.
    """
    if several is False or several is None:
        return None if labels is None else clean_labels(labels)
    how_many = HOW_MANY[0] if several is True else several
    if how_many not in HOW_MANY:
        raise InvalidInput(
            f"several must be True, 'any' (any number of labels a row, none too) or 'some' (at least "
            f"one), got {several!r}"
        )
    if labels is None and isinstance(teacher, Teacher) and not isinstance(teacher, type):
        return None
    if labels is None:
        if not hasattr(teacher, "items") or getattr(teacher, "ndim", 1) != 1:
            raise InvalidInput(
                "labels are missing; give the list of labels to choose from: labels=[…], or --labels"
            )
        labels = recorded_labels(value for _, value in teacher.items())
    return LabelSets(clean_labels(labels), how_many)


def check_several(teacher: Teacher, options: Options, several: Any, *, chain: Any) -> None:
    """Refuse what takes one label a row, where there are several.

    Raises
    ------
    InvalidInput
        It says what, and what to do.
    """
    members = members_of(teacher)
    if len(members) > 1 and any(sets_of(member.labels) for member in members):
        raise InvalidInput("a panel votes about one label a row; with several name one teacher")
    sets = sets_of(teacher.labels)
    if sets is None:
        if several:
            raise InvalidInput(
                f"several={several!r} was asked of teacher {teacher.name!r}, which was made with one "
                "label a row; make it with labels=LabelSets(labels)"
            )
        return
    if several and several is not True and several != sets.how_many:
        raise InvalidInput(
            f"several={several!r}, and teacher {teacher.name!r} was made with {sets.how_many!r}; give "
            "the same"
        )
    options_for_sets(options)
    if chain is not None:
        raise InvalidInput("a chain weighs one label a row; leave chain out with several")
