"""An arbiter: one more teacher, who chooses among the labels that members of a panel gave.

It is asked about a document: the text, and the labels that it may choose from. So its answers are
stored, priced and capped as those of any teacher.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracer_nb.documents import TEXT, make_document
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, FloatArray
from tracer_nb.teachers.base import Teacher
from tracer_nb.teachers.fingerprint import qualified_name
from tracer_nb.teachers.function import FunctionTeacher

__all__ = ["CANDIDATES", "Arbiter", "Chooser", "bradley_terry", "chooser", "instructed"]

CANDIDATES = "candidates"
"""Under which name a document has the labels to choose from; a prompt says ``{{candidates}}``."""

_ASKED = (
    "Others have labelled this text, and differ. What they said is in {{candidates}}, in random "
    "order: choose the one of these that is right."
)


class Chooser:
    """A function from a text and a list of labels, as one from a document.

    Parameters
    ----------
    fn : callable
        ``fn(text, candidates)`` returns one of the candidates. Where prompts name other columns,
        the text is a document of :mod:`tracer_nb.documents`.
    """

    def __init__(self, fn: Callable[[str, list[str]], Any]) -> None:
        self.fn = fn

    def __call__(self, document: str) -> Any:
        """One of the candidates that a document names."""
        values = json.loads(document)
        candidates, text = values.pop(CANDIDATES), values.pop(TEXT)
        return self.fn(make_document(text, values), candidates)


def chooser(
    fn: Callable[[str, list[str]], Any],
    labels: Sequence[str],
    *,
    cost: float | None = None,
    concurrency: int = 8,
    **others: Any,
) -> FunctionTeacher:
    """Make an arbiter of a function of a text and the labels to choose from.

    Of the options of the members, which are functions too, it has those that are of one call.
    """
    del others
    name = qualified_name(fn).rpartition(".")[2]
    return FunctionTeacher(Chooser(fn), labels, name=name, cost=cost, concurrency=concurrency)


def instructed(prompt: str) -> str:
    """What a model is told that chooses."""
    return f"{prompt}\n\n{_ASKED}" if prompt.strip() else _ASKED


def bradley_terry(wins: ArrayLike, *, smoothing: float = 0.1) -> FloatArray:
    """Strengths of k things from comparisons of pairs; they sum to 1.

    R. A. Bradley and M. E. Terry, Rank Analysis of Incomplete Block Designs, Biometrika 39 (1952),
    324-345, fitted by D. R. Hunter's iterations.

    Parameters
    ----------
    wins : array of shape (k, k)
        How often the first was preferred to the second; a tie is half a win of each.
    smoothing : float
        Wins that are added to each side of every pair, so that strengths are finite.

    Returns
    -------
    ndarray of shape (k,)

    Examples
    --------
    >>> bradley_terry([[0, 2, 2], [0, 0, 2], [0, 0, 0]]).argsort().tolist()
    [2, 1, 0]
    """
    won = np.asarray(wins, dtype=np.float64) + smoothing
    np.fill_diagonal(won, 0.0)
    games = won + won.T
    strength = np.full(len(won), 1.0 / len(won))
    for _ in range(200):
        pairs = games / (strength[:, None] + strength[None, :])
        strength = won.sum(axis=1) / pairs.sum(axis=1)
        strength /= strength.sum()
    return np.asarray(strength, dtype=np.float64)


class Arbiter:
    """What is asked of the teacher who decides, and what follows from its answers.

    Parameters
    ----------
    teacher : Teacher
        Reads documents with ``candidates``.
    labels : tuple of str
        Of the panel.
    columns : tuple of str
        That the members read.
    pairwise : bool
        Ask about each two of the candidates, in both orders. Who is preferred in both has won,
        else it is a tie; by these the candidates have strengths (Bradley and Terry). Without a
        strongest one the votes stand.

    Raises
    ------
    InvalidInput
        It has other labels, or cannot be told the candidates.
    """

    def __init__(
        self,
        teacher: Teacher,
        labels: tuple[str, ...],
        columns: tuple[str, ...],
        *,
        pairwise: bool = False,
    ) -> None:
        if set(teacher.labels) != set(labels):
            raise InvalidInput(
                f"the arbiter {teacher.name!r} must have the labels of the panel; give both the same"
            )
        if CANDIDATES in columns:
            raise InvalidInput(
                f"the prompt names a column {CANDIDATES!r}, which is what an arbiter is told the "
                "labels under that members gave; give the column another name"
            )
        told = isinstance(getattr(teacher, "_fn", None), Chooser)
        if not told and set(getattr(teacher, "columns", ())) != {*columns, CANDIDATES}:
            raise InvalidInput(
                f"{teacher.name!r} cannot be the arbiter: it must be told the labels that members "
                "gave; give openai:MODEL, a function of text and candidates, or a Teacher whose "
                f"prompt names {{{{{CANDIDATES}}}}}"
            )
        self.teacher = teacher
        self.pairwise = pairwise
        self._columns = columns
        # What questions can be as long as.
        self._longest = sorted(labels, key=lambda label: -len(json.dumps(label)))

    def questions(self, text: str, candidates: Sequence[str]) -> list[str]:
        """The documents that decide about a text; the order depends on the text alone."""
        seed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        order = random.Random(seed).sample(sorted(candidates), len(candidates))  # noqa: S311
        if not self.pairwise:
            return [self._document(text, order)]
        return [self._document(text, pair) for pair in permutations(order, 2)]

    def longest(self, text: str, n: int) -> list[str]:
        """Documents about a text with ``n`` candidates, as long as they can be."""
        return self.questions(text, self._longest[:n])

    def verdict(
        self, text: str, candidates: Sequence[str], answers: Mapping[str, Answer]
    ) -> str | None:
        """The label that the answers to its questions speak for; None where none stands out."""

        def said(pair: Sequence[str]) -> str | None:
            answer = answers.get(self._document(text, pair))
            return None if answer is None or answer.label not in pair else answer.label

        if not self.pairwise:
            answer = answers.get(self.questions(text, candidates)[0])
            return None if answer is None or answer.label not in candidates else answer.label
        place = {label: i for i, label in enumerate(candidates)}
        wins = np.zeros((len(place), len(place)))
        for one, two in combinations(candidates, 2):
            both = {said((one, two)), said((two, one))}
            for a, b in ((one, two), (two, one)):
                wins[place[a], place[b]] = 1.0 if both == {a} else 0.0 if both == {b} else 0.5
        strength = bradley_terry(wins)
        best = int(strength.argmax())
        others = np.delete(strength, best)
        return candidates[best] if strength[best] > others.max() + 1e-9 else None

    def _document(self, text: str, candidates: Sequence[str]) -> str:
        values = json.loads(text) if self._columns else {TEXT: text}
        return json.dumps({**values, CANDIDATES: list(candidates)}, ensure_ascii=False)
