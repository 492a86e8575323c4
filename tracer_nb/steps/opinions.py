"""Who says what about the rows that may be reviewed: the teacher, and somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine import SurrogateFit
from tracer_nb.records import Answer, Labels
from tracer_nb.steps.frames import Texts
from tracer_nb.steps.matrices import Blocks, take

__all__ = ["Opinion", "Subject", "surrogate_opinions"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """Another label of a text; ``score`` is the surrogate's gate score."""

    label: str
    score: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What a review is about.

    Attributes
    ----------
    texts : Texts
        The labelled column.
    labels : Labels
        The random sample.
    answers : mapping of str to Answer
        Everything the teacher said about texts of the column.
    opinions : mapping of str to Opinion
        Other labels of these texts.
    teacher, other : str
        Names.
    chosen : tuple of str
        Texts that somebody wants to have reviewed.
    """

    texts: Texts
    labels: Labels
    answers: Mapping[str, Answer]
    opinions: Mapping[str, Opinion]
    teacher: str
    other: str
    chosen: tuple[str, ...] = ()

    def labelled(self) -> dict[str, str]:
        """The teacher's label of every text that it gave one to."""
        return {t: a.label for t, a in self.answers.items() if a.label is not None}

    def disagreements(self) -> dict[str, tuple[str, str]]:
        """The teacher's and the other label of the texts on which they differ, in that order."""
        named = self.labelled()
        return {
            text: (named[text], opinion.label)
            for text, opinion in self.opinions.items()
            if text in named and opinion.label != named[text]
        }


def surrogate_opinions(
    fitted: SurrogateFit,
    texts: Texts,
    labels: Labels,
    X: Blocks,
    answered: Iterable[str],
    *,
    learned: NDArray[np.bool_] | None = None,
) -> dict[str, Opinion]:
    """The surrogate's label and gate score of those answered texts that it was not fitted on.

    Under cross-fitting the labelled rows of the test have answers of fits without them.

    Parameters
    ----------
    fitted : SurrogateFit
    texts : Texts
        The column.
    labels : Labels
        That were fitted on.
    X : list of matrices of shape (n_unique, d)
        Features of the distinct texts.
    answered : iterable of str
        Texts of the column.
    learned : ndarray of shape (n_unique,), bool, optional
        Texts outside the sample that were fitted on as well.
    """
    codes = texts.codes[labels.rows]
    number = {text: i for i, text in enumerate(texts.unique)}
    wanted = np.array([number[text] for text in answered], dtype=np.intp)
    new = np.setdiff1d(wanted, codes[fitted.fit_rows])
    if learned is not None:
        new = new[~learned[new]]
    parts: list[tuple[NDArray[np.intp], Any]] = []
    if fitted.left_out is not None:
        tested = codes[fitted.calibration_rows]
        parts.append((tested, fitted.left_out))
        new = np.setdiff1d(new, tested)
    if len(new):
        parts.append((new, fitted.pipeline.predict(take(X, new))))
    return {
        texts.unique[text]: Opinion(str(fitted.classes[code]), float(score))
        for which, said in parts
        for text, code, score in zip(which, said.codes, said.scores, strict=True)
    }
