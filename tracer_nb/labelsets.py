"""Several labels a row: an answer is a subset of the label set, and goes about as one label.

A set is written in one way, the JSON array of its labels sorted by name, so that two answers agree
just where they are the same text. Everything that stores, draws, tests and counts labels takes such
texts as it takes others. Sets are numbered in closed form, so that nothing lists all of them.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.errors import InvalidInput

__all__ = [
    "HOW_MANY",
    "NO_LABEL",
    "LabelSets",
    "SetsSeen",
    "codes_of",
    "labels_in",
    "names_of",
    "numbers_of",
    "said_of",
    "sets_of",
    "shown",
    "united",
    "written",
]

HOW_MANY = ("any", "some")
"""How many labels a row may have: any number, none among them, or at least one."""

NO_LABEL = "(no label)"
"""Stands for the empty set where labels are counted one by one."""

_LARGEST = 2**62


class LabelSets(tuple[str, ...]):  # noqa: SLOT001  a tuple's class cannot name its own
    """A label set of which an answer is a subset: the labels themselves, and numbers for the sets.

    Parameters
    ----------
    labels : iterable of str
        Cleaned, at least two.
    how_many : str
        One of ``HOW_MANY``.

    Attributes
    ----------
    how_many : str
    largest : int
        Labels of the largest set that has a number: of 60 labels or fewer all sets have one, of
        77 those up to 20, of 1,000 those up to 7.

    Notes
    -----
    Sets are numbered by size, those of one size by the combinatorial number system: labels number
    i_1 < ... < i_k have the sum of C(i_j, j) behind all smaller sets.

    Examples
    --------
    >>> sets = LabelSets(["fee", "card", "refund"])
    >>> sets.spelled(["refund", "card"])
    '["card", "refund"]'
    >>> sets.number('["card", "refund"]'), sets.name(6)
    (6, '["card", "refund"]')
    >>> sets.number("card"), sets.number('["card", "card"]')
    (-1, -1)
    """

    how_many: str
    largest: int
    _counts: NDArray[np.int64]  # (L, largest + 1): C(i, k)
    _starts: list[int]  # numbers before the sets of each size

    def __new__(cls, labels: Iterable[str], how_many: str = HOW_MANY[0]) -> LabelSets:  # noqa: PYI034  Self is of Python 3.11
        """Make it of cleaned labels.

        Raises
        ------
        InvalidInput
            ``how_many`` is none of ``HOW_MANY``.
        """
        if how_many not in HOW_MANY:
            raise InvalidInput.unknown_name("number of labels a row", str(how_many), HOW_MANY)
        self = super().__new__(cls, labels)
        self.how_many = how_many
        n = len(self)
        sizes, row, total = [1], 1, 1
        for k in range(1, n + 1):
            row = row * (n - k + 1) // k
            total += row
            if total > _LARGEST:
                break
            sizes.append(row)
        self.largest = len(sizes) - 1
        self._starts = [0, *accumulate(sizes)]
        counts = np.zeros((n + 1, self.largest + 1), dtype=np.int64)
        counts[:, 0] = 1
        for i in range(1, n):
            counts[i, 1:] = counts[i - 1, 1:] + counts[i - 1, :-1]
        self._counts = counts[:n]
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return LabelSets, (tuple(self), self.how_many)

    @property
    def may_be_empty(self) -> bool:
        """Whether a row may have none of the labels."""
        return self.how_many == HOW_MANY[0]

    def spelled(self, labels: Iterable[str]) -> str:
        """The one text that a set of these labels is written as."""
        return json.dumps(sorted(set(labels)), ensure_ascii=False)

    def number(self, name: object) -> int:
        """Number of the set that is written so; -1 for what is none, or has no number."""
        return self._number(name) if isinstance(name, str) else -1

    def name(self, number: int) -> str:
        """The set with this number, as it is written."""
        return self._name(int(number))

    def numbers(self, members: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Numbers of sets given as members, (n, L); -1 for those that are too large."""
        sizes = members.sum(axis=1)
        fits = np.flatnonzero(sizes <= self.largest)
        out = np.full(len(members), -1, dtype=np.intp)
        rows, labels = np.nonzero(members[fits])
        place = members[fits].cumsum(axis=1)[rows, labels]
        ranks = np.zeros(len(fits), dtype=np.int64)
        np.add.at(ranks, rows, self._counts[labels, place])
        out[fits] = ranks + np.array(self._starts, dtype=np.int64)[sizes[fits]]
        return out

    def members(self, numbers: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which labels are in the sets with these numbers, (n, L); none below 0."""
        out = np.zeros((len(numbers), len(self)), dtype=bool)
        known, where = np.unique(numbers, return_inverse=True)
        of_known = np.zeros((len(known), len(self)), dtype=bool)
        for row, number in enumerate(known.tolist()):
            of_known[row, list(self._places(number))] = True
        out[:] = of_known[where.ravel()]
        return out

    def _places(self, number: int) -> Iterator[int]:
        """Positions of the labels in a set, the last first."""
        if number < 0:
            return
        size = bisect_right(self._starts, number) - 1
        rank = number - self._starts[size]
        for k in range(size, 0, -1):
            place = int(np.searchsorted(self._counts[:, k], rank, side="right")) - 1
            rank -= int(self._counts[place, k])
            yield place

    def _number(self, name: str) -> int:
        labels = labels_in(name)
        places = _places_of(self)
        known = [places[label] for label in labels if label in places]
        if self.spelled(labels) != name or len(known) != len(labels):
            return -1
        if len(known) > self.largest or not (known or self.may_be_empty):
            return -1
        start = self._starts[len(known)]
        return start + sum(int(self._counts[i, j]) for j, i in enumerate(sorted(known), start=1))

    def _name(self, number: int) -> str:
        return self.spelled(self[i] for i in self._places(number))


@lru_cache(maxsize=16)
def _places_of(labels: tuple[str, ...]) -> dict[str, int]:
    return {label: i for i, label in enumerate(labels)}


@lru_cache(maxsize=65_536)
def labels_in(name: str) -> tuple[str, ...]:
    """The labels of a set by the text that it is written as; nothing for what is no set.

    >>> labels_in('["card", "refund"]'), labels_in("card")
    (('card', 'refund'), ())
    """
    if not name.startswith("["):
        return ()
    try:
        found = json.loads(name)
    except (ValueError, RecursionError):
        return ()
    listed = found if isinstance(found, list) else []
    return tuple(listed) if all(isinstance(label, str) for label in listed) else ()


def shown(name: str) -> str:
    """A set as people read it; a label as it is.

    >>> shown('["card", "refund"]'), shown("[]"), shown("card")
    ('card; refund', 'none', 'card')
    """
    return "none" if name == "[]" else "; ".join(labels_in(name)) or name


def written(label: Any) -> str:
    """A label as text; several in a list, tuple, set or array as a JSON array, in their order.

    >>> written("card"), written(["refund", "card"])
    ('card', '["refund", "card"]')
    """
    if isinstance(label, (list, tuple, set, frozenset, np.ndarray)):
        listed = sorted(label) if isinstance(label, (set, frozenset)) else list(label)
        return json.dumps([str(one) for one in listed], ensure_ascii=False)
    return str(label)


def sets_of(classes: object) -> LabelSets | None:
    """The label set, where an answer is a subset of it; None where it is one of the labels."""
    return classes if isinstance(classes, LabelSets) else None


def said_of(classes: Sequence[str]) -> dict[str, Any]:
    """What a teacher's identity says of its labels, and of how many a row may have where not one."""
    sets = sets_of(classes)
    labels = {"labels": list(classes)}
    return labels if sets is None else {**labels, "several": sets.how_many}


class SetsSeen(tuple[str, ...]):  # noqa: SLOT001  a tuple's class cannot name its own
    """Sets that occur, as people read them, for pictures: a label set of which each is a label.

    Parameters
    ----------
    written : iterable of str
        As they are stored.
    sets : LabelSets

    Attributes
    ----------
    written : tuple of str
    sets : LabelSets
    """

    written: tuple[str, ...]
    sets: LabelSets

    def __new__(cls, written: Iterable[str], sets: LabelSets) -> SetsSeen:  # noqa: PYI034
        """Make it of sets as they are stored."""
        listed = tuple(written)
        self = super().__new__(cls, map(shown, listed))
        self.written, self.sets = listed, sets
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return SetsSeen, (self.written, self.sets)

    def members(self) -> NDArray[np.bool_]:
        """Which labels are in each, (n, L)."""
        codes = np.array([self.sets.number(name) for name in self.written], dtype=np.intp)
        return self.sets.members(codes)


class _Numbers(Mapping[str | None, int]):
    """Numbers of sets by the text that they are written as; they cannot be gone through."""

    def __init__(self, sets: LabelSets) -> None:
        self._sets = sets

    def __getitem__(self, name: str | None) -> int:
        number = self._sets.number(name)
        if number < 0:
            raise KeyError(name)
        return number

    def __iter__(self) -> Iterator[str | None]:
        raise TypeError("all subsets of a label set are too many to be listed")

    def __len__(self) -> int:
        raise TypeError("all subsets of a label set are too many to be counted")


def united(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """What is in either of two label sets; of sets that were seen, those of both."""
    if isinstance(one, SetsSeen) and isinstance(other, SetsSeen):
        return SetsSeen(dict.fromkeys([*one.written, *other.written]), one.sets)
    return tuple(dict.fromkeys([*one, *other]))


def numbers_of(classes: Sequence[str]) -> Mapping[str | None, int]:
    """The number of each answer that may be given: a label, or a set of them.

    >>> numbers_of(("fee", "card")).get("card"), numbers_of(LabelSets(["a", "b"])).get('["b"]')
    (1, 2)
    """
    if isinstance(classes, SetsSeen):
        classes = classes.written
    sets = sets_of(classes)
    return {label: i for i, label in enumerate(classes)} if sets is None else _Numbers(sets)


def codes_of(classes: Sequence[str], names: NDArray[Any]) -> NDArray[np.intp]:
    """Numbers of answers, -1 for None and for what is none.

    >>> codes_of(("fee", "card"), np.array(["card", None], dtype=object)).tolist()
    [1, -1]
    """
    number = numbers_of(classes)
    known: dict[Any, int] = {}
    for name in names.tolist():
        if name not in known:
            known[name] = number.get(None if name is None else str(name), -1)
    return np.array([known[name] for name in names.tolist()], dtype=np.intp)


def names_of(classes: Sequence[str], codes: NDArray[np.intp]) -> NDArray[np.object_]:
    """Answers by their numbers, None below 0.

    >>> names_of(("fee", "card"), np.array([1, -1])).tolist()
    ['card', None]
    """
    sets = sets_of(classes)
    if sets is None:
        listed = np.array([*classes, None], dtype=object)
        return np.asarray(listed[np.where(codes >= 0, codes, len(classes))])
    known, where = np.unique(codes, return_inverse=True)
    names = np.empty(len(known), dtype=object)
    names[:] = [sets.name(code) if code >= 0 else None for code in known.tolist()]
    return np.asarray(names[where.ravel()], dtype=object)
