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

# Before the labels' codes in a prompt that asks for a code.
_CODES = "Labels by code: "


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for: the text, and how the answer should look.

    ``tool`` is the function to call; ``codes`` are the labels' short names, by label.
    """

    text: str
    model: str
    prompt_tokens: int
    as_json: bool
    allowed: tuple[str, ...] | None
    top_logprobs: int | None
    tool: str | None = None
    codes: Mapping[str, str] | None = None

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
        tool, parameters = _function(body.get("tools"))
        codes = None
        if tool is not None:
            as_json, allowed = True, _labels(parameters)
        elif not as_json:
            codes = _codes(contents[0])
            allowed = None if codes is None else tuple(codes)
        return cls(
            text=next(filter(None, map(_fenced, reversed(users))), users[-1]),
            model=str(body.get("model", "")),
            # Servers turn the schema into prompt tokens too.
            prompt_tokens=count_tokens("".join(contents) + _schema_text(body)),
            as_json=as_json,
            allowed=allowed,
            top_logprobs=int(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
            tool=tool,
            codes=codes,
        )

    def content(self, label: str) -> str:
        """Return the label in the shape that the request asks for."""
        if self.as_json:
            return json.dumps({"label": label}, ensure_ascii=False)
        return label if self.codes is None else self.codes.get(label, label)


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
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if refusal else content,
        "refusal": refusal,
    }
    if ask.tool is not None and not refusal:
        function = {"name": ask.tool, "arguments": content}
        message |= {
            "content": None,
            "tool_calls": [{"id": f"call-{number}", "type": "function", "function": function}],
        }
    return {
        "id": f"chatcmpl-standin-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": ask.model,
        "choices": [
            {
                "index": 0,
                "message": message,
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
    wanted = body.get("response_format") or body.get("tools")
    return json.dumps(wanted, ensure_ascii=False) if wanted else ""


def _function(tools: object) -> tuple[str | None, object]:
    """Return the name and the parameters of the first function that may be called."""
    first = tools[0] if isinstance(tools, list) and tools else None
    function = first.get("function") if isinstance(first, dict) else None
    if not isinstance(function, dict):
        return None, None
    return str(function.get("name", "")), function.get("parameters")


def _codes(system: str) -> dict[str, str] | None:
    """Return each label's code, where a message lists them as one JSON object behind a mark."""
    _, mark, rest = system.partition(_CODES)
    if not mark:
        return None
    try:
        listed, _ = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    return {str(label): code for code, label in listed.items()} if listed else None


def _labels(schema: object) -> tuple[str, ...] | None:
    """Return the labels that a JSON schema allows."""
    value: Any = schema
    for key in ("properties", "label", "enum"):
        value = value.get(key) if isinstance(value, dict) else None
    return tuple(map(str, value)) if isinstance(value, list) and value else None


def _format(wanted: object) -> tuple[bool, tuple[str, ...] | None]:
    """Return whether JSON is asked for, and the labels that its schema allows."""
    if not isinstance(wanted, dict) or wanted.get("type") not in {"json_schema", "json_object"}:
        return False, None
    described = wanted.get("json_schema")
    return True, _labels(described.get("schema") if isinstance(described, dict) else None)
