"""One manner of a server, and the occasion on which it shows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tracer_nb.standin.answers import Ask, count_tokens
from tracer_nb.standin.faults import uniform

__all__ = ["Manner", "Occasion", "Refusal", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A request, and what a polite server would say to it.

    Attributes
    ----------
    ask : Ask
    body : mapping
        The request as it came.
    number, earlier : int
        Of the request, from 1; how often its text was asked before.
    label, other : str
        The label that the stand-in gives, and another one that would be wrong.
    content : str
        The label in the shape that the request asks for.
    elsewhere : str
        Address of another server.
    followed : bool
        The request came along a redirect.
    """

    ask: Ask
    body: Mapping[str, Any]
    number: int
    earlier: int
    label: str
    other: str
    content: str
    elsewhere: str = ""
    followed: bool = False

    @property
    def wrong(self) -> str:
        """The other label, in the shape that the request asks for."""
        return self.ask.content(self.other)

    @property
    def limit(self) -> int:
        """How many tokens the answer may have."""
        for name in ("max_tokens", "max_completion_tokens"):
            value = self.body.get(name)
            if isinstance(value, int):
                return value
        return 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error instead of an answer; nothing is billed for it but what was ``spent``.

    ``body`` is sent as JSON, a string as it is and as ``kind``; ``spent`` says that an answer
    was made, and thrown away.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "text/plain"
    spent: bool = False

    def response(self) -> web.Response:
        """As it goes over the wire."""
        if isinstance(self.body, str):
            return web.Response(
                status=self.status, text=self.body, content_type=self.kind, headers=self.headers
            )
        return web.json_response(self.body, status=self.status, headers=self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How some server behaves that is not what the protocol says, or is seldom thought of.

    Attributes
    ----------
    name : str
    does : str
        What the server does.
    who : tuple of str
        Servers that were reported to do so; empty where the case was made up.
    we : str
        What a labelling does about it.
    ends : str
        What comes of a labelling: "labels", of all rows; "some" rows fail, with a reason, and
        the others are labelled; "none" gets a label, with a reason; "stops" in one line.
    books : str
        What is known of the cost: "exact"; "estimated"; "bound" where the most that it can
        have been is booked.
    share : float
        Of the texts that meet the manner.
    times : int or None
        How often a text meets it, None for always: a retry after that succeeds.
    refuse : callable, optional
        An error instead of an answer, or None for an answer.
    say : callable, optional
        Changes the body of an answer.
    thoughts : callable, optional
        Tokens that the model spent beyond those of its answer, and that are billed.
    count : callable, optional
        Misstates the usage, after it was billed.
    send : callable, optional
        Sends the body of the answer in its own way.
    slots : int or None
        Requests that are worked on at a time; the others wait.
    seconds : float
        That each of them takes.
    """

    name: str
    does: str
    who: tuple[str, ...] = ()
    we: str
    ends: str = "labels"
    books: str = "exact"
    share: float = 1.0
    times: int | None = None
    refuse: Callable[[Occasion], Refusal | None] | None = None
    say: Callable[[dict[str, Any], Occasion], None] | None = None
    thoughts: Callable[[Occasion], int] | None = None
    count: Callable[[dict[str, Any], Occasion], None] | None = None
    send: Callable[[web.Request, bytes], Awaitable[web.StreamResponse]] | None = None
    slots: int | None = None
    seconds: float = 0.0

    def meets(self, seed: int, text: str, earlier: int) -> bool:
        """Whether a request meets the manner; the same for a text whenever it is asked."""
        if self.times is not None and earlier >= self.times:
            return False
        return self.share >= 1 or uniform(seed, "manner", self.name, text) < self.share

    def shape(self, said: dict[str, Any], occasion: Occasion) -> tuple[int, int]:
        """Change the body of an answer; prompt and completion tokens that are billed for it."""
        if self.say is not None:
            self.say(said, occasion)
        usage = said["usage"]
        if self.thoughts is not None:
            usage["completion_tokens"] += self.thoughts(occasion)
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        bill = usage["prompt_tokens"], usage["completion_tokens"]
        if self.count is not None:
            self.count(usage, occasion)
        return bill


def write(said: dict[str, Any], content: Any, **message: Any) -> None:
    """Make ``content``, and other fields of a message, what the model wrote; its tokens count."""
    choice = said["choices"][0]
    choice["message"] = {"role": "assistant", "content": content, **message}
    choice["logprobs"] = None
    written = [value for value in (content, *message.values()) if value]
    text = "".join(v if isinstance(v, str) else json.dumps(v) for v in written)
    # A model that writes nothing has still written its end.
    said["usage"]["completion_tokens"] = max(1, count_tokens(text))
