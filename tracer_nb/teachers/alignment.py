"""The tokens that spell an answer, among all that a server gives log-probabilities of.

Servers put the tokens of the thoughts first and marks of the template last, cut characters into
parts, and write a space as another character. A distribution is made only of the tokens that
spell the label that was taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from tracer_nb.teachers.distribution import TokenChances, label_distribution

__all__ = ["spelled_distribution"]

_VALUE = re.compile(r'"label"\s*:\s*"')
_MARK = re.compile(rb"<[^<>\s]{1,40}>")
# How vocabularies write spaces and line breaks, where a server passes that on.
_VOCABULARY = {"\u0120": " ", "\u010a": "\n", "\u2581": " "}


def spelled_distribution(
    tokens: Sequence[TokenChances],
    content: str,
    piece: str,
    said: str,
    names: Mapping[str, str],
) -> dict[str, float] | None:
    """Distribution over labels, from the tokens that spell the one that was taken.

    Parameters
    ----------
    tokens : sequence of TokenChances
        What the server has sent: of the content, or of more than that.
    content : str
        What the model wrote.
    piece : str
        The part of it that names the label.
    said : str
        The label, or its code, as it is written there.
    names : mapping of str to str
        What stands for each label, in the same way: its name or its code.

    Returns
    -------
    dict of str to float, or None
        None when the tokens cannot be set beside the content, or tell nothing.
    """
    quote = _value_in(piece, said)
    place = content.rfind(piece)
    in_json = quote is not None
    if place < 0 or not (in_json or piece == said):
        return None
    start = place + (quote if quote is not None else len(piece) - len(piece.lstrip()))
    found = _from(tokens, content, start)
    if found is None:
        return None
    before, spelling = found
    before = before.lstrip()
    if in_json:  # the closing quote tells "card" from "card lost"
        escaped = "\\u" in piece
        names = {json.dumps(n, ensure_ascii=escaped)[1:]: label for n, label in names.items()}
    return label_distribution(spelling, {before + name: label for name, label in names.items()})


def _value_in(piece: str, said: str) -> int | None:
    """Where the label begins in a JSON object, behind its quote; None when it is nowhere."""
    for match in _VALUE.finditer(piece):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(piece, match.end() - 1)
        except ValueError:
            return None
        if value == said:
            return match.end()
    return None


def _from(
    tokens: Sequence[TokenChances], content: str, start: int
) -> tuple[str, Sequence[TokenChances]] | None:
    """The tokens from a place in the content on, and what stands before it in the first one."""
    for table in ({}, _VOCABULARY):
        renamed = [(_renamed(t, table), c) for t, c in tokens] if table else tokens
        raw = [_bytes(token) for token, _ in renamed]
        offset = _offset(raw, content, start)
        if offset is None:
            continue
        for number, part in enumerate(raw):
            if offset < len(part):
                before = part[:offset].decode("utf-8", "surrogateescape")
                if table:
                    renamed = [
                        (token, {_renamed(other, table): p for other, p in chances.items()})
                        for token, chances in renamed[number:]
                    ]
                    return before, renamed
                return before, renamed[number:]
            offset -= len(part)
    return None


def _offset(raw: Sequence[bytes], content: str, start: int) -> int | None:
    """Where a place in the content stands in the tokens; None when that is not clear."""
    whole, body = b"".join(raw), _bytes(content).strip()
    behind = len(_bytes(content[:start]).lstrip())
    n = whole.count(body) if body else 0
    if n == 1:
        return whole.index(body) + behind
    if n == 0:
        return None
    # The thoughts may say the same; the answer is what they end with.
    end = len(raw)
    while end and (not raw[end - 1].strip() or _MARK.fullmatch(raw[end - 1].strip())):
        end -= 1
    whole = b"".join(raw[:end]).rstrip()
    return len(whole) - len(body) + behind if whole.endswith(body) else None


def _renamed(token: str, table: Mapping[str, str]) -> str:
    for old, new in table.items():
        token = token.replace(old, new)
    return token


def _bytes(text: str) -> bytes:
    """UTF-8; a part of a character, which a token may hold, as it is."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
