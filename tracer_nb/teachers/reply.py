"""What a chat-completions server replied, read from the body without trusting its shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Reply", "read_reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes
    ----------
    content : str
        What the model wrote; empty when it wrote nothing.
    refused, truncated, empty : bool
        The model or a filter declined; the token limit cut it short; no choice was made.
    prompt_tokens, completion_tokens : int or None
        As the server counted; None when it did not say.
    with_schema : bool
        Whether the request carried the schema of the answer.
    unread : int
        Replies with a broken body that came before this one.
    timeouts : int
        Tries before this one that got no reply in time.
    """

    content: str
    refused: bool = False
    truncated: bool = False
    empty: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    with_schema: bool = True
    unread: int = 0
    timeouts: int = 0


def read_reply(body: bytes, *, with_schema: bool, unread: int = 0) -> Reply | None:
    """Read the body of a reply; None when it is no chat completion."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        return None
    choice = _dict(value["choices"][0]) if value["choices"] else {}
    message = _dict(choice.get("message"))
    finish = choice.get("finish_reason")
    usage = _dict(value.get("usage"))
    return Reply(
        content=_text(message.get("content")),
        refused=bool(message.get("refusal")) or finish == "content_filter",
        truncated=finish == "length",
        empty=not choice,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        with_schema=with_schema,
        unread=unread,
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(content: object) -> str:
    """Text of a message, which some servers give in parts."""
    if isinstance(content, list):
        return "".join(_text(_dict(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
