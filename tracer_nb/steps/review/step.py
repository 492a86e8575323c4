"""The steps in which a human checks the teacher."""

from __future__ import annotations

import os
from collections.abc import Iterable

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.steps.review.queue import Opinion, Subject, surrogate_opinions
from tracer_nb.steps.review.sitting import (
    REVIEW_COLUMNS,
    Reviewing,
    relabel_text,
    review_rows,
    reviewed_pairs,
    start_review,
)
from tracer_nb.steps.state import Job
from tracer_nb.teachers import LabelStore
from tracer_nb.teachers.ledger import set_labels
from tracer_nb.teachers.tables import Written, write_table

__all__ = ["ReviewSteps"]


class ReviewSteps(Job):
    """The part of a Tracer that measures the teacher against a human."""

    def review(
        self, *, of: str = "mixed", rows: int = 50, blind: bool = True, against: str | None = None
    ) -> Reviewing:
        """Let a human check rows of the sample, and so measure the teacher itself.

        Reviews are kept in the store by label set and text, so calling it again goes on where
        it stopped, in another kernel and with another teacher too.

        Parameters
        ----------
        of : str, default "mixed"
            "random" rows tell the teacher's accuracy; "uncertain" rows have a low gate score,
            or the teacher's own probabilities are close; on "disputed" rows teacher and
            surrogate differ, although the surrogate was not fitted on them. "mixed" alternates
            random rows with the others; "chosen" are those of :meth:`send_to_review`.
        rows : int, default 50
            To review in all, earlier reviews among them. Fix it beforehand: the interval of
            the accuracy does not allow for stopping when the figure pleases.
        blind : bool, default True
            The teacher's label is shown after the answer only. A human who sees it before
            agrees with it too often.
        against : str, optional
            The key of another set of stored answers (``%tracer labels`` shows them), to
            dispute the teacher's labels instead of the surrogate's.

        Returns
        -------
        Reviewing

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            An argument cannot be used, or there is nothing of that kind to review.
        StoreError
            The store cannot be read.
        """
        column, labels = self._labelled()
        said = self._asker.answers
        answers = {text: said[text] for text in column.texts.unique if text in said}
        opinions: dict[str, Opinion] = {}
        other = "the surrogate"
        if against is not None:
            with LabelStore(self._reviews.path) as store:
                name, named = set_labels(store, against)
            other = f"{name} ({against})"
            opinions = {text: Opinion(named[text]) for text in answers if text in named}
        elif self.fitted is not None:
            _, _, X = self._featurized()
            learned = None if self._scope is None else self._scope.learned
            opinions = surrogate_opinions(
                self.fitted, column.texts, labels, X, answers, learned=learned
            )
        return start_review(
            Subject(
                *(column.texts, labels, answers, opinions, self.teacher.name, other),
                chosen=tuple(self._chosen),
            ),
            self._reviews,
            of=of,
            rows=rows,
            blind=blind,
            confidence=self.confidence,
        )

    def send_to_review(self, rows: Iterable[int]) -> int:
        """Put rows aside for ``review(of="chosen")``; how many wait there.

        Parameters
        ----------
        rows : iterable of int
            Positions in the labelled column.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            No such row, or one to which the teacher gave no label.
        """
        for row in rows:
            text = self._text_of(row)
            answer = self._asker.answers.get(text)
            if answer is None or answer.label is None:
                raise InvalidInput(f"row {row} has no label of the teacher to review")
            self._chosen[text] = None
        return len(self._chosen)

    def relabel(self, row: int, label: str, note: str = "") -> None:
        """Say which label a row should have; kept as a review that was not blind.

        The teacher's answer stays as it is: certificates are about it.

        Raises
        ------
        NotFitted
            Before :meth:`label`.
        InvalidInput
            No such row, not one of the labels, or a note that is not text.
        StoreError
            It could not be stored.
        """
        relabel_text(self._reviews, self.teacher.labels, self._text_of(row), label, note)

    def _text_of(self, row: int) -> str:
        if self._column is None:
            raise NotFitted(
                "nothing is labelled yet; call label(column) first (%tracer label df.text)"
            )
        codes = self._column.texts.codes
        if not is_number(row) or row != int(row) or not 0 <= row < len(codes) or codes[row] < 0:
            raise InvalidInput(f"no row {row!r} with text among the {len(codes):,} of the column")
        return str(self._column.texts.unique[codes[int(row)]])

    def export_reviews(self, path: str | os.PathLike[str], *, escape: bool = False) -> Written:
        """Write every review with this label set to a CSV or Parquet file.

        The teacher's labels stand beside them where this object knows them. A cell that begins
        with ``=``, ``+``, ``-`` or ``@`` may be run by a spreadsheet: ``escape`` puts an
        apostrophe before it. ``rows`` of the result are the reviews, ``formulas`` such cells.

        Raises
        ------
        InvalidInput
            Another ending, or a file that cannot be written.
        MissingExtra
            Parquet without pyarrow.
        StoreError
            The store cannot be read.
        """
        reviews = self._reviews.reviews(self.teacher.labels).values()
        known = self._asker.known([review.text for review in reviews])
        return write_table(
            path, REVIEW_COLUMNS, review_rows(reviews, known), {"blind": bool}, escape=escape
        )

    @property
    def reviews(self) -> tuple[tuple[str, str], ...]:
        """Text and label of every review with this label set, the oldest first.

        Not those that were skipped. They may be the ``examples`` of another Tracer: a text is
        never shown with its own label, so that they can test its prompt at the same time.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        return reviewed_pairs(self._reviews, self.teacher.labels)
