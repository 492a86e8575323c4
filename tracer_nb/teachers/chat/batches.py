"""The files and batches endpoints of one server, their failures told in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from tracer_nb.errors import InvalidInput, KeyRefused, TeacherError
from tracer_nb.teachers.chat.batchfile import ENDPOINT
from tracer_nb.teachers.chat.failures import (
    Failures,
    connect_error,
    forget_frames,
    pause,
    request_errors,
    timed_out,
)
from tracer_nb.teachers.chat.pace import asked_until, is_passing
from tracer_nb.teachers.chat.words import words_of
from tracer_nb.teachers.server import Server

__all__ = ["BatchServer", "CannotList", "NotMade", "ServerBatch", "check_batches"]

# What a batch is found by, should the reply to its making be lost.
_MARK = "tracer_nb_batch"
_FILE_SECONDS = 600.0
_SECONDS = 60.0
_RETRIES = 2
# More than this nobody sits through for a look at a batch.
_LONGEST_WAIT = 10.0
# What the SDK raises for a reply whose parts are not what it takes them for.
_ODD = (ValueError, TypeError, AttributeError, RecursionError)
_MOST = 2**63  # what a column of SQLite does not hold any more
# The longest that a request to make a batch may take: see ``collecting``.
_MAKING_SECONDS = 60.0
_MISSING = frozenset({404, 405, 501})
# After these a request may have been carried out all the same.
_UNSURE = frozenset({408, 409})
# Words of servers that speak of states in their own way.
_SAME_STATES = {"canceled": "cancelled", "canceling": "cancelling", "succeeded": "completed"}

T = TypeVar("T")


class NotMade(TeacherError):
    """The server has certainly made no batch."""


class CannotList(TeacherError):
    """The server does not tell which batches it has."""


def check_batches(server: Server, votes: int) -> None:
    """Refuse what no batch can do.

    Raises
    ------
    InvalidInput
        The library that is asked has none, or each text is asked about several times.
    """
    if not server.url:
        raise InvalidInput(f"{server.shown} has no batch endpoints; use %tracer label")
    if votes > 1:
        raise InvalidInput(
            f"a batch asks about each text once; for votes={votes} use %tracer label"
        )


@dataclass(frozen=True, slots=True)
class ServerBatch:
    """A batch as the server tells it.

    Attributes
    ----------
    id, state : str
        "validating", "in_progress", "finalizing", "completed", "failed", "expired",
        "cancelling" or "cancelled".
    n_done, n_failed : int
        Requests that were answered, and that failed.
    output_file, error_file : str or None
        Names of the files with the answers and the failures.
    prompt_tokens, completion_tokens : int
        Of the whole batch; 0 where the server does not say.
    note : str
        What was wrong with it.
    """

    id: str
    state: str
    n_done: int = 0
    n_failed: int = 0
    output_file: str | None = None
    error_file: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    note: str = ""


class BatchServer:
    """Sends and fetches batches through one client of the SDK.

    Parameters
    ----------
    client : openai.AsyncOpenAI
        Without retries of its own: it would sleep for as long as a server asks.
    failures : Failures
    shown : str
        The server's address.
    """

    def __init__(self, client: Any, failures: Failures, shown: str) -> None:
        self._client = client
        self._failures = failures
        self.shown = shown

    async def upload(self, file: BinaryIO) -> str:
        """Send the requests; the name of the file at the server. Nothing is asked by this.

        Raises
        ------
        TeacherError
            There are no such endpoints, no server, no key, or the file was refused.
        """
        client = self._client.with_options(timeout=_FILE_SECONDS)

        def send() -> Awaitable[Any]:
            file.seek(0)
            return client.files.create(file=("batch.jsonl", file), purpose="batch")  # type: ignore[no-any-return]

        made = await self._call(send, making=True, seconds=_FILE_SECONDS)
        name = self._name(made)
        if name is None:
            why = self._no("file", made)
            del made  # whatever it is, a verbose traceback would show it
            raise why
        return name

    async def create(self, file_id: str, key: str) -> ServerBatch:
        """Make a batch of an uploaded file, marked with ``key``.

        Raises
        ------
        NotMade, KeyRefused
            The server made none.
        TeacherError
            It is not known whether it did.
        """
        client = self._client.with_options(timeout=_MAKING_SECONDS)

        def make() -> Awaitable[Any]:
            return client.batches.create(  # type: ignore[no-any-return]
                completion_window="24h",
                endpoint=ENDPOINT,
                input_file_id=file_id,
                metadata={_MARK: key},
            )

        # Once: a reply that was lost may be that of a batch that was made.
        made = await self._call(make, making=True, once=True, seconds=_MAKING_SECONDS)
        return self._read(made)

    async def find(self, key: str, file_id: str | None) -> ServerBatch | None:
        """The batch that was made with ``key``, or of this file; None when there is none.

        Raises
        ------
        CannotList
            It has no list of batches.
        TeacherError
            It does not give it now.
        """
        found = await self._call(lambda: self._search(key, file_id), missing_ok=True)
        if found is None:
            raise CannotList(f"{self.shown} does not list its batches")
        return next(iter(found), None)

    async def retrieve(self, batch_id: str) -> ServerBatch | None:
        """The batch as it is now; None when the server does not know it.

        Raises
        ------
        TeacherError
            The server cannot tell.
        """
        found = await self._call(lambda: self._client.batches.retrieve(batch_id), missing_ok=True)
        return None if found is None else self._read(found)

    async def cancel(self, batch_id: str) -> ServerBatch | None:
        """Ask the server to stop the batch; None when it does not know it.

        Raises
        ------
        TeacherError
            The server did not do so.
        """
        found = await self._call(lambda: self._client.batches.cancel(batch_id), missing_ok=True)
        return None if found is None else self._read(found)

    async def content(self, file_id: str) -> bytes | None:
        """What a file holds; None when the server does not have it.

        Raises
        ------
        TeacherError
            It could not be fetched.
        """
        client = self._client.with_options(timeout=_FILE_SECONDS)
        response = await self._call(
            lambda: client.files.content(file_id), missing_ok=True, seconds=_FILE_SECONDS
        )
        if response is None:
            return None
        # A model may repeat the key, where a gateway puts headers into prompts.
        return self._failures.without_key(bytes(response.content))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _search(self, key: str, file_id: str | None) -> list[ServerBatch]:
        seen: set[str] = set()
        async for batch in self._client.batches.list(limit=100):
            name = self._name(batch)
            if name is None or name in seen:  # a server that gives the same page for ever
                break
            seen.add(name)
            # Not every server keeps metadata, but a file of ours is in no other batch.
            metadata = getattr(batch, "metadata", None)
            marked = isinstance(metadata, Mapping) and metadata.get(_MARK) == key
            if marked or (file_id is not None and batch.input_file_id == file_id):
                return [self._read(batch)]
        return []

    def _read(self, batch: Any) -> ServerBatch:
        name = self._name(batch)
        if name is None:
            why = self._no("batch", batch)
            del batch  # whatever it is, a verbose traceback would show it
            raise why
        counts = getattr(batch, "request_counts", None)
        usage = getattr(batch, "usage", None)
        errors = getattr(batch, "errors", None)
        errors = getattr(errors, "data", None) or errors
        each = errors if isinstance(errors, list) else [errors]
        return ServerBatch(
            id=name,
            state=_state(self.line(str(getattr(batch, "status", "")))),
            n_done=_count(counts, "completed"),
            n_failed=_count(counts, "failed"),
            output_file=_text(getattr(batch, "output_file_id", None)),
            error_file=_text(getattr(batch, "error_file_id", None)),
            prompt_tokens=_count(usage, "input_tokens"),
            completion_tokens=_count(usage, "output_tokens"),
            note=self.line("; ".join(filter(None, map(_complaint, each[:2])))),
        )

    def _name(self, value: Any) -> str | None:
        """The name that the server gave a thing; None for a thing without one, or with the key."""
        name = getattr(value, "id", None)
        is_name = isinstance(name, str) and name and self.line(name) == name
        return name if is_name else None

    def _no(self, kind: str, value: Any) -> TeacherError:
        said = self.line(_words(value))
        if said:
            return TeacherError(f"{self.shown} replied with no {kind}: {said}")
        return TeacherError(f"what {self.shown} replied is no {kind}; is base_url right?")

    async def _call(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        making: bool = False,
        missing_ok: bool = False,
        once: bool = False,
        seconds: float = _SECONDS,
    ) -> T | Any:
        import openai  # noqa: PLC0415 -- slow to import; there is a client, so it is loaded

        known: tuple[type[Exception], ...] = (openai.OpenAIError, *request_errors(), *_ODD)
        tries = 0
        while True:
            try:
                # The SDK's time-out is for each part of a reply: one that drips in never meets it.
                return await asyncio.wait_for(call(), seconds)
            except known as e:
                forget_frames(e)  # they hold the key
                if missing_ok and self._is_missing(e):
                    return None
                if once or tries >= _RETRIES or not _may_work_soon(e):
                    raise self._told(e, making=making) from None
                wait = pause(e, tries)
            except Exception as e:  # a bug; whoever sees its traceback need not see the key
                forget_frames(e)
                raise e  # noqa: TRY201 -- without a name Python 3.10 puts the frames back
            tries += 1
            await asyncio.sleep(wait)

    def _told(self, error: Any, *, making: bool) -> TeacherError:
        """What a call that did not work tells the person."""
        if isinstance(error, TeacherError):
            return error
        if hasattr(error, "status_code"):
            return self._status_error(error, making=making)
        if isinstance(error, request_errors()):
            failure = self._failures.of_connection(error, answered=False, tries=1)
            return self._error(failure, not_made=making and connect_error(error) is not None)
        return TeacherError(f"{self.shown} sent what cannot be read: {self._failures.line(error)}")

    def _is_missing(self, error: Any) -> bool:
        """Whether the server knows no such thing; some say so of a wrong key, too."""
        missing = getattr(error, "status_code", None) in _MISSING
        return missing and not self._failures.is_of_key(error)

    def _status_error(self, error: Any, *, making: bool) -> TeacherError:
        code = error.status_code
        if self._is_missing(error):
            line = f"{self.shown} has no batch endpoints (error {code}); use %tracer label"
            return self._error(TeacherError(line), not_made=making)
        failure: Exception = self._failures.of_status(error, answered=False, tries=1)
        until = asked_until(error, _LONGEST_WAIT) if is_passing(error) else None
        if until is not None:
            said = self._failures.said(error)
            failure = TeacherError(
                f"{self.shown} asks to wait {until} ({said}); run this again then"
            )
        surely = code < 500 and code not in _UNSURE
        return self._error(failure, not_made=making and surely)

    def _error(self, failure: Exception, *, not_made: bool) -> TeacherError:
        if isinstance(failure, KeyRefused):
            return failure
        # What concerns one request elsewhere concerns the whole batch here.
        whole = isinstance(failure, TeacherError)
        kind = NotMade if not_made else TeacherError
        return kind(str(failure) if whole else f"{self.shown}: {failure}")

    def line(self, said: str) -> str:
        """One short line without secrets."""
        return self._failures.line(said)


def _state(said: str) -> str:
    """A state in OpenAI's words."""
    said = said.strip().lower()
    return _SAME_STATES.get(said, said)


def _may_work_soon(error: Exception) -> bool:
    """Whether the same call may work in a moment."""
    if not isinstance(error, request_errors()) or timed_out(error) or not is_passing(error):
        return False
    return asked_until(error, _LONGEST_WAIT) is None


def _words(value: Any) -> str:
    """The error in what a server called a success."""
    if isinstance(value, str):
        return words_of(value)
    names = ("error", "errors", "detail", "message")
    return next(filter(None, (words_of(getattr(value, name, None)) for name in names)), "")


def _complaint(error: Any) -> str:
    """One of the errors of a batch, in words."""
    message, line = (getattr(error, name, None) for name in ("message", "line"))
    said = words_of(error) or words_of(message)
    return f"line {line}: {said}" if said and isinstance(line, int) else said


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any, name: str) -> int:
    number = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return number if isinstance(number, int) and 0 <= number < _MOST else 0
