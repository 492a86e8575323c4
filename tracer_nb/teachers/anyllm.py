"""``anyllm:PROVIDER/MODEL``: a chat teacher whose requests go through the any-llm library.

What the library raises is told as what the SDK's client would have raised.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tracer_nb.errors import InvalidInput, MissingExtra, TeacherError
from tracer_nb.teachers.chat.failures import Unreachable, forget_frames
from tracer_nb.teachers.chat.wire import MOST_BYTES
from tracer_nb.teachers.chat.words import words_of
from tracer_nb.teachers.server import Secret, Server, public_address, redact

__all__ = ["AnyllmClient", "Reached", "raise_as_sdk", "reach_anyllm"]


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


@dataclass(frozen=True, slots=True)
class Reached:
    """A model at a provider: what a chat teacher needs to ask it."""

    model: str
    server: Server
    open_client: Callable[..., AnyllmClient]


def reach_anyllm(
    name: str, base_url: str | None = None, environ: Mapping[str, str] | None = None
) -> Reached:
    """Find the provider that ``PROVIDER/MODEL`` names; nothing is sent.

    The key is the one in the provider's own environment variable. With a ``base_url`` it is
    sent only if the provider's own variable for the address names the same one: a key is not
    handed to whoever runs another server.

    Raises
    ------
    InvalidInput
        Not such a name, or an unknown provider.
    MissingExtra
        any-llm, or what it needs for this provider, is not installed.
    """
    provider, slash, model = (part.strip() for part in name.partition("/"))
    if not slash or not provider or not model:
        raise InvalidInput(
            f"teacher must be anyllm:PROVIDER/MODEL, got 'anyllm:{name}'; write for example "
            "anyllm:anthropic/claude-haiku-4-5"
        )
    kind = _provider_class(provider)
    ambient = (os.environ if environ is None else environ).get(kind.ENV_API_BASE_NAME or "", "")
    where = f"any-llm/{provider}"
    paired = True
    if base_url:
        where += f" at {public_address(base_url)}"
        paired = base_url.rstrip("/") == ambient.rstrip("/")
    named = [] if kind.ENV_API_KEY_NAME == "None" else kind.ENV_API_KEY_NAME.split("/")
    server = Server(
        url="",
        shown=where,
        host="",  # prices are those of hosts: any-llm may go to any
        variables=tuple(named) if paired else (),
        is_openai=False,
        is_local=False,
        is_paired=False,
    )

    def open_client(
        _server: Server, secret: Secret, *, timeout: float, max_retries: int
    ) -> AnyllmClient:
        try:
            # "none" keeps any-llm from looking for a key that is not meant for this address.
            key = secret if secret or not paired else None
            made = _create(provider, key, base_url, max_retries)
        except Exception as error:
            forget_frames(error)  # they hold the key
            raise error  # noqa: TRY201 -- without a name Python 3.10 puts the frames back
        return AnyllmClient(made, secret, timeout=timeout)

    return Reached(model, server, open_client)


class AnyllmClient:
    """Has the two methods of the SDK's client that an ``Endpoint`` calls.

    Parameters
    ----------
    provider : any_llm.AnyLLM
    secret : Secret
        Taken out of what the provider's library says.
    timeout : float
        Seconds to wait for a reply, whatever the provider's library thinks of time-outs.
    """

    def __init__(self, provider: Any, secret: Secret, *, timeout: float) -> None:
        self._provider = provider
        self._secret = secret
        self._timeout = timeout

    async def post(
        self, path: str, *, body: Mapping[str, Any], cast_to: Any, options: Any = None
    ) -> Any:
        """Ask for a chat completion; the response has its JSON as ``content``.

        What any-llm could not read comes as a body that nobody else can read either: it may
        be billed, so it is counted and asked for again as a broken reply is.

        Raises
        ------
        openai.APIStatusError, openai.APIConnectionError
            As the SDK's client.
        TeacherError
            The provider has no chat completions.
        """
        import httpx2  # noqa: PLC0415 -- the SDK's own

        del path, cast_to, options
        asked = self._provider.acompletion(**body)
        try:
            content = await asyncio.wait_for(_written(asked), self._timeout)
        except Exception as error:  # noqa: BLE001 -- each provider's library raises its own
            said = raise_as_sdk(error, self._secret, body)
            content = json.dumps({"error": said}).encode()
        return httpx2.Response(200, content=content)

    async def close(self) -> None:
        """Close the provider's connections, where its library can."""
        client = getattr(self._provider, "client", None)
        close = getattr(client, "close", None) or getattr(client, "aclose", None)
        with suppress(Exception):
            closing = close() if callable(close) else None
            if inspect.isawaitable(closing):
                await closing


async def _written(asked: Any) -> bytes:
    """The reply as JSON; the pieces of one that streams anyway, each on a line."""
    reply = await asked
    if not hasattr(reply, "__aiter__"):
        return bytes(reply.model_dump_json(warnings=False).encode())
    pieces, left = [], MOST_BYTES
    async for piece in reply:
        pieces.append(piece.model_dump_json(warnings=False).encode())
        left -= len(pieces[-1])
        if left < 0:
            raise ValueError("the reply has no end")
    return b"\n".join(pieces)


def _provider_class(provider: str) -> Any:
    purpose = f"the teacher 'anyllm:{provider}/…'"
    try:
        from any_llm import AnyLLM  # noqa: PLC0415 -- an extra, and 3.7 s of CPU time
        from any_llm.exceptions import UnsupportedProviderError  # noqa: PLC0415
    except ImportError as error:
        if sys.version_info < (3, 11):
            raise InvalidInput(f"{purpose} needs Python 3.11 or later, as any-llm does") from error
        raise MissingExtra.for_package("any-llm-sdk", "anyllm", purpose) from error
    try:
        kind = AnyLLM.get_provider_class(provider)
    except UnsupportedProviderError as error:
        names = sorted(error.supported_providers)
        raise InvalidInput.unknown_name("provider of any-llm", provider, names) from error
    except ImportError:
        kind = None
    if kind is None or kind.MISSING_PACKAGES_ERROR is not None:
        package = f"'any-llm-sdk[{provider}]'"
        raise MissingExtra(f"{purpose} needs more packages; install them: pip install {package}")
    return kind


def _create(provider: str, secret: Secret | None, base_url: str | None, max_retries: int) -> Any:
    from any_llm import AnyLLM  # noqa: PLC0415
    from any_llm.exceptions import (  # noqa: PLC0415
        AnyLLMError,
        MissingApiKeyError,
        UnsupportedParameterError,
    )

    key = None if secret is None else secret.value
    options: dict[str, Any] = {"api_key": key, "api_base": base_url, "unified_exceptions": True}
    try:
        try:
            return AnyLLM.create(provider, max_retries=max_retries, **options)
        except UnsupportedParameterError:  # a library that does not retry by itself
            return AnyLLM.create(provider, **options)
    except MissingApiKeyError as error:
        raise TeacherError(
            f"no API key for any-llm/{provider}: set {error.env_var_name}, or add --ask-key to "
            "type one"
        ) from None
    except AnyLLMError as error:
        raise TeacherError(f"any-llm cannot open {provider}: {redact(error.message)}") from None
