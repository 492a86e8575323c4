"""One row, or a few, without a frame: read, told apart from vectors, and asked about if deferred."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from tracer_nb.documents import make_document
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.records import Answer, Prediction, RejectOption, Routing
from tracer_nb.steps.column.features import Blocks
from tracer_nb.steps.column.frames import Texts, is_frame, is_missing, read_cells, read_texts
from tracer_nb.steps.label.aside import Aside
from tracer_nb.steps.route.outcome import UNASKED, Outcome, Why, combine
from tracer_nb.store import Shelf
from tracer_nb.teachers import FunctionTeacher, Teacher, make_teacher

__all__ = [
    "DEFERRED",
    "Decided",
    "Fallbacks",
    "holds_texts",
    "no_routing",
    "no_texts",
    "one_text",
    "predictions",
    "row_blocks",
    "several_texts",
]

DEFERRED = "deferred"
"""Source of a row that is the teacher's and has no label of it."""


# --- reading rows ------------------------------------------------------------------------------


def one_text(row: Any, cells: Mapping[str, Any] | None, names: Sequence[str]) -> Texts | None:
    """A text as a column of one row; None for what is no text and no missing one.

    Parameters
    ----------
    row : object
    cells : mapping of str to object, optional
        Of its row, by the column's name.
    names : sequence of str
        Columns that the prompt names.

    Raises
    ------
    InvalidInput
        A named cell is not given, or one is given that no prompt names.
    """
    is_text = isinstance(row, str)
    if not is_text and not is_missing(row):
        return None
    unknown = set(cells or ()) - set(names)
    if unknown:
        known = ", ".join(names) or "none"
        raise InvalidInput(
            f"cells holds {min(unknown)!r}, and the columns that the prompt names are: {known}"
        )
    text = row.strip() if is_text else ""
    if not text:
        reason = "empty text" if is_text else "missing text"
        return Texts((), np.array([-1], dtype=np.intp), {0: reason})
    missing = [name for name in names if name not in (cells or {})]
    if missing:
        braces = f"{{{{{missing[0]}}}}}"
        raise InvalidInput(
            f"the prompt names the column {braces}; give its cell beside the text: "
            f"predict(text, cells={{{missing[0]!r}: …}})"
        )
    beside = {name: (cells or {})[name] for name in names}
    said = {name: None if is_missing(c) else str(c).strip() for name, c in beside.items()}
    document = make_document(text, said)
    return Texts((document,), np.zeros(1, dtype=np.intp), {}, bool(names))


def holds_texts(rows: Any) -> bool:
    """Whether these rows are texts, and no vectors."""
    if sparse.issparse(rows) or isinstance(rows, str) or is_frame(rows):
        return isinstance(rows, str)  # which reading a column refuses with its own words
    if isinstance(rows, np.ndarray):
        return rows.ndim == 1
    if isinstance(rows, (list, tuple)):
        first = next((row for row in rows if not is_missing(row)), None)
        # A number is neither, and is told so where texts are read.
        return not hasattr(first, "__len__") or isinstance(first, str)
    return True


def several_texts(rows: Any, table: Any, names: Sequence[str]) -> Texts:
    """A column of texts, of which none need be there.

    Raises
    ------
    InvalidInput
        As :func:`~tracer_nb.steps.column.frames.read_texts`, but for rows without text.
    """
    cells = read_cells(rows)
    if any(isinstance(cell, str) and cell.strip() for cell in cells):
        return read_texts(rows, table, names)
    # One text more, so that bad cells are named as anywhere else.
    read = read_texts([*cells, "text"])
    return Texts((), read.codes[:-1], read.reasons)


def no_texts(n: int) -> Texts:
    """So many rows of which there are vectors alone."""
    return Texts(("",) * n, np.arange(n), {})


def no_routing() -> Routing:
    """Of no rows."""
    none = np.empty(0, dtype=bool)
    return Routing(handled=none, labels=np.empty(0, dtype=object), scores=np.empty(0), far=none)


def row_blocks(vector: Any, n_features: Sequence[int]) -> Blocks:
    """A vector, or one for each block of features, as matrices of one row.

    Raises
    ------
    InvalidInput
        Neither.
    """
    several = len(n_features) > 1 and isinstance(vector, (list, tuple))
    return [_one_row(part) for part in (vector if several else [vector])]


def _one_row(vector: Any) -> Any:
    if sparse.issparse(vector) and vector.ndim == 2 and vector.shape[0] == 1:
        return vector
    try:
        row = np.asarray(vector)
    except ValueError:  # parts of several lengths
        row = np.empty(())
    if row.ndim == 2 and len(row) == 1:
        return row
    if row.ndim != 1 or row.dtype.kind not in "fiub":
        raise InvalidInput(
            "predict takes one text or one vector of features, got "
            f"{type(vector).__name__}; several rows go to predict_batch"
        )
    return row[None, :]


# --- what is decided about them ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Rows that a router has decided about.

    Attributes
    ----------
    texts : Texts
    routing : Routing
        One entry per distinct text.
    known : mapping of str to Answer
        What the teacher is known to have said.
    why : Why
        Words for each row.
    reject : RejectOption
    unasked : str
        Why nobody is asked about a deferred row.
    """

    texts: Texts
    routing: Routing
    known: Mapping[str, Answer]
    why: Why
    reject: RejectOption
    unasked: str = UNASKED

    def outcome(self, answers: Mapping[str, Answer] | None = None) -> Outcome:
        """Who answers, with these answers beside the known ones."""
        known = {**self.known, **answers} if answers else self.known
        return combine(self.texts, self.routing, known, self.why, self.reject, unasked=self.unasked)

    def one(self, answer: Answer | None = None) -> Prediction:
        """About the only row, with what was answered about it now."""
        answers = None if answer is None else {self.texts.unique[0]: answer}
        return predictions(self.outcome(answers))[0]

    def asks(self, prediction: Prediction) -> bool:
        """Whether the only row waits for an answer: a refusal that is stored is one."""
        if prediction.source != DEFERRED:
            return False
        known = self.known.get(self.texts.unique[0])
        return known is None or not known.keep


def predictions(outcome: Outcome) -> tuple[Prediction, ...]:
    """One record per row."""
    columns = zip(outcome.label, outcome.source, outcome.score, outcome.reason, strict=True)
    return tuple(
        Prediction(label, source or (None if score is None else DEFERRED), score, reason)
        for label, source, score, reason in columns
    )


# --- who is asked where the router defers ------------------------------------------------------


class Fallbacks:
    """Asks whoever is named about a deferred row.

    A function is called with the row, each time. A teacher, as anywhere else, reads texts, and
    its answers are kept in the label store.

    Parameters
    ----------
    labels : sequence of str
    prompt : str
    shelf : Shelf
    """

    def __init__(self, labels: Sequence[str], prompt: str, shelf: Shelf) -> None:
        self._labels, self._prompt, self._shelf = labels, prompt, shelf
        self._last: tuple[Any, FunctionTeacher | Aside] | None = None

    def check(self, fallback: Any, row: Any, text: str) -> Callable[[], _Asked] | None:
        """What asks about a row, or None where there is no fallback.

        Parameters
        ----------
        fallback : callable, str, mapping, Teacher, or None
        row : object
            As it was given.
        text : str
            As a teacher reads it; empty where there is a vector alone.

        Raises
        ------
        InvalidInput
            Nothing that can be asked; or a teacher, and no text that it could read.
        """
        if fallback is None:
            return None
        asks = self._of(fallback)
        if isinstance(asks, FunctionTeacher):
            return lambda: _Called(asks, fallback, row)
        if not text:
            raise InvalidInput(
                f"{asks.teacher.name} reads texts, and there is a vector alone; give both: "
                "predict(text, features=vector), or a function of the vector as the fallback"
            )
        return lambda: _Waited(asks.ask(text))

    def _of(self, fallback: Any) -> FunctionTeacher | Aside:
        last = self._last
        if last is not None and (
            last[0] is fallback or (isinstance(fallback, str) and last[0] == fallback)
        ):
            return last[1]
        teacher = make_teacher(fallback, self._labels, self._prompt)
        asks: FunctionTeacher | Aside
        if isinstance(teacher, FunctionTeacher) and not isinstance(fallback, Teacher):
            asks = teacher
        else:
            asks = Aside(teacher, self._shelf)
        self._last = (fallback, asks)
        return asks


@dataclass(frozen=True, slots=True)
class _Waited:
    """The answer of a teacher, which another thread asks."""

    answer: Future[Answer]

    def now(self) -> Answer:
        return self.answer.result()

    async def soon(self) -> Answer:
        # What is paid is kept, whoever has ceased to wait for it.
        return await asyncio.shield(asyncio.wrap_future(self.answer))


@dataclass(frozen=True, slots=True)
class _Called:
    """The answer of a function: in this thread if it is plain, in the caller's loop if async."""

    teacher: FunctionTeacher
    function: Callable[[Any], Any]
    row: Any

    def now(self) -> Answer:
        try:
            value = self.function(self.row)
            return self.teacher.read(_waited(value) if inspect.isawaitable(value) else value)
        except Exception as error:  # noqa: BLE001 -- whatever the user's function raises is data
            return self._failed(error)

    async def soon(self) -> Answer:
        try:
            if _is_async(self.function):
                return self.teacher.read(await self.function(self.row))
            # Elsewhere, so that a slow one holds up nobody else in this loop.
            value = await asyncio.to_thread(self.function, self.row)
            return self.teacher.read(await value if inspect.isawaitable(value) else value)
        except Exception as error:  # noqa: BLE001 -- as above
            return self._failed(error)

    def _failed(self, error: Exception) -> Answer:
        if isinstance(error, TeacherError):
            return Answer(None, f"not asked: {error}", keep=False)
        return self.teacher.failed(error)


_Asked = _Called | _Waited


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        type(function).__call__
    )


# One loop for all async functions that are called from plain code: clients that they keep
# between calls belong to the loop in which they were made.
_loops: dict[int, asyncio.AbstractEventLoop] = {}
_loops_lock = threading.Lock()


def _waited(value: Awaitable[Any]) -> Any:
    """The result of an awaitable, from plain code, whether or not a loop runs in this thread."""

    async def wait() -> Any:
        return await value

    with _loops_lock:
        loop = _loops.get(os.getpid())  # a fork inherits no threads
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="tracer-fallback", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(wait(), loop).result()
