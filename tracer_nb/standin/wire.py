"""The answer to one request as it goes over the wire, faults and manners included.

With the manner of redirecting it sends its clients to another server.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tracer_nb.errors import InvalidInput
from tracer_nb.standin.answers import Answers, Ask, completion, count_tokens, demanded
from tracer_nb.standin.faults import Faults
from tracer_nb.standin.manners import Manner, Occasion, manners_named
from tracer_nb.standin.manners.manner import Refusal

__all__ = [
    "Behaviour",
    "Elsewhere",
    "Strayed",
    "answer_to",
    "batched",
    "error",
    "occasion_of",
    "respond",
    "token_logprobs",
]


_PIECE = re.compile(r"[\W_]*[^\W_]+|[\W_]+")
_HEAD = ('{"', "label", '":', ' "')
_END = '"}'


def token_logprobs(
    distribution: Mapping[str, float], answer: str, *, as_json: bool, top: int
) -> list[dict[str, Any]]:
    """Return the ``logprobs.content`` of an answer.

    Parameters
    ----------
    distribution : mapping of str to float
        Probability of each label that the model considered; holds ``answer``.
    answer : str
        The label that the message names.
    as_json : bool
        The message is ``{"label": "<answer>"}`` rather than the bare label.
    top : int
        How many alternatives to list at each token.

    Notes
    -----
    A token's probability is the share of the labels that begin like the answer up to it,
    among those that begin like it up to the token before. So the tokens multiply to the
    probability of the label (in JSON, where the closing token tells "card" from "card
    lost"), and the alternatives at a token are what the other labels would go on with.
    """
    tokens = {label: _tokens(label, as_json=as_json) for label in distribution}
    out = [_entry(token, {token: 1.0}, top) for token in (_HEAD if as_json else ())]
    alive = dict(distribution)
    for place, token in enumerate(tokens[answer]):
        total = sum(alive.values())
        following: dict[str, float] = defaultdict(float)
        for label, probability in alive.items():
            if place < len(tokens[label]):
                following[tokens[label][place]] += probability / total
        out.append(_entry(token, following, top))
        alive = {
            label: p for label, p in alive.items() if tokens[label][place : place + 1] == [token]
        }
    return out


def _tokens(label: str, *, as_json: bool) -> list[str]:
    """Cut a label at its words, about as language models do."""
    written = json.dumps(label, ensure_ascii=False)[1:-1] if as_json else label
    return _PIECE.findall(written) + ([_END] if as_json else [])


def _entry(token: str, following: Mapping[str, float], top: int) -> dict[str, Any]:
    ranked = sorted(following.items(), key=lambda item: -item[1])[:top]
    return {
        **_one(token, following[token]),
        "top_logprobs": [_one(other, probability) for other, probability in ranked],
    }


def _one(token: str, probability: float) -> dict[str, Any]:
    # Never above 0: sums of floats can exceed 1 by a rounding error.
    logprob = min(0.0, math.log(probability))
    raw = token.encode("utf-8", "surrogatepass")
    return {"token": token, "logprob": logprob, "bytes": list(raw)}


_OUTSIDE = "none of the labels"
_REFUSAL = "I'm sorry, but I can't help with that."
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
_TYPES: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
}


def error(status: int, message: str, *, retry_after: float | None = None) -> web.Response:
    """Return an error in OpenAI's format."""
    kind, code = _TYPES[status]
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return web.json_response(body, status=status, headers=headers)


async def respond(
    request: web.Request,
    ask: Ask,
    answers: Answers,
    *,
    number: int,
    fault: str | None,
    faults: Faults,
    bill: Callable[[int, int], None],
) -> web.StreamResponse:
    """Answer a request, or do what the fault does instead; ``bill`` the tokens of an answer."""
    unanswered = _unanswered(request, fault, faults)
    if unanswered is not None:
        return unanswered
    said = answer_to(ask, answers, number, fault)
    bill(said["usage"]["prompt_tokens"], said["usage"]["completion_tokens"])
    if fault == "stall":
        await asyncio.sleep(faults.stall_seconds)
    if fault == "no_usage":
        del said["usage"]
    body = json.dumps(said, ensure_ascii=True).encode()
    if fault == "malformed":
        body = body[: len(body) // 2]
    if fault == "cut_body":
        return await _cut(request, body)
    if fault == "slow_body":
        return await _slowly(request, body, faults.stall_seconds)
    return web.Response(body=body, content_type="application/json")


def _unanswered(
    request: web.Request, fault: str | None, faults: Faults
) -> web.StreamResponse | None:
    """Do what a fault does before any answer is made; None when there is an answer."""
    if fault == "rate_limit":
        return error(429, "rate limit reached, on purpose", retry_after=faults.retry_after)
    if fault == "server_error":
        return error(500, "the server had an error, on purpose")
    if fault == "bad_gateway":
        return web.Response(status=502, text=_PAGE, content_type="text/html")
    if fault == "drop":
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # goes nowhere
    return None


def batched(
    ask: Ask, answers: Answers, number: int, fault: str | None, *, bill: Callable[[int, int], None]
) -> tuple[int, dict[str, Any]] | None:
    """Status and body of the answer to a request in a batch; None when its line is broken."""
    status = {"rate_limit": 429, "server_error": 500, "bad_gateway": 502}.get(fault or "", 200)
    if status != 200:
        return status, {"error": {"message": f"{fault}, on purpose", "type": fault, "code": None}}
    said = answer_to(ask, answers, number, fault)
    bill(said["usage"]["prompt_tokens"], said["usage"]["completion_tokens"])
    if fault == "malformed":
        return None
    if fault == "no_usage":
        del said["usage"]
    return status, said


def answer_to(ask: Ask, answers: Answers, number: int, fault: str | None = None) -> dict[str, Any]:
    """Return the completion, with the faults that leave it well-formed JSON."""
    label = answers.label(ask.text, ask.allowed)
    if answers.obedient:
        label = demanded(ask.text) or label
    content = ask.content(label)
    logprobs = None
    if ask.top_logprobs is not None and fault != "no_logprobs":
        shares = answers.distribution(ask.text, label, ask.allowed)
        codes = ask.codes or {}
        shares = {codes.get(name, name): share for name, share in shares.items()}
        said = codes.get(label, label)
        logprobs = token_logprobs(shares, said, as_json=ask.as_json, top=ask.top_logprobs)
    if fault == "refusal":
        return completion(ask, "", number, refusal=_REFUSAL)
    if fault == "truncated":
        half = content[: len(content) // 2]
        return completion(ask, half, number, finish_reason="length")
    if fault == "wrong_label":
        return completion(ask, ask.content(_OUTSIDE), number)
    if fault == "bad_json_content":
        return completion(ask, f"Sure! I would say: {label}. Shall I go on?", number)
    body = completion(ask, content, number, logprobs=logprobs)
    if fault == "empty_choices":
        body["choices"] = []
    return body


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Send half of the body and close the connection."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _slowly(request: web.Request, body: bytes, seconds: float) -> web.StreamResponse:
    """Send the head at once and the body in ten parts."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    step = len(body) // 10 + 1
    with suppress(ConnectionResetError):  # the client waits no longer
        for start in range(0, len(body), step):
            await asyncio.sleep(seconds / 10)
            await response.write(body[start : start + step])
        await response.write_eof()
    return response


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
