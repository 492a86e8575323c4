"""Sets of stored answers that ask for the very same become one."""

from __future__ import annotations

import json
import sqlite3

from tracer_nb.teachers.rows import identity_address, plain_identity

__all__ = ["join_sets"]


def join_sets(db: sqlite3.Connection) -> None:
    """Give everything that is stored under an identity of old its address of now.

    Runs inside a transaction of the caller. Where both sets answered a text, one answer stands
    and the other one keeps its old address, so that the books still hold it.
    """
    for old, text in db.execute("SELECT id, identity FROM identities").fetchall():
        identity = json.loads(text)
        if plain_identity(identity) != identity:
            new, canonical = identity_address(identity)
            db.execute("INSERT OR IGNORE INTO identities VALUES (?, ?)", (new, canonical))
            _move(db, old, new)


def _move(db: sqlite3.Connection, old: str, new: str) -> None:
    for table in ("answers", "votes", "batch_texts"):
        db.execute(
            f"UPDATE OR IGNORE {table} SET identity_id = ? WHERE identity_id = ?",  # noqa: S608
            (new, old),
        )
    db.execute("UPDATE batches SET identity_id = ? WHERE identity_id = ?", (new, old))
    left = db.execute("SELECT 1 FROM answers WHERE identity_id = ? LIMIT 1", (old,)).fetchone()
    if left is None:
        db.execute("UPDATE runs SET identity_id = ? WHERE identity_id = ?", (new, old))
        db.execute("DELETE FROM identities WHERE id = ?", (old,))
