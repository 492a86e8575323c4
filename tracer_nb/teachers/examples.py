"""Few-shot examples: labelled texts that are shown before a text is asked about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from tracer_nb.documents import is_same_row
from tracer_nb.errors import InvalidInput
from tracer_nb.teachers.fence import fence, printable
from tracer_nb.teachers.reading import LabelMatcher

__all__ = ["Examples"]


class Examples:
    """A pool of labelled texts, of which the most similar ones are shown with each text.

    A pool no larger than ``n`` is shown whole, in its order, so that the beginning of the
    prompt is the same for every text. From a larger one the nearest by TF-IDF of character
    n-grams are taken, the nearest last. A text is never shown with its own label, nor with
    the one that it has beside other columns.

    Parameters
    ----------
    pool : mapping of str to str, or iterable of (str, str)
        Texts and their labels.
    match : LabelMatcher
        Of the label set.
    n : int
        Most examples with one text.

    Raises
    ------
    InvalidInput
        Not pairs of texts and labels, or a label outside the set.
    """

    def __init__(self, pool: Any, match: LabelMatcher, n: int) -> None:
        self.pairs = tuple(_checked(pool, match))
        self._n = n
        self._lines = [_line(text, label) for text, label in self.pairs]
        self._near: tuple[Any, Any] | None = None

    @property
    def longest(self) -> int:
        """Bytes of the lines shown with one text, at the most."""
        return sum(sorted((_size(line) for line in self._lines), reverse=True)[: self._n])

    @property
    def typical(self) -> int:
        """Bytes of the lines shown with one text, about."""
        if not self._lines:
            return 0
        each = sum(_size(line) for line in self._lines) / len(self._lines)
        return round(each * min(self._n, len(self._lines)))

    @property
    def digest(self) -> str | None:
        """SHA-256 of the pool and of how many are shown: part of a teacher's identity."""
        if not self.pairs:
            return None
        return hashlib.sha256(json.dumps([self._n, *self.pairs]).encode()).hexdigest()

    def lines(self, text: str) -> list[str]:
        """The examples to show with ``text``, one JSON object a line."""
        if len(self._lines) <= self._n:
            chosen = list(range(len(self._lines)))
        else:
            chosen = self._nearest(text)
        return [self._lines[i] for i in chosen if not self._is_own(i, text)]

    def _is_own(self, number: int, text: str) -> bool:
        """Whether this example would tell the answer to ``text``."""
        # Reviews come from the store, which keeps no lone surrogates.
        return is_same_row(printable(self.pairs[number][0]), printable(text))

    def _nearest(self, text: str) -> list[int]:
        if self._near is None:
            from sklearn.feature_extraction.text import (  # noqa: PLC0415  slow to import
                TfidfVectorizer,
            )

            vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
            matrix = vectorizer.fit_transform([" " + t for t, _ in self.pairs])
            self._near = vectorizer, matrix
        vectorizer, matrix = self._near
        similar = (matrix @ vectorizer.transform([" " + text]).T).toarray().ravel()
        order = np.argsort(-similar, kind="stable").tolist()
        others = (i for i in order if not self._is_own(i, text))
        return list(islice(others, self._n))[::-1]


def _checked(pool: Any, match: LabelMatcher) -> Iterable[tuple[str, str]]:
    pairs = pool.items() if isinstance(pool, Mapping) else pool
    if isinstance(pool, str) or not isinstance(pairs, Iterable):
        raise InvalidInput(
            f"examples must be a dict from text to label, or pairs of them, got {pool!r}"
        )
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InvalidInput(f"an example must be a text and its label, got {pair!r}")
        text, label = pair
        if not isinstance(text, str) or not isinstance(label, str):
            raise InvalidInput(f"an example must be a text and its label, got {pair!r}")
        known = match(label)
        if known is None:
            raise InvalidInput(f"example {text!r} has label {label!r}, which is not in the set")
        yield text.strip(), known


def _line(text: str, label: str) -> str:
    return fence(json.dumps({"text": printable(text), "label": label}, ensure_ascii=False))


def _size(line: str) -> int:
    return len(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace"))
