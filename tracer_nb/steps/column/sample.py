"""The random sample of a column's rows, and the teacher's labels on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.extra import over_present
from tracer_nb.errors import TeacherError
from tracer_nb.labelling.keep import IN_VAIN
from tracer_nb.labelsets import names_of, numbers_of, sets_of
from tracer_nb.records import Answer, AskedAgain, Labels, Spending, Superseded
from tracer_nb.steps.column.frames import Texts
from tracer_nb.store.ledger import count_models
from tracer_nb.words import money

__all__ = [
    "collect_labels",
    "distinct_texts",
    "distributions",
    "draw_rows",
    "label_names",
    "soft_labels",
]

# Labels that are named where an answer was none of them.
_SHOWN = 12
_NOT_ASKED = Answer(None, "not asked")


def draw_rows(texts: Texts, sample: int, seed: int) -> NDArray[np.intp]:
    """A simple random sample of the rows with text: a prefix of one fixed random order.

    A larger sample therefore keeps every row of a smaller one.
    """
    return np.random.default_rng(seed).permutation(texts.usable)[: int(sample)]


def distinct_texts(texts: Texts, rows: NDArray[np.intp]) -> list[str]:
    """Texts of these rows, each once, in order of first appearance."""
    return [texts.unique[c] for c in dict.fromkeys(texts.codes[rows].tolist())]


def collect_labels(
    texts: Texts,
    rows: NDArray[np.intp],
    answers: Mapping[str, Answer],
    *,
    classes: tuple[str, ...],
    spending: Spending,
    stopped: str | None,
    superseded: Superseded,
    fewest: int = 0,
    warnings: tuple[str, ...] = (),
    again: AskedAgain | None = None,
    whole: bool = False,
) -> Labels:
    """Labels of the sampled rows, up to the first one that was not asked about.

    With ``whole`` a row that was not asked about stays, without a label.

    Answers behind that row stay in the store but are not used: which of the last requests
    were answered before a stop may depend on their texts, and the rows used must be random.
    For the same reason a row whose request failed stays in, without a label: leaving it out
    would test the surrogate on the rows that are easy to send.

    Raises
    ------
    TeacherError
        Not one label came back, from the whole sample or from so many rows that it is in vain.
    """
    given = [answers.get(texts.unique[c]) for c in texts.codes[rows]]
    if whole:
        given = [answer or _NOT_ASKED for answer in given]
    end = next((i for i, answer in enumerate(given) if answer is None), len(given))
    used = [answer for answer in given[:end] if answer is not None]
    number = numbers_of(classes)
    codes = [number.get(answer.label, -1) for answer in used]
    in_vain = stopped is None or stopped.startswith(IN_VAIN)
    if in_vain and all(code < 0 for code in codes):
        reason = next((answer.reason for answer in used if answer.reason), "no answer")
        paid = f" (paid {money(spending.cost)})" if spending.cost else ""
        raise TeacherError(
            f"the teacher gave no label for any of {len(used)} sampled rows{paid}; "
            f"the first reason: {reason}{_known(reason, classes)}"
        )
    return Labels(
        rows=rows[:end],
        codes=np.array(codes, dtype=np.intp),
        classes=classes,
        reasons=tuple(answer.reason for answer in used),
        n_failed=sum(not answer.keep for answer in used),
        spending=spending,
        stopped=stopped,
        superseded=superseded,
        fewest=fewest,
        again=again,
        probabilities=distributions(used, classes),
        models=count_models(used),
        warnings=warnings,
    )


def _known(reason: str, classes: Sequence[str]) -> str:
    """The labels, where an answer was none of them."""
    if "not one of the labels" not in reason:
        return ""
    shown = ", ".join(classes[:_SHOWN]) + (", …" if len(classes) > _SHOWN else "")
    return f"; these are {shown}"


def soft_labels(labels: Labels) -> NDArray[np.float64] | None:
    """The teacher's distributions as the engine takes them: over the labels that occur.

    Rows whose distribution lies elsewhere altogether have none.
    """
    if labels.probabilities is None:
        return None
    return over_present(labels.probabilities, labels.codes, labels.classes)


def distributions(
    answers: Sequence[Answer], classes: tuple[str, ...]
) -> NDArray[np.float64] | None:
    """One row per answer, NaN where it has no distribution; None when none has."""
    if sets_of(classes) is not None or all(not answer.probabilities for answer in answers):
        return None
    rows = np.full((len(answers), len(classes)), np.nan)
    for i, answer in enumerate(answers):
        if answer.probabilities:
            rows[i] = [answer.probabilities.get(label, 0.0) for label in classes]
    total = rows.sum(axis=1, keepdims=True)
    return np.where(total > 0, rows / np.where(total > 0, total, 1.0), np.nan)


def label_names(labels: Labels) -> NDArray[np.object_]:
    """The labels by name, None where there is none; what the engine takes as ``y``."""
    return names_of(labels.classes, labels.codes)
