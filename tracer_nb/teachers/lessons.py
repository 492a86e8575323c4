"""What servers were found to take, remembered as long as the process lives."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Lesson", "Topic", "forget_lessons", "lesson_about", "note_lesson"]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a lesson is about: one model at one server, asked with these fields.

    Attributes
    ----------
    server : str
        Its whole address: two servers may have a model of the same name.
    model : str
    forms : tuple of (str, frozenset of str)
        Forms of an answer that may be asked for, and the fields of a request in each.
    """

    server: str
    model: str
    forms: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A request that the server took.

    Attributes
    ----------
    form : str
        Of the answer.
    fields : frozenset of str
        Their names.
    top_logprobs : int
        Alternatives asked for at each token.
    sought : bool
        Whether it is known which form brings log-probabilities, or that none does.
    """

    form: str
    fields: frozenset[str]
    top_logprobs: int = 0
    sought: bool = False


_LESSONS: dict[Topic, Lesson] = {}


def lesson_about(topic: Topic) -> Lesson | None:
    """What was learned last; None when nothing was."""
    return _LESSONS.get(topic)


def note_lesson(topic: Topic, lesson: Lesson) -> None:
    """Remember what the server took just now."""
    _LESSONS[topic] = lesson


def forget_lessons() -> None:
    """Remember nothing."""
    _LESSONS.clear()
