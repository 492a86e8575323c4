"""A server that repeats the headers of a request in its reply, as some gateways do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

__all__ = ["ECHOES", "echoing", "listen"]


def _error(status: int) -> Callable[[str], web.Response]:
    def say(heard: str) -> web.Response:
        body = {"error": {"message": f"denied: {heard}", "code": heard, "type": heard}}
        return web.json_response(body, status=status, headers={"Retry-After": "0.01"})

    return say


def _completion(**message: Any) -> Callable[[str], web.Response]:
    def say(heard: str) -> web.Response:
        told = {k: v.replace("HEARD", heard) for k, v in message.items()}
        choice = {"index": 0, "message": {"role": "assistant", **told}, "finish_reason": "stop"}
        return web.json_response({"id": heard, "model": heard, "choices": [choice]})

    return say


ECHOES: dict[str, Callable[[str], web.Response]] = {
    "a 401": _error(401),
    "a 403": _error(403),
    "a 404": _error(404),
    "a 400": _error(400),
    "a 402": _error(402),
    "a 429": _error(429),
    "a 500": _error(500),
    "a page": lambda heard: web.Response(status=502, text=f"<h1>{heard}</h1>"),
    "no JSON": lambda heard: web.Response(text=heard),
    "an error with status 200": lambda heard: web.json_response({"error": {"message": heard}}),
    "a header": lambda heard: web.Response(status=500, headers={"X-Heard": heard}),
    "a redirect": lambda heard: web.Response(status=302, headers={"Location": f"http://{heard}/"}),
    "what the model says": _completion(content="HEARD"),
    "a label": _completion(content=json.dumps({"label": "HEARD"})),
    "a refusal": _completion(content="", refusal="HEARD"),
    "beside the label": _completion(content=json.dumps({"label": "login"}), name="HEARD"),
}
"""Ways to repeat what was heard."""


@contextmanager
def echoing(how: str) -> Iterator[str]:
    """Address of a server that repeats, in one of the ``ECHOES``, the header with the key."""

    async def say(request: web.Request) -> web.StreamResponse:
        return ECHOES[how](request.headers.get("Authorization", "nothing").removeprefix("Bearer "))

    with listen(say) as address:
        yield address


@contextmanager
def listen(say: Callable[[web.Request], Any]) -> Iterator[str]:
    """Address of a server that answers every request with what ``say`` gives."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", say)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.run_until_complete(runner.cleanup())
        loop.close()
