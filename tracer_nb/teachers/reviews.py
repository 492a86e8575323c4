"""Reviews on disk: what a human said about a text, in the file of the label store."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

from tracer_nb.records import Review
from tracer_nb.teachers.fence import printable
from tracer_nb.teachers.rows import text_address
from tracer_nb.teachers.store import store_path
from tracer_nb.teachers.storefile import explained, in_memory, open_database, prepare_file

__all__ = ["ReviewStore"]

_COLUMNS = "text, label, note, drawn, blind, reviewed_at"
_PUT = (
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
            ("INSERT OR IGNORE INTO label_sets VALUES (?, ?)", (label_set, names)), (_PUT, row)
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
    names = json.dumps(sorted(labels))
    return hashlib.sha256(names.encode()).hexdigest(), names
