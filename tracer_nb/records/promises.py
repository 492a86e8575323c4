"""Which promise was asked for, and its words: the same on card, chart, report and file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tracer_nb.errors import InvalidInput

__all__ = ["HANDLED", "PROMISES", "PromiseName", "parse_promises", "tested_apart"]

PROMISES = ("handled", "output", "recall", "precision")
"""What a share of may be promised; the last two are of a label."""

_OF_LABEL = ("recall", "precision")
_NOUNS = {"handled": "agreement", "output": "whole-output agreement"}


@dataclass(frozen=True, slots=True)
class PromiseName:
    """A promise as it is asked for: ``handled``, ``output``, ``recall:LABEL``, ``precision:LABEL``.

    Attributes
    ----------
    kind : str
        One of ``PROMISES``.
    label : str or None
        The wanted one, of recall and precision.

    Examples
    --------
    >>> str(PromiseName("recall", "urgent")), PromiseName("recall", "urgent").noun
    ('recall:urgent', 'recall of urgent')
    """

    kind: str = "handled"
    label: str | None = None

    def __str__(self) -> str:
        return self.kind if self.label is None else f"{self.kind}:{self.label}"

    @property
    def noun(self) -> str:
        """What there is at least the target of."""
        return _NOUNS.get(self.kind, f"{self.kind} of {self.label}")

    @property
    def title(self) -> str:
        """What kind of promise it is, as cards name it."""
        return "selective agreement" if self.kind == "handled" else self.noun

    @property
    def rows(self) -> str:
        """Which rows it speaks about."""
        if self.kind == "output":
            return "all rows that come out"
        if self.kind == "recall":
            return f"the rows that the teacher calls {self.label}"
        if self.kind == "precision":
            return f"the rows that the surrogate answers with {self.label}"
        return "the rows that the surrogate answers"

    @property
    def kept(self) -> tuple[str, str]:
        """What such a row is when it keeps the promise, and when it does not."""
        return ("kept", "missed") if self.kind == "recall" else ("right", "wrong")

    @property
    def silent(self) -> str:
        """What it says nothing about; empty where that is said elsewhere."""
        if self.kind == "output":
            return (
                "It counts all rows that come out, those that the teacher answers too: of those that "
                "the surrogate answers, a smaller share may be right."
            )
        if self.kind == "recall":
            return (
                f"It says nothing about precision: rows that come out as {self.label} may be others, "
                "and so may the labels of all other rows."
            )
        if self.kind == "precision":
            return (
                f"It says nothing about recall: rows that are {self.label} may come out as others."
            )
        return ""

    @property
    def axis(self) -> str:
        """Title of a chart's axis."""
        if self.kind == "output":
            return "Agreement of the whole output"
        if self.kind in _OF_LABEL:
            return f"{self.kind.capitalize()} of {self.label}"
        return "Agreement with the teacher"

    def sentence(
        self, target: str, sure: str, gives: str, *, n_rows: str = "rows", would: bool = False
    ) -> str:
        """The promise in one sentence of at most 25 words, names of teacher and label aside.

        Parameters
        ----------
        target, sure : str
            Levels in words, such as "92 %".
        gives : str
            "gpt-6-luna gives", or "the recorded labels give".
        n_rows : str
            The rows that it is about: "rows", or how many there are.
        would : bool
            The rows are new ones: the teacher was not asked.
        """
        its = f"{gives.rsplit(' ', 1)[0]} would give" if would else gives
        start = f"With {sure} confidence, at least {target} of"
        if self.kind == "output":
            return f"{start} all {n_rows} that come out carry the label that {its}."
        if self.kind == "recall":
            return f"{start} the {n_rows} to which {its} {self.label} come out as {self.label}."
        if self.kind == "precision":
            return f"{start} the {n_rows} that the surrogate answers with {self.label} are rows to which {its} {self.label}."
        # Of a column's rows some were tested, and so answered by the teacher.
        answers = "answers" if would else "can answer"
        return f"{start} the {n_rows} that the surrogate {answers} carry the label that {its}."


HANDLED = PromiseName()
"""Selective agreement: what is promised where nothing else is asked for."""


def tested_apart(promises: Iterable[PromiseName]) -> tuple[PromiseName, ...]:
    """Those of some promises at one target that share the error budget.

    Where of the handled rows at most a share is wrong, of all rows that come out no more are.

    Examples
    --------
    >>> [str(name) for name in tested_apart([PromiseName("output"), HANDLED])]
    ['handled']
    """
    names = tuple(promises)
    return tuple(name for name in names if name.kind != "output" or HANDLED not in names)


def parse_promises(asked: Any, labels: Iterable[str] | None = None) -> tuple[PromiseName, ...]:
    """One promise or several, each once and in the order given.

    Parameters
    ----------
    asked : str, PromiseName, or an iterable of these
        ``"handled"``, ``"output"``, ``"recall:urgent"``, ``"precision:urgent"``; several in one text
        stand behind commas.
    labels : iterable of str, optional
        Those that the teacher may give; a label with a comma is known by them.

    Raises
    ------
    InvalidInput
        An unknown promise or label, a label that is missing or is not needed.

    Examples
    --------
    >>> [str(name) for name in parse_promises("output, recall:urgent", ["urgent", "other"])]
    ['output', 'recall:urgent']
    """
    known = None if labels is None else tuple(str(label) for label in labels)
    if isinstance(asked, (str, PromiseName)):
        asked = [asked]
    if not isinstance(asked, Iterable) or isinstance(asked, (bytes, dict)):
        raise InvalidInput(f"promise must be a text such as 'recall:LABEL', got {asked!r}")
    names: list[PromiseName] = []
    for one in asked:
        if isinstance(one, PromiseName):
            names.append(_checked(one.kind, one.label, known))
        elif isinstance(one, str):
            names += [_parsed(text, known) for text in _parts(one, known)]
        else:
            raise InvalidInput(f"promise must be a text such as 'recall:LABEL', got {one!r}")
    if not names:
        raise InvalidInput(f"promise is empty; write one of {_written()}")
    return tuple(dict.fromkeys(names))


def _written() -> str:
    return ", ".join(f"{kind}:LABEL" if kind in _OF_LABEL else kind for kind in PROMISES)


def _parts(text: str, known: tuple[str, ...] | None) -> list[str]:
    """The promises of one text: a label of the job may hold a comma."""
    kind, _, whole = text.partition(":")
    is_one = kind.strip() in _OF_LABEL and known is not None and whole.strip() in known
    return [text] if is_one else text.split(",")


def _parsed(text: str, known: tuple[str, ...] | None) -> PromiseName:
    kind, colon, label = text.partition(":")
    return _checked(kind.strip(), label.strip() if colon else None, known)


def _checked(kind: str, label: str | None, known: tuple[str, ...] | None) -> PromiseName:
    if kind not in PROMISES:
        raise InvalidInput.unknown_name("promise", kind, PROMISES)
    if kind not in _OF_LABEL:
        if label is not None:
            raise InvalidInput(f"promise {kind!r} is of no label, got {label!r}; write {kind}")
        return PromiseName(kind)
    if not label:
        raise InvalidInput(f"promise {kind!r} needs a label; write {kind}:LABEL")
    if known is not None and label not in known:
        raise InvalidInput.unknown_name(f"label to promise {kind} of,", label, known)
    return PromiseName(kind, label)
