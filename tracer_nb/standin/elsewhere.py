"""Another server, to which a stand-in with the manner of redirecting sends its clients."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from aiohttp import web

__all__ = ["Elsewhere", "Strayed"]


@dataclass(frozen=True, slots=True)
class Strayed:
    """A request that went elsewhere: its method, its key, and the size of its body in bytes."""

    method: str
    key: str
    size: int


class Elsewhere:
    """Answers whatever it is asked with a chat completion, and notes what came.

    The label is always the same: this server never sees a text unless a client sends it one.

    Parameters
    ----------
    label : str
    """

    def __init__(self, label: str) -> None:
        self._content = f'{{"label": "{label}"}}'
        self._lock = threading.Lock()
        self._strayed: list[Strayed] = []
        self.url = ""

    @property
    def strayed(self) -> tuple[Strayed, ...]:
        """What came, as of now."""
        with self._lock:
            return tuple(self._strayed)

    async def listen(self, host: str) -> web.AppRunner:
        """Listen on a free port; the runner that ends it."""
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, host, 0).start()
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{runner.addresses[0][1]}/v1/chat/completions"
        return runner

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        came = Strayed(request.method, request.headers.get("Authorization", ""), len(body))
        with self._lock:
            self._strayed.append(came)
        message = {"role": "assistant", "content": self._content}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 0, "completion_tokens": 5, "total_tokens": 5}
        return web.json_response({"id": "x", "model": "x", "choices": [choice], "usage": usage})
