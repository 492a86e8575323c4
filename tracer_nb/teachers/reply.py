"""What a chat-completions server replied, read from the body without trusting its shape."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from tracer_nb.teachers.distribution import TokenChances
from tracer_nb.teachers.fence import printable
from tracer_nb.teachers.forms import Form
from tracer_nb.teachers.jsontext import read_json
from tracer_nb.teachers.upstream import failure_in
from tracer_nb.teachers.usage import billed_tokens

__all__ = ["Reply", "read_reply"]

_NAME_LENGTH = 200
_THOUGHTS = ("thinking", "reasoning")


class Reply(NamedTuple):
    """One reply: a tuple, which is made in a third of the time that a dataclass takes.

    Attributes
    ----------
    content : str
        What the model wrote; empty when it wrote nothing.
    form : Form
        In which the request asked for the answer.
    parsed : mapping or None
        The answer as an object, where the server reads the model's text itself.
    arguments : tuple
        Of the functions that the model called: as it wrote them, or objects.
    thoughts : str
        What the server took for thinking, and gave apart from the content.
    tokens : tuple of TokenChances
        The answer token by token, where the server gave log-probabilities; a token without one
        has no chances.
    refused, truncated, empty : bool
        The model or a filter declined; the token limit cut it short; no choice was made.
    prompt_tokens, completion_tokens : int or None
        That the server bills; None when it did not say.
    model : str or None
        Who answered, as the server names it.
    usage : Any
        All that the server said about what it counted, unread.
    failed : str
        Why this is no answer of a model, but a failure that the server calls a success.
    """

    content: str
    form: Form
    parsed: dict[str, Any] | None = None
    arguments: tuple[Any, ...] = ()
    thoughts: str = ""
    tokens: tuple[TokenChances, ...] = ()
    refused: bool = False
    truncated: bool = False
    empty: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str | None = None
    usage: Any = None
    failed: str = ""

    @property
    def said(self) -> str:
        """What the model answered, wherever it stands, to be shown."""
        value: Any = next(iter(self.arguments), self.content)
        if value == "" and self.parsed is not None:
            value = self.parsed
        if isinstance(value, str):
            return value
        try:
            return json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError):
            return ""


def read_reply(body: bytes, form: Form) -> Reply | None:
    """Read the body of a reply; None when it is no chat completion."""
    value = read_json(body)
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        return None
    choice = _dict(value["choices"][0]) if value["choices"] else {}
    message = _dict(choice.get("message"))
    finish = choice.get("finish_reason")
    content = message.get("content")
    prompt_tokens, completion_tokens = billed_tokens(value.get("usage"))
    return Reply(
        content=_text(content),
        form=form,
        parsed=_parsed(message.get("parsed"), content),
        arguments=tuple(_arguments(message)),
        thoughts=_thoughts(message),
        tokens=_tokens(_dict(choice.get("logprobs")).get("content")),
        refused=bool(message.get("refusal")) or finish == "content_filter",
        truncated=finish == "length",
        empty=not choice,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        model=_name(value.get("model")),
        usage=value.get("usage"),
        failed=failure_in(value, choice),
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(content: object) -> str:
    """Text of a message, which some servers give in parts, the thoughts among them."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "".join(map(_part, parts))


def _part(part: object) -> str:
    if isinstance(part, dict) and part.get("type") not in _THOUGHTS:
        part = part.get("text")
    return part if isinstance(part, str) else ""


def _parsed(parsed: object, content: object) -> dict[str, Any] | None:
    """The answer as an object: some servers put it in the place of the text."""
    if isinstance(parsed, dict):
        return parsed
    is_part = isinstance(content, dict) and isinstance(content.get("text"), str)
    return content if isinstance(content, dict) and not is_part else None


def _arguments(message: dict[str, Any]) -> Iterator[object]:
    """Arguments of the functions that were called, which some servers give as objects."""
    if not message.get("tool_calls") and not message.get("function_call"):
        return
    calls = [_dict(call).get("function") for call in _list(message.get("tool_calls"))]
    for call in (*calls, message.get("function_call")):
        given = _dict(call).get("arguments")
        if isinstance(given, (str, dict)):
            yield given


def _thoughts(message: dict[str, Any]) -> str:
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str):
            return str(message[name])
    return ""


def _name(model: object) -> str | None:
    """The name of a model, on one line; None when it is none."""
    return _one_line(model[:_NAME_LENGTH]) if isinstance(model, str) else None


@lru_cache(maxsize=64)  # a server repeats the few names it has
def _one_line(name: str) -> str | None:
    name = " ".join(printable(name).split())
    return "".join(character for character in name if character.isprintable()) or None


def _tokens(entries: object) -> tuple[TokenChances, ...]:
    """Tokens and their alternatives; nothing when an entry is no token."""
    if not entries:
        return ()
    tokens = []
    for entry in map(_dict, _list(entries)):
        said = _token(entry)
        if said is None:
            return ()
        chance = _chance(entry)
        chances = {} if chance is None else {said: chance}
        for other in map(_dict, _list(entry.get("top_logprobs")) if chances else ()):
            name, probability = _token(other), _chance(other)
            if name is not None and probability is not None:
                chances.setdefault(name, probability)
        tokens.append((said, chances))
    return tuple(tokens)


def _token(entry: dict[str, Any]) -> str | None:
    """Text of a token; where it holds parts of characters only, by its bytes."""
    said = entry.get("token")
    if not isinstance(said, str):
        return None
    if said.isascii() and "\\x" not in said:
        return said
    raw = entry.get("bytes")
    if not isinstance(raw, list):
        return said
    try:
        return bytes(raw).decode("utf-8", "surrogateescape")
    except (TypeError, ValueError, OverflowError):
        return said


def _chance(entry: dict[str, Any]) -> float | None:
    value = entry.get("logprob")
    if type(value) is float and value < 0:
        return math.exp(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and math.isnan(value):  # an int may be too long to be one
        return None
    return math.exp(float(max(min(value, 0.0), -1e9)))
