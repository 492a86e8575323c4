"""Which models gave the answers of one teacher: a name may stand for another model tomorrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tracer_nb.records import Answer

__all__ = ["count_models", "model_counts"]

# Parts the names in an answer that votes of several models made.
_BETWEEN = " / "


def count_models(answers: Iterable[Answer]) -> tuple[tuple[str, int], ...]:
    """Number of answers by the name of the model that gave them, most first.

    Answers of which nobody knows the model are not counted; one that votes of several models
    made counts for each.

    Examples
    --------
    >>> count_models([Answer("a", model="m-1"), Answer("a", model="m-2"), Answer("b", model="m-2")])
    (('m-2', 2), ('m-1', 1))
    """
    return model_counts((answer.model, 1) for answer in answers)


def model_counts(named: Iterable[tuple[str | None, int]]) -> tuple[tuple[str, int], ...]:
    """The same from names as they are stored, each with its number of answers."""
    counts = Counter[str]()
    for name, n in named:
        if name:
            for part in name.split(_BETWEEN):
                counts[part] += n
    return tuple(counts.most_common())
