"""A batch as a row of a label store.

The batches in a label store: what was sent where, which texts it holds, what came of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer_nb.records import Answer, Batch
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import identity_address, text_address, utc_now
from tracer_nb.teachers.chat.batches import ServerBatch

__all__ = ["NOTED", "SELECT", "SENDING", "BatchBook", "Entry", "all_batches", "to_entry"]


NOTED = "noted"
"""Its texts are set aside for it; nothing that costs money was sent."""
SENDING = "sending"
"""The server was asked, or was about to be asked, to make it; its reply is not noted."""

_COLUMNS = (
    *("key", "server", "form", "n_texts", "most_tokens", "reserved", "state", "file_id"),
    *("batch_id", "n_done", "n_failed", "n_answers", "cost", "note", "noted_at", "sent_at"),
    "collected_at",
)
SELECT = (
    f"SELECT {', '.join('b.' + c for c in _COLUMNS)}, i.identity "  # noqa: S608 -- names only
    "FROM batches b JOIN identities i ON i.id = b.identity_id "
)
"""Begins every query whose rows :func:`to_entry` reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch as it is noted.

    Attributes
    ----------
    key : str
        Ours; the server is told it as the batch's metadata.
    form : str
        In which its requests ask for an answer.
    most_tokens : int
        That its texts can take.
    file_id, batch_id : str or None
        The server's names.
    shown : Batch
        Everything that is for people.
    """

    key: str
    form: str
    most_tokens: int
    file_id: str | None
    batch_id: str | None
    sent_at: str | None
    shown: Batch

    @property
    def state(self) -> str:
        """Ours until the server has replied, then the server's."""
        return self.shown.state


def to_entry(row: tuple[Any, ...]) -> Entry:
    """Entry from its columns."""
    values = dict(zip(_COLUMNS, row, strict=False))
    names = ("form", "most_tokens", "file_id", "batch_id")
    form, most_tokens, file_id, batch_id = (values.pop(name) for name in names)
    key, sent_at, noted_at = values["key"], values["sent_at"], values.pop("noted_at")
    shown = Batch(
        **{**values, "key": key[:8], "sent_at": sent_at or noted_at},
        teacher=str(json.loads(row[-1]).get("model", "")),
    )
    return Entry(key, form, most_tokens, file_id, batch_id, sent_at, shown)


def all_batches(store: LabelStore) -> tuple[Batch, ...]:
    """Batches of all teachers in a store, the last one first.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    rows = store.select(f"{SELECT} ORDER BY b.number DESC")
    return tuple(to_entry(row).shown for row in rows)


class _Taken(Exception):
    """Texts are in another batch."""


class BatchBook:
    """Batches of one teacher.

    A state only follows from the one before it, in one statement that looks: whichever of two
    processes comes second sees that, and does nothing.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        The teacher's.
    """

    def __init__(self, store: LabelStore, identity: Mapping[str, Any]) -> None:
        self._store = store
        self._teacher = identity
        self._id, self._identity = identity_address(identity)

    # --- before the server has a batch -------------------------------------------------

    def withdraw(self) -> None:
        """Forget batches that were noted and never sent; their texts are free again."""
        values = (self._id, NOTED)
        where = "identity_id = ? AND state = ?"
        if not self._store.select(f"SELECT 1 FROM batches WHERE {where} LIMIT 1", values):  # noqa: S608
            return
        with self._store.writing() as db:
            keys = f"SELECT key FROM batches WHERE {where}"  # noqa: S608 -- no user's words
            db.execute(f"DELETE FROM batch_texts WHERE batch_key IN ({keys})", values)  # noqa: S608
            db.execute(f"DELETE FROM batches WHERE {where}", values)  # noqa: S608

    def note(
        self,
        batches: Iterable[tuple[str, Sequence[str], int, float | None]],
        server: str,
        form: str,
    ) -> int:
        """Note key, texts, and the tokens and dollars set aside of batches that will be sent.

        Returns
        -------
        int
            Texts of them that are in another batch. If there are any, nothing was noted.
        """
        now, taken = utc_now(), 0
        try:
            with self._store.writing() as db:
                db.execute(
                    "INSERT OR IGNORE INTO identities VALUES (?, ?)", (self._id, self._identity)
                )
                for key, texts, tokens, reserved in batches:
                    n = len(texts)
                    db.execute(
                        "INSERT INTO batches (key, identity_id, server, form, n_texts, "
                        "most_tokens, reserved, state, noted_at, n_done, n_failed, n_answers, note) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '')",
                        (key, self._id, server, form, n, tokens, reserved, NOTED, now),
                    )
                    claimed = db.executemany(
                        "INSERT OR IGNORE INTO batch_texts VALUES (?, ?, ?, ?, NULL)",
                        [(self._id, text_address(text), key, _raw(text)) for text in texts],
                    ).rowcount
                    taken += len(texts) - claimed
                if taken:
                    raise _Taken  # noqa: TRY301 -- it takes everything back
        except _Taken:
            return taken
        return 0

    def begin_sending(self, key: str, file_id: str) -> bool:
        """Note that the server is about to be asked for a batch of this file.

        False when another process has withdrawn it; it must not be sent then.
        """
        with self._store.writing() as db:
            done = db.execute(
                "UPDATE batches SET state = ?, file_id = ?, sent_at = ? WHERE key = ? AND state = ?",
                (SENDING, file_id, utc_now(), key, NOTED),
            )
            return done.rowcount == 1

    def drop(self, key: str) -> None:
        """Forget a batch that was never made; its texts are free again."""
        with self._store.writing() as db:
            gone = db.execute(
                "DELETE FROM batches WHERE key = ? AND state IN (?, ?)", (key, NOTED, SENDING)
            )
            if gone.rowcount:
                db.execute("DELETE FROM batch_texts WHERE batch_key = ?", (key,))

    # --- once it has -------------------------------------------------------------------

    def see(self, key: str, batch: ServerBatch, note: str = "") -> None:
        """Note the state that the server tells."""
        with self._store.writing() as db:
            db.execute(
                "UPDATE batches SET batch_id = ?, state = ?, n_done = ?, n_failed = ?, note = ? "
                "WHERE key = ? AND collected_at IS NULL",
                (batch.id, batch.state, batch.n_done, batch.n_failed, note or batch.note, key),
            )

    def finish(
        self,
        key: str,
        state: str,
        answers: Iterable[tuple[str, Answer]] = (),
        unusable: Iterable[tuple[str, str]] = (),
        *,
        n_done: int,
        n_failed: int,
        cost: float | None,
        note: str,
    ) -> int | None:
        """Store what a batch brought and close it, in one commit.

        ``answers`` are by text, and ``unusable`` the reasons of replies that hold no label; all
        other texts of the batch are free again.

        Returns
        -------
        int or None
            Answers stored; None when the batch was closed already, and nothing was done.
        """
        now = utc_now()
        with self._store.writing() as db:
            closed = db.execute(
                "UPDATE batches SET state = ?, n_done = ?, n_failed = ?, cost = ?, note = ?, "
                "collected_at = ? WHERE key = ? AND collected_at IS NULL",
                (state, n_done, n_failed, cost, note, now, key),
            )
            if not closed.rowcount:
                return None
            found = list(answers)
            stored = self._store.insert(db, self._teacher, found) if found else 0
            db.execute("UPDATE batches SET n_answers = ? WHERE key = ?", (stored, key))
            db.executemany(
                "UPDATE batch_texts SET reason = ? WHERE identity_id = ? AND text_id = ?",
                [(reason, self._id, text_address(text)) for text, reason in unusable],
            )
            db.execute("DELETE FROM batch_texts WHERE batch_key = ? AND reason IS NULL", (key,))
        return stored

    # --- reading -----------------------------------------------------------------------

    def open(self) -> list[Entry]:
        """Batches that were sent and not collected, the first one first."""
        where = "WHERE b.identity_id = ? AND b.collected_at IS NULL AND b.state != ?"
        rows = self._store.select(f"{SELECT} {where} ORDER BY b.number", (self._id, NOTED))
        return [to_entry(row) for row in rows]

    def entry(self, key: str) -> Entry | None:
        """The batch of this key, of this teacher."""
        rows = self._store.select(
            f"{SELECT} WHERE b.identity_id = ? AND b.key = ?", (self._id, key)
        )
        return to_entry(rows[0]) if rows else None

    def texts(self, key: str) -> list[str]:
        """Texts of a batch that is open."""
        rows = self._store.select("SELECT text FROM batch_texts WHERE batch_key = ?", (key,))
        return [row[0].decode("utf-8", "surrogatepass") for row in rows]

    def held(self, texts: Iterable[str]) -> tuple[set[str], set[str], str]:
        """Those of ``texts`` that a batch holds.

        Returns
        -------
        waiting : set of str
            Texts that were sent and not collected.
        unusable : set of str
            Texts whose reply held no label, when a batch asked about them.
        since : str
            When the first batch with waiting texts was sent; empty when none is.
        """
        rows = self._store.select(
            "SELECT t.text_id, t.reason IS NULL, b.sent_at FROM batch_texts t "
            "JOIN batches b ON b.key = t.batch_key WHERE t.identity_id = ? AND b.state != ?",
            (self._id, NOTED),
        )
        if not rows:
            return set(), set(), ""
        wanted = {text_address(text): text for text in texts}
        mine = [(wanted[i], bool(waits), at) for i, waits, at in rows if i in wanted]
        return (
            {text for text, waits, _ in mine if waits},
            {text for text, waits, _ in mine if not waits},
            min((at for _, waits, at in mine if waits), default=""),
        )


def _raw(text: str) -> bytes:
    # As bytes: SQLite's text holds no lone surrogates, and this one must come back as it was.
    return text.encode("utf-8", "surrogatepass")
