"""What a chat-completions request asks for, and the completion that answers it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracer_nb.errors import InvalidInput

__all__ = ["Ask", "completion", "count_tokens"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for: the text, and how the answer should look."""

    text: str
    model: str
    prompt_tokens: int
    as_json: bool
    allowed: tuple[str, ...] | None
    top_logprobs: int | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Ask:
        """Read the body of a chat-completions request.

        The text is the value of "text" in the last user message that is a JSON object with
        that key (what follows it are requests to repair an answer); when no message is, the
        whole last user message.

        Raises
        ------
        InvalidInput
            Streaming is asked for, or there is no user message.
        """
        if body.get("stream"):
            raise InvalidInput("the stand-in does not support streaming; leave out 'stream'")
        messages = body.get("messages")
        if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
            raise InvalidInput("'messages' must be a list of messages")
        contents = [_plain(message.get("content")) for message in messages]
        users = [c for c, m in zip(contents, messages, strict=True) if m.get("role") == "user"]
        if not users:
            raise InvalidInput("'messages' has no message of role 'user'")
        as_json, allowed = _format(body.get("response_format"))
        return cls(
            text=next(filter(None, map(_fenced, reversed(users))), users[-1]),
            model=str(body.get("model", "")),
            # Servers turn the schema into prompt tokens too.
            prompt_tokens=count_tokens("".join(contents) + _schema_text(body)),
            as_json=as_json,
            allowed=allowed,
            top_logprobs=int(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        )

    def content(self, label: str) -> str:
        """Return the label in the shape that the request asks for."""
        return json.dumps({"label": label}, ensure_ascii=False) if self.as_json else label


def completion(
    ask: Ask,
    content: str,
    number: int,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    logprobs: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the body of a chat completion, as OpenAI documents it."""
    spent = count_tokens(refusal or content)
    return {
        "id": f"chatcmpl-standin-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": ask.model,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if refusal else content,
                    "refusal": refusal,
                },
                "logprobs": None if logprobs is None else {"content": logprobs, "refusal": None},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": ask.prompt_tokens,
            "completion_tokens": spent,
            "total_tokens": ask.prompt_tokens + spent,
        },
    }


def count_tokens(text: str) -> int:
    """Return a token count that anybody can check: a quarter of the UTF-8 bytes, rounded up."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / 4)


def _plain(content: object) -> str:
    """Return the text of a message, which may be a list of parts."""
    if isinstance(content, list):
        return "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def _fenced(message: str) -> str | None:
    """Return the text in a message like ``{"text": "..."}``, None for another message."""
    if not message.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(message)
    except ValueError:
        return None
    text = value.get("text") if isinstance(value, dict) else None
    return text if isinstance(text, str) else None


def _schema_text(body: Mapping[str, Any]) -> str:
    wanted = body.get("response_format")
    return json.dumps(wanted, ensure_ascii=False) if wanted else ""


def _format(wanted: object) -> tuple[bool, tuple[str, ...] | None]:
    """Return whether JSON is asked for, and the labels that its schema allows."""
    if not isinstance(wanted, dict) or wanted.get("type") not in {"json_schema", "json_object"}:
        return False, None
    value: Any = wanted
    for key in ("json_schema", "schema", "properties", "label", "enum"):
        value = value.get(key) if isinstance(value, dict) else None
    return True, tuple(map(str, value)) if isinstance(value, list) and value else None
