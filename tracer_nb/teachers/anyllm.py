"""``anyllm:PROVIDER/MODEL``: a chat teacher whose requests go through the any-llm library.

Prompt, forms of answers, costs, repair and store are those of every chat teacher; only the
client is another one. What any-llm raises is turned into what the SDK would have raised, so
that retries, Retry-After and "which field was rejected" work as they do elsewhere.
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
from tracer_nb.teachers.anyllm_errors import raise_as_sdk
from tracer_nb.teachers.failures import forget_frames
from tracer_nb.teachers.server import Secret, Server, public_address, redact
from tracer_nb.teachers.streams import MOST_BYTES

__all__ = ["AnyllmClient", "Reached", "reach_anyllm"]


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

    async def post(self, path: str, *, body: Mapping[str, Any], cast_to: Any) -> Any:
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

        del path, cast_to
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
