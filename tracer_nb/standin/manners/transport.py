"""Manners of sending: streams, redirects, sizes, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tracer_nb.standin.manners.manner import Manner, Occasion, Refusal
from tracer_nb.standin.manners.sending import (
    Send,
    corrupt,
    deep,
    done_appended,
    endless,
    events,
    huge,
    huge_packed,
    kept_alive,
    long_number,
    with_mark,
)

__all__ = ["TRANSPORT"]

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
