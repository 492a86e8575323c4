"""The step in which a human checks the teacher."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.steps.column.features import take
from tracer_nb.steps.label.panel import disputes
from tracer_nb.steps.review.queue import Opinion, Subject, surrogate_opinions
from tracer_nb.steps.review.sitting import (
    REVIEW_COLUMNS,
    Reviewing,
    relabel_text,
    review_rows,
    start_review,
)
from tracer_nb.steps.state import JobState
from tracer_nb.store import LabelStore
from tracer_nb.store.ledger import set_labels
from tracer_nb.store.tables import Written, write_table

__all__ = ["export_reviews", "relabel", "review", "send_to_review"]


def review(state: JobState, *, of: str, rows: int, blind: bool, against: str | None) -> Reviewing:
    """Let a human check rows of the sample: see :meth:`tracer_nb.Tracer.review`."""
    (texts, labels), setup = state.labelled(), state.setup
    given = setup.asker.known(texts.unique)  # in another kernel all of them may be stored ones
    answers = {text: given[text] for text in texts.unique if text in given}
    opinions: dict[str, Opinion] = {}
    other = "the surrogate"
    if against is not None:
        with LabelStore(setup.reviews.path) as store:
            name, named = set_labels(store, against)
        other = f"{name} ({against})"
        opinions = {text: Opinion(named[text]) for text in answers if text in named}
    elif state.fitted is not None:
        _, _, X = state.featurized()
        learned = None if state.scope is None else state.scope.learned
        fitted, certified = state.fitted, state.as_certified
        opinions = surrogate_opinions(
            fitted,
            texts,
            labels,
            certified.take if certified else lambda new: fitted.pipeline.predict(take(X, new)),
            answers,
            learned=learned,
        )
    said = disputes(setup.teacher, setup.shelf, [*answers])
    return start_review(
        Subject(
            *(texts, labels, answers, opinions, setup.teacher.name, other),
            chosen=state.chosen,
            said=said,
        ),
        setup.reviews,
        of=of,
        rows=rows,
        blind=blind,
        confidence=setup.options.confidence,
    )


def send_to_review(state: JobState, rows: Iterable[int]) -> JobState:
    """Put rows aside for a review: see :meth:`tracer_nb.Tracer.send_to_review`."""
    chosen = dict.fromkeys(state.chosen)
    for row in rows:
        text = _text_of(state, row)
        answer = state.setup.asker.known([text]).get(text)
        if answer is None or answer.label is None:
            raise InvalidInput(f"row {row} has no label of the teacher to review")
        chosen[text] = None
    return replace(state, chosen=tuple(chosen))


def relabel(state: JobState, row: int, label: str | Sequence[str], note: str) -> None:
    """Say which label a row should have: see :meth:`tracer_nb.Tracer.relabel`."""
    setup = state.setup
    relabel_text(setup.reviews, setup.teacher.labels, _text_of(state, row), label, note)


def export_reviews(
    state: JobState, path: str | os.PathLike[str], *, escape: bool = False
) -> Written:
    """Write every review to a file: see :meth:`tracer_nb.Tracer.export_reviews`."""
    setup = state.setup
    reviews = setup.reviews.reviews(setup.teacher.labels).values()
    known = setup.asker.known([review.text for review in reviews])
    rows = review_rows(reviews, known)
    return write_table(path, REVIEW_COLUMNS, rows, {"blind": bool}, escape=escape)


def _text_of(state: JobState, row: int) -> str:
    if state.column is None:
        raise NotFitted("nothing is labelled yet; call label(column) first (%tracer label df.text)")
    codes = state.column.texts.codes
    if not is_number(row) or row != int(row) or not 0 <= row < len(codes) or codes[row] < 0:
        raise InvalidInput(f"no row {row!r} with text among the {len(codes):,} of the column")
    return str(state.column.texts.unique[codes[int(row)]])
