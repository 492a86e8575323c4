"""What a label store holds: sets of answers, their cost, and tables of them for elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import AnswerSet, Comparison
from tracer_nb.teachers.store import LabelStore
from tracer_nb.teachers.tables import write_table

__all__ = ["EXPORT_COLUMNS", "answer_sets", "compare_sets", "export_answers", "set_labels"]

EXPORT_COLUMNS = (
    *("set", "teacher", "text", "label", "reason", "mode", "probabilities"),
    *("prompt_tokens", "completion_tokens", "cost", "answered_at"),
)
_KEY_LENGTH = 8
_EXAMPLES = 20


def answer_sets(store: LabelStore) -> tuple[AnswerSet, ...]:
    """The sets of answers in a store, the one with the latest answer first.

    A set is what one teacher with one prompt, label set and parameters has answered.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    sets = [
        AnswerSet(
            key=identity_id[:_KEY_LENGTH],
            teacher=_name(identity),
            prompt=str(identity.get("prompt", "")),
            n_labels=len(identity.get("labels", ())),
            n_answers=n,
            n_missing=n_missing,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost=None if n_unpriced else cost,
            first=first,
            last=last,
        )
        for (
            identity_id,
            identity,
            *(n, n_missing, prompt_tokens, completion_tokens, cost, n_unpriced, first, last),
        ) in store.summaries()
    ]
    return tuple(sorted(sets, key=lambda s: s.last, reverse=True))


def compare_sets(store: LabelStore, key: str, other: str) -> Comparison:
    """Two teachers, or two prompts, on the texts that both have answered.

    Parameters
    ----------
    store : LabelStore
    key, other : str
        Keys of two sets, or the beginnings of them.

    Raises
    ------
    InvalidInput
        Not such a key, or no text that both answered with a label.
    StoreError
        The file cannot be read.
    """
    (one, labels), (two, others) = (set_labels(store, k) for k in (key, other))
    shared = [text for text in labels if text in others]
    if not shared:
        raise InvalidInput(
            f"sets {key!r} and {other!r} share no labelled text; label the same rows with both"
        )
    differ = [text for text in shared if labels[text] != others[text]]
    return Comparison(
        teachers=(one, two),
        n_shared=len(shared),
        n_agree=len(shared) - len(differ),
        disagreements=tuple((t, labels[t], others[t]) for t in differ[:_EXAMPLES]),
    )


def set_labels(store: LabelStore, key: str) -> tuple[str, dict[str, str]]:
    """The teacher of a set of answers, and the label of every text that has one.

    Raises
    ------
    InvalidInput
        Not the key of a set, nor the beginning of one.
    StoreError
        The file cannot be read.
    """
    identity_id, identity = _identity(store, key)
    answers = store.answers_of(identity_id)
    return _name(identity), {text: a.label for text, a, _ in answers if a.label is not None}


def export_answers(store: LabelStore, path: str | os.PathLike[str], key: str | None = None) -> int:
    """Write answers to a CSV or Parquet file; how many there were.

    Parameters
    ----------
    store : LabelStore
    path : path-like
        Ends in .csv or .parquet.
    key : str, optional
        One set; by default all.

    Raises
    ------
    InvalidInput
        Another ending, an unknown key, or a file that cannot be written.
    MissingExtra
        Parquet without pyarrow.
    StoreError
        The store cannot be read.
    """
    ids = [_identity(store, key)] if key else store.identities()
    rows = (
        {"set": i[:_KEY_LENGTH], "teacher": _name(identity), "text": text, **row}
        for i, identity in ids
        for text, row in _answers(store, i)
    )
    return write_table(path, EXPORT_COLUMNS, rows)


def _answers(store: LabelStore, identity_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for text, answer, answered_at in store.answers_of(identity_id):
        probabilities = answer.probabilities
        yield (
            text,
            {
                "label": answer.label,
                "reason": answer.reason,
                "mode": answer.mode,
                "probabilities": None if probabilities is None else json.dumps(dict(probabilities)),
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
                "cost": answer.cost,
                "answered_at": answered_at,
            },
        )


def _identity(store: LabelStore, key: str) -> tuple[str, Mapping[str, Any]]:
    found = [(i, identity) for i, identity in store.identities() if i.startswith(key)]
    if len(found) == 1:
        return found[0]
    known = [i[:_KEY_LENGTH] for i, _ in store.identities()]
    if found:
        raise InvalidInput(f"{len(found)} sets begin with {key!r}; write more of its key")
    raise InvalidInput.unknown_name("set of answers", key, known)


def _name(identity: Mapping[str, Any]) -> str:
    return str(identity.get("model") or identity.get("name") or identity.get("teacher") or "?")
