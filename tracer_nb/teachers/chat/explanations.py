"""What a model writes about a text before it names the label: asked for, read, and kept short.

The limit is in words, in the prompt, and what is longer all the same is cut when it is read. Small
models ramble on, so that a model on this machine gets ``maxLength`` in its schema, too: the strict
modes of services refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer_nb.documents import printable
from tracer_nb.errors import InvalidInput
from tracer_nb.teachers.chat.reading import behind_thoughts
from tracer_nb.teachers.chat.reply import Reply
from tracer_nb.teachers.chat.wire import DECODER, read_object

__all__ = [
    "EXPLANATION",
    "EXPLANATION_TOKENS",
    "explained_rule",
    "explained_schema",
    "is_whole",
    "most_chars",
    "read_explanation",
]

EXPLANATION = "explanation"
"""Name of the field in an answer."""

EXPLANATION_TOKENS = 45
"""That one takes, as expected: 25 words at one token and a third, its name and quotes."""

_RULE = ' "explanation" comes first and says why, in one sentence of at most 25 words.'
_MOST_CHARS, _SCHEMA_CHARS = 500, 300
# Limit on an answer below which too little is left for the label behind it.
_LEAST_TOKENS = 100
# How often an object may be encoded as a string, and braces of a text that are looked at.
_ENCODED, _TRIES = 3, 40


def most_chars(max_answer_tokens: int, *, wanted: bool, is_local: bool) -> int | None:
    """Characters that the schema allows an explanation, 0 for any number; None where none is wanted.

    Raises
    ------
    InvalidInput
        The limit on answers leaves no room for a label behind it.
    """
    if not wanted:
        return None
    if max_answer_tokens < _LEAST_TOKENS:
        raise InvalidInput(
            f"max_answer_tokens={max_answer_tokens} leaves no room for a label behind its "
            f"explanation; give {_LEAST_TOKENS} or more, or leave reasons out"
        )
    return _SCHEMA_CHARS if is_local else 0


def explained_rule(rule: str) -> str:
    """A rule of how to answer, or to answer again, with an explanation before the label.

    >>> explained_rule('Answer with {"label": "..."}.')[:50]
    'Answer with {"explanation": "...", "label": "..."}'
    """
    return rule.replace('{"label', f'{{"{EXPLANATION}": "...", "label') + _RULE


def explained_schema(schema: dict[str, Any], chars: int) -> dict[str, Any]:
    """The schema of an answer with an explanation before the label: servers keep the order."""
    text = {"type": "string", **({"maxLength": chars} if chars else {})}
    return {
        **schema,
        "properties": {EXPLANATION: text, **schema["properties"]},
        "required": [EXPLANATION, *schema["required"]],
    }


def read_explanation(reply: Reply) -> str | None:
    """The explanation that a reply gives, on one line; None without one."""
    for value in (*_whole(reply), *_in_text(behind_thoughts(reply.content))):
        said = value.get(EXPLANATION)
        if isinstance(said, str) and said.strip():
            line = printable(" ".join(said[: 10 * _MOST_CHARS].split()))
            return line if len(line) <= _MOST_CHARS else f"{line[: _MOST_CHARS - 1]}…"
    return None


def is_whole(reply: Reply) -> bool:
    """Whether the object that was asked for is there from its first brace to its last.

    In one that is cut short the label has not come yet: what looks like it is a part of the
    explanation, which may quote the text.
    """
    return next(_whole(reply), None) is not None


def _whole(reply: Reply) -> Iterator[dict[str, Any]]:
    for value in (reply.parsed, reply.content, *reply.arguments):
        read: Any = value
        for _ in range(_ENCODED):
            if isinstance(read, str):
                read = read_object(read)
        if isinstance(read, dict):
            yield read


def _in_text(text: str) -> Iterator[dict[str, Any]]:
    place = 0
    for _ in range(_TRIES):
        if (place := text.find("{", place)) < 0:
            return
        try:
            value, place = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
        else:
            if isinstance(value, dict):
                yield value
