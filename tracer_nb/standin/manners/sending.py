"""Ways in which the body of an answer goes over the wire; what is large is made as it is sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from aiohttp import web

__all__ = [
    "Send",
    "corrupt",
    "deep",
    "done_appended",
    "endless",
    "events",
    "huge",
    "huge_packed",
    "kept_alive",
    "long_number",
    "with_mark",
]

Send = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]
"""Sends the body of an answer to a request."""

_MB = 2**20
_HUGE = 32 * _MB  # far more than any answer, and little enough for a test


async def _sent(
    request: web.Request, pieces: Iterator[bytes], kind: str, **headers: str
) -> web.StreamResponse:
    """Send pieces one by one, until the client has enough."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = web.StreamResponse(headers={"Content-Type": kind, **named})
    with suppress(ConnectionError, asyncio.CancelledError):
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    return response


def events(*, comments: bool = False, usage: bool = True, ends: bool = True) -> Send:
    """Send an answer as the events of a stream, a few characters each."""

    async def send(request: web.Request, body: bytes) -> web.StreamResponse:
        said = json.loads(body)
        pieces: list[dict[str, Any]] = [_chunk(said, d, e) for d, e in _deltas(said)]
        if usage:
            pieces.append({**_chunk(said, {}, None), "choices": [], "usage": said["usage"]})
        lines = [f"data: {json.dumps(piece)}\n\n" for piece in pieces]
        if comments:
            lines = [line for data in lines for line in (": PROCESSING\r\n\r\n", data)]
        if ends:
            lines.append("data: [DONE]\n\n")
        return await _sent(request, (line.encode() for line in lines), "text/event-stream")

    return send


def _chunk(said: dict[str, Any], delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    if finish is not None:
        choice["logprobs"] = said["choices"][0]["logprobs"]
    shared = {name: said[name] for name in ("id", "created", "model")}
    return {**shared, "object": "chat.completion.chunk", "choices": [choice]}


def _deltas(said: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    message = said["choices"][0]["message"]
    yield {"role": "assistant", "content": ""}, None
    content = message.get("content") or ""
    for start in range(0, len(content), 5):
        yield {"content": content[start : start + 5]}, None
    for place, call in enumerate(message.get("tool_calls") or ()):
        arguments = call["function"]["arguments"]
        named = {**call, "index": place, "function": {**call["function"], "arguments": ""}}
        yield {"tool_calls": [named]}, None
        for start in range(0, len(arguments), 7):
            function = {"arguments": arguments[start : start + 7]}
            yield {"tool_calls": [{"index": place, "function": function}]}, None
    yield {}, said["choices"][0]["finish_reason"]


async def done_appended(request: web.Request, body: bytes) -> web.StreamResponse:
    """A whole answer, and the mark of a stream's end behind it."""
    return await _sent(request, iter([body, b"\n\ndata: [DONE]\n\n"]), "text/event-stream")


async def kept_alive(request: web.Request, body: bytes) -> web.StreamResponse:
    """Empty lines, and then the answer."""
    return await _sent(request, iter([b"\n"] * 20 + [body]), "application/json")


async def with_mark(request: web.Request, body: bytes) -> web.StreamResponse:
    """A byte order mark before the answer, which is called a page."""
    return await _sent(request, iter([b"\xef\xbb\xbf", body]), "text/html")


async def endless(request: web.Request, body: bytes) -> web.StreamResponse:
    """Never end the body: spaces, until the client has enough or there are too many."""
    pieces = (b" " * 65_536 for _ in range(_HUGE // 65_536))
    return await _sent(request, iter([body[:-1], *pieces]), "application/json")


async def huge(request: web.Request, body: bytes) -> web.StreamResponse:
    """A body that says its length at once, and is a good answer at its end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = _HUGE + len(body)
    with suppress(ConnectionError, asyncio.CancelledError):
        await response.prepare(request)
        for _ in range(_HUGE // 65_536):
            await response.write(b" " * 65_536)
        await response.write(body)
    return response


async def huge_packed(request: web.Request, body: bytes) -> web.StreamResponse:
    """A good answer behind spaces that take next to nothing while they are packed."""
    pack = zlib.compressobj(wbits=31)
    parts = [pack.compress(b" " * _MB) for _ in range(_HUGE // _MB)]
    parts += [pack.compress(body), pack.flush()]
    return await _sent(request, iter(parts), "application/json", Content_Encoding="gzip")


async def corrupt(request: web.Request, body: bytes) -> web.StreamResponse:
    """A packed body with noise in the middle."""
    packed = gzip.compress(body)
    noise = bytes(255 - byte for byte in packed[20:40])
    parts = [packed[:20], noise, packed[40:]]
    return await _sent(request, iter(parts), "application/json", Content_Encoding="gzip")


async def long_number(request: web.Request, body: bytes) -> web.StreamResponse:
    """More digits than Python reads as a number."""
    head, _, rest = body.partition(b'"created": ')
    digits = b'"created": ' + b"9" * 5_000
    return await _sent(request, iter([head, digits, rest[rest.index(b",") :]]), "application/json")


async def deep(request: web.Request, body: bytes) -> web.StreamResponse:
    """A body with brackets in brackets beside the answer."""
    depth = 20_000
    parts = [body[:-1], b', "more": ', b"[" * depth, b"]" * depth, b"}"]
    return await _sent(request, iter(parts), "application/json")
