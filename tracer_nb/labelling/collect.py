"""What became of the batches that were sent: where they stand, and what they brought."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling.book import SENDING, BatchBook, Entry
from tracer_nb.labelling.submit import BatchTeacher, settle
from tracer_nb.records import Batch, Spending
from tracer_nb.store.rows import utc_now
from tracer_nb.teachers.chat.batches import BatchServer, CannotList, ServerBatch
from tracer_nb.teachers.chat.batchfile import Line, read_lines
from tracer_nb.teachers.chat.words import error_in

__all__ = ["Brought", "collect_entry", "give_up", "locate", "look"]

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
# Longer than a request to make a batch may take, so that it is not on its way any more.
_GRACE = 120
_NO_FILE = "the server has no file with its answers"
_UNKNOWN = "the server does not know this batch any more"


@dataclass(frozen=True, slots=True)
class Brought:
    """What one batch brought in: as it is now, and what was stored of it just now."""

    batch: Batch
    n_answers: int = 0
    n_unusable: int = 0
    n_free: int = 0
    spending: Spending = field(default_factory=Spending)


async def locate(book: BatchBook, server: BatchServer, entry: Entry) -> Entry:
    """Find the batch whose sending was noted, and not the server's reply.

    Returns
    -------
    Entry
        With the server's name for it; or still "sending", when it may be on its way; or
        "lost", when it was never made, and its texts are free.

    Raises
    ------
    TeacherError
        The server cannot tell.
    """
    if entry.state != SENDING:
        return entry
    try:
        found = await server.find(entry.key, entry.file_id)
    except CannotList as error:
        raise CannotList(
            f"{error}, and only it knows whether batch {entry.shown.key} was made; to free its "
            f"texts, which may then be paid twice: %tracer batch cancel {entry.shown.key}"
        ) from error
    if found is not None:
        book.see(entry.key, found)
        return _fresh(book, entry)
    if _age(entry.sent_at) < _GRACE:
        note = f"the server does not list it yet; look again in {_GRACE // 60} minutes"
        return _with(entry, note=note)
    book.drop(entry.key)
    return _with(entry, state="lost", note="it was never made; its texts can be submitted again")


async def look(book: BatchBook, server: BatchServer, entry: Entry) -> ServerBatch | None:
    """Ask the server where a batch stands, and note it; None when the server does not know.

    Raises
    ------
    TeacherError
        The server cannot tell.
    """
    if entry.batch_id is None:
        return None
    seen = await server.retrieve(entry.batch_id)
    if seen is not None:
        book.see(entry.key, seen)
    return seen


async def collect_entry(
    teacher: BatchTeacher, book: BatchBook, server: BatchServer, entry: Entry
) -> Brought:
    """Store what a batch has brought if it has ended; else say where it stands.

    Raises
    ------
    TeacherError
        The server cannot tell, or does not give the answers.
    StoreError
        The store failed: the batch can be collected again.
    """
    entry = await locate(book, server, entry)
    if entry.batch_id is None:
        return Brought(entry.shown, n_free=entry.shown.n_texts if entry.state == "lost" else 0)
    seen = await look(book, server, entry)
    if seen is None:
        return Brought(_held(entry, _UNKNOWN))
    entry = _fresh(book, entry)
    if seen.state not in _ENDED:
        return Brought(entry.shown)
    lines = await _lines(server, seen)
    if isinstance(lines, str):
        return Brought(_held(entry, lines))
    settled = settle(teacher, entry.form, book.texts(entry.key), lines, seen)
    note = "; ".join(part for part in (seen.note, server.line(settled.note)) if part)
    stored = book.finish(
        entry.key,
        seen.state,
        settled.answers,
        settled.unusable,
        n_done=seen.n_done,
        n_failed=seen.n_failed,
        cost=settled.spending.cost,
        note=note,
    )
    now = _fresh(book, entry).shown
    if stored is None:  # another process has just collected it
        return Brought(now)
    return Brought(now, stored, len(settled.unusable), settled.n_free, settled.spending)


async def give_up(
    teacher: BatchTeacher, book: BatchBook, server: BatchServer, entry: Entry
) -> Batch:
    """Stop a batch that is under way; collect one that has ended; else free its texts.

    Raises
    ------
    InvalidInput
        It may be on its way to the server.
    TeacherError
        The server cannot tell, or did not stop it.
    """
    try:
        entry = await locate(book, server, entry)
    except CannotList:
        return _close(book, entry)
    if entry.state == SENDING:
        raise InvalidInput(f"batch {entry.shown.key} cannot be stopped now: {entry.shown.note}")
    if entry.batch_id is None:
        return entry.shown
    seen = await look(book, server, entry)
    if seen is not None and seen.state not in _ENDED:
        stopping = seen.state == "cancelling"
        stopped = None if stopping else await server.cancel(entry.batch_id)
        if stopped is not None:
            book.see(entry.key, stopped)
        return _fresh(book, entry).shown
    brought = await collect_entry(teacher, book, server, entry)
    return brought.batch if brought.batch.collected_at else _close(book, _fresh(book, entry))


def _close(book: BatchBook, entry: Entry) -> Batch:
    """Free the texts of a batch; nobody can tell what it cost."""
    book.finish(
        entry.key,
        "given up",
        n_done=entry.shown.n_done,
        n_failed=entry.shown.n_failed,
        cost=None,
        note="",
    )
    return _fresh(book, entry).shown


async def _lines(server: BatchServer, seen: ServerBatch) -> list[Line] | str:
    """All that the server says about single requests; why not, when the answers are missing."""
    files = [name for name in (seen.output_file, seen.error_file) if name is not None]
    if seen.output_file is None and (seen.n_done or (seen.state == "completed" and not files)):
        return _NO_FILE
    lines: list[Line] = []
    for name in files:
        content = await server.content(name)
        found = [] if content is None else list(read_lines(content))
        lines.extend(found)
        if found or name != seen.output_file:
            continue
        if content is None:
            return _NO_FILE
        if seen.n_done and (error := error_in(content)) is not None:
            # Settled by this, all answers would count as lost, and they are paid.
            return f"in place of the file with its answers the server gave: {server.line(error)}"
    return lines


def _fresh(book: BatchBook, entry: Entry) -> Entry:
    found = book.entry(entry.key)
    if found is None:
        raise TeacherError(f"batch {entry.shown.key} is gone from the store; collect again")
    return found


def _with(entry: Entry, **changes: str) -> Entry:
    return replace(entry, shown=replace(entry.shown, **changes))  # type: ignore[arg-type]


def _held(entry: Entry, why: str) -> Batch:
    key = entry.shown.key
    return replace(
        entry.shown,
        note=f"{why}; collect again later, or free its texts: %tracer batch cancel {key}",
    )


def _age(sent_at: str | None) -> float:
    """Seconds since then."""
    if sent_at is None:
        return float("inf")
    then, now = (datetime.fromisoformat(t) for t in (sent_at, utc_now()))
    return (now - then).total_seconds()
