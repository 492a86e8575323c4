"""What a server says it billed, read without trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["billed_tokens"]

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
