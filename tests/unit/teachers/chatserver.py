"""A scripted chat-completions server, in a thread of the test process."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

LABELS = ("card lost", "refund", "top up")


@dataclass
class Say:
    """One reply: what the model says, or what the server does instead."""

    content: str | None = None
    finish: str = "stop"
    refusal: str | None = None
    usage: tuple[int, int] | None = (100, 5)
    status: int = 200
    error: dict[str, Any] | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    async def respond(self, request: web.Request) -> web.StreamResponse:
        del request
        await asyncio.sleep(self.seconds)
        return self.response()

    def response(self) -> web.Response:
        if self.raw is not None:
            body = self.raw
        elif self.status != 200:
            body = json.dumps({"error": self.error or {"message": "out of order"}}).encode()
        else:
            message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
            choice = {"index": 0, "finish_reason": self.finish, "message": message}
            reply: dict[str, Any] = {"object": "chat.completion", "choices": [choice]}
            if self.usage is not None:
                reply["usage"] = dict(
                    zip(("prompt_tokens", "completion_tokens"), self.usage, strict=True)
                )
            body = json.dumps(reply).encode()
        return web.Response(
            body=body, status=self.status, content_type="application/json", headers=self.headers
        )


@dataclass
class Drip:
    """A reply that comes in parts, each so many seconds after the one before."""

    parts: int
    seconds: float

    async def respond(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionResetError):  # nobody waits any longer
            for _ in range(self.parts):
                await response.write(b" ")
                await asyncio.sleep(self.seconds)
        return response


def labelled(label: str, **options: Any) -> Say:
    return Say(json.dumps({"label": label}), **options)


class ChatServer:
    """``script`` is a list of replies, used up in order; after it, ``rule(text)`` answers."""

    def __init__(self) -> None:
        self.script: list[Say] = []
        self.rule = lambda text: labelled(LABELS[len(text) % len(LABELS)])
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.asked: Counter[str] = Counter()
        self._without_v1 = False
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/chat/completions", self._answer_elsewhere)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.run_until_complete(end_tasks())
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        text = json.loads(body["messages"][1]["content"])["text"]
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.asked[text] += 1
        say = self.script.pop(0) if self.script else self.rule(text)
        return await say.respond(request)

    async def _answer_elsewhere(self, request: web.Request) -> web.Response:
        return await self._answer(request) if self._without_v1 else Say(status=404).response()

    def serve_without_v1(self) -> None:
        """Answer at addresses without /v1, too."""
        self._without_v1 = True

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)


async def end_tasks() -> None:
    """Cancel what still runs in the loop: replies that nobody waits for."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def odd_server(reply: bytes) -> Iterator[str]:
    """Address of a server that says ``reply`` to whatever it hears, and hangs up."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(reply)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(say, "127.0.0.1", 0)

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        server.close()
        loop.run_until_complete(end_tasks())
        loop.close()


def ask(teacher, *texts):
    """Answers of a teacher, asked in a loop of its own; one text gives one answer."""

    async def run():
        try:
            return [a for text in texts for a in await teacher.label([text])]
        finally:
            await teacher.close()

    answers = asyncio.run(run())
    return answers[0] if len(texts) == 1 else answers
