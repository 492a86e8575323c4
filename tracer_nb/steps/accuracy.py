"""What reviews tell: how often the teacher is right, and who is when two differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.records import Disputes, Review, TeacherAccuracy

__all__ = ["count_disputes", "teacher_accuracy"]


def teacher_accuracy(pairs: Sequence[tuple[str, Review]], confidence: float) -> TeacherAccuracy:
    """Count how often the teacher's label of a random row is the human's.

    Parameters
    ----------
    pairs : sequence of (str, Review)
        The teacher's label and the review of each row of a simple random sample of the rows
        that the teacher labelled.
    confidence : float

    Notes
    -----
    Rows are drawn without replacement, so the binomial interval is a little wider than it
    need be. A skipped row is one or the other: both limits hold whichever it is.
    """
    judged = [(label, review) for label, review in pairs if review.label is not None]
    n, n_skipped = len(judged), len(pairs) - len(judged)
    right = sum(label == review.label for label, review in judged)
    limits = agreement_interval(
        np.array([right, right + n_skipped]), np.array([len(pairs)] * 2), confidence
    )
    return TeacherAccuracy(
        n_reviewed=n,
        n_right=right,
        n_skipped=n_skipped,
        n_seen=sum(not review.blind for _, review in judged),
        accuracy=right / n if n else math.nan,
        lower=float(limits[0][0]),
        upper=float(limits[1][1]),
        confidence=confidence,
    )


def count_disputes(pairs: Iterable[tuple[Review | None, tuple[str, str]]]) -> Disputes:
    """Count who had the human's label.

    Parameters
    ----------
    pairs : iterable of (Review or None, (str, str))
        Of each text with two labels its review, if it has one, and the teacher's and the other
        label. A skipped one does not count.
    """
    judged = [(review.label, labels) for review, labels in pairs if review and review.label]
    return Disputes(
        n_reviewed=len(judged),
        n_teacher=sum(label == labels[0] for label, labels in judged),
        n_other=sum(label == labels[1] for label, labels in judged),
    )
