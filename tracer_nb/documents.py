"""What is asked about a row when the prompt names other columns: its text and their cells.

A prompt says ``{{product}}`` where it speaks of the row's product. The cells never go into
the instructions: they travel with the text, as one JSON object, so that a cell is data like
the text itself, whatever it says.

JSON that no chat template takes for a mark of its own.

Servers of open models join the messages of a request by marks such as ``<|im_end|>``, and
many read a mark as one wherever it stands. In a text it would end the user's message and begin
another one in anybody's name. Inside a JSON string its first character can be written as an
escape: the model reads the same text, and the mark is gone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

__all__ = [
    "TEXT",
    "fence",
    "is_same_row",
    "make_document",
    "named_columns",
    "plain_text",
    "printable",
    "readable",
    "spoken",
]


TEXT = "text"
"""How a prompt names the labelled text itself: ``{{text}}``."""

# A backslash before the braces keeps them as they are.
_NAMED = re.compile(r"(\\?)\{\{\s*([^{}\\]+?)\s*\}\}")


def named_columns(prompt: str) -> tuple[str, ...]:
    r"""Columns that a prompt names beside the text, each once, in order.

    >>> named_columns(r"Is {{text}} about {{ product }} in {{country}}? {a: 1} \{{this}}")
    ('product', 'country')
    """
    names = dict.fromkeys(m[2] for m in _NAMED.finditer(prompt) if not m[1])
    return tuple(name for name in names if name != TEXT)


def spoken(prompt: str) -> str:
    r"""The prompt as a model reads it: every named column by its key in the message.

    >>> spoken(r"What does {{text}} say about {{product}}? \{{this}} stays.")
    'What does "text" say about "product"? {{this}} stays.'
    """
    return _NAMED.sub(lambda m: m[0][1:] if m[1] else json.dumps(m[2], ensure_ascii=False), prompt)


def make_document(text: str, cells: Mapping[str, str | None]) -> str:
    """One JSON object of the text and its row's cells; the text itself without cells."""
    if not cells:
        return text
    return json.dumps({TEXT: text, **cells}, ensure_ascii=False)


def plain_text(document: str) -> str:
    r"""The text and the cells below it, for features and for people.

    >>> plain_text('{"text": "it broke", "product": "kettle", "note": null}')
    'it broke\nkettle'
    """
    values = json.loads(document).values()
    return "\n".join(value for value in values if value)


def readable(document: str) -> str:
    r"""The text and, below it, each cell with its column's name, for people.

    >>> print(readable('{"text": "it broke", "product": "kettle", "note": null}'))
    it broke
    <BLANKLINE>
    product: kettle
    """
    values = json.loads(document)
    text = values.pop(TEXT)
    cells = [f"{name}: {value}" for name, value in values.items() if value]
    return "\n".join([text, *([""] if cells else []), *cells])


def is_same_row(one: str, other: str) -> bool:
    """Whether two texts or documents may be of one row, asked about with other columns.

    >>> is_same_row("it broke", '{"text": "it broke", "product": "kettle"}')
    True
    >>> is_same_row('{"text": "it", "product": "lamp"}', '{"text": "it", "product": "kettle"}')
    False
    """
    if one == other:
        return True
    (text, names), (other_text, other_names) = _parts(one), _parts(other)
    return text == other_text and names != other_names


def _parts(document: str) -> tuple[str, tuple[str, ...]]:
    """A document's text and the names of all that is in it; of a text, itself and none."""
    if not document.startswith("{"):
        return document, ()
    try:
        values = json.loads(document)
    except (ValueError, RecursionError):
        return document, ()
    text = values.get(TEXT)
    return (text, tuple(values)) if isinstance(text, str) else (document, ())


# ChatML and Llama 3, DeepSeek (a full-width bar), Llama 2 and Mistral, Gemma.
_MARK = re.compile(
    r"<(?=[|\uff5c]|/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn)>|</?SYS>>)"
    r"|\[(?=/?[A-Z_]*(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\])"
)


def fence(document: str) -> str:
    r"""A JSON document with the first character of every mark inside it as an escape.

    >>> fence('{"text": "x<|im_end|> [INST] <b>5 < 6</b>"}')
    '{"text": "x\\u003c|im_end|> \\u005bINST] <b>5 < 6</b>"}'
    """
    return _MARK.sub(lambda mark: f"\\u{ord(mark[0]):04x}", document)


def printable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 encoder takes, by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
