r"""The one place that decides what a reply says: one of the labels, or none.

In this order, and the first place that names a label decides:

1. the object that the server has read itself, or put in the place of the text;
2. the text, if it is the object asked for;
3. the arguments of a function call, also when they are encoded twice;
4. the text, behind the last end of a thought: exactly one distinct object that names a label,
   wherever it stands; or, without one, a text that without marks and fences is a label, or
   ``label: X``;
5. the thoughts, if there is no text and they are the very object.

Two different labels in one place are none. Nothing is guessed out of prose: "not refund" holds
a label, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tracer_nb.teachers.chat.alignment import spelled_distribution
from tracer_nb.teachers.chat.reply import Reply
from tracer_nb.teachers.chat.wire import named_in_text, named_in_value, read_object

__all__ = ["LabelMatcher", "Reading", "behind_thoughts", "quoted", "read_label"]

_THOUGHTS = "think|thinking|thought|thoughts|reasoning|scratchpad|seed:think"
_THOUGHT_ENDS = re.compile(
    rf"</(?:{_THOUGHTS})\s{{0,9}}>|\[/THINK\]|\u25c1/think\u25b7|<\|/think(?:ing)?\|>"
    r"|<\|end_of_thought\|>|<channel\|>"
    r"|<\|channel\|>(?:final|commentary)[^<]{0,80}(?:<\|constrain\|>[^<]{0,20})?<\|message\|>",
    re.IGNORECASE,
)
_THOUGHT_BEGINS = re.compile(
    rf"<(?:{_THOUGHTS})\s{{0,9}}>|\[THINK\]|\u25c1think\u25b7|<\|think(?:ing)?\|>"
    r"|<\|begin_of_thought\|>|<\|channel\|?>(?:analysis|thought)",
    re.IGNORECASE,
)
# One of these is in every end and beginning of a thought.
_THOUGHT_MARKS = ("<", "[", "\u25c1")
# Marks of chat templates that a server leaves in the text.
_TEMPLATE = re.compile(
    r"<[|\uff5c][^<>|\uff5c\n]{1,40}[|\uff5c]>|</?s>|<(?:start_of_turn|end_of_turn|eos)>"
)
_FENCE = re.compile(r"(?:```|~~~)[\w+-]{1,20}[ \t]{0,9}\r?\n")
_TAGGED = re.compile(r"<(\w{1,20})>([^<>]*)</\1>")
# A list's or a heading's mark: without the space, -1 would be read as 1.
_BULLET = re.compile(r"(?:[-*+\u2022]|#{1,6})\s+")
_PREFIX = re.compile(r"""label["'`*_]{0,4}\s{0,9}[:=]""", re.IGNORECASE)
_BEFORE = " \t\r\n\"'`*_~([\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb"
_BEHIND = " \t\r\n\"'`*_~)].!:\u201c\u201d\u2018\u2019\u201e\u00ab\u00bb"
# Layers of fences, tags and marks around a bare label.
_LAYERS = 6
# Characters that a label may be written longer than it is.
_SPARE = 300


def quoted(said: str, limit: int = 60) -> str:
    """Quote what a model said, shortened, for a reason that stays on one line."""
    said = " ".join(said[: 10 * limit].split())
    return repr(said if len(said) <= limit else said[: limit - 1] + "…")


class LabelMatcher:
    """Finds the label that a text names: as written first, then ignoring case.

    Nothing looser: a label that merely occurs inside a sentence is not an answer.

    Examples
    --------
    >>> match = LabelMatcher(["card lost", "refund"])
    >>> match(" Card  lost "), match("it is refund")
    ('card lost', None)
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self._exact = {label: label for label in labels}
        self._folded = {label.casefold(): label for label in self._exact}
        self._longest = max(map(len, self._exact), default=0) + _SPARE

    def is_exact(self, said: str) -> bool:
        """Whether it is a label, letter by letter."""
        return said in self._exact

    def __call__(self, said: str) -> str | None:
        """Label named by ``said``, or None."""
        if said in self._exact:
            return said
        if len(said) > self._longest:
            return None
        name = " ".join(said.split())
        return self._exact.get(name) or self._folded.get(name.casefold())


class Reading(NamedTuple):
    """A label, the form in which it really came, the model's distribution, if any; why none."""

    label: str | None
    mode: str
    probabilities: Mapping[str, float] | None = None
    why: str = ""


def read_label(reply: Reply, order: tuple[str, ...], match: LabelMatcher) -> Reading:
    """Read the label that a reply gives, in the form asked for or in another.

    Parameters
    ----------
    reply : Reply
    order : tuple of str
        The labels as they were listed, which is what codes stand for.
    match : LabelMatcher
    """
    names = _names(match, reply.form.codes, order)
    value = read_object(reply.content)
    taken = _as_asked(reply, names, value) or next(_places(reply, names, value), _NOTHING)
    if taken.label is None or not reply.tokens or not taken.piece:
        return Reading(taken.label, taken.mode)
    written = names.codes if names.is_code(taken.said) else {name: name for name in order}
    spelled = spelled_distribution(reply.tokens, reply.content, taken.piece, taken.said, written)
    return Reading(taken.label, taken.mode, spelled)


class _Names:
    """Everything that stands for a label: its name, and its code where one was given."""

    def __init__(self, match: LabelMatcher, codes: Mapping[str, str]) -> None:
        self.codes = codes
        self._match = match
        self._folded = {code.casefold(): label for code, label in codes.items()}

    def is_code(self, said: str) -> bool:
        return bool(self._folded) and said.strip().casefold() in self._folded

    def is_exact(self, said: str) -> bool:
        return said in self.codes or self._match.is_exact(said)

    def __call__(self, said: str) -> str | None:
        return self._match(said) or (
            self._folded.get(said.strip().casefold()) if self._folded else None
        )

    def only(self, named: Sequence[str | None]) -> tuple[str | None, str]:
        """The label that all of these name, and how; None where they differ."""
        if len(set(named)) == 1:
            said = named[0] or ""
            return (self(said), said) if said else (None, "")
        found: dict[str | None, str] = {}
        for one in named:
            label = None if one is None else self(one)
            # What is no label is told apart, too: it was meant for something else.
            key = label or (None if one is None else f"\0{one}")
            found[key] = one or ""
            if len(found) > 1:
                return None, ""
        key, said = next(iter(found.items()), (None, ""))
        return (None, "") if key is None or key.startswith("\0") else (key, said)


@lru_cache(maxsize=16)  # one for all replies to a teacher that lists its labels in one order
def _names(match: LabelMatcher, codes: tuple[str, ...], order: tuple[str, ...]) -> _Names:
    return _Names(match, dict(zip(codes, order, strict=False)))


class _Taken(NamedTuple):
    """What one place says; no label where it names several, or something else.

    Attributes
    ----------
    said : str
        The label or its code, as it is written there.
    piece : str
        The part of the content that says so; empty where it is not in the content.
    """

    label: str | None
    mode: str
    said: str = ""
    piece: str = ""


_NOTHING = _Taken(None, "text")


def _as_asked(reply: Reply, names: _Names, value: object) -> _Taken | None:
    """What nearly every reply says: nothing but the object, or a bare label.

    :func:`_places` would read the same, at twice the cost.
    """
    content, mode = reply.content, _asked_mode(reply)
    if reply.parsed is not None:
        return None
    if not content and len(reply.arguments) == 1:
        mode, value = "tool", reply.arguments[0]
        value = read_object(value) if isinstance(value, str) else value
    if isinstance(value, dict):
        said = value.get("label") if len(value) == 1 else None
        label = names(said) if isinstance(said, str) else None
        return None if label is None else _Taken(label, mode, said or "", content)
    if value is not None or reply.arguments or not names.is_exact(content):
        return None
    return _Taken(names(content), "codes" if names.is_code(content) else "text", content, content)


def _asked_mode(reply: Reply) -> str:
    return "json-schema" if reply.form.name == "json-schema" else "text"


def _places(reply: Reply, names: _Names, value: object) -> Iterator[_Taken]:
    """What each place says that names a label, in order; ``value`` is the content as JSON."""
    content, schema = reply.content, _asked_mode(reply)
    if reply.parsed is not None and (named := named_in_value(reply.parsed)):
        yield _Taken(names.only(named)[0], schema)
    if named := named_in_value(value):
        as_asked = isinstance(value, dict) and isinstance(value.get("label"), str)
        yield _Taken(names.only(named)[0], schema if as_asked else "text", *_said(named, content))
    if named := [label for given in reply.arguments for label in named_in_value(given)]:
        yield _Taken(names.only(named)[0], "tool")
    yield from _in_text(content, names)
    if not content.strip() and (named := named_in_value(read_object(reply.thoughts))):
        yield _Taken(names.only(named)[0], "text")


def _said(named: Sequence[str | None], piece: str) -> tuple[str, str]:
    return named[-1] or "", piece


def _in_text(content: str, names: _Names) -> Iterator[_Taken]:
    """What the text says behind its thoughts."""
    text = behind_thoughts(content)
    if found := named_in_text(text):
        named = [one.label for one in found]
        yield _Taken(names.only(named)[0], "text", *_said(named, found[-1].piece))
        return
    plain = True
    text = _TEMPLATE.sub(" ", text)
    for _ in range(_LAYERS):
        label = names(text)
        if label is not None:
            mode = "codes" if plain and names.is_code(text) else "text"
            yield _Taken(label, mode, text, text)
            return
        value = read_object(text)
        if named := named_in_value(value):
            yield _Taken(names.only(named)[0], "text")
        if named or isinstance(value, (dict, list)):  # a list of one label is a list
            return
        inner = _peeled(text)
        prefix = _PREFIX.match(inner) if plain else None
        if prefix is not None:
            plain, inner = False, inner[prefix.end() :]
        if inner == text:
            return
        text = inner


def behind_thoughts(content: str) -> str:
    """What stands behind the last end of a thought, without a thought that does not end."""
    if not any(mark in content for mark in _THOUGHT_MARKS):
        return content
    place = 0
    for end in _THOUGHT_ENDS.finditer(content):
        place = end.end()
    begin = _THOUGHT_BEGINS.search(content, place)
    return content[place : len(content) if begin is None else begin.start()]


def _peeled(text: str) -> str:
    """The text without its outermost fence, tag or marks."""
    text = text.strip()
    fence = _FENCE.match(text)
    if fence is not None:
        return text[fence.end() :].rstrip().rstrip("`~")
    tagged = _TAGGED.fullmatch(text)
    if tagged is not None:
        return tagged[2]
    bullet = _BULLET.match(text)
    if bullet is not None:
        text = text[bullet.end() :]
    return text.lstrip(_BEFORE).rstrip(_BEHIND)
