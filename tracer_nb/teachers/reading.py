"""From what a model wrote to one of the labels, or to none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tracer_nb.teachers.distribution import label_distribution
from tracer_nb.teachers.reply import Reply

__all__ = ["LabelMatcher", "Reading", "quoted", "read_label"]

_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_QUOTES = "\"'`"
_AROUND_CODE = _QUOTES + " \t\r\n.:()[]*"
_JSON_HEAD = re.compile(r'\s*\{\s*"label"\s*:\s*"')


def quoted(said: str, limit: int = 60) -> str:
    """Quote what a model said, shortened, for a reason that stays on one line."""
    said = " ".join(said.split())
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

    def __call__(self, said: str) -> str | None:
        """Label named by ``said``, or None."""
        if said in self._exact:
            return said
        name = " ".join(said.split())
        return self._exact.get(name) or self._folded.get(name.casefold())

    def read(self, content: str) -> tuple[str | None, bool]:
        """Label in a model's answer, and whether the answer was the JSON object asked for.

        Servers that ignore the schema answer with the bare label, or with the object in a
        code fence, or think aloud first; all are read, and told apart from an answer in the
        form asked for.
        """
        said, as_asked = _label_in_json(content)
        if as_asked:
            return self(said), True
        body = _unfenced(content)
        said, is_json = _label_in_json(body)
        if is_json:
            return self(said), False
        return self(body) or self(body.strip().strip(_QUOTES)), False


@dataclass(frozen=True, slots=True)
class Reading:
    """A label, the form in which it really came, and the model's distribution, if any."""

    label: str | None
    mode: str
    probabilities: Mapping[str, float] | None = None


def read_label(reply: Reply, order: tuple[str, ...], match: LabelMatcher) -> Reading:
    """Read the label that a reply gives, in the form asked for or in another.

    Parameters
    ----------
    reply : Reply
    order : tuple of str
        The labels as they were listed, which is what codes stand for.
    match : LabelMatcher
    """
    form = reply.form
    if form.codes:
        by_code = dict(zip(form.codes, order, strict=True))
        code = _unfenced(reply.content).strip(_AROUND_CODE)
        label = {c.casefold(): name for c, name in by_code.items()}.get(code.casefold())
        if label is not None:
            return Reading(label, form.name, label_distribution(reply.tokens, by_code))
    label, as_asked = match.read(reply.said)
    in_form = as_asked and (form.name == "json-schema" or reply.arguments is not None)
    return Reading(label, form.name if in_form else "text", _spread(reply, order))


def _spread(reply: Reply, order: tuple[str, ...]) -> dict[str, float] | None:
    """Distribution over labels that are written out, in JSON or bare."""
    if not reply.tokens:
        return None
    head = _JSON_HEAD.match(reply.content)
    if head is None:
        return label_distribution(reply.tokens, {name: name for name in order})
    inside = {name: json.dumps(name, ensure_ascii=False)[1:] for name in order}
    # The closing quote tells "card" from "card lost".
    written = {head.group().lstrip() + text: name for name, text in inside.items()}
    return label_distribution(reply.tokens, written)


def _label_in_json(content: str) -> tuple[str, bool]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return "", False
    if isinstance(value, dict) and isinstance(value.get("label"), str):
        return value["label"], True
    return "", False


def _unfenced(content: str) -> str:
    content = _THOUGHTS.sub("", content, count=1) if "<think>" in content else content
    lines = content.strip().splitlines()
    if len(lines) >= 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return content
