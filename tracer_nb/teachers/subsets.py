"""What a teacher gave for a row that may have several labels, as one set, or why it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tracer_nb.labelsets import LabelSets, labels_in
from tracer_nb.teachers.chat.reading import quoted

__all__ = ["one_set", "read_subset"]

Match = Callable[[str], str | None]
_NONE = frozenset(["none", "[]", ""])


def read_subset(value: Any, sets: LabelSets, match: Match) -> tuple[str | None, str]:
    """The set that a value of a function or a record stands for, and else why it is none.

    Parameters
    ----------
    value : object
        A list, tuple, set or array of labels; or one text with ``;`` between them, or a set as it
        is stored.
    sets : LabelSets
    match : callable
        From a name as it was written to the label, or None.
    """
    if isinstance(value, str):
        return _in_words(value, sets, match)
    if hasattr(value, "tolist"):  # an array's, whose cells are no str
        value = value.tolist()
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return None, f"answer is no set of labels: {quoted(str(value))}; return a list of them"
    return one_set(list(value), sets, match)


def _in_words(text: str, sets: LabelSets, match: Match) -> tuple[str | None, str]:
    """The set that a text names: one label, or several with ``;`` between them."""
    if (label := match(text)) is not None:
        return sets.spelled([label]), ""
    if (listed := labels_in(text)) or text.strip().casefold() in _NONE:
        return one_set(listed, sets, match)
    return one_set([part for part in text.split(";") if part.strip()], sets, match)


def one_set(named: Iterable[object], sets: LabelSets, match: Match) -> tuple[str | None, str]:
    """The set of these labels; None, and why, where one is unknown or is there twice, or none is."""
    found: list[str] = []
    for said in named:
        label = match(said) if isinstance(said, str) else None
        if label is None:
            return None, f"answer holds what is not one of the labels: {quoted(str(said))}"
        if label in found:
            return None, f"answer holds label {label!r} twice"
        found.append(label)
    if not found and not sets.may_be_empty:
        return None, "answer holds no label, and every row has at least one"
    return sets.spelled(found), ""
