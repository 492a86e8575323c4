"""Labels that were recorded before, as a teacher: for tests, notebooks and comparisons."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tracer_nb.errors import InvalidInput
from tracer_nb.labelset import clean_labels, label_text
from tracer_nb.labelsets import LabelSets, labels_in, said_of, sets_of, written
from tracer_nb.records import Answer
from tracer_nb.teachers.chat.reading import LabelMatcher, quoted
from tracer_nb.teachers.subsets import read_subset

__all__ = ["ReplayTeacher", "recorded_labels"]

_NOT_RECORDED = Answer(None, reason="no recorded label for this text", cost=0.0, keep=False)


class ReplayTeacher:
    """Answers with recorded labels, at no cost.

    A text that is not in the record gets no label, and so does one whose record is empty
    (None or NaN). When a text is recorded twice, the first label counts.

    Parameters
    ----------
    recorded : mapping of str to str, Series-like, or sequence of str
        Text to label; or the texts alone, with ``answers`` beside them.
    answers : sequence of str, optional
        Labels of the texts, in order. A list of labels for a text says that it has several.
    labels : iterable of str, optional
        The label set; by default every label in the record, sorted.
    name : str
        For captions.

    Raises
    ------
    InvalidInput
        The lengths differ, or the record holds something other than texts and labels.

    Examples
    --------
    >>> teacher = ReplayTeacher({"hello": "greeting", "bye": "farewell"})
    >>> teacher.labels
    ('farewell', 'greeting')
    """

    assumption = "If the recorded rows are a random sample of the column, "
    distribution = ""
    batch_size = 256
    concurrency = 1

    def __init__(
        self,
        recorded: Mapping[str, str] | Sequence[str] | Any,
        answers: Sequence[str | None] | None = None,
        *,
        labels: Iterable[str] | None = None,
        name: str = "recorded labels",
    ) -> None:
        self.name = name
        self._recorded: dict[str, str] = {}
        in_lists = False
        for text, label in _pairs(recorded, answers):
            if _is_missing(text):
                continue
            if not isinstance(text, str):
                raise InvalidInput(
                    f"recorded labels need their texts, got {text!r} ({type(text).__name__}) for "
                    "one; give dict(zip(texts, labels)), or a Series whose index is the texts"
                )
            if _is_missing(label):
                continue
            if isinstance(label, (list, tuple, set, frozenset, np.ndarray)):
                # As a set is written, but for what may be wrong in it.
                label, in_lists = written(label), True  # noqa: PLW2901
            said = label if isinstance(label, str) or labels is None else label_text(label)
            if not isinstance(said, str):
                raise InvalidInput(
                    f"recorded labels must be text, got {label!r} ({type(label).__name__}) for "
                    f"{quoted(text)}; convert them first: [str(label) for label in labels]"
                )
            # Columns are read with their texts stripped, so records are too.
            self._recorded.setdefault(text.strip(), said)
        if labels is not None:
            self.labels = clean_labels(labels)
        elif in_lists:
            self.labels = LabelSets(recorded_labels(self._recorded.values()))
        else:
            self.labels = clean_labels(sorted({*map(_tidy, self._recorded.values())}))
        if in_lists and sets_of(self.labels) is None:
            raise InvalidInput(
                "the record has rows with lists of labels, and one label a row was asked for; give "
                "several='any' (--several any), or 'some' where every row has at least one"
            )
        self._match = LabelMatcher(self.labels)
        self._identity = {
            "teacher": "replay",
            "name": name,
            **said_of(self.labels),
            "record": _digest(self._recorded),
        }

    def __repr__(self) -> str:
        return f"ReplayTeacher({len(self._recorded)} texts, {len(self.labels)} labels)"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The label set, and a digest of the record."""
        return self._identity

    def cost_bound(self, text: str) -> float:  # noqa: ARG002 -- the protocol's
        """Nothing."""
        return 0.0

    def token_bound(self, text: str) -> None:
        """None: a record takes no tokens."""

    def cost_estimate(self, text: str) -> tuple[int, int, float]:  # noqa: ARG002
        """Nothing."""
        return 0, 0, 0.0

    def knows(self, text: str) -> bool:
        """Whether a label is recorded for ``text``."""
        return text in self._recorded

    async def label(self, texts: Sequence[str]) -> list[Answer]:
        """Look up the recorded label of each text, in order."""
        return [self.look_up(text) for text in texts]

    async def close(self) -> None:
        """Nothing to close."""

    def look_up(self, text: str) -> Answer:
        """The recorded label of one text, or why there is none."""
        recorded = self._recorded.get(text)
        if recorded is None:
            return _NOT_RECORDED
        sets = sets_of(self.labels)
        if sets is not None:
            label, why = read_subset(recorded, sets, self._match)
            return Answer(label, reason=why or None, mode="recorded", cost=0.0)
        label = self._match(recorded)
        if label is None:
            reason = f"recorded label is not one of the labels: {quoted(recorded)}"
            return Answer(None, reason=reason, mode="recorded", cost=0.0)
        return Answer(label, mode="recorded", cost=0.0)


def _pairs(recorded: Any, answers: Sequence[Any] | None) -> Iterable[tuple[Any, Any]]:
    if answers is None:
        if not hasattr(recorded, "items"):
            raise InvalidInput(
                f"recorded labels need their texts, got a {type(recorded).__name__} alone; give "
                "dict(zip(texts, labels)), or ReplayTeacher(texts, labels)"
            )
        items: Iterable[tuple[Any, Any]] = recorded.items()
        return items
    if len(recorded) != len(answers):
        raise InvalidInput(
            f"there must be one recorded label per text, got {len(recorded)} texts and "
            f"{len(answers)} labels"
        )
    return zip(recorded, answers, strict=True)


def _is_missing(label: object) -> bool:
    is_nan = isinstance(label, float) and math.isnan(label)
    return label is None or is_nan or type(label).__name__ in ("NAType", "NaTType")  # pandas'


def recorded_labels(values: Iterable[Any]) -> tuple[str, ...]:
    """All labels in a record of several a row: lists, or texts with ``;`` between labels."""
    found: set[str] = set()
    for value in values:
        if not _is_missing(value):
            said = written(value)
            found.update(map(_tidy, labels_in(said) or said.split(";")))
    return clean_labels(sorted(found - {"", "[]"}))


def _tidy(label: str) -> str:
    return " ".join(label.split())


def _digest(recorded: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for pair in sorted(recorded.items()):
        digest.update(json.dumps(pair).encode())
    return digest.hexdigest()
