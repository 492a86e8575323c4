"""A review, row by row: what is shown, what was said, and what it tells about the teacher."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np

from tracer_nb.engine.bounds import agreement_interval
from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput
from tracer_nb.labelsets import sets_of
from tracer_nb.records import (
    Answer,
    Disputes,
    Review,
    ReviewItem,
    ReviewQueue,
    ReviewState,
    TeacherAccuracy,
)
from tracer_nb.steps.review.queue import Subject, make_queue
from tracer_nb.store.reviews import ReviewStore
from tracer_nb.store.rows import text_address
from tracer_nb.teachers.chat.reading import LabelMatcher
from tracer_nb.teachers.subsets import read_subset

__all__ = [
    "REVIEW_COLUMNS",
    "Reviewing",
    "count_disputes",
    "relabel_text",
    "review_rows",
    "reviewed_examples",
    "reviewed_pairs",
    "start_review",
    "teacher_accuracy",
]

REVIEW_COLUMNS = (
    *("text", "label", "teacher_label", "explanation", "note", "drawn", "blind", "reviewed_at"),
)


class Reviewing:
    """A human goes through a queue of rows; made by :meth:`tracer_nb.Tracer.review`.

    Every answer is on disk before the next row is :attr:`current`, so that a killed kernel
    loses nothing, and another review of the same rows goes on where this one stopped.

    Parameters
    ----------
    queue : ReviewQueue
    store : ReviewStore
    blind : bool
        Whoever shows the rows shows the teacher's label after the answer only.
    confidence : float
        Of the interval of the teacher's accuracy.

    Examples
    --------
    >>> item = ReviewItem("where is it?", 0, "random", "", "parcel")
    >>> queue = ReviewQueue((item,), (0,), {}, ("refund", "parcel"), "a model", "the surrogate")
    >>> review = Reviewing(queue, ReviewStore(":memory:"))
    >>> review.current.text
    'where is it?'
    >>> review.answer("parcel")
    >>> review.done, review.accuracy.n_right
    (True, 1)
    """

    def __init__(
        self,
        queue: ReviewQueue,
        store: ReviewStore,
        *,
        blind: bool = True,
        confidence: float = 0.95,
    ) -> None:
        self.queue = queue
        self.blind = blind
        self.confidence = confidence
        self._store = store
        # Callbacks of a panel may come from several threads.
        self._lock = threading.RLock()
        self._reviews = store.reviews(queue.labels)
        self._shown = {text_address(item.text): item for item in queue.items}
        self._disputed = {text_address(t): labels for t, labels in queue.disagreements.items()}
        # What undo takes back, the latest last: earlier sittings count too.
        self._past = [(self._shown[a], r) for a, r in self._reviews.items() if a in self._shown]
        self._back: tuple[ReviewItem, Review] | None = None
        # Texts whose teacher's label has been shown.
        self._seen = {item.text for item, _ in self._past}

    def __repr__(self) -> str:
        done, accuracy = len(self.reviews), self.accuracy
        right = f"{accuracy.n_right} of {accuracy.n_reviewed} random rows right"
        return f"Reviewing({done} of {len(self.queue.items)} done, {right})"

    # --- steps -----------------------------------------------------------------------

    @property
    def current(self) -> ReviewItem | None:
        """The row to be answered; None when all are."""
        with self._lock:
            if self._back is not None:
                return self._back[0]
            return next((i for a, i in self._shown.items() if a not in self._reviews), None)

    @property
    def done(self) -> bool:
        """No row is left."""
        return self.current is None

    def answer(self, label: Any, note: str = "") -> None:
        """Say which label the current row should have, or which several in a list, and go on.

        Raises
        ------
        InvalidInput
            Not one of the labels, a note that is not text, or no row is left.
        StoreError
            It could not be stored; the row stays the current one.
        """
        self._keep(_chosen(label, self.queue.labels), note)

    def skip(self, note: str = "") -> None:
        """Say that the current row cannot be judged, and go on.

        Raises
        ------
        InvalidInput, StoreError
            As :meth:`answer`.
        """
        self._keep(None, note)

    def undo(self) -> ReviewItem | None:
        """Take back the latest review, whose row becomes the current one; None if there is none.

        Raises
        ------
        StoreError
            It could not be taken back; nothing has changed.
        """
        with self._lock:
            if not self._past:
                return None
            item, review = self._past[-1]
            fresh = self._store.reviews(self.queue.labels)
            self._store.drop(self.queue.labels, review)
            address = text_address(item.text)
            if fresh.get(address) == review:  # else another kernel has replaced it
                del fresh[address]
            self._reviews, self._back = fresh, (item, review)
            self._past.pop()
            return item

    def _keep(self, label: str | None, note: str) -> None:
        if not isinstance(note, str):
            raise InvalidInput(f"a note must be text, got {note!r}")
        with self._lock:
            item = self.current
            if item is None:
                raise InvalidInput("every row of this review is answered; ask for more rows")
            review = Review(
                text=item.text,
                label=label,
                note=note.strip(),
                drawn=item.drawn,
                blind=self.blind and item.text not in self._seen,
                reviewed_at=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
            )
            # Read first: other kernels may have reviewed rows of this queue meanwhile, and
            # when either fails nothing has changed.
            fresh = self._store.reviews(self.queue.labels)
            self._store.put(self.queue.labels, review)
            self._reviews = {**fresh, text_address(item.text): review}
            self._past.append((item, review))
            self._seen.add(item.text)
            self._back = None

    # --- results ---------------------------------------------------------------------

    @property
    def reviews(self) -> tuple[Review, ...]:
        """The reviews of this queue's rows, in its order."""
        with self._lock:
            return tuple(self._reviews[a] for a in self._shown if a in self._reviews)

    @property
    def accuracy(self) -> TeacherAccuracy:
        """The teacher's own accuracy, from the random rows up to the first one not reviewed."""
        with self._lock:
            rows = list(self._shown.items())
            pairs: list[tuple[str, Review]] = []
            for address, item in (rows[i] for i in self.queue.random):
                review = self._reviews.get(address)
                if review is None:
                    break
                pairs.append((item.teacher_label, review))
            return teacher_accuracy(pairs, self.confidence)

    @property
    def disputes(self) -> Disputes:
        """Who was right on the reviewed texts on which teacher and surrogate differ."""
        with self._lock:
            return count_disputes(
                (self._reviews.get(address), labels) for address, labels in self._disputed.items()
            )

    @property
    def state(self) -> ReviewState:
        """Everything that there is to show at this moment."""
        with self._lock:
            reviews = self.reviews
            return ReviewState(
                item=self.current,
                n_done=len(reviews),
                n_skipped=sum(review.label is None for review in reviews),
                n_total=len(self.queue.items),
                accuracy=self.accuracy,
                disputes=self.disputes,
                last=self._past[-1] if self._past else None,
                taken_back=None if self._back is None else self._back[1],
                teacher=self.queue.teacher,
                other=self.queue.other,
                blind=self.blind,
            )


def _chosen(label: Any, labels: tuple[str, ...]) -> str:
    """What somebody said that a row should have; of several labels a row the set."""
    sets = sets_of(labels)
    if sets is None:
        if label not in labels:
            raise InvalidInput.unknown_name("label", str(label), labels)
        return str(label)
    name, why = read_subset(label, sets, LabelMatcher(sets))
    if name is None:
        raise InvalidInput(f"{why}; give a list of the labels that the row should have")
    return name


def relabel_text(
    store: ReviewStore, labels: tuple[str, ...], text: str, label: Any, note: str
) -> None:
    """Keep what somebody said who looked a row up and saw the labels that it has.

    Raises
    ------
    InvalidInput
        Not one of the labels, or a note that is not text.
    StoreError
        It could not be stored.
    """
    label = _chosen(label, labels)
    if not isinstance(note, str):
        raise InvalidInput(f"a note must be text, got {note!r}")
    at = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    review = Review(text, label, note.strip(), drawn="chosen", blind=False, reviewed_at=at)
    store.put(labels, review)


def start_review(
    subject: Subject, store: ReviewStore, *, of: str, rows: Any, blind: bool, confidence: float
) -> Reviewing:
    """Lay out the queue, and go on where the stored reviews stop.

    Raises
    ------
    InvalidInput
        An unknown order, one with nothing to go by, or not a whole number of rows.
    StoreError
        The store cannot be read.
    """
    if not is_number(rows) or not 1 <= rows < math.inf or rows != int(rows):
        raise InvalidInput(f"rows must be a positive whole number of rows, got {rows!r}")
    reviewed = store.reviews(subject.labels.classes)
    queue = make_queue(subject, reviewed, of=of, rows=int(rows), blind=blind)
    return Reviewing(queue, store, blind=blind, confidence=confidence)


def review_rows(
    reviews: Iterable[Review], answers: Mapping[str, Answer]
) -> Iterator[dict[str, Any]]:
    """Reviews as rows of a table, with the teacher's answers beside them."""
    for review in reviews:
        answer = answers.get(review.text)
        yield {
            **{column: getattr(review, column, None) for column in REVIEW_COLUMNS},
            "teacher_label": None if answer is None else answer.label,
            "explanation": None if answer is None else answer.explanation,
        }


def reviewed_pairs(store: ReviewStore, labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Text and label of every review with this label set, the oldest first."""
    reviews = store.reviews(labels).values()
    return tuple((r.text, r.label) for r in reviews if r.label is not None)


def reviewed_examples(
    store: ReviewStore, labels: Sequence[str] | None, named: str
) -> tuple[tuple[str, str], ...]:
    """The reviews as examples to show to a teacher.

    Raises
    ------
    InvalidInput
        ``named`` is not "reviewed", or nothing was reviewed with these labels yet.
    """
    if named != "reviewed":
        raise InvalidInput(
            f"examples must be a dict from text to label, pairs of them, or 'reviewed', got {named!r}"
        )
    pairs = () if labels is None else reviewed_pairs(store, labels)
    if not pairs:
        raise InvalidInput(
            "examples are to be reviewed rows, and none was reviewed with these labels yet; "
            "write %tracer review first, or give examples of your own"
        )
    return pairs


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
