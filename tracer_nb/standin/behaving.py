"""Manners of a running stand-in: which one a request meets, and what it does then.

With the manner of redirecting it sends its clients to another server.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tracer_nb.errors import InvalidInput
from tracer_nb.standin.answers import Answers
from tracer_nb.standin.manners import Manner, Occasion, manners_named
from tracer_nb.standin.manners.manner import Refusal
from tracer_nb.standin.protocol import Ask, count_tokens
from tracer_nb.standin.wire import answer_to

__all__ = ["Behaviour", "Elsewhere", "Strayed", "occasion_of"]


_Bill = Callable[[int, int], None]


class Behaviour:
    """The manners of one server, which may take turns.

    Parameters
    ----------
    names : str or iterable of str
        Of the manners, also comma-separated; "polite" for none.
    turn : int
        After so many requests the next manner has its turn, the first after the last.
    seed : int
        Decides which texts meet a manner that not all of them meet.

    Raises
    ------
    InvalidInput
        No such manner, or a turn below 1.
    """

    def __init__(self, names: str | Iterable[str], turn: int, seed: int) -> None:
        self._manners = manners_named(names) or (None,)
        if turn < 1:
            raise InvalidInput(f"a turn must be 1 request or more, got {turn!r}")
        self._turn, self._seed = turn, seed
        slots = next((m.slots for m in self._manners if m is not None and m.slots), None)
        self._slots = asyncio.Semaphore(slots or 1)

    @property
    def leads_away(self) -> bool:
        """Whether one of the manners needs another server."""
        return any(m is not None and m.name.startswith("redirect-") for m in self._manners)

    def met(self, text: str, number: int, earlier: int) -> Manner | None:
        """The manner that a request meets, None for none."""
        manner = self._manners[(number - 1) // self._turn % len(self._manners)]
        return manner if manner is not None and manner.meets(self._seed, text, earlier) else None

    async def respond(
        self,
        request: web.Request,
        manner: Manner,
        occasion: Occasion,
        answers: Answers,
        bill: _Bill,
    ) -> web.StreamResponse:
        """Answer a request in a manner; ``bill`` the tokens of the answer."""
        if manner.slots is not None:
            async with self._slots:
                await asyncio.sleep(manner.seconds)
        refusal = None if manner.refuse is None else manner.refuse(occasion)
        if refusal is not None:
            _bill(refusal, occasion, bill)
            return refusal.response()
        body = json.dumps(_said(manner, occasion, answers, bill)).encode()
        if manner.send is not None:
            return await manner.send(request, body)
        return web.Response(body=body, content_type="application/json")

    def batched(
        self, manner: Manner, occasion: Occasion, answers: Answers, bill: _Bill
    ) -> tuple[int, Any]:
        """Status and body of the answer to a request in a batch, where nothing is sent by itself."""
        refusal = None if manner.refuse is None else manner.refuse(occasion)
        if refusal is not None:  # a batch bills what it answers
            return refusal.status, refusal.body
        return 200, _said(manner, occasion, answers, bill)


def occasion_of(
    ask: Ask, body: Any, answers: Answers, number: int, earlier: int, **more: Any
) -> Occasion:
    """What the stand-in would say, and what would be wrong."""
    label = answers.label(ask.text, ask.allowed)
    names = answers.labels if ask.allowed is None else ask.allowed
    other = names[(names.index(label) + 1) % len(names)]
    return Occasion(
        ask=ask,
        body=body,
        number=number,
        earlier=earlier,
        label=label,
        other=other,
        content=ask.content(label),
        **more,
    )


def _bill(refusal: Refusal, occasion: Occasion, bill: _Bill) -> None:
    """Bill an answer that was made, and that nobody gets to see."""
    if refusal.spent:
        bill(occasion.ask.prompt_tokens, count_tokens(occasion.content))


def _said(manner: Manner, occasion: Occasion, answers: Answers, bill: _Bill) -> dict[str, Any]:
    said = answer_to(occasion.ask, answers, occasion.number)
    bill(*manner.shape(said, occasion))
    return said


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
