"""JSON that no chat template takes for a mark of its own.

Servers of open models join the messages of a request by marks such as ``<|im_end|>``, and
many read a mark as one wherever it stands. In a text it would end the user's message and begin
another one in anybody's name. Inside a JSON string its first character can be written as an
escape: the model reads the same text, and the mark is gone.
"""

from __future__ import annotations

import re

__all__ = ["fence", "printable"]

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
