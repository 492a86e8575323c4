"""What any-llm raises, as what the SDK's client would have raised."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tracer_nb.errors import TeacherError
from tracer_nb.teachers.failures import Unreachable
from tracer_nb.teachers.server import Secret
from tracer_nb.teachers.words import words_of

__all__ = ["raise_as_sdk"]

# What any-llm's classes of errors mean where the provider's library gave no status.
_STATUS = {
    "AuthenticationError": 401,
    "InsufficientFundsError": 402,
    "ModelNotFoundError": 404,
    "RateLimitError": 429,
    "UpstreamProviderError": 502,
    "GatewayTimeoutError": 504,
    "ContentFilterError": 400,
    "ContextLengthExceededError": 400,
    "InvalidRequestError": 400,
    "UnsupportedParameterError": 400,
}
# How OpenAI's API says the same, where any-llm says it by a class of errors.
_CODES = {"ModelNotFoundError": "model_not_found", "ContentFilterError": "content_filter"}
_REFUSED = frozenset({401, 403})
_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry")
# Names of base classes, since each provider's library brings its own transport.
_LOST = frozenset({"APIConnectionError", "ClientError", "OSError", "TransportError"})
_NOT_MADE = frozenset({"ConnectError", "ConnectTimeout", "ClientConnectorError"})
# Fields of every request: a message that names them complains about something else.
_ALWAYS = frozenset({"model", "messages"})


def raise_as_sdk(error: Exception, secret: Secret, body: Mapping[str, Any]) -> str:
    """Raise what the SDK would have raised; return what is wrong with a reply that there was.

    Parameters
    ----------
    error : Exception
        From a provider of any-llm, with unified exceptions, or from the wait for it.
    secret : Secret
        Taken out of the message.
    body : mapping
        What was asked for.

    Raises
    ------
    openai.APIStatusError
        The provider refused, or a field of ``body`` could not be sent to it.
    openai.APIConnectionError
        No reply came.
    TeacherError
        The provider has no chat completions.
    """
    import httpx2  # noqa: PLC0415
    import openai  # noqa: PLC0415

    request = httpx2.Request("POST", "http://any-llm/chat/completions")
    original = getattr(error, "original_exception", None) or error
    said = words_of(getattr(original, "body", None))
    said = said or str(getattr(original, "message", "") or original or error)
    said = " ".join(secret.redact(said).split())[:300]
    if isinstance(error, asyncio.TimeoutError):
        raise openai.APITimeoutError(request) from error
    if isinstance(error, NotImplementedError):
        raise TeacherError(f"any-llm cannot do this with that provider: {said}") from None
    causes = _causes(original)
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    status = _status_of(error, original)
    if status is None and names & _NOT_MADE:
        why = Unreachable(str(causes[-1]) or said)
        raise openai.APIConnectionError(message=said, request=request) from why
    if status is None and names & _LOST:
        raise openai.APIConnectionError(message=said, request=request) from original
    # A field that a provider's library cannot send is refused before anything is sent.
    if status is None and any(field in said for field in body if field not in _ALWAYS):
        status = 400
    if status is None or status < 400:
        return said
    response = httpx2.Response(status, headers=_headers_of(error, original), request=request)
    code = _CODES.get(type(error).__name__) or getattr(error, "code", None)
    raise openai.APIStatusError(said, response=response, body={"code": code}) from None


def _status_of(error: Exception, original: object) -> int | None:
    """HTTP status of a failure, as reported or as any-llm's class of it says."""
    meant = _STATUS.get(type(error).__name__)
    status = getattr(error, "status_code", None)
    if status is None and meant is None:
        response = getattr(original, "response", None)
        status = getattr(original, "status_code", None) or getattr(response, "status_code", None)
    if isinstance(status, int) and (meant not in _REFUSED or status in _REFUSED):
        return status
    return meant


def _headers_of(error: Exception, original: object) -> dict[str, str]:
    """What the provider said about trying again."""
    given = getattr(getattr(original, "response", None), "headers", None) or {}
    found = {name: str(given[name]) for name in _HEADERS if name in given}
    after = getattr(error, "retry_after", None)
    return {"retry-after": str(after), **found} if after else found


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
