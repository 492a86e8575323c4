"""What every request passes: who may ask, how much and how long, and what a refusal looks like."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from tracer_nb.errors import TeacherError, TracerError
from tracer_nb.serve.limits import Limits, Refused
from tracer_nb.serve.logbook import say
from tracer_nb.serve.metrics import Metrics
from tracer_nb.serve.wire import encode

__all__ = ["Gate", "Intake", "header", "is_loopback", "respond"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = (b"content-type", b"application/json")


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this name, in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


async def respond(
    send: Send,
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    kind: bytes | None = None,
) -> None:
    """Send a whole response, JSON by default."""
    fields = [
        _JSON if kind is None else (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
    ]
    if headers:
        fields += [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


class Intake:
    """Reads bodies, so many bytes at one time and no more.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request; :meth:`release` its length afterwards.

        Raises
        ------
        Refused
            It is no JSON by its own account, too large, or too much is held already.
        """
        kind = header(scope, b"content-type") or b""
        if kind != b"application/json" and kind.split(b";")[0].strip().lower() != _JSON[1]:
            # Also what keeps other sites' pages out: a browser asks before it sends this kind.
            raise Refused(
                415, "the body must be JSON; send the header Content-Type: application/json"
            )
        if header(scope, b"content-encoding") not in (None, b"identity"):
            raise Refused(415, "the body must not be compressed; send it plain")
        announced = header(scope, b"content-length")
        if announced is not None and int(announced) > self.limits.body:
            raise self._too_large()
        parts, n, more = [], 0, True
        try:
            while more:
                message = await receive()
                part = self._part(message, n)
                n += len(part)
                self.held += len(part)
                parts.append(part)
                more = message.get("more_body", False)
        except BaseException:
            self.held -= n
            raise
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self, n: int) -> None:
        """So many bytes are no longer held."""
        self.held -= n

    def _part(self, message: Message, n: int) -> bytes:
        """What came after ``n`` bytes."""
        if message["type"] == "http.disconnect":
            raise Refused(400, "the body ended too early")
        part = bytes(message.get("body", b""))
        if n + len(part) > self.limits.body:
            raise self._too_large()
        if self.held + len(part) > self.limits.held:
            raise Refused(
                503,
                "too many large requests at one time; try again in a second",
                {"Retry-After": "1"},
            )
        return part

    def _too_large(self) -> Refused:
        return Refused(
            413,
            f"the body is above the limit of {self.limits.body:,} bytes; send fewer rows at a time",
        )


class Gate:
    """Lets requests through to ``app``, and answers those that may not pass.

    Parameters
    ----------
    app : callable
    token : str or None
        What ``Authorization: Bearer`` must say; without one only this machine may ask, and
        only under its own name.
    limits : Limits
    metrics : Metrics
    """

    def __init__(self, app: App, *, token: str | None, limits: Limits, metrics: Metrics) -> None:
        self._app = app
        self._token = None if token is None else b"Bearer " + token.encode()
        self._limits, self._metrics = limits, metrics
        self.n_open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.n_open += 1
        try:
            await self._pass(scope, receive, told)
        except Exception as error:
            refusal = _refusal_of(error, self._limits)
            if status:  # half a response is none: the connection ends
                raise
            body = encode({"error": str(refusal)})
            await respond(told, body, refusal.status, refusal.headers)
        finally:
            self.n_open -= 1
            self._metrics.request(scope["path"], status, time.perf_counter() - begun)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        with _deadline(self._limits.seconds):
            self._check(scope)
            if self.n_open > self._limits.requests:
                raise Refused(
                    503,
                    f"{self._limits.requests:,} requests are open already; try again in a second",
                    {"Retry-After": "1"},
                )
            await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if self._token is None:
            host = (header(scope, b"host") or b"localhost").decode("latin-1")
            name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
            if not is_loopback(name):
                raise Refused(
                    403,
                    f"without a token only this machine may ask, not {host[:80]!r}; set a token",
                )
            return
        given = header(scope, b"authorization") or b""
        scope["trusted"] = hmac.compare_digest(given, self._token)
        if not scope["trusted"] and scope["path"] != "/health":
            raise Refused(
                401,
                "a token is needed, and this is none or another one; send Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )


@lru_cache(maxsize=64)
def _is_own(host: bytes) -> bool:
    """Whether a request's Host is a name of this machine."""
    said = host.decode("latin-1")
    return is_loopback(said[1:].partition("]")[0] if said[:1] == "[" else said.partition(":")[0])


def _refusal_of(error: Exception, limits: Limits) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, TimeoutError):
        return Refused(
            504,
            f"not answered within {limits.seconds:g} seconds; send fewer rows, or try again later",
        )
    if isinstance(error, TeacherError):
        return Refused(502, str(error))
    if isinstance(error, TracerError):
        return Refused(422, str(error))
    # Where, and not what: a message may quote the text of a request.
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    say("failed", error=type(error).__name__, where=where)
    return Refused(500, "the service failed; its log says where")


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """As ``asyncio.timeout``, which Python 3.10 has not."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  a request is one
    is_over = False

    def end() -> None:
        nonlocal is_over
        is_over = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        yield
    except asyncio.CancelledError:
        if not is_over:
            raise
        if hasattr(task, "uncancel"):
            task.uncancel()
        raise TimeoutError from None
    finally:
        timer.cancel()
