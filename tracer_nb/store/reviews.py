"""Reviews, audits and draws of rows on disk, in the file of the label store.

A review is what a human said about a text, an audit what the teacher said about a handled row, a draw
which rows of a column were asked about for what, so that another session goes on with them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.documents import printable
from tracer_nb.errors import StoreError
from tracer_nb.labelsets import sets_of
from tracer_nb.records import Audit, Review
from tracer_nb.store.file import explained, in_memory, open_database, prepare_file
from tracer_nb.store.labels import LabelStore, file_mark, store_path
from tracer_nb.store.rows import identity_address, text_address, utc_now

__all__ = ["AuditStore", "DrawStore", "ReviewStore", "column_key"]


_COLUMNS = "text, label, note, drawn, blind, reviewed_at"
_PUT_REVIEW = (
    f"INSERT OR REPLACE INTO reviews (label_set_id, text_id, {_COLUMNS}) "  # noqa: S608
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class ReviewStore:
    """Reviews, addressed by the label set and the text.

    Neither teacher nor prompt is in the address: which label is right depends on the labels
    there are to choose from, so reviews outlive the prompt that they were made for. Every
    :meth:`put` and :meth:`drop` is one commit that is on disk when it returns. The file is
    open only meanwhile, so that a panel may stay on the page for days.

    Parameters
    ----------
    path : path-like, optional
        The label store's file; ":memory:" keeps reviews in this object.
    timeout : float
        Seconds to wait for another process that writes; less than for answers, because a
        human waits too.

    Examples
    --------
    >>> store = ReviewStore(":memory:")
    >>> store.put(["refund", "parcel"], Review("where is it?", "parcel"))
    >>> [review.label for review in store.reviews(["parcel", "refund"]).values()]
    ['parcel']
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float = 5) -> None:
        self.path = store_path(path)
        self._timeout = timeout
        self._own: dict[tuple[str, str], Review] = {}

    def __repr__(self) -> str:
        return f"ReviewStore({str(self.path)!r})"

    def reviews(self, labels: Iterable[str]) -> dict[str, Review]:
        """All reviews with this label set, by the text's address, the oldest first.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        label_set = _address(labels)[0]
        if in_memory(self.path):
            return {text: r for (own, text), r in self._own.items() if own == label_set}
        if not self.path.exists():
            return {}
        with self._open("read") as db:
            rows = db.execute(
                f"SELECT text_id, {_COLUMNS} FROM reviews "  # noqa: S608
                "WHERE label_set_id = ? ORDER BY number",
                [label_set],
            ).fetchall()
        return {
            address: Review(text, label, note, drawn, bool(blind), reviewed_at)
            for address, text, label, note, drawn, blind, reviewed_at in rows
        }

    def put(self, labels: Iterable[str], review: Review) -> None:
        """Store one review in one commit; it replaces an earlier one of the same text.

        Raises
        ------
        StoreError
            The file cannot be written: locked, read-only, or the disk is full.
        """
        label_set, names = _address(labels)
        text = text_address(review.text)
        if in_memory(self.path):
            self._own.pop((label_set, text), None)  # so that it goes to the end
            self._own[label_set, text] = review
            return
        row = (
            *(label_set, text, printable(review.text), review.label, printable(review.note)),
            *(review.drawn, int(review.blind), review.reviewed_at),
        )
        self._write(
            ("INSERT OR IGNORE INTO label_sets VALUES (?, ?)", (label_set, names)),
            (_PUT_REVIEW, row),
        )

    def drop(self, labels: Iterable[str], review: Review) -> None:
        """Take back this very review; one that has replaced it since stays.

        Raises
        ------
        StoreError
            The file cannot be written.
        """
        label_set, text = _address(labels)[0], text_address(review.text)
        if in_memory(self.path):
            if self._own.get((label_set, text)) == review:
                del self._own[label_set, text]
            return
        self._write(
            (
                "DELETE FROM reviews WHERE label_set_id = ? AND text_id = ? AND reviewed_at = ?",
                (label_set, text, review.reviewed_at),
            )
        )

    def _write(self, *statements: tuple[str, Sequence[object]]) -> None:
        with self._open("write") as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    db.execute(statement, values)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _open(self, doing: str) -> Iterator[sqlite3.Connection]:
        with explained(self.path, doing):
            prepare_file(self.path)
            with closing(open_database(self.path, self._timeout)) as db:
                yield db


def _address(labels: Iterable[str]) -> tuple[str, str]:
    """SHA-256 of a label set, whose order does not count, and the set as JSON."""
    sets = sets_of(labels)
    # One label a row, and several of the same labels, are different questions.
    names = json.dumps([*sorted(labels), *([] if sets is None else [[sets.how_many]])])
    return hashlib.sha256(names.encode()).hexdigest(), names


# Seconds to wait for another process that writes.
_PATIENCE = 60
_PUT_AUDIT = (
    "INSERT OR IGNORE INTO audits "
    "(watch_id, text_id, text, surrogate, teacher, audited_at) VALUES (?, ?, ?, ?, ?, ?)"
)


class AuditStore:
    """Audits in the order in which they were made, by the key of the watch they belong to.

    A text counts once in a watch: whoever stores it again, in another kernel for example,
    changes nothing. :meth:`put` is one commit that is on disk when it returns.

    Parameters
    ----------
    path : path-like, optional
        The label store's file; ":memory:" keeps audits in this object.
    opened : callable, optional
        Gives the label store of that file, opened by whoever else works with it; by default it
        is opened for each call.

    Examples
    --------
    >>> store = AuditStore(":memory:")
    >>> store.put("a watch", [Audit("where is it?", "parcel", "refund")])
    >>> [(text, audit.disagrees) for text, audit in store.audits("a watch").items()][0][1]
    True
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        opened: Callable[[], AbstractContextManager[LabelStore]] | None = None,
    ) -> None:
        self.path = store_path(path)
        self._opened = opened or (lambda: LabelStore(self.path, timeout=_PATIENCE))
        self._own: dict[str, dict[str, Audit]] = {}
        self._choices: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"AuditStore({str(self.path)!r})"

    @property
    def mark(self) -> tuple[Any, ...]:
        """What differs after anything was stored, by whomever."""
        if in_memory(self.path):
            return sum(map(len, self._own.values())), *self._choices.items()
        return file_mark(self.path)

    def audits(self, watch: str) -> dict[str, Audit]:
        """All audits of this watch by the text's address, the oldest first.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if in_memory(self.path):
            return dict(self._own.get(watch, {}))
        rows = self._read(
            "SELECT text_id, text, surrogate, teacher, audited_at FROM audits "
            "WHERE watch_id = ? ORDER BY number",
            watch,
        )
        return {address: Audit(*rest) for address, *rest in rows}

    def on_alarm(self, watch: str) -> str | None:
        """What was chosen to do on an alarm of this watch; None when nothing was.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if in_memory(self.path):
            return self._choices.get(watch)
        rows = self._read("SELECT on_alarm FROM watches WHERE id = ?", watch)
        return str(rows[0][0]) if rows else None

    def choose(self, watch: str, on_alarm: str) -> None:
        """Keep what to do on an alarm of this watch.

        Raises
        ------
        StoreError
            The file cannot be written.
        """
        if in_memory(self.path):
            self._choices[watch] = on_alarm
        else:
            self._write("INSERT OR REPLACE INTO watches VALUES (?, ?)", [(watch, on_alarm)])

    def put(self, watch: str, audits: Sequence[Audit]) -> None:
        """Append audits in one commit; texts that this watch has already are left out.

        Raises
        ------
        StoreError
            The file cannot be written: locked, read-only, or the disk is full.
        """
        if not audits:
            return
        now = utc_now()
        if in_memory(self.path):
            own = self._own.setdefault(watch, {})
            for audit in audits:
                own.setdefault(text_address(audit.text), replace(audit, audited_at=now))
            return
        rows = [
            (watch, text_address(a.text), printable(a.text), a.surrogate, a.teacher, now)
            for a in audits
        ]
        self._write(_PUT_AUDIT, rows)

    def _read(self, query: str, watch: str) -> list[Any]:
        if not self.path.exists():
            return []
        with self._opened() as store:
            return store.select(query, [watch])

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._opened() as store, store.writing() as db:
            db.executemany(statement, rows)


_Record = Mapping[str, Any]
_READ_DRAWS = "SELECT record FROM draws WHERE column_id = ? ORDER BY number"


def column_key(identity: Mapping[str, Any], texts: Sequence[str], codes: NDArray[np.intp]) -> str:
    """What draws belong to: who is asked, and about which rows.

    Parameters
    ----------
    identity : mapping
        Of the teacher.
    texts : sequence of str
        Distinct texts of the column.
    codes : ndarray of shape (n_rows,), int
        Text of each row; -1 for none.
    """
    digest = hashlib.sha256(identity_address(identity)[0].encode())
    for text in texts:
        digest.update(text_address(text).encode())
    digest.update(np.ascontiguousarray(codes, dtype=np.int64).tobytes())
    return digest.hexdigest()


class DrawStore:
    """Draws by the column that they are of, in the file of the label store.

    Parameters
    ----------
    opened : callable or None
        Gives the open label store; None keeps nothing.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[LabelStore]] | None) -> None:
        self._opened = opened

    def records(self, key: str) -> list[dict[str, Any]]:
        """All draws of a column, in order.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if self._opened is None:
            return []
        with self._opened() as store:
            found = store.select(_READ_DRAWS, [key])
        return [json.loads(text) for (text,) in found]

    def put(self, key: str, records: Sequence[_Record]) -> None:
        """Keep all draws of a column, in one commit; those before the last stay as they were.

        Raises
        ------
        StoreError
            The file cannot be written, or another kernel has drawn rows of this column since.
        """
        if self._opened is None:
            return
        with self._opened() as store, store.writing() as db:
            stored = [json.loads(text) for (text,) in db.execute(_READ_DRAWS, [key])]
            if not _goes_on(stored, records):
                raise StoreError(
                    "another kernel has drawn rows of this column since; label the column again to go "
                    "on from there"
                )
            rows = [
                (key, i, json.dumps(record))
                for i, record in enumerate(records)
                # What a test has said stays, also where a kernel that is behind does it again.
                if i >= len(stored) or (stored[i] != record and record["found"])
            ]
            db.executemany("INSERT OR REPLACE INTO draws VALUES (?, ?, ?)", rows)


def _goes_on(stored: Sequence[_Record], records: Sequence[_Record]) -> bool:
    """Whether both are the same draws as far as both go; what a test said may have changed.

    A test that failed may have ended early: then it has the first of its rows and looks.
    """
    changes = {"found", "missing", "bare"}

    def same(a: _Record, b: _Record) -> bool:
        early = not a.get("found") and b.get("found") == "failed"
        names = a.keys() - changes
        return names == b.keys() - changes and all(
            a[k][: len(b[k])] == b[k] if early and k in ("rows", "looks") else a[k] == b[k]
            for k in names
        )

    return all(same(a, b) for a, b in zip(stored, records, strict=False))
