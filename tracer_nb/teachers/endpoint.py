"""One chat-completions server: sends messages, returns the reply or says why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tracer_nb.teachers.dialect import Dialect
from tracer_nb.teachers.failures import Failures, RequestFailed, connect_error
from tracer_nb.teachers.reply import Reply, read_reply

__all__ = ["Endpoint"]

_FIRST_RETRIES = 1
_PAUSE = 0.25
_PASSING = frozenset({408, 409, 429})
_FORM_REJECTED = frozenset({400, 422})


class Endpoint:
    """Sends chat messages through one client of the SDK.

    The SDK retries time-outs, lost connections, 429 and 5xx, and honours Retry-After. What
    it does not do is done here: a reply with a broken body is asked for again, a form of
    request that the server rejects is replaced, and the first contact fails fast, because
    nobody should wait for the whole backoff to hear that no server is there.

    Parameters
    ----------
    model : str
    client : openai.AsyncOpenAI
    dialect : Dialect
        What the server takes; it outlives the endpoint, which lives for one run.
    failures : Failures
    """

    def __init__(self, model: str, client: Any, dialect: Dialect, failures: Failures) -> None:
        self._model = model
        self._client = client
        self._dialect = dialect
        self._failures = failures
        self._reached = False
        self._answered = False

    async def ask(self, messages: Sequence[Mapping[str, str]], replies: int) -> Reply:
        """Ask for a reply to ``messages``, of ``replies`` at the most.

        Raises
        ------
        RequestFailed
            This text gets no reply.
        TeacherError
            No text would get one.
        """
        unread = 0
        while True:
            parts = self._dialect.parts
            body = await self._send(messages, parts)
            if body is None:
                continue
            reply = read_reply(body, with_schema="response_format" in parts, unread=unread)
            if reply is not None:
                self._answered = True
                self._dialect.accept()
                return reply
            unread += 1
            if unread >= replies:
                raise RequestFailed(f"the reply was not readable, {unread} times", unread)
            await asyncio.sleep(_PAUSE * unread)

    async def _send(
        self, messages: Sequence[Mapping[str, str]], parts: Mapping[str, Any]
    ) -> bytes | None:
        """Body of a reply; None when the server wants the request in another form."""
        import openai  # noqa: PLC0415 -- slow to import; there is a client, so it is loaded

        try:
            return await self._post({"model": self._model, "messages": messages, **parts})
        except openai.APIConnectionError as e:
            raise self._failures.of_connection(e, answered=self._answered) from None
        except openai.APIStatusError as e:
            adapts = e.status_code in _FORM_REJECTED and self._dialect.adapt(parts, e.message)
            if adapts:
                return None
            raise self._failures.of_status(e, answered=self._answered) from None

    async def _post(self, body: Mapping[str, Any]) -> bytes:
        import openai  # noqa: PLC0415

        if not self._reached:
            try:
                return await self._post_with(
                    self._client.with_options(max_retries=_FIRST_RETRIES), body
                )
            except openai.APIConnectionError as e:
                if connect_error(e) is not None:
                    raise
            except openai.APIStatusError as e:
                self._reached = True
                if e.status_code not in _PASSING and e.status_code < 500:
                    raise
        return await self._post_with(self._client, body)

    async def _post_with(self, client: Any, body: Mapping[str, Any]) -> bytes:
        import httpx2  # noqa: PLC0415 -- the SDK's own

        # The SDK's typed method builds models we do not need, at twice the CPU time.
        response = await client.post("/chat/completions", body=body, cast_to=httpx2.Response)
        self._reached = True
        return bytes(response.content)

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()
