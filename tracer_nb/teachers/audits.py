"""Audits on disk: what the teacher said about handled rows, in the file of the label store."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from tracer_nb.records import Audit
from tracer_nb.teachers.fence import printable
from tracer_nb.teachers.rows import text_address, utc_now
from tracer_nb.teachers.store import LabelStore, store_path
from tracer_nb.teachers.storefile import in_memory

__all__ = ["AuditStore"]

# Seconds to wait for another process that writes.
_PATIENCE = 60
_PUT = (
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
        self._write(_PUT, rows)

    def _read(self, query: str, watch: str) -> list[Any]:
        if not self.path.exists():
            return []
        with self._opened() as store:
            return store.select(query, [watch])

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._opened() as store, store.writing() as db:
            db.executemany(statement, rows)
