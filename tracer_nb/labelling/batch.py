"""Batches of requests, answered hours later at a lower price: submit, and collect another day.

What is noted, and when, so that a process killed at any moment neither loses a batch that is
paid nor has one made twice:

1. The batch's key and texts are noted, and the money it may cost is set aside. Nothing was
   sent; whoever asks about this teacher's texts next, online or in a batch, withdraws the note.
2. The file is uploaded, which costs nothing.
3. It is noted that the batch is being sent, if the note was not withdrawn.
4. The server is asked for the batch, with the key as its metadata.
5. The server's name for it is noted.

After a death between 3 and 5 the server is asked whether it has a batch with this key or this
file, before anything else is sent. When it has none, nothing more happens for two minutes, for
the request may be on its way still; then the texts are free. What a finished batch brought is
stored in one commit with its end, so that collecting it twice changes nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling.book import NOTED, SENDING, BatchBook, all_batches
from tracer_nb.labelling.collect import Brought, collect_entry, give_up, locate, look
from tracer_nb.labelling.submit import (
    BatchTeacher,
    Body,
    Parcel,
    check_caps,
    make_parcels,
    send,
)
from tracer_nb.records import Batch, Caps, Collected, Spending, Submitted
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import is_again
from tracer_nb.teachers.base import Teacher, members_of
from tracer_nb.teachers.budget import total_cost

__all__ = [
    "cancel",
    "check_batches",
    "collect",
    "in_batches",
    "plan",
    "run_apart",
    "status",
    "submit",
    "under_way",
]


T = TypeVar("T")
_STEP = 0.2
_GRACE = 2.0


def run_apart(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run what ``make`` makes in a thread with a loop of its own, and wait for it.

    A notebook's own loop runs already, and another cannot run in its thread. An interrupt
    cancels the coroutine, gives it two seconds to end, and is raised again.
    """
    result: Future[T] = Future()
    tasks: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []
    interrupted = threading.Event()

    async def main() -> T:
        task = asyncio.ensure_future(make())
        tasks.append((asyncio.get_running_loop(), task))
        if interrupted.is_set():  # before there was anything to cancel
            task.cancel()
        return await task

    def work() -> None:
        try:
            result.set_result(asyncio.run(main()))
        except BaseException as e:  # noqa: BLE001 -- raised again in the thread that waits
            result.set_exception(e)

    thread = threading.Thread(target=work, name="tracer-batch", daemon=True)
    try:
        thread.start()
        while not wait([result], _STEP).done:
            pass
    except BaseException:
        interrupted.set()
        for loop, task in tasks:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(task.cancel)
        wait([result], _GRACE)
        raise
    thread.join(_GRACE)
    return result.result()


def check_batches(teacher: Teacher) -> BatchTeacher:
    """The teacher, as one whose server takes batches.

    Raises
    ------
    InvalidInput
        It has no server.
    """
    if members_of(teacher) != (teacher,):
        raise InvalidInput(
            f"{teacher.name} is a panel, whose members are asked online; submit a batch of one member "
            "by itself: what it answers there the panel finds"
        )
    if not isinstance(teacher, BatchTeacher):
        raise InvalidInput(
            f"batches need a model at a server (openai:MODEL), and {teacher.name} is none; use label"
        )
    return teacher


def submit(
    teacher: Teacher, texts: Iterable[str], store: LabelStore, caps: Caps | None = None
) -> Submitted:
    """Send every text that has no answer and is in no batch, in as few batches as may be.

    Parameters
    ----------
    teacher : Teacher
    texts : iterable of str
    store : LabelStore
    caps : Caps, optional
        What the teacher's batches under way, these included, may come to at the most. Where
        the price of a batch is unknown, tokens or texts must have a cap.

    Raises
    ------
    InvalidInput
        The teacher has no server, or it might take more than a cap. Nothing was sent.
    TeacherError
        The server takes no batches, or not this one; or it is not known yet whether a batch
        that was being sent when a process ended has been made.
    StoreError
        The store failed.
    """
    asked = check_batches(teacher)
    return run_apart(lambda: _submit(asked, list(dict.fromkeys(texts)), store, caps or Caps()))


def plan(
    teacher: Teacher, texts: Iterable[str], store: LabelStore, caps: Caps | None = None
) -> Submitted:
    """What :func:`submit` would send; nothing is sent, nor withdrawn.

    Raises
    ------
    InvalidInput
        As :func:`submit`.
    StoreError
        The store failed.
    """
    asked, unique = check_batches(teacher), list(dict.fromkeys(texts))
    book = BatchBook(store, asked.identity)
    return _sorted_out(asked, unique, store, book, caps or Caps())[1]


def status(teacher: Teacher, store: LabelStore) -> tuple[Batch, ...]:
    """Batches of all teachers in the store, the last one first; asks where this one's stand.

    Raises
    ------
    TeacherError
        The server cannot tell.
    StoreError
        The store failed.
    """
    if isinstance(teacher, BatchTeacher):
        run_apart(lambda: _status(teacher, store))
    return all_batches(store)


def collect(teacher: Teacher, store: LabelStore) -> Collected:
    """Store what the teacher's finished batches brought; say where the others stand.

    Raises
    ------
    InvalidInput
        The teacher has no server.
    TeacherError
        The server cannot tell, or does not give the answers. What was stored is safe.
    StoreError
        The store failed: collect again.
    """
    asked = check_batches(teacher)
    return run_apart(lambda: _collect(asked, store))


def cancel(teacher: Teacher, store: LabelStore, key: str) -> Batch:
    """Stop a batch that is under way; what it has answered can then be collected.

    A batch that has ended is collected; one whose answers cannot be had any more, or that the
    server does not know, is given up, so that its texts are free.

    Raises
    ------
    InvalidInput
        The teacher has no server, or no such batch under way.
    TeacherError
        The server did not stop it.
    StoreError
        The store failed.
    """
    asked = check_batches(teacher)
    return run_apart(lambda: _cancel(asked, store, key))


def under_way(
    store: LabelStore, identity: Mapping[str, Any], texts: Sequence[str]
) -> tuple[set[str], str]:
    """Texts that a batch asks about already, and since when; they must not be asked again.

    Batches that were noted and not sent are withdrawn: their texts may be asked now.

    Returns
    -------
    texts : set of str
    since : str
        When the first of these batches was sent, ISO 8601; empty when there is none.

    Raises
    ------
    StoreError
        The store failed.
    """
    for each in _answering(identity):
        BatchBook(store, each).withdraw()
    return in_batches(store, identity, texts)


def in_batches(
    store: LabelStore, identity: Mapping[str, Any], texts: Sequence[str]
) -> tuple[set[str], str]:
    """As :func:`under_way`, and nothing is withdrawn.

    With a panel also those that a batch asks one of its members about.

    Raises
    ------
    StoreError
        The store cannot be read.
    """
    found, first = set[str](), ""
    for each in _answering(identity):
        waiting, _, since = BatchBook(store, each).held(texts)
        waiting -= store.get_many(each, waiting).keys()
        if waiting:
            found |= waiting
            first = min(filter(None, (first, since)), default="")
    return found - store.get_many(identity, found).keys(), first if found else ""


def _answering(identity: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Whose batches bring answers for a teacher: its own, and those of members of a panel."""
    members = () if is_again(identity) else identity.get("members", ())
    return [identity, *members]


async def _submit(
    teacher: BatchTeacher, texts: Sequence[str], store: LabelStore, caps: Caps
) -> Submitted:
    book = BatchBook(store, teacher.identity)
    book.withdraw()
    await _locate_all(teacher, book)
    parcels, planned, form, body = _sorted_out(teacher, texts, store, book, caps)
    if parcels:
        server = teacher.open_batches()
        try:
            await send(book, server, parcels, form, body)
        finally:
            await server.close()
    made = [book.entry(parcel.key) for parcel in parcels]
    return replace(planned, batches=tuple(entry.shown for entry in made if entry is not None))


def _sorted_out(
    teacher: BatchTeacher, texts: Sequence[str], store: LabelStore, book: BatchBook, caps: Caps
) -> tuple[list[Parcel], Submitted, str, Body]:
    """What is to be sent, within the caps; how that is asked about, and what is left out."""
    stored = store.get_many(teacher.identity, texts).keys()
    waiting, unusable, _ = book.held([text for text in texts if text not in stored])
    left = [t for t in texts if t not in stored and t not in waiting and t not in unusable]
    form, body = teacher.batch_requests()
    parcels = make_parcels(teacher, left, body)
    check_caps(teacher, parcels, book.open(), caps)
    planned = Submitted(
        batches=(),
        n_texts=len(left),
        n_stored=len(stored),
        n_waiting=len(waiting),
        n_unusable=len(unusable),
        most=total_cost(parcel.dollars for parcel in parcels),
    )
    return parcels, planned, form, body


async def _locate_all(teacher: BatchTeacher, book: BatchBook) -> None:
    """Find out about batches of which nobody knows whether they were made."""
    entries = [entry for entry in book.open() if entry.state == SENDING]
    if not entries:
        return
    server = teacher.open_batches()
    try:
        for entry in entries:
            found = await locate(book, server, entry)
            if found.state == SENDING:
                raise TeacherError(f"batch {entry.shown.key} was being sent: {found.shown.note}")
    finally:
        await server.close()


async def _status(teacher: BatchTeacher, store: LabelStore) -> None:
    book = BatchBook(store, teacher.identity)
    entries = book.open()
    if not entries:
        return
    server = teacher.open_batches()
    try:
        for entry in entries:
            await look(book, server, await locate(book, server, entry))
    finally:
        await server.close()


async def _collect(teacher: BatchTeacher, store: LabelStore) -> Collected:
    book = BatchBook(store, teacher.identity)
    entries = book.open()
    brought: list[Brought] = []
    if entries:
        server = teacher.open_batches()
        try:
            for entry in entries:
                brought.append(await collect_entry(teacher, book, server, entry))  # noqa: PERF401
        finally:
            await server.close()
    mine = {entry.shown.key for entry in entries}
    waiting = [b for b in all_batches(store) if b.collected_at is None and b.state != NOTED]
    return Collected(
        batches=tuple(b.batch for b in brought),
        n_answers=sum(b.n_answers for b in brought),
        n_unusable=sum(b.n_unusable for b in brought),
        n_free=sum(b.n_free for b in brought),
        spending=_total([b.spending for b in brought]),
        n_others=sum(batch.key not in mine for batch in waiting),
    )


async def _cancel(teacher: BatchTeacher, store: LabelStore, key: str) -> Batch:
    book = BatchBook(store, teacher.identity)
    entries = book.open()
    found = [entry for entry in entries if key and entry.key.startswith(key)]
    if len(found) != 1:
        known = [entry.shown.key for entry in entries]
        raise InvalidInput.unknown_name("batch under way", key, known)
    server = teacher.open_batches()
    try:
        return await give_up(teacher, book, server, found[0])
    finally:
        await server.close()


def _total(parts: Sequence[Spending]) -> Spending:
    return Spending(
        asked=sum(p.asked for p in parts),
        missing=sum(p.missing for p in parts),
        prompt_tokens=sum(p.prompt_tokens for p in parts),
        completion_tokens=sum(p.completion_tokens for p in parts),
        cost=total_cost(p.cost for p in parts),
    )
