"""From the log-probabilities of tokens to a distribution over labels.

A label's tokens are those that spell it, among all that a server gives log-probabilities of.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

__all__ = ["TokenChances", "label_distribution", "spelled_distribution"]


TokenChances = tuple[str, Mapping[str, float]]
"""A token that was said, and the probability of it and of others in its place."""


def label_distribution(
    said: Sequence[TokenChances], written: Mapping[str, str]
) -> dict[str, float] | None:
    """Probability of each label that the model considered, summing to 1.

    Parameters
    ----------
    said : sequence of TokenChances
        The answer, token by token.
    written : mapping of str to str
        What the whole answer would be for each label, to that label.

    Returns
    -------
    dict of str to float, or None
        None when no alternatives came with the tokens, or none of them begins a label.

    Notes
    -----
    Along the answer, every alternative token that some label goes on with takes its
    probability, times that of the tokens before it, to that label. Several labels that go on
    with it share it evenly: what would have followed is not known. Alternatives that no label
    begins with are left out, and the rest is normalised, which is the distribution given that
    the model answers with a label.
    """
    if not any(len(chances) > 1 for _, chances in said):
        return None
    shares = dict.fromkeys(written.values(), 0.0)
    folded = {w: w.casefold() for w in written}
    path, mass, alive = "", 1.0, list(written)
    for token, chances in said:
        if token not in chances:  # it came without its probability
            return None
        for other, chance in chances.items():
            if other == token:
                continue
            going = _going(path + other, alive, folded)
            for w in going:
                shares[written[w]] += mass * chance / len(going)
        mass *= chances[token]
        path += token
        alive = _going(path, alive, folded)
        if len(alive) <= 1:
            break
    for w in alive:
        shares[written[w]] += mass / len(alive)
    total = math.fsum(shares.values())
    if total <= 0:
        return None
    return {label: share / total for label, share in shares.items() if share > 0}


def _going(beginning: str, answers: Sequence[str], folded: Mapping[str, str]) -> list[str]:
    """The answers that one which begins so can be, or is, with no word after it."""
    beginning = beginning.lstrip().casefold()
    if beginning.isascii():
        return [w for w in answers if _goes_on(beginning, folded[w])]
    # A token may end inside a character; then its bytes begin the label all the same.
    parts = _spelling(beginning)
    whole = beginning if parts is None else parts.decode("utf-8", "replace")
    return [
        w
        for w in answers
        if folded[w].startswith(beginning)
        or (parts is not None and folded[w].encode("utf-8", "replace").startswith(parts))
        or _goes_on(whole, folded[w])
    ]


def _goes_on(beginning: str, whole: str) -> bool:
    if whole.startswith(beginning):
        return True
    return beginning.startswith(whole) and not beginning[len(whole) : len(whole) + 1].isalnum()


def _spelling(text: str) -> bytes | None:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character that is no byte
        return None


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
