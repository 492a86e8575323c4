"""Manners of failing: for good, and how that is said, or only for a moment.

Some of those are inside a reply that says it is well.
"""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Any

from tracer_nb.standin.manners.manner import Manner, Occasion, Refusal, write

__all__ = ["PASSING", "SAYINGS"]


_WORDS = "that row fails, with the server's words; the others are labelled in the best form"
_KEY = "stops in one line that speaks of the key"
_WAIT = "stops soon, and says until when"
_SHARE = 0.2
_LONG = "the text is too long, on purpose"


def _refused(status: int, body: Any, *, kind: str = "text/plain", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Refusal(status, body, named, kind)


def _row(name: str, does: str, refuse: Any, *who: str, we: str = _WORDS) -> Manner:
    """Some texts are refused, whatever the form in which they are asked."""
    return Manner(name=name, does=does, who=who, we=we, ends="some", share=_SHARE, refuse=refuse)


def _all(name: str, does: str, we: str, refuse: Any, *who: str) -> Manner:
    return Manner(name=name, does=does, who=who, we=we, ends="stops", refuse=refuse)


def _in_an_hour(_: Occasion) -> Refusal:
    when = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=1)
    headers = {"Retry-After": format_datetime(when, usegmt=True)}
    return Refusal(429, {"error": {"message": "quota of the day, on purpose"}}, headers)


SAYINGS = (
    _row(
        "error-text", "gives the error as text", _refused(400, {"error": _LONG}), "LM Studio", "TGI"
    ),
    _row(
        "error-detail",
        "gives the error in `detail`",
        _refused(400, {"detail": _LONG}),
        "servers made with FastAPI",
    ),
    _row(
        "error-message",
        "gives the error as an object in `message`",
        _refused(400, {"object": "error", "message": {"detail": [{"msg": _LONG}]}}),
        "Mistral",
    ),
    _row("error-flat", "gives the error flat", _refused(400, {"message": _LONG}), "vLLM"),
    _row(
        "error-list",
        "gives the error in a list",
        _refused(400, [{"error": {"code": 400, "message": _LONG, "status": "INVALID_ARGUMENT"}}]),
        "Gemini",
    ),
    _row("error-plain", "gives the error in plain text", _refused(400, _LONG), "proxies"),
    _row(
        "error-html",
        "gives the error as a page of HTML",
        _refused(413, f"<html><title>{_LONG}</title><body><h1>nginx</h1></body></html>",
                 kind="text/html"),
        "nginx",
    ),
    _row("error-empty", "gives no words at all", _refused(400, ""), "proxies",
         we="that row fails, with the status; the others are labelled in the best form"),
    _row(
        "error-escapes",
        "gives the error with escape sequences and markup",
        _refused(400, {"error": {"message": f"\x1b[31m{_LONG}\x1b[0m <b onclick='x()'>!</b>\x07"}}),
        we="shown without escape sequences and markup",
    ),
    _row(
        "error-long",
        "gives an error of 100,000 characters, the text among them",
        _refused(400, {"error": {"message": _LONG + ", so long" * 11_000}}),
        "vLLM",
        we="shown in one line, shortened",
    ),
    _row(
        "moderated",
        "answers 403 to a text that it does not want, with reasons",
        _refused(403, {"error": {"code": 403, "message": "The input was flagged, on purpose",
                                 "metadata": {"reasons": ["violence"]}}}),
        "OpenRouter",
        we="that row's failure, with the reason; no talk of a key",
    ),
    _row(
        "filtered",
        "answers 400 to a text that its filter declines",
        _refused(400, {"error": {"code": "content_filter", "param": "prompt", "status": 400,
                                 "message": "The prompt triggered the filter, on purpose"}}),
        "Azure OpenAI",
        we="that row's failure, with the reason; the form stays",
    ),
    _all(
        "key-400", "answers a wrong key with 400", _KEY,
        _refused(400, {"error": {"code": 400, "message": "API key not valid, on purpose"}}),
        "Gemini",
    ),
    _all(
        "key-list", "answers a wrong key with 400, in a list", _KEY,
        _refused(400, [{"error": {"code": 400, "message": "API key not valid, on purpose"}}]),
        "Gemini",
    ),
    _all(
        "key-text", "answers a wrong key with 401 in plain text", _KEY,
        _refused(401, "Unauthorized"), "servers behind nginx",
    ),
    _all(
        "key-403", "answers a missing key with 403 and no reason", _KEY,
        _refused(403, {"detail": "Not authenticated"}), "servers made with FastAPI",
    ),
    _all(
        "no-money", "answers 402 when the account is empty", "stops in one line, says to top it up",
        _refused(402, {"error": {"code": 402, "message": "Insufficient credits, on purpose"}}),
        "OpenRouter", "DeepSeek",
    ),
    _all(
        "wait-an-hour", "answers 429 with a `Retry-After` of an hour", _WAIT,
        _refused(429, {"error": {"message": "quota of the day, on purpose"}}, Retry_After="3600"),
        "Groq",
    ),
    _all(
        "wait-until", "answers 429 with a `Retry-After` that is a date in an hour", _WAIT,
        _in_an_hour, "gateways",
    ),
    Manner(
        name="wait-nonsense",
        does="answers 429 with a `Retry-After` that is no time",
        we="retried after a pause of our own",
        share=0.3,
        times=1,
        refuse=_refused(429, {"error": {"message": "soon"}}, Retry_After="1e999 soon"),
    ),
)  # fmt: skip
"""Errors of every shape."""


_RETRIED = "a failed request: retried, its cost booked, its content never stored as an answer"
_WAITED = "retried after a pause"
_SHARE_OF_MOMENTS = 0.3


def _ended(finish: str, *, content: bool) -> Any:
    """An answer that ended for ``finish``, with a wrong label in it or with nothing."""

    def say(said: dict[str, Any], occasion: Occasion) -> None:
        write(said, occasion.wrong if content else "")
        said["choices"][0]["finish_reason"] = finish

    return say


def _choice_error(said: dict[str, Any], occasion: Occasion) -> None:
    write(said, occasion.wrong)
    said["choices"][0] |= {"finish_reason": None, "error": {"code": 502, "message": "upstream"}}


def _error_beside(said: dict[str, Any], _: Occasion) -> None:
    said["choices"] = None
    said["error"] = {"code": 502, "message": "the provider broke off, on purpose"}


def _status(status: int, body: Any, *, kind: str = "text/plain") -> Any:
    return lambda _: Refusal(status, body, kind=kind)


def _passing(name: str, does: str, we: str = _RETRIED, **how: Any) -> Manner:
    return Manner(name=name, does=does, we=we, share=_SHARE_OF_MOMENTS, times=1, **how)


PASSING = (
    _passing(
        "finish-error",
        'ends an answer with `finish_reason` "error" and status 200',
        who=("OpenRouter", "KoboldCpp"),
        say=_ended("error", content=True),
    ),
    _passing(
        "finish-error-null",
        'ends an answer with `finish_reason` "error" and counts of `null`',
        who=("OpenRouter", "Bifrost"),
        books="estimated",
        say=_ended("error", content=True),
        count=lambda usage, _: usage.update(dict.fromkeys(usage)),
    ),
    _passing(
        "choice-error",
        "puts an error into the choice, with status 200",
        who=("OpenRouter",),
        say=_choice_error,
    ),
    _passing(
        "error-200",
        "puts an error beside empty choices, with status 200",
        who=("OpenRouter", "NaraRouter"),
        books="estimated",
        say=_error_beside,
    ),
    _passing(
        "network-error",
        'gives nothing, and `finish_reason` "network_error"',
        who=("Z.ai",),
        say=_ended("network_error", content=False),
    ),
    _passing(
        "no-resources",
        'gives nothing, and `finish_reason` "insufficient_system_resource"',
        who=("DeepSeek",),
        say=_ended("insufficient_system_resource", content=False),
    ),
    _passing(
        "nothing-said",
        "gives nothing, and no reason",
        "asked once more, both are booked",
        who=("Gemini",),
        say=lambda said, _: write(said, ""),
    ),
    _passing(
        "loading",
        "answers 503 while it loads the model",
        _WAITED,
        who=("llama.cpp",),
        refuse=_status(503, {"error": {"code": 503, "message": "Loading model, on purpose"}}),
    ),
    _passing(
        "overloaded",
        "answers 529 when it is overloaded",
        _WAITED,
        who=("Anthropic",),
        refuse=_status(529, {"type": "error", "error": {"type": "overloaded_error"}}),
    ),
    _passing(
        "page-520",
        "answers 520 and a page of HTML",
        _WAITED,
        who=("servers behind Cloudflare",),
        refuse=_status(
            520,
            "<!DOCTYPE html><html><head><title>520: unknown error</title>"
            "<style>b{color:red}</style></head><body><b>Oops</b></body></html>",
            kind="text/html",
        ),
    ),
)
"""What a retry mends."""
