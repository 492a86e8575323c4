"""Manners of sending: streams, redirects, sizes, and how long it takes.

What is large is made as it is sent.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from tracer_nb.standin.manners.manner import Manner, Occasion, Refusal

__all__ = [
    "TRANSPORT",
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


_JOINED = "joined, and read as any other reply"
_STAYS = "not followed: stops in one line with the new address; keys and texts stay here"
_REFUSED = "given up at 4 MB: that row fails, its cost booked as the most that it can be"


def _moved(status: int) -> Callable[[Occasion], Refusal | None]:
    return lambda occasion: Refusal(status, "", {"Location": occasion.elsewhere})


def _moved_here(occasion: Occasion) -> Refusal | None:
    if occasion.followed:
        return None
    return Refusal(308, "", {"Location": "/v1/chat/completions?followed=1"})


def _redirects() -> Iterator[Manner]:
    for status, does in (
        (301, "moved for good, and most clients ask there with GET"),
        (302, "moved, and most clients ask there with GET"),
        (303, "to be asked for elsewhere with GET"),
        (307, "moved, with the texts"),
        (308, "moved for good, with the texts"),
    ):
        yield Manner(
            name=f"redirect-{status}",
            does=f"says {status}: {does}",
            who=("proxies", "servers behind a login"),
            we=_STAYS,
            ends="stops",
            refuse=_moved(status),
        )


def _sizes(rows: Sequence[tuple[str, str, Send]]) -> Iterator[Manner]:
    for name, does, send in rows:
        yield Manner(
            name=name,
            does=does,
            we=_REFUSED,
            ends="some",
            books="bound",
            share=0.2,
            send=send,
        )


TRANSPORT = (
    Manner(
        name="streams",
        does="streams although nobody asked for it",
        who=("Unsloth", "Open WebUI Computer"),
        we=_JOINED,
        send=events(),
    ),
    Manner(
        name="streams-comments",
        does="streams with comments between the events",
        who=("OpenRouter",),
        we=_JOINED,
        send=events(comments=True),
    ),
    Manner(
        name="streams-uncounted",
        does="streams and says neither usage nor that it is done",
        who=("small servers",),
        we="joined; the cost is estimated",
        books="estimated",
        send=events(usage=False, ends=False),
    ),
    Manner(
        name="done-appended",
        does="puts the mark of a stream's end behind a whole answer",
        who=("9Router",),
        we=_JOINED,
        send=done_appended,
    ),
    Manner(
        name="kept-alive",
        does="sends empty lines before the answer to keep the line open",
        who=("DeepSeek", "OpenRouter"),
        we="read as any other reply",
        send=kept_alive,
    ),
    Manner(
        name="byte-mark",
        does="puts a byte order mark before the answer, and calls it HTML",
        who=("proxies",),
        we="read as any other reply",
        send=with_mark,
    ),
    *_redirects(),
    Manner(
        name="redirect-here",
        does="says 308: another path of the same server",
        who=("gateways",),
        we="followed, as it changes neither host, port, scheme nor method",
        refuse=_moved_here,
    ),
    Manner(
        name="one-slot",
        does="works on one request at a time, a twentieth of a second each",
        who=("llama.cpp", "Ollama", "LM Studio"),
        we="few at a time are found to be as quick as many; none is given up and paid twice",
        slots=1,
        seconds=0.05,
    ),
    *_sizes(
        (
            ("body-endless", "sends a body that does not end", endless),
            ("body-huge", "sends a body of 32 MB", huge),
            ("body-packed", "sends a body of 32 MB, packed", huge_packed),
        )
    ),
    Manner(
        name="body-corrupt",
        does="sends a packed body that cannot be unpacked",
        we="asked again, its cost booked as the most that it can be",
        books="bound",
        share=0.2,
        times=1,
        send=corrupt,
    ),
    Manner(
        name="number-5000-digits",
        does="writes a number of 5,000 digits beside the answer",
        we="the reply cannot be read: asked again, its cost booked as the most that it can be",
        books="bound",
        share=0.2,
        times=1,
        send=long_number,
    ),
    Manner(
        name="body-deep",
        does="nests its body 20,000 deep",
        we="the reply cannot be read: asked again, its cost booked as the most that it can be",
        books="bound",
        share=0.2,
        times=1,
        send=deep,
    ),
)
"""Ways over the wire."""
