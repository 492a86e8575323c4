"""A failure behind the server that it calls a success: status 200, and no answer of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracer_nb.teachers.words import plain, words_of

__all__ = ["failure_in"]

_LONGEST = 300
# As OpenRouter, DeepSeek, z.AI, vLLM and others end what did not end well.
_BROKEN = re.compile(
    r"error|network|abort|insufficient|unavailable|overload|time.?d?.?out|cancel|fail",
    re.IGNORECASE,
)


def failure_in(reply: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
    """Why the ``choice`` of a ``reply`` is no answer; "" when it is one."""
    said = _failure(reply, choice)
    return plain(said)[:_LONGEST] if said else ""


def _failure(reply: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
    error = choice.get("error")
    if error:
        return words_of(error) or "error"
    finish = choice.get("finish_reason")
    if isinstance(finish, str) and finish != "stop" and _BROKEN.search(finish):
        return words_of(reply.get("error")) or finish
    if not choice or not _is_empty(choice.get("message")):
        return ""
    if reply.get("error"):
        return words_of(reply["error"]) or "error"
    native = choice.get("native_finish_reason")
    if isinstance(native, str) and _BROKEN.search(native):
        return native
    usage = reply.get("usage")
    nothing = isinstance(usage, dict) and usage.get("total_tokens") == 0
    return "an empty answer of no tokens" if nothing and finish in ("stop", None) else ""


def _is_empty(message: object) -> bool:
    if not isinstance(message, dict):
        return True
    names = ("content", "tool_calls", "refusal", "reasoning_content", "reasoning", "parsed")
    return not any(message.get(name) for name in names)
