"""A review in a notebook: one row at a time, answered by keys."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.labelsets import labels_in, sets_of
from tracer_nb.records import ReviewItem, ReviewQueue, ReviewState
from tracer_nb.widgets.card import framed, safe
from tracer_nb.words import explanation_line, revealed_sentence, review_line, review_lines

__all__ = ["ReviewPanel"]


class _Reviewing(Protocol):
    """What the panel needs of a review: see :class:`tracer_nb.steps.review.sitting.Reviewing`."""

    queue: ReviewQueue

    @property
    def state(self) -> ReviewState: ...

    def answer(self, label: str, note: str = "") -> None: ...

    def skip(self, note: str = "") -> None: ...

    def undo(self) -> ReviewItem | None: ...


class ReviewPanel:
    """Shows a review and passes on what is pressed; it decides nothing itself.

    Under the live panel stands a summary of plain HTML, hidden as long as the panel lives: a
    notebook that is saved and opened without a kernel shows it.

    Parameters
    ----------
    review : Reviewing
        As :meth:`tracer_nb.Tracer.review` returns it.
    """

    def __init__(self, review: _Reviewing) -> None:
        from tracer_nb.widgets.panel.view import ReviewView  # noqa: PLC0415  brings ipywidgets

        self._review = review
        # Messages may come from several threads.
        self._lock = threading.Lock()
        self._step = 0
        self._name = f"tracer-review-{uuid.uuid4().hex}"
        self._summary: Any = None
        self._handle: Any = None
        labels = review.queue.labels
        several = sets_of(labels) is not None
        self.view = ReviewView(labels=list(labels), several=several, summary=self._name)
        self.view.on_msg(self._receive)
        self._update("")

    def __repr__(self) -> str:
        return "\n".join(review_lines(self._review.state))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """The summary as one HTML element with its style; every text is escaped."""
        body = "".join(f"<p>{safe(line)}</p>" for line in review_lines(self._review.state))
        return f'<div id="{self._name}">{framed(body)}</div>'

    def show(self) -> ReviewPanel:
        """Display the panel below the running cell; a terminal gets the summary alone."""
        from IPython import get_ipython  # noqa: PLC0415
        from IPython.display import display  # noqa: PLC0415

        if not hasattr(get_ipython(), "kernel"):
            display(self)
            self.view.close()
            return self
        self._summary = display(self, display_id=True)
        self._handle = display(self.view, display_id=True)
        return self

    def close(self) -> None:
        """Take the panel away; the summary stays in its place."""
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)
        for part in (self.view.layout, self.view):
            part.close()

    # --- messages --------------------------------------------------------------------

    def _receive(self, view: Any, content: Any, buffers: Any) -> None:
        """Do what the page asks for; what goes wrong is said in the panel."""
        del view, buffers
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
            "finish": self.close,
        }
        if not isinstance(do, str) or do not in steps:
            raise InvalidInput.unknown_name("step of a review", str(do), steps)
        # A key that was pressed twice must not answer the next row too.
        return steps[do] if content.get("step") == self._step else None

    def _update(self, message: str) -> None:
        state = self._review.state
        item = state.item
        self._step += 1
        self.view.row = {
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
            "chosen": _chosen(state) if self.view.several else [],
        }
        if self._summary is not None and not message:
            self._summary.update(self)


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
