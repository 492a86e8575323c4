"""A batch as a file: one request a line on the way out, one answer a line on the way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer_nb.store.rows import text_address
from tracer_nb.teachers.chat.wire import read_json
from tracer_nb.teachers.chat.words import plain, words_of

__all__ = ["ENDPOINT", "MAX_BYTES", "MAX_REQUESTS", "Line", "line_name", "read_lines", "request_line", "split_texts"]  # fmt: skip

ENDPOINT = "/v1/chat/completions"
MAX_REQUESTS = 50_000
MAX_BYTES = 200_000_000
_OK = 200
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says about one request.

    Attributes
    ----------
    name : str
        Of the request, as :func:`line_name` gave it.
    body : bytes or None
        The reply; None when there is none.
    reason : str
        Why there is none.
    status : int
        HTTP status of the failure; 0 where there is none.
    """

    name: str
    body: bytes | None
    reason: str = ""
    status: int = 0


def line_name(text: str) -> str:
    """Name of the request about ``text``.

    It is made from the text, not from a number: an answer out of order, or one out of another
    batch's file, can then never be taken for the answer to something else.
    """
    return text_address(text)[:32]


def request_line(text: str, body: Mapping[str, Any]) -> bytes:
    """One request as a line of the file."""
    line = {"custom_id": line_name(text), "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def split_texts(texts: Sequence[str], size: Callable[[str], int]) -> list[list[str]]:
    """Parts of ``texts``, each within the limits of one batch; ``size`` gives a line's bytes."""
    parts: list[list[str]] = []
    total = MAX_BYTES
    for text in texts:
        n = size(text)
        if total + n > MAX_BYTES or len(parts[-1]) == MAX_REQUESTS:
            parts.append([])
            total = 0
        parts[-1].append(text)
        total += n
    return parts


def read_lines(content: bytes) -> Iterator[Line]:
    """What an output says, line by line; a line that cannot be read says nothing."""
    for raw in content.splitlines():
        value = read_json(raw)
        name = value.get("custom_id") if isinstance(value, dict) else None
        if isinstance(name, str):
            yield _read(name, value)


def _read(name: str, value: Mapping[str, Any]) -> Line:
    response = _dict(value.get("response"))
    status, body = _status(response.get("status_code")), response.get("body")
    error = _dict(body).get("error")
    # An error that is called a success, without an answer and without tokens.
    failed = error and not _dict(body).get("choices") and not _dict(body).get("usage")
    if status == _OK and not failed:
        return Line(name, _written(body))
    said = words_of(value.get("error")) or words_of(error) or words_of(body)
    said = plain(said)[:200] or "no reason given"
    return Line(name, None, f"error {status}: {said}" if status else said, status)


def _status(said: object) -> int:
    """Status as a number, which some write as text; 0 for what is none."""
    text = str(said)
    return int(text) if text.isascii() and text.isdigit() and len(text) == _DIGITS else 0


def _written(body: object) -> bytes:
    """A reply as it was; nothing for one that is nested too deep to be written again."""
    try:
        return json.dumps(body).encode()
    except RecursionError:
        return b""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
