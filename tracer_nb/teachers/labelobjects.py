"""Objects that name a label, found wherever they stand in what a model wrote.

A model that is asked for ``{"label": "refund"}`` writes it in prose, in a fence, inside a call of
a function, twice encoded, or in the notation of its own tool calls. What counts here is that
somebody wrote an object with a ``label``; whether that is one of the labels is for others to say.
Time grows with the length of the text, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tracer_nb.teachers.jsontext import DECODER, read_object

__all__ = ["Named", "named_in_text", "named_in_value"]

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
