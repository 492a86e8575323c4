"""What a reply says where a text may have several labels: one set of them, or none.

It is looked for where a single label is (:mod:`tracer_nb.teachers.chat.reading`), and as there the
first place that names labels decides, two different sets in one place are none, and nothing is
guessed out of prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tracer_nb.labelsets import LabelSets
from tracer_nb.teachers.chat.reading import LabelMatcher, Reading, behind_thoughts
from tracer_nb.teachers.chat.reply import Reply
from tracer_nb.teachers.chat.wire import DECODER, read_object
from tracer_nb.teachers.subsets import one_set

__all__ = ["read_set", "set_schema"]

_NAMES = ("labels", "label")
_DEEP = 3
_BEGIN = re.compile(r"[\[{]")
# Beginnings of JSON that are tried in one text, and characters of it that are looked at.
_TRIES, _MOST = 40, 50_000
_FENCE = re.compile(r"^\s*(?:```|~~~)[^\n]*\n|(?:```|~~~)\s*$")
_PREFIX = re.compile(r"^\W{0,4}labels?\W{0,4}[:=]", re.IGNORECASE)
_MARK = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
_AROUND = " \t\r\n\"'`*_."


def set_schema(sets: LabelSets) -> dict[str, Any]:
    """JSON schema of an answer.

    ``uniqueItems`` and ``minItems`` would say more, but strict modes refuse the one, and many
    servers the other: a label that is there twice, or none at all, is found when it is read.
    """
    return {"type": "array", "items": {"type": "string", "enum": list(sets)}}


def read_set(reply: Reply, sets: LabelSets, match: LabelMatcher) -> Reading:
    """Read the set that a reply gives, in the form asked for or in another.

    Parameters
    ----------
    reply : Reply
    sets : LabelSets
    match : LabelMatcher
        Of its labels.
    """
    for mode, named in _places(reply, match):
        found = {one_set(labels, sets, match) for labels in named}
        if len(found) == 1:
            name, why = found.pop()
            return Reading(name, mode, why=why)
        if found:
            return Reading(None, mode, why="answer holds several sets of labels")
    return Reading(None, "text")


Named = list[tuple[object, ...]]


def _places(reply: Reply, match: LabelMatcher) -> Iterator[tuple[str, Named]]:
    """What each place names, in order; places that name nothing are left out."""
    asked = "json-schema" if reply.form.name == "json-schema" else "text"
    if reply.parsed is not None and (named := _in_value(reply.parsed)):
        yield asked, named
    if named := _in_value(read_object(reply.content)):
        yield asked, named
    if named := [labels for given in reply.arguments for labels in _in_value(given)]:
        yield "tool", named
    text = behind_thoughts(reply.content)
    if named := _in_text(text):
        yield "text", named
    if (labels := _plain(text, match)) is not None:
        yield "text", [labels]
    if not reply.content.strip() and (named := _in_value(read_object(reply.thoughts))):
        yield "text", named


def _in_value(value: object, deep: int = _DEEP) -> Named:
    """The lists of labels that a JSON value holds, wherever they stand."""
    if isinstance(value, str):
        return _in_value(read_object(value), deep - 1) if deep else []
    if isinstance(value, list):
        if all(isinstance(part, str) for part in value):
            return [tuple(value)]
        return [one for part in value if isinstance(part, (dict, list)) for one in _in_value(part)]
    if not isinstance(value, dict):
        return []
    for name in _NAMES:
        if name in value:
            return [_listed(value[name])]
    inner = [part for part in value.values() if isinstance(part, (dict, str))] if deep else []
    return [one for part in inner for one in _in_value(part, deep - 1)]


def _listed(value: object) -> tuple[object, ...]:
    if isinstance(value, list):
        return tuple(value) if all(isinstance(v, str) for v in value) else (str(value),)
    if value is None:
        return ()
    return (value if isinstance(value, str) else str(value),)


def _in_text(text: str) -> Named:
    """The lists in a text, from left to right."""
    text, found, place = text[:_MOST], list[tuple[object, ...]](), 0
    for _ in range(_TRIES):
        if (begin := _BEGIN.search(text, place)) is None:
            break
        try:
            value, place = DECODER.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            place = begin.start() + 1
        else:
            found += _in_value(value)
    return found


def _plain(text: str, match: LabelMatcher) -> tuple[str, ...] | None:
    """Labels that a text of nothing else lists; None where it says more."""
    if len(text) > _MOST:
        return None
    text = _PREFIX.sub("", _FENCE.sub("", text.strip()).strip()).strip()
    if not text:
        return None
    if match(text.strip(_AROUND)) is None and text.strip(_AROUND).casefold() == "none":
        return ()
    for between in ("\n", ";", ","):
        parts = [_MARK.sub("", part).strip(_AROUND) for part in text.split(between)]
        parts = [part for part in parts if part]
        if parts and all(match(part) is not None for part in parts):
            return tuple(parts)
    return None
