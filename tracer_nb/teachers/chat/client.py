"""Opens the SDK's client on one server, and keeps what is meant for OpenAI from others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from tracer_nb.teachers.chat.endpoint import Endpoint
from tracer_nb.teachers.chat.failures import forget_frames
from tracer_nb.teachers.chat.pace import Pace
from tracer_nb.teachers.server import CONNECT_SECONDS, Secret, Server

__all__ = ["Opened", "open_client"]


def open_client(
    server: Server,
    secret: Secret,
    *,
    timeout: float,
    max_retries: int,
    environ: Mapping[str, str] | None = None,
) -> Any:
    """Open an ``openai.AsyncOpenAI`` on ``server``: once a run, inside its event loop."""
    try:
        return _open(
            server, secret, timeout, max_retries, os.environ if environ is None else environ
        )
    except Exception as e:
        forget_frames(e)  # they hold the key
        raise e  # noqa: TRY201 -- without a name Python 3.10 puts the frames back


def _open(
    server: Server, secret: Secret, timeout: float, max_retries: int, environ: Mapping[str, str]
) -> Any:
    import openai  # noqa: PLC0415 -- 1.3 s of CPU time, and only chat teachers need it

    from tracer_nb.teachers.chat.guard import ACCEPTED, Guard  # noqa: PLC0415 -- as above

    headers: dict[str, Any] = {}
    if not server.is_paired:
        # The SDK also sends headers that the environment names, for OpenAI's eyes only.
        headers = dict.fromkeys(_ambient_headers(environ), openai.Omit())
        headers["Authorization"] = f"Bearer {secret.value}"
    headers["Accept-Encoding"] = ACCEPTED
    # A proxy named in the environment does not see this machine's own loopback servers.
    # Redirects are the guard's: followed elsewhere, they would take the texts along.
    http: Any = openai.DefaultAioHttpClient(trust_env=not server.is_local, follow_redirects=False)
    # Given as an argument, a transport would take the place of the environment's proxies.
    http._transport = Guard(http._transport)  # noqa: SLF001
    mounts = http._mounts  # noqa: SLF001
    mounts.update({where: Guard(inner) for where, inner in mounts.items() if inner is not None})
    return openai.AsyncOpenAI(
        api_key=secret.value,
        base_url=server.url,
        timeout=openai.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        max_retries=max_retries,
        default_headers=headers,
        http_client=http,
    )


def _ambient_headers(environ: Mapping[str, str]) -> list[str]:
    lines = environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    names = [line.partition(":")[0].strip() for line in lines if ":" in line]
    others = [name for name in names if name.lower() != "authorization"]
    return ["OpenAI-Organization", "OpenAI-Project", *others]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """An endpoint in the loop in which it was opened: a client works in no other one.

    Attributes
    ----------
    endpoint : Endpoint
    pace : Pace
    loop : AbstractEventLoop
    lifetime : async generator
        Closes the endpoint when it is closed, or the loop is: a loop ends its generators first.
    """

    endpoint: Endpoint
    pace: Pace
    loop: asyncio.AbstractEventLoop
    lifetime: AsyncGenerator[None, None]

    @classmethod
    async def of(cls, endpoint: Endpoint, pace: Pace) -> Opened:
        """Begin the lifetime of an endpoint in the running loop."""

        async def live() -> AsyncGenerator[None, None]:
            try:
                yield
            finally:
                await endpoint.close()

        lifetime = live()
        await anext(lifetime)
        return cls(endpoint, pace, asyncio.get_running_loop(), lifetime)
