"""A review as a page shows it: one row at a time, and what a press does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.labelsets import labels_in, sets_of
from tracer_nb.records import ReviewItem, ReviewQueue, ReviewState
from tracer_nb.words import explanation_line, revealed_sentence, review_line, review_lines

__all__ = ["Reviewing", "Sitting"]


class Reviewing(Protocol):
    """What a page needs of a review: see :class:`tracer_nb.steps.review.sitting.Reviewing`."""

    queue: ReviewQueue

    @property
    def state(self) -> ReviewState:
        """All that there is to show at this moment."""

    def answer(self, label: str, note: str = "") -> None:
        """Say which label the row should have."""

    def skip(self, note: str = "") -> None:
        """Say that the row cannot be judged."""

    def undo(self) -> ReviewItem | None:
        """Take back what was said last."""


class Sitting:
    """What there is to see of a review, and what is pressed passed on; it decides nothing itself.

    Parameters
    ----------
    review : Reviewing
        As :meth:`tracer_nb.Tracer.review` returns it.
    show : callable
        Gets the values of the row whenever they change.
    finish : callable
        Takes the review off the page.

    Attributes
    ----------
    labels : list of str
        The label set.
    several : bool
        A row may have several of them.
    """

    def __init__(
        self,
        review: Reviewing,
        show: Callable[[dict[str, Any]], object],
        finish: Callable[[], object],
    ) -> None:
        self._review, self._show, self._finish = review, show, finish
        # Messages may come from several threads.
        self._lock = threading.Lock()
        self._step = 0
        self.labels = list(review.queue.labels)
        self.several = sets_of(review.queue.labels) is not None
        self._update("")

    @property
    def n_left(self) -> int:
        """Rows that wait."""
        state = self._review.state
        return state.n_total - state.n_done

    def receive(self, content: Any) -> None:
        """Do what the page asks for; what goes wrong is said beside the row."""
        with self._lock:
            try:
                do = self._read(content)
                if do is not None:
                    do()
                    self._update("")
            except TracerError as error:
                self._update(str(error))
            except Exception as error:
                self._update(f"{type(error).__name__}: {error}. The row stays as it was.")
                raise

    def _read(self, content: Any) -> Callable[[], object] | None:
        """The call that a message asks for; None for one about a row that has gone."""
        if not isinstance(content, Mapping):
            raise InvalidInput(
                f"the panel sent {content!r}, which is no message; run the cell again"
            )
        do, note = content.get("do"), content.get("note", "")
        label: Any = content.get("label")
        steps: dict[Any, Callable[[], object]] = {
            "answer": lambda: self._review.answer(label, note),
            "skip": lambda: self._review.skip(note),
            "undo": self._review.undo,
            "finish": self._finish,
        }
        if not isinstance(do, str) or do not in steps:
            raise InvalidInput.unknown_name("step of a review", str(do), steps)
        # A key that was pressed twice must not answer the next row too.
        return steps[do] if content.get("step") == self._step else None

    def _update(self, message: str) -> None:
        state = self._review.state
        item = state.item
        self._step += 1
        row = {
            "step": self._step,
            "message": message,
            "line": review_line(state),
            "done": state.n_done,
            "total": state.n_total,
            "over": item is None,
            "undo": state.last is not None,
            "last": revealed_sentence(state),
            "text": "\n".join(review_lines(state)) if item is None else _sendable(item),
            "why": "Every row is answered." if item is None else f"Row {item.row:,}. {item.why}",
            "explanation": _explanation(item, state),
            "note": "" if state.taken_back is None else state.taken_back.note,
            "shortlist": [] if item is None else _shortlist(item, state),
            "chosen": _chosen(state) if self.several else [],
        }
        self._show(row)


def _sendable(item: ReviewItem) -> str:
    """The text; half a surrogate pair, which no message can carry, becomes a question mark."""
    return (item.shown or item.text).encode("utf-8", "replace").decode("utf-8")


def _explanation(item: ReviewItem | None, state: ReviewState) -> str:
    """What the teacher wrote about the row, unless that gives its label away."""
    if item is None or state.blind or not item.explanation:
        return ""
    return explanation_line(item.explanation)


def _chosen(state: ReviewState) -> list[str]:
    """Labels that are on when a row is shown: what was said before, else what the teacher said.

    In a blind review there are none: the teacher's would be given away.
    """
    if state.taken_back is not None:
        return list(labels_in(state.taken_back.label or ""))
    return [] if state.blind or state.item is None else list(labels_in(state.item.teacher_label))


def _shortlist(item: ReviewItem, state: ReviewState) -> list[dict[str, str]]:
    """Labels at hand and, unless that is hidden, who gave them."""
    said: dict[str, list[str]] = {}
    if not state.blind:
        named = [(state.teacher, item.teacher_label)]
        named += [] if item.other_label is None else [(state.other, item.other_label)]
        named += [(member, label) for member, label in item.said]
        for who, name in named:
            for label in {name, *labels_in(name)}:  # of a set, each of its labels
                said.setdefault(label, []).append(who)
    return [{"label": label, "who": ", ".join(said.get(label, []))} for label in item.shortlist]
