"""JSON and streams as servers and models write them.

What one odd number or byte spoils is read all the same, objects that name a label are found
wherever they stand, and a reply that came in pieces although none were asked for is joined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = [
    "DECODER",
    "MOST_BYTES",
    "NOTHING",
    "Named",
    "joined",
    "named_in_text",
    "named_in_value",
    "read_json",
    "read_object",
]


NOTHING = object()
"""Stands for what is no JSON; None is JSON."""

# Python makes no int of more digits than 4,300, and no count has as many as these.
_DIGITS = 100


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; two different values under one name are none, for nobody knows which is meant."""
    value = dict(pairs)
    if len(value) != len(pairs):
        for name, one in pairs:
            if name in value and value[name] != one:
                value[name] = None
    return value


# A raw line break inside a string is no JSON, and models write it.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole, strict=False)
"""Reads what a model wrote."""


def read_object(text: str) -> Any:
    """The object, list or string that a text is as JSON; None when it is mere text."""
    if text[:1] != "{" and text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


_STRICT = json.JSONDecoder()
_LENIENT = json.JSONDecoder(parse_int=_whole, strict=False)


def read_json(body: bytes) -> Any:
    """What a server sent; :data:`NOTHING` when it is no JSON."""
    try:
        if body[:1] == b"{" and body[1:2] != b"\0":  # no need to guess at the encoding
            return _STRICT.decode(body.decode("utf-8", "surrogatepass"))
        return json.loads(body)
    except RecursionError:
        return NOTHING
    except ValueError:
        pass
    try:
        return _LENIENT.decode(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return NOTHING


# Inside a call of a function these hold an object, which many models write as a string.
_CARRIERS = ("arguments", "parameters", "content")
# How often an object may be encoded as a string.
_ENCODED = 3
# Characters that may be read in vain for one that is there, before the text is given up.
_PATIENCE = 20
# To tell where it failed, Python's decoder counts the lines before, this many times as fast.
_COUNTED = 16
_SPELLED = re.compile(
    r"""<parameter=label>\s*([^<>]{1,300}?)\s*</parameter>"""
    r"""|<arg_key>label</arg_key>\s{0,9}<arg_value>([^<>]{1,300}?)</arg_value>"""
    r"""|\banswer\(\s{0,9}label\s{0,9}=\s{0,9}(?:"([^"\\\n]{1,300})"|'([^'\\\n]{1,300})')\s{0,9}\)"""
)
# How an object begins: braces of prose, code and formulas are none, and need not be tried.
_BEGIN = re.compile(r"""\{\s{0,99}(?:"[^"\\\n]{0,200}"\s{0,99}:|'label'|label\b)""")
# Objects of Python and JavaScript, and one comma too many.
_LOOSE = re.compile(
    r"""\{\s{0,99}(["']?)label\1\s{0,9}:\s{0,9}(?:"([^"\\{}\n]{0,300})"|'([^'\\{}\n]{0,300})')"""
    r"""\s{0,99},?\s{0,99}\}"""
)


@dataclass(frozen=True, slots=True)
class Named:
    """One object that names a label.

    Attributes
    ----------
    label : str or None
        As it is written; None when what stands there is no text.
    piece : str
        The text that names it, for an object out of a text.
    """

    label: str | None
    piece: str = ""


def named_in_text(text: str) -> list[Named]:
    """Every object in a text that names a label, from left to right.

    A text that is made to be costly, of a million braces, say, is given up and names two
    labels, that is, none.
    """
    if "label" not in text:
        return []
    found = []
    if "<" in text or "answer(" in text:
        found = [Named(next(filter(None, m.groups())), m.group()) for m in _SPELLED.finditer(text)]
    left = _PATIENCE * (len(text) + 100)
    end = 0
    while (begin := _BEGIN.search(text, end)) is not None:
        place = begin.start()
        try:
            value, end = DECODER.raw_decode(text, place)
        except RecursionError:
            return [Named(None)] * 2
        except ValueError as error:
            loose = _LOOSE.match(text, place)
            end = place + 1
            if loose is not None:
                end = loose.end()
                found.append(Named(loose[2] if loose[3] is None else loose[3], loose.group()))
            left -= _read_in_vain(error, text, place)
            if left < 0:
                return [Named(None)] * 2
        else:
            piece = text[place:end]
            found += [Named(label, piece) for label in named_in_value(value)]
    return found


def named_in_value(value: object) -> list[str | None]:
    """What the objects in a JSON value name as their labels; None where that is no text."""
    if value is None:
        return []
    found: list[str | None] = []
    left: list[tuple[object, int]] = [(value, _ENCODED)]
    while left:
        part, deep = left.pop()
        if isinstance(part, dict):
            if "label" in part and not isinstance(part["label"], dict):
                found.append(_text(part["label"]))
            left.extend((inner, deep) for inner in _inside(part))
        elif isinstance(part, list):
            left.extend((inner, deep) for inner in part if isinstance(inner, (dict, list)))
        elif isinstance(part, str) and deep:
            left.append((read_object(part), deep - 1))
    return found


def _inside(value: dict[str, Any]) -> Iterator[object]:
    for name, inner in value.items():
        if isinstance(inner, (dict, list)) or (isinstance(inner, str) and name in _CARRIERS):
            yield inner


def _text(label: object) -> str | None:
    """A label as text; a whole number may stand for the label that is written so."""
    if isinstance(label, int) and not isinstance(label, bool):
        return str(label)
    return label if isinstance(label, str) else None


def _read_in_vain(error: ValueError, text: str, place: int) -> int:
    """Characters that the decoder read before it gave up."""
    reached = int(getattr(error, "pos", len(text)))
    counting = reached // _COUNTED
    if str(error).startswith("Unterminated"):  # told with the place where the string begins
        reached = len(text)
    return reached - place + counting


MOST_BYTES = 4 * 2**20
"""Most that a reply may hold, unpacked."""

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def joined(body: bytes) -> bytes:
    """The whole reply that a stream makes; any other body, and a stream cut short, as it is."""
    if body.lstrip()[:1] == b"{" and b'"delta"' not in body:
        return _unmarked(body)
    pieces, ended = _pieces(body)
    if not any(_has_delta(piece) for piece in pieces):
        told = next((piece for piece in pieces if piece.get("error") or _choices(piece)), None)
        return body if told is None else json.dumps(told).encode()
    whole = _Whole()
    for piece in pieces:
        whole.add(piece)
    # A stream that simply stops has not said all; what it says is that of nobody.
    return whole.dump() if ended or whole.is_final else b""


def _unmarked(body: bytes) -> bytes:
    """A whole reply without the mark of a stream's end, which some servers put behind it."""
    left = body.rstrip().removesuffix(b"[DONE]").rstrip().removesuffix(b"data:").rstrip()
    return left if left.endswith(b"}") else body


def _pieces(body: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Objects of a stream, and whether it said that it ends there."""
    found: list[dict[str, Any]] = []
    for line in body.decode("utf-8", "replace").split("\n"):
        said = line.strip()
        said = said[5:].strip() if said.startswith("data:") else said
        if said == "[DONE]":
            return found, True
        if said.startswith("{"):
            try:
                piece = json.loads(said)
            except (ValueError, RecursionError):
                continue
            found.append(piece)
    return found, False


def _has_delta(piece: dict[str, Any]) -> bool:
    return any("delta" in choice for choice in _choices(piece))


def _choices(piece: dict[str, Any]) -> list[dict[str, Any]]:
    choices = piece.get("choices")
    return [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []


class _Whole:
    """Grows by pieces of the first choice."""

    def __init__(self) -> None:
        self._reply: dict[str, Any] = {}
        self._choice: dict[str, Any] = {"index": 0}
        self._parts: dict[str, list[str]] = {}
        self._calls: dict[Any, dict[str, Any]] = {}
        self._tokens: list[Any] = []

    @property
    def is_final(self) -> bool:
        return bool(self._choice.get("finish_reason")) or "error" in self._reply

    def add(self, piece: dict[str, Any]) -> None:
        known = {k: v for k, v in piece.items() if k not in ("choices", "object") and v is not None}
        self._reply.update(known)
        for choice in _choices(piece):
            if choice.get("index", 0) in (0, None):
                self._add_choice(choice)

    def _add_choice(self, choice: dict[str, Any]) -> None:
        rest = {k: v for k, v in choice.items() if k not in ("delta", "logprobs") and v is not None}
        self._choice.update(rest)
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        self._tokens.extend(tokens if isinstance(tokens, list) else [])
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return
        for name in _TEXTS:
            if isinstance(delta.get(name), str):
                self._parts.setdefault(name, []).append(delta[name])
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            self._add_call(call)

    def _add_call(self, call: object) -> None:
        given = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(given, dict):
            return
        place = str(call.get("index", 0))
        function = self._calls.setdefault(place, {"name": "", "arguments": ""})
        for name in function:
            part = given.get(name)
            if isinstance(part, dict):
                part = json.dumps(part)
            function[name] += part if isinstance(part, str) else ""

    def dump(self) -> bytes:
        given = self._choice.pop("message", None)
        message = {"role": "assistant", "content": None}
        message.update(given if isinstance(given, dict) else {})
        message.update({name: "".join(parts) for name, parts in self._parts.items()})
        if self._calls:
            calls = [{"type": "function", "function": f} for f in self._calls.values()]
            message["tool_calls"] = calls  # type: ignore[assignment]
        self._choice["message"] = message
        if self._tokens:
            self._choice["logprobs"] = {"content": self._tokens}
        return json.dumps({**self._reply, "choices": [self._choice]}).encode()
