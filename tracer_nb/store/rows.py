"""An answer and its address as the columns of a label store."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from tracer_nb.documents import printable
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer

__all__ = [
    "COLUMNS",
    "INSERT",
    "again_identity",
    "identity_address",
    "is_again",
    "is_replaced",
    "missing_identity",
    "new_row",
    "plain_identity",
    "replaced_identity",
    "short_address",
    "storable",
    "text_address",
    "to_answer",
    "utc_now",
]

_ASKING = "asking"
_REPLACED = "replaced"
COLUMNS = (
    "label, reason, mode, probabilities, prompt_tokens, completion_tokens, counted, cost, seconds, "
    "model, explanation"
)
# The largest whole number that SQLite holds.
_MOST = 2**63 - 1
INSERT = (
    "INSERT OR IGNORE INTO answers (identity_id, run_id, text_id, created_at, text, "  # noqa: S608
    f"{COLUMNS}) VALUES ({','.join('?' * (COLUMNS.count(',') + 6))})"
)
"""Stores a row of :func:`new_row`, unless the text has an answer already."""


def text_address(text: str) -> str:
    """SHA-256 of a text."""
    # Lone surrogates have no UTF-8, but two different texts must not share an address.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def short_address(text: str) -> str:
    """The beginning of :func:`text_address`, enough to tell the texts of one job apart."""
    return text_address(text)[:16]


def identity_address(identity: Mapping[str, Any]) -> tuple[str, str]:
    """SHA-256 of an identity's canonical JSON, and that JSON.

    Settings that ask for the very same have one: see :func:`plain_identity`.

    Raises
    ------
    InvalidInput
        The identity holds something else than JSON values.
    """
    try:
        canonical = json.dumps(plain_identity(identity), sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as e:
        raise InvalidInput(
            f"a teacher's identity must hold JSON values only ({e}); "
            "use str, int, float, bool, None, list and dict"
        ) from e
    return hashlib.sha256(canonical.encode()).hexdigest(), canonical


def plain_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity in which settings that send the same requests are written in one way.

    Codes are asked for with log-probabilities anyway, and what is asked for by default without
    them is the schema.

    >>> plain_identity({"teacher": "chat", "answers": "codes", "logprobs": False})
    {'teacher': 'chat', 'answers': 'codes', 'logprobs': True}
    """
    plain = dict(identity)
    if plain.get("teacher") == "chat" and "logprobs" in plain:
        if plain.get("answers") == "codes":
            plain["logprobs"] = True
        elif plain.get("answers") == "json-schema" and plain["logprobs"] is False:
            plain["answers"] = "auto"
    return plain


def again_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Identity under which a teacher's second answers are stored, beside its first ones."""
    return {**identity, _ASKING: 2}


def is_again(identity: Mapping[str, Any]) -> bool:
    """Whether it is one of second answers."""
    return _ASKING in identity


def missing_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Identity of votes on texts that have an answer without a label, until another takes its place."""
    return {**identity, _ASKING: "missing"}


def replaced_identity(identity: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Identity of paid answers that another one took the place of, the ``n``-th of their texts."""
    return {**identity, _REPLACED: n}


def is_replaced(identity: Mapping[str, Any]) -> bool:
    """Whether it is one of answers that another one took the place of."""
    return _REPLACED in identity


def utc_now() -> str:
    """The time, for a column."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def new_row(identity_id: str, run_id: int, text: str, answer: Answer, now: str) -> tuple[Any, ...]:
    """Columns of an answer that was given now, for :data:`INSERT`."""
    probabilities = answer.probabilities
    return (
        identity_id,
        run_id,
        text_address(text),
        now,
        printable(text),
        answer.label,
        None if answer.reason is None else printable(answer.reason),
        answer.mode,
        None if probabilities is None else json.dumps(dict(probabilities)),
        min(answer.prompt_tokens, _MOST),
        min(answer.completion_tokens, _MOST),
        answer.counted,
        answer.cost,
        answer.seconds,
        answer.model,
        None if answer.explanation is None else printable(answer.explanation),
    )


def to_answer(row: tuple[Any, ...]) -> Answer:
    """Answer from its columns; equal labels and modes are one object, of which there are many."""
    label, reason, mode, probabilities, prompt_tokens, completion_tokens, *rest = row
    counted, cost, seconds, model, explanation = rest
    return Answer(
        label=None if label is None else sys.intern(label),
        reason=reason,
        mode=sys.intern(mode),
        probabilities=None if probabilities is None else json.loads(probabilities),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        counted=bool(counted),
        cost=cost,
        seconds=seconds,
        model=None if model is None else sys.intern(model),
        explanation=explanation,
    )


def storable(answer: Answer) -> Answer:
    """Answer without what a label store cannot hold, and itself when it can hold all of it.

    Answers come from servers, from libraries and from people's own functions. One number that
    is none must not keep an answer, and all others that are stored with it, from the disk.
    Tokens that cannot be are none and not counted; dollars and seconds that cannot be are
    unknown; probabilities that are no numbers are left out.

    Examples
    --------
    >>> storable(Answer("a", prompt_tokens=10**30, cost=float("nan"))).counted
    False
    """
    tokens = {
        name: 0
        for name in ("prompt_tokens", "completion_tokens")
        if not (isinstance(n := getattr(answer, name), int) and 0 <= n <= _MOST)
    }
    wrong: dict[str, Any] = {**tokens, "counted": False} if tokens else {}
    for name in ("cost", "seconds"):
        if not _is_number(getattr(answer, name)):
            wrong[name] = None
    if answer.probabilities is not None:
        plain = _plain(answer.probabilities)
        if plain is not answer.probabilities:
            wrong["probabilities"] = plain
    if answer.reason is not None and not _is_plain(answer.reason):
        wrong["reason"] = printable(str(answer.reason))
    if answer.explanation is not None and not _is_plain(answer.explanation):
        wrong["explanation"] = printable(str(answer.explanation))
    if not _is_plain(answer.mode):
        wrong["mode"] = printable(str(answer.mode or ""))
    return replace(answer, **wrong) if wrong else answer


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value.isascii()


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and 0 <= value < math.inf)


def _plain(probabilities: Any) -> dict[str, float] | Any:
    """Probabilities of labels as plain numbers, themselves where they are; None where not."""
    if type(probabilities) is dict and all(
        type(p) is float and type(n) is str for n, p in probabilities.items()
    ):
        return probabilities
    try:
        made = {str(name): float(share) for name, share in dict(probabilities).items()}
    except (TypeError, ValueError, OverflowError):
        return None
    return made if all(map(math.isfinite, made.values())) else None
