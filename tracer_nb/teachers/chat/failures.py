"""Why a request failed, in one line, and whether every other text would fail the same way.

Which failures of a request show an overload, and how long to wait.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tracer_nb.errors import KeyRefused, TeacherError
from tracer_nb.teachers.chat.pace import asked_pause, asked_until, is_passing
from tracer_nb.teachers.chat.words import (
    about_absence,
    about_form,
    about_generation,
    about_key,
    about_moderation,
    about_path,
    about_redirect,
    about_silence,
    about_wrong_key,
    plain,
    raw_words,
    words_of,
)
from tracer_nb.teachers.server import Patience, Secret, Server

if TYPE_CHECKING:
    import openai

__all__ = [
    "FORM_REJECTED",
    "Failures",
    "ReplyLost",
    "RequestFailed",
    "Unreachable",
    "broken_off",
    "connect_error",
    "forget_frames",
    "is_overload",
    "may_be_of_form",
    "pause",
    "request_errors",
    "timed_out",
]


FORM_REJECTED = frozenset({400, 404, 422, 500, 501})
"""Statuses by which servers refuse a form of request."""

_ACCOUNT = 402
_FORBIDDEN = 403
_BROKEN = 500
_MISSING = frozenset({404, 405})
_LIMIT = 429
# Of these a text may be the cause.
_OF_TEXT = frozenset({400, _FORBIDDEN, 422, 451})
_OF_LENGTH = frozenset({400, 413, 422})
_NO_MODEL = re.compile(
    r"model[^.;]{0,80}(?:not (?:found|exist|available|loaded|a valid)|n.t exist|unknown|no longer)"
    r"|(?:no such|unknown|invalid|no) model|not a valid model|model_not_found",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|window|size)|too (?:long|large|many tokens)|maximum.{0,20}tokens",
    re.IGNORECASE,
)


class Unreachable(ConnectionError):
    """No connection could be made at all; raised for clients other than the SDK's."""


class ReplyLost(Exception):
    """A reply came, and may be billed, but its body could not be taken.

    ``for_good``: nor will that of the next one be.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


class RequestFailed(Exception):
    """One text got no reply; the message is the reason.

    ``own``: it is about this text, and says nothing about how the server is.
    """

    def __init__(self, reason: str, *, own: bool = False) -> None:
        super().__init__(reason)
        self.own = own


class Failures:
    """Turns the SDK's exceptions into ours, with the key taken out of every message.

    Parameters
    ----------
    model : str
    server : Server
    secret : Secret
    patience : Patience
        What a reply is waited for with.
    """

    def __init__(self, model: str, server: Server, secret: Secret, *, patience: Patience) -> None:
        self._model = model
        self._server = server
        self._secret = secret
        self.patience = patience

    def without_key(self, body: bytes) -> bytes:
        """Body of a reply with the key, should it be there, taken out."""
        return self._secret.redact_bytes(body)

    def line(self, error: BaseException | str) -> str:
        """One short line without secrets."""
        text = self._secret.redact(plain(self._secret.redact(str(error))))
        return text if len(text) <= 300 else text[:299] + "…"

    def of_status(
        self, error: openai.APIStatusError, *, answered: bool, tries: int
    ) -> TeacherError | RequestFailed:
        """Failure for an HTTP error after ``tries``. ``answered``: this server has answered before."""
        failure = self._of_whole(error, answered=answered)
        if failure is not None:
            return failure
        code, line = error.status_code, self.said(error)
        if self.is_of_text(error):
            return RequestFailed(f"the server's moderation refused the text: {line}", own=True)
        if code == _LIMIT:
            return RequestFailed(f"rate limit after {tries} tries: {line}")
        if code >= 500:
            return RequestFailed(f"server error {code} after {tries} tries: {line}")
        own = code in _OF_LENGTH and _TOO_LONG.search(line) is not None
        return RequestFailed(f"request rejected: {line}", own=own)

    def _of_whole(self, error: openai.APIStatusError, *, answered: bool) -> TeacherError | None:
        """Failure that every other text would meet, too."""
        code, line, where = error.status_code, self.said(error), self._server.shown
        until = asked_until(error) if is_passing(error) else None
        failure: TeacherError | None = None
        if 300 <= code < 400:
            failure = TeacherError(self.line(about_redirect(self._server, error.response)))
        elif self.is_of_text(error):
            pass
        elif code == 401 or (not answered and self._is_of_key(error, line)):
            failure = KeyRefused(about_key(self._server, self._secret, line))
        elif code == _ACCOUNT or (code == _LIMIT and error.code == "insufficient_quota"):
            failure = TeacherError(f"the account at {where} cannot pay ({line}); top it up")
        elif until is not None:
            failure = TeacherError(f"{where} asks to wait {until} ({line}); run this again then")
        elif not answered and (code in _MISSING or self._is_of_model(error, line)):
            failure = TeacherError(about_absence(self._server, self._model, line))
        return failure

    def is_of_text(self, error: openai.APIStatusError) -> bool:
        """Whether it is the text that the server does not like."""
        said = raw_words(error.body) + self.said(error)
        return error.status_code in _OF_TEXT and about_moderation(said)

    def is_of_key(self, error: openai.APIStatusError) -> bool:
        """Whether the key is missing or wrong."""
        return self._is_of_key(error, self.said(error))

    def said(self, error: openai.APIStatusError) -> str:
        """What the server said with an HTTP error, in one line."""
        line = self.line(words_of(error.body))
        return line or self.line(error.message) or f"error {error.status_code}"

    def is_of_generation(self, error: Any) -> bool:
        """Whether one generated text did not come out as its form wants it: it may be billed."""
        if getattr(error, "status_code", None) not in (400, 422, 500):
            return False
        return about_generation(f"{self.said(error)} {raw_words(error.body)}")

    def is_plain(self, error: openai.APIStatusError) -> bool:
        """Whether the server says what is wrong, and it is not how the answer was asked for."""
        line = self.said(error)
        return self._is_of_model(error, line) or _TOO_LONG.search(line) is not None

    def _is_of_key(self, error: openai.APIStatusError, line: str) -> bool:
        code = error.status_code
        if code in (401, _FORBIDDEN):
            return True
        return code < 500 and code != _LIMIT and about_wrong_key(f"{line} {raw_words(error.body)}")

    def _is_of_model(self, error: openai.APIStatusError, line: str) -> bool:
        """Whether the model is unknown, by what is said."""
        said = f"{line} {error.code or ''}"
        return error.status_code in (400, 404, 422) and _NO_MODEL.search(said) is not None

    def of_connection(
        self, error: Exception, *, answered: bool, tries: int
    ) -> TeacherError | RequestFailed:
        """Failure for a reply that never came. ``answered`` as in :meth:`of_status`."""
        refused = connect_error(error)
        if isinstance(error, ReplyLost):
            return RequestFailed(str(error))
        if refused is not None and not answered:
            cause = self.line(refused)
            return TeacherError(
                f"cannot reach {self._server.shown} ({cause}); {about_silence(self._server, cause)}"
            )
        if refused is None and timed_out(error):
            return RequestFailed(f"no reply within {self.patience.said:g} s, {tries} tries")
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


def may_be_of_form(status: int, said: str) -> bool:
    """Whether a request may have been refused for its form, by what is known afterwards."""
    others = (
        about_moderation,
        about_wrong_key,
        about_generation,
        _NO_MODEL.search,
        _TOO_LONG.search,
    )
    if status not in FORM_REJECTED or any(other(said) for other in others):
        return False
    return status != _BROKEN or about_form(said)


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
    """Whether the reply was lost while it came in: the server has billed it."""
    import aiohttp  # noqa: PLC0415 -- as above

    kinds = (aiohttp.ClientPayloadError, ReplyLost)
    return any(isinstance(cause, kinds) for cause in _causes(error))


def request_errors() -> tuple[type[Exception], ...]:
    """What a request may end with. Anything else is a bug, and stops the run as one."""
    import aiohttp  # noqa: PLC0415 -- as above
    import openai  # noqa: PLC0415 -- as above

    # The SDK lets some of aiohttp's errors through, for example where no HTTP is spoken.
    return (
        openai.APIConnectionError,
        openai.APIStatusError,
        aiohttp.ClientError,
        ReplyLost,
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


# 529 is what some call an overload; gateways answer 502 to 504 for a server that is too busy.
# A plain 500 is a fault of its own, and fewer requests would not mend it.
_OVERLOAD = frozenset({408, 429, 502, 503, 504, 529})
_FIRST = 0.5
_LONGEST = 8.0


def is_overload(error: Exception) -> bool:
    """Whether fewer requests at a time would help: too many of them, or no reply in time."""
    status = getattr(error, "status_code", None)
    if status is None:
        return connect_error(error) is None and timed_out(error)
    return status in _OVERLOAD


def pause(error: Exception, retries: int) -> float:
    """Seconds to wait after so many retries: as the server asks, else longer every time."""
    asked = asked_pause(error)
    if asked is not None:
        return asked
    # Not all at once: requests that failed together should not come back together.
    return min(_FIRST * 2.0 ** min(retries, 10), _LONGEST) * random.uniform(0.75, 1)  # noqa: S311
