"""Answers as a run keeps them: checked against the label set, timed, and lean."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tracer_nb.records import Answer
from tracer_nb.teachers.fence import printable
from tracer_nb.teachers.reading import quoted

__all__ = ["Keeper", "storable"]

_MOST = 2**63  # what a column of SQLite does not hold any more


def storable(answer: Answer) -> Answer:
    """Answer without what a label store cannot hold, and itself when it can hold all of it.

    Answers come from servers, from libraries and from people's own functions. One number that
    is none must not keep an answer, and all others that are stored with it, from the disk.
    Tokens that cannot be are none and not counted; dollars and seconds that cannot be are
    unknown; probabilities that are no numbers are left out.

    Examples
    --------
    >>> storable(Answer("a", prompt_tokens=10**30, cost=float("nan"))).counted
    False
    """
    tokens = {
        name: 0
        for name in ("prompt_tokens", "completion_tokens")
        if not (isinstance(n := getattr(answer, name), int) and 0 <= n < _MOST)
    }
    wrong: dict[str, Any] = {**tokens, "counted": False} if tokens else {}
    for name in ("cost", "seconds"):
        if not _is_number(getattr(answer, name)):
            wrong[name] = None
    if answer.probabilities is not None:
        plain = _plain(answer.probabilities)
        if plain is not answer.probabilities:
            wrong["probabilities"] = plain
    if answer.reason is not None and not _is_plain(answer.reason):
        wrong["reason"] = printable(str(answer.reason))
    if not _is_plain(answer.mode):
        wrong["mode"] = printable(str(answer.mode or ""))
    return replace(answer, **wrong) if wrong else answer


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value.isascii()


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and 0 <= value < math.inf)


def _plain(probabilities: Any) -> dict[str, float] | Any:
    """Probabilities of labels as plain numbers, themselves where they are; None where not."""
    if type(probabilities) is dict and all(
        type(p) is float and type(n) is str for n, p in probabilities.items()
    ):
        return probabilities
    try:
        made = {str(name): float(share) for name, share in dict(probabilities).items()}
    except (TypeError, ValueError, OverflowError):
        return None
    return made if all(map(math.isfinite, made.values())) else None


class Keeper:
    """Makes answers ready to be kept.

    Parameters
    ----------
    labels : iterable of str
        The label set.
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = {label: label for label in labels}

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
            label=None if answer.label is None else self._labels[answer.label],
            mode=sys.intern(answer.mode),
            model=None if answer.model is None else sys.intern(answer.model),
            seconds=seconds if answer.seconds is None else answer.seconds,
        )
