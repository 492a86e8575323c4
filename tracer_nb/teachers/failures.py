"""Why a request failed, in one line, and whether every other text would fail the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracer_nb.errors import KeyRefused, TeacherError
from tracer_nb.teachers.hints import about_absence, about_key, about_path, about_silence
from tracer_nb.teachers.server import CONNECT_SECONDS, Secret, Server

if TYPE_CHECKING:
    import openai

__all__ = [
    "Failures",
    "RequestFailed",
    "Unreachable",
    "broken_off",
    "connect_error",
    "forget_frames",
    "request_errors",
    "timed_out",
]

_ACCOUNT = 402
_FORBIDDEN = 403
_MISSING = frozenset({404, 405})
_LIMIT = 429


class Unreachable(ConnectionError):
    """No connection could be made at all; raised for clients other than the SDK's."""


class RequestFailed(Exception):
    """One text got no reply; the message is the reason."""


class Failures:
    """Turns the SDK's exceptions into ours, with the key taken out of every message.

    Parameters
    ----------
    model : str
    server : Server
    secret : Secret
    timeout : float
        Seconds the SDK waits for a reply.
    """

    def __init__(self, model: str, server: Server, secret: Secret, *, timeout: float) -> None:
        self._model = model
        self._server = server
        self._secret = secret
        self._timeout = timeout

    @property
    def patience(self) -> float:
        """Seconds in which a reply must be complete, making the connection included."""
        return self._timeout + min(self._timeout, CONNECT_SECONDS)

    def without_key(self, body: bytes) -> bytes:
        """Body of a reply with the key, should it be there, taken out."""
        return self._secret.redact_bytes(body)

    def line(self, error: BaseException | str) -> str:
        """One short line without secrets."""
        text = " ".join(self._secret.redact(str(error)).split())
        return text if len(text) <= 300 else text[:299] + "…"

    def of_status(
        self, error: openai.APIStatusError, *, answered: bool, tries: int
    ) -> TeacherError | RequestFailed:
        """Failure for an HTTP error after ``tries``. ``answered``: this server has answered before."""
        code, line, where = error.status_code, self.line(error.message), self._server.shown
        if code == 401 or (code == _FORBIDDEN and not answered):
            return KeyRefused(about_key(self._server, self._secret, line))
        if code == _ACCOUNT or (code == _LIMIT and error.code == "insufficient_quota"):
            return TeacherError(f"the account at {where} cannot pay ({line}); top it up")
        if code in _MISSING and not answered:
            return TeacherError(about_absence(self._server, self._model, line))
        if code == _LIMIT:
            return RequestFailed(f"rate limit after {tries} tries: {line}")
        if code >= 500:
            return RequestFailed(f"server error {code} after {tries} tries: {line}")
        return RequestFailed(f"request rejected: {line}")

    def of_connection(
        self, error: Exception, *, answered: bool, tries: int
    ) -> TeacherError | RequestFailed:
        """Failure for a reply that never came. ``answered`` as in :meth:`of_status`."""
        refused = connect_error(error)
        if refused is not None and not answered:
            cause = self.line(refused)
            return TeacherError(
                f"cannot reach {self._server.shown} ({cause}); {about_silence(self._server, cause)}"
            )
        if refused is None and timed_out(error):
            return RequestFailed(f"no reply within {self._timeout:g} s, {tries} tries")
        below = refused or error.__cause__ or error
        return RequestFailed(f"connection lost, {tries} tries: {self.line(below)}")

    def of_reply(self, said: str, *, answered: bool) -> TeacherError | None:
        """Failure for an error in a reply with status 200; None when it may pass.

        LM Studio answers so at every address that it does not know.
        """
        path = about_path(self._server)
        if answered or path is None:
            return None
        return TeacherError(
            f"{self._server.shown} is no chat-completions address ({self.line(said)}); {path}"
        )


def connect_error(error: BaseException) -> BaseException | None:
    """Find the error below ``error`` that says that no connection could be made at all.

    The SDK reports a refused connection as a time-out; the cause below it tells.
    """
    import aiohttp  # noqa: PLC0415 -- comes with the SDK, and as late

    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, Unreachable)
    return next((cause for cause in _causes(error) if isinstance(cause, kinds)), None)


def timed_out(error: BaseException) -> bool:
    """Whether the wait for a reply ran out."""
    kinds = (TimeoutError, asyncio.TimeoutError)  # two classes before Python 3.11
    return any(isinstance(cause, kinds) for cause in _causes(error))


def broken_off(error: BaseException) -> bool:
    """Whether the connection was lost while the reply came in: the server has billed it."""
    import aiohttp  # noqa: PLC0415 -- as above

    return any(isinstance(cause, aiohttp.ClientPayloadError) for cause in _causes(error))


def request_errors() -> tuple[type[Exception], ...]:
    """What a request may end with. Anything else is a bug, and stops the run as one."""
    import aiohttp  # noqa: PLC0415 -- as above
    import openai  # noqa: PLC0415 -- as above

    # The SDK lets some of aiohttp's errors through, for example where no HTTP is spoken.
    return (
        openai.APIConnectionError,
        openai.APIStatusError,
        aiohttp.ClientError,
        asyncio.TimeoutError,
        TimeoutError,
    )


def forget_frames(error: BaseException) -> None:
    """Drop the stack frames below ``error``, whose variables a verbose traceback would show."""
    for cause in _causes(error):
        cause.__traceback__ = None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
