"""Manners of failing for a moment, some of them inside a reply that says it is well."""

from __future__ import annotations

from typing import Any

from tracer_nb.standin.manners.manner import Manner, Occasion, Refusal, write

__all__ = ["PASSING"]

_RETRIED = "a failed request: retried, its cost booked, its content never stored as an answer"
_WAITED = "retried after a pause"
_SHARE = 0.3


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
    return Manner(name=name, does=does, we=we, share=_SHARE, times=1, **how)


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
