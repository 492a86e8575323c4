"""Stored answers as tables for elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from tracer_nb.teachers.ledger import KEY_LENGTH, find_set, set_name
from tracer_nb.teachers.store import LabelStore
from tracer_nb.teachers.tables import Written, write_table

__all__ = ["EXPORT_COLUMNS", "export_answers"]

EXPORT_COLUMNS = (
    *("set", "teacher", "text", "label", "reason", "mode", "probabilities"),
    *("prompt_tokens", "completion_tokens", "cost", "seconds", "model", "answered_at"),
)
_KINDS = {"prompt_tokens": int, "completion_tokens": int, "cost": float, "seconds": float}


def export_answers(
    store: LabelStore,
    path: str | os.PathLike[str],
    key: str | None = None,
    *,
    escape: bool = False,
) -> Written:
    """Write answers to a CSV or Parquet file, a part at a time.

    Parameters
    ----------
    store : LabelStore
    path : path-like
        Ends in .csv or .parquet.
    key : str, optional
        One set; by default all.
    escape : bool, default False
        As in :func:`write_table`.

    Raises
    ------
    InvalidInput
        Another ending, an unknown key, or a file that cannot be written.
    MissingExtra
        Parquet without pyarrow.
    StoreError
        The store cannot be read.
    """
    ids = [find_set(store, key)] if key else store.identities()
    rows = (
        {"set": i[:KEY_LENGTH], "teacher": set_name(identity), **row}
        for i, identity in ids
        for row in _answers(store, i)
    )
    return write_table(path, EXPORT_COLUMNS, rows, _KINDS, escape=escape)


def _answers(store: LabelStore, identity_id: str) -> Iterator[dict[str, Any]]:
    for text, answer, answered_at in store.answers_of(identity_id):
        probabilities = answer.probabilities
        yield {
            "text": text,
            "label": answer.label,
            "reason": answer.reason,
            "mode": answer.mode,
            "probabilities": None if probabilities is None else json.dumps(dict(probabilities)),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "cost": answer.cost,
            "seconds": answer.seconds,
            "model": answer.model,
            "answered_at": answered_at,
        }
