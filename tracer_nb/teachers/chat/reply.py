"""What a server says it billed, read without trusting it.

A failure behind the server that it calls a success: status 200, and no answer of a model.

What a chat-completions server replied, read from the body without trusting its shape.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from tracer_nb.documents import printable
from tracer_nb.teachers.chat.alignment import TokenChances
from tracer_nb.teachers.chat.forms import Form
from tracer_nb.teachers.chat.wire import read_json
from tracer_nb.teachers.chat.words import plain, words_of

__all__ = ["Reply", "billed_tokens", "failure_in", "read_reply"]


# What a label store's columns can hold; no request comes near.
_MOST = 2**63 - 1


def billed_tokens(usage: object) -> tuple[int | None, int | None]:
    """Prompt and answer tokens that are billed; None for one that the server does not tell.

    Some servers count hidden reasoning in the total only, or in its details only. Whatever is
    billed beyond the prompt is the answer's, so the largest of these counts is taken. A prompt
    of no tokens does not exist: such a server fills its usage with zeros. Of a total alone nobody
    knows the prompt's part: all of it may be the answer's, the dearer part, and the prompt is
    estimated besides. That is more than was billed, and never less.

    Examples
    --------
    >>> billed_tokens({"prompt_tokens": 100, "completion_tokens": 8, "total_tokens": 708})
    (100, 608)
    >>> billed_tokens({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
    (None, None)
    """
    if not isinstance(usage, Mapping):
        return None, None
    if _adds_up(usage):
        return usage["prompt_tokens"], usage["completion_tokens"]
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    said = _first(usage, "completion_tokens", "output_tokens")
    total = _count(usage.get("total_tokens"))
    if prompt is None and said is not None and total is not None and total > said:
        prompt = total - said
    parts = [said or 0]
    if total is not None and (prompt is not None or said is None):
        parts.append(total - (prompt or 0))
    details = usage.get("completion_tokens_details")
    hidden = _count(details.get("reasoning_tokens")) if isinstance(details, Mapping) else None
    # Where reasoning is a part of the answer, as it should be, it cannot be more than all of it.
    if hidden is not None and hidden > (said or 0):
        parts.append((said or 0) + hidden)
    answer = min(max(parts), _MOST)
    return prompt, answer or None


def _adds_up(usage: Mapping[Any, Any]) -> bool:
    """Whether nothing needs a closer look, as in nearly every reply: this is the faster way."""
    prompt, said = usage.get("prompt_tokens"), usage.get("completion_tokens")
    # A bool is no int here: its type is another.
    if type(prompt) is not int or type(said) is not int or not (prompt > 0 and said > 0):
        return False
    details = usage.get("completion_tokens_details")
    hidden = details.get("reasoning_tokens") if type(details) is dict else None
    within = hidden is None or (type(hidden) is int and hidden <= said)
    return within and usage.get("total_tokens") == prompt + said <= _MOST


def _first(usage: Mapping[Any, Any], *names: str) -> int | None:
    """The first of these counts that can be read."""
    return next((n for n in map(_count, map(usage.get, names)) if n is not None), None)


def _count(value: object) -> int | None:
    """A number of tokens; None for anything else, also for nothing."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
        return value
    return None


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
