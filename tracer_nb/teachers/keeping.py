"""Answers as a run keeps them: checked against the label set, timed, and lean."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace

from tracer_nb.records import Answer
from tracer_nb.teachers.reading import quoted

__all__ = ["Keeper"]


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
