"""An answer without a label gives way to a later one, and stays in the books."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from tracer_nb.records import Answer
from tracer_nb.teachers.rows import (
    identity_address,
    missing_identity,
    replaced_identity,
    text_address,
)
from tracer_nb.teachers.store import LabelStore

__all__ = ["replace_missing"]

_AMONG = "identity_id = ? AND text_id IN (SELECT value FROM json_each(?))"


def replace_missing(
    store: LabelStore,
    identity: Mapping[str, Any],
    answered: Iterable[tuple[str, Answer]],
    labels: Iterable[str],
) -> int:
    """Put answers in the place of stored ones that hold no label, all of them or none.

    What they replace was paid, too: it moves to an identity of its own. Where another process
    has stored a label meanwhile, that one stays, and the answer given here goes aside. Votes
    that led to an answer go, because it holds their cost.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher.
    answered : iterable of (str, Answer)
        Each text once. Failures that were no answer (``keep`` is False) replace nothing.
    labels : iterable of str
        The label set.

    Returns
    -------
    int
        How many are the answers to their texts now.

    Raises
    ------
    StoreError
        The file cannot be written; then everything is as it was.
    """
    given = {text_address(text): (text, answer) for text, answer in answered if answer.keep}
    if not given:
        return 0
    own = identity_address(identity)[0]
    with store.writing() as db:
        found = db.execute(
            f"SELECT text_id FROM answers WHERE {_AMONG} "  # noqa: S608
            "AND label IN (SELECT value FROM json_each(?))",
            [own, _ids(given), json.dumps(list(labels))],
        )
        late = {row[0] for row in found}
        first = [text_id for text_id in given if text_id not in late]
        _put_aside(db, identity, first)
        store.insert(db, identity, [given[text_id] for text_id in first])
        for text_id in late:
            for n in count(1):
                if store.insert(db, replaced_identity(identity, n), [given[text_id]]):
                    break
        votes = identity_address(missing_identity(identity))[0]
        db.execute(f"DELETE FROM votes WHERE {_AMONG}", [votes, _ids(given)])  # noqa: S608
    return len(first)


def _put_aside(db: sqlite3.Connection, identity: Mapping[str, Any], ids: list[str]) -> None:
    """Move the answers to these texts to where none of the same text is."""
    own = identity_address(identity)[0]
    for n in count(1):
        left = db.execute(f"SELECT 1 FROM answers WHERE {_AMONG} LIMIT 1", [own, _ids(ids)])  # noqa: S608
        if left.fetchone() is None:
            return
        aside = identity_address(replaced_identity(identity, n))
        db.execute("INSERT OR IGNORE INTO identities VALUES (?, ?)", aside)
        db.execute(
            f"UPDATE OR IGNORE answers SET identity_id = ? WHERE {_AMONG}",  # noqa: S608
            [aside[0], own, _ids(ids)],
        )


def _ids(ids: Iterable[str]) -> str:
    return json.dumps(list(ids))
