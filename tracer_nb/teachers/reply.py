"""What a chat-completions server replied, read from the body without trusting its shape."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from tracer_nb.teachers.distribution import TokenChances
from tracer_nb.teachers.forms import Form

__all__ = ["Reply", "read_reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes
    ----------
    content : str
        What the model wrote; empty when it wrote nothing.
    form : Form
        In which the request asked for the answer.
    arguments : str or None
        Of the function that the model called, as it wrote them.
    tokens : tuple of TokenChances
        The content token by token, where the server gave log-probabilities.
    refused, truncated, empty : bool
        The model or a filter declined; the token limit cut it short; no choice was made.
    prompt_tokens, completion_tokens : int or None
        As the server counted; None when it did not say.
    """

    content: str
    form: Form
    arguments: str | None = None
    tokens: tuple[TokenChances, ...] = ()
    refused: bool = False
    truncated: bool = False
    empty: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def said(self) -> str:
        """What the model answered, wherever it stands."""
        return self.content if self.arguments is None else self.arguments


def read_reply(body: bytes, form: Form) -> Reply | None:
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
        form=form,
        arguments=_arguments(message.get("tool_calls")),
        tokens=_tokens(_dict(choice.get("logprobs")).get("content")),
        refused=bool(message.get("refusal")) or finish == "content_filter",
        truncated=finish == "length",
        empty=not choice,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(content: object) -> str:
    """Text of a message, which some servers give in parts."""
    if isinstance(content, list):
        return "".join(_text(_dict(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def _arguments(calls: object) -> str | None:
    """Arguments of the first function call, which some servers give as an object."""
    for call in _list(calls):
        given = _dict(_dict(call).get("function")).get("arguments")
        if isinstance(given, str):
            return given
        if isinstance(given, dict):
            return json.dumps(given)
    return None


def _tokens(entries: object) -> tuple[TokenChances, ...]:
    """Tokens and their alternatives; nothing when any of it has another shape."""
    tokens = []
    for entry in map(_dict, _list(entries)):
        said, chance = entry.get("token"), _chance(entry)
        if not isinstance(said, str) or chance is None:
            return ()
        chances = {said: chance}
        for other in map(_dict, _list(entry.get("top_logprobs"))):
            probability = _chance(other)
            if isinstance(other.get("token"), str) and probability is not None:
                chances.setdefault(other["token"], probability)
        tokens.append((said, chances))
    return tuple(tokens)


def _chance(entry: dict[str, Any]) -> float | None:
    value = entry.get("logprob")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return None
    return math.exp(min(value, 0.0))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
