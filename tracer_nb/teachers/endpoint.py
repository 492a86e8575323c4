"""One chat-completions server: sends messages, returns the reply or says why there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracer_nb.teachers.bill import Bill
from tracer_nb.teachers.dialect import Dialect, Way
from tracer_nb.teachers.failures import (
    Failures,
    RequestFailed,
    broken_off,
    connect_error,
    forget_frames,
    request_errors,
    timed_out,
)
from tracer_nb.teachers.forms import Form
from tracer_nb.teachers.hints import error_in
from tracer_nb.teachers.pace import Halted, Pace
from tracer_nb.teachers.reply import Reply, read_reply
from tracer_nb.teachers.retries import asked_pause, is_overload, is_passing, pause

__all__ = ["Endpoint"]

_FIRST_RETRIES = 1
_PAUSE = 0.25
_FORM_REJECTED = frozenset({400, 422})
_BYTES_PER_TOKEN = 4


class Endpoint:
    """Sends chat messages through one client of the SDK.

    Lost connections, 429 and 5xx are retried, and Retry-After is honoured. A reply that is
    broken or does not come in time is asked for again as often as the cost bound allows,
    a form of request that the server rejects is replaced, and the first contact fails fast,
    because nobody should wait for the whole backoff to hear that no server is there. The SDK
    could retry, too, but does not say what: its client is to have no retries of its own.
    Every request waits for its turn in ``pace``.

    Parameters
    ----------
    model : str
    client : openai.AsyncOpenAI
    dialect : Dialect
        What the server takes; it outlives the endpoint, which lives for one run.
    failures : Failures
    max_retries : int
        Retries of one request.
    pace : Pace
        Of the same run.
    answer_tokens : int
        Estimate for one answer, for a limit on tokens a minute.
    """

    def __init__(
        self,
        model: str,
        client: Any,
        dialect: Dialect,
        failures: Failures,
        max_retries: int,
        *,
        pace: Pace,
        answer_tokens: int = 0,
    ) -> None:
        self._model = model
        self._client = client
        self._dialect = dialect
        self._failures = failures
        self._max_retries = max_retries
        self._pace = pace
        self._answer_tokens = answer_tokens
        self._reached = False
        self._answered = False

    async def ask(
        self, compose: Callable[[Form], Sequence[Mapping[str, str]]], bill: Bill
    ) -> Reply:
        """Ask for a reply to the messages that ``compose`` makes, as long as the bill allows.

        Every request is on the ``bill`` when this returns or raises.

        Raises
        ------
        RequestFailed
            This text gets no reply.
        TeacherError
            No text would get one.
        """
        unread = retries = 0
        while True:
            way = self._dialect.way
            request = {"model": self._model, "messages": compose(way.form), **way.fields}
            tokens = self._estimate(request)
            try:
                body = await self._post(request, tokens, bill)
            except Halted:
                raise RequestFailed("the run was stopped") from None
            except request_errors() as e:
                if self._adapts(e, way):
                    bill.add_free()
                    continue
                self._book(e, bill)
                if not bill.left or retries >= self._limit(e) or not is_passing(e):
                    raise self._failure(e, retries + 1) from None
                await self._rest(pause(e, retries))
                retries += 1
                continue
            reply = read_reply(body, way.form)
            if reply is not None:
                bill.add(reply)
                self._answered = True
                self._dialect.accept()
                self._pace.correct(_reported(reply, tokens) - tokens)
                return reply
            bill.add_unread()
            said = self._said(body)
            unread += 1
            if not bill.left:
                raise RequestFailed(f"the reply was not readable, {unread} times{said}")
            await self._rest(_PAUSE * unread)

    def _book(self, error: Exception, bill: Bill) -> None:
        """Put a request that failed on the bill."""
        if connect_error(error) is None and timed_out(error):
            bill.add_timeout()
        elif broken_off(error):
            bill.add_unread()
        else:
            bill.add_free()

    def _estimate(self, request: Mapping[str, Any]) -> int:
        """Tokens of a request and its answer, where they are limited."""
        if not self._pace.counts_tokens:
            return 0
        size = len(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
        return size // _BYTES_PER_TOKEN + self._answer_tokens

    async def _rest(self, seconds: float) -> None:
        try:
            await self._pace.sleep(seconds)
        except Halted:
            raise RequestFailed("the run was stopped") from None

    def _said(self, body: bytes) -> str:
        """The error that an unreadable reply tells; raised when it says that nobody answers here."""
        said = error_in(body)
        if said is None:
            return ""
        failure = self._failures.of_reply(said, answered=self._answered)
        if failure is not None:
            raise failure
        return f": {self._failures.line(said)}"

    def _adapts(self, error: Any, way: Way) -> bool:
        """Whether the server wants the request in another form, which there is."""
        status = getattr(error, "status_code", None)
        return status in _FORM_REJECTED and self._dialect.adapt(way, error.message)

    def _limit(self, error: Exception) -> int:
        """Retries after ``error``."""
        if not self._reached and connect_error(error) is not None:
            return min(_FIRST_RETRIES, self._max_retries)
        return self._max_retries

    def _failure(self, error: Any, tries: int) -> Exception:
        connection = not hasattr(error, "status_code")
        of = self._failures.of_connection if connection else self._failures.of_status
        return of(error, answered=self._answered, tries=tries)

    async def _post(self, body: Mapping[str, Any], tokens: int, bill: Bill) -> bytes:
        import httpx2  # noqa: PLC0415 -- the SDK's own
        import openai  # noqa: PLC0415

        async with self._pace.turn(tokens, bill.admit) as turn:
            try:
                # The SDK's typed method builds models we do not need, at twice the CPU time.
                # Its time-out is for each part of a reply: one that drips in never meets it.
                response = await asyncio.wait_for(
                    self._client.post("/chat/completions", body=body, cast_to=httpx2.Response),
                    self._failures.patience,
                )
            except Exception as e:
                self._reached |= isinstance(e, openai.APIStatusError)
                turn.failed(overloaded=is_overload(e), wait=asked_pause(e))
                forget_frames(e)  # they hold the key
                raise e  # noqa: TRY201 -- without a name Python 3.10 puts the frames back
        self._reached = True
        # A model may repeat the key, where a gateway puts headers into prompts.
        return self._failures.without_key(bytes(response.content))

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()


def _reported(reply: Reply, estimate: int) -> int:
    """Tokens of a request as the server counted them, else as estimated."""
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return estimate
    return reply.prompt_tokens + reply.completion_tokens
