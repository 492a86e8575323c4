"""Answers on disk: paid once, kept through a killed kernel, never asked for again."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from tracer_nb.records import Answer
from tracer_nb.teachers.prompt import printable
from tracer_nb.teachers.rows import COLUMNS, identity_address, text_address, to_answer, to_row
from tracer_nb.teachers.storefile import explained, open_database, prepare_folder

__all__ = ["LabelStore", "default_store_path"]

_CHUNK = 500


def default_store_path() -> Path:
    """``TRACER_NB_STORE``, or ``.tracer_nb/labels.sqlite`` in the current directory."""
    return Path(os.environ.get("TRACER_NB_STORE") or Path(".tracer_nb") / "labels.sqlite")


class LabelStore:
    """Answers of teachers, addressed by the teacher's identity and the text.

    One SQLite file that several processes may use. Every :meth:`put` is one commit that is
    on disk when it returns. For one identity and text the first answer stays.

    Parameters
    ----------
    path : path-like, optional
        The file, made when missing, as :func:`default_store_path` says when not given. A
        folder that has to be made is readable by its owner only and ignored by git,
        because texts and answers should not be published by accident.
    timeout : float
        Seconds to wait for another process that writes.

    Raises
    ------
    StoreError
        The file cannot be opened, or is no label store of this version.

    Examples
    --------
    >>> with LabelStore(":memory:") as store:
    ...     store.put({"model": "m"}, "hello", Answer("greeting"))
    ...     store.get_many({"model": "m"}, ["hello", "bye"])["hello"].label
    True
    'greeting'
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float = 10) -> None:
        self.path = Path(path) if path is not None else default_store_path()
        # The run's writer thread and the caller's thread share the connection.
        self._lock = threading.Lock()
        self._known: set[str] = set()
        with self._explained("open"):
            prepare_folder(self.path)
            self._db = open_database(self.path, timeout)

    def __repr__(self) -> str:
        return f"LabelStore({str(self.path)!r})"

    def __enter__(self) -> LabelStore:  # noqa: PYI034 -- typing.Self is 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        with self._lock:
            self._db.close()

    def get_many(self, identity: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Answer]:
        """Look up the answers of the teacher ``identity``, for those of ``texts`` that have one.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        ids = {text_address(text): text for text in texts}
        # In the order of the table: what is looked up together is read together.
        wanted, found = sorted(ids), {}
        identity_id = identity_address(identity)[0]
        with self._lock, self._explained("read"):
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                rows = self._db.execute(
                    f"SELECT text_id, {COLUMNS} FROM answers "  # noqa: S608 -- marks only
                    f"WHERE identity_id = ? AND text_id IN ({marks})",
                    [identity_id, *chunk],
                )
                found.update({ids[row[0]]: to_answer(row[1:]) for row in rows})
        return found

    def identities(self) -> list[tuple[str, dict[str, Any]]]:
        """Address and identity of every teacher that has answered.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        with self._lock, self._explained("read"):
            rows = self._db.execute("SELECT id, identity FROM identities").fetchall()
        return [(row[0], json.loads(row[1])) for row in rows]

    def summaries(self) -> list[tuple[Any, ...]]:
        """Counts and costs of every identity that has answers.

        Returns
        -------
        list of tuple
            Address, identity, answers, those without a label, tokens of prompts and of
            answers, cost, answers of unknown cost, first and last time.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        with self._lock, self._explained("read"):
            rows = self._db.execute(
                "SELECT i.id, i.identity, count(*), sum(a.label IS NULL), sum(a.prompt_tokens), "
                "sum(a.completion_tokens), total(a.cost), sum(a.cost IS NULL), min(a.created_at), "
                "max(a.created_at) FROM answers a JOIN identities i ON i.id = a.identity_id "
                "GROUP BY i.id"
            ).fetchall()
        return [(row[0], json.loads(row[1]), *row[2:]) for row in rows]

    def answers_of(self, identity_id: str) -> Iterator[tuple[str, Answer, str]]:
        """Text, answer and time of everything that one identity has answered, a part at a time.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        last = ""
        while True:
            with self._lock, self._explained("read"):
                rows = self._db.execute(
                    f"SELECT text_id, text, created_at, {COLUMNS} FROM answers "  # noqa: S608
                    "WHERE identity_id = ? AND text_id > ? ORDER BY text_id LIMIT ?",
                    [identity_id, last, _CHUNK],
                ).fetchall()
            for row in rows:
                yield row[1], to_answer(row[3:]), row[2]
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def put(self, identity: Mapping[str, Any], text: str, answer: Answer) -> bool:
        """Store one answer in one commit, as :meth:`put_many`; whether it was stored."""
        return self.put_many(identity, [(text, answer)]) == 1

    def put_many(self, identity: Mapping[str, Any], answered: Iterable[tuple[str, Answer]]) -> int:
        """Store answers that came together, in one commit; how many were stored.

        Failures that were no answer (``keep`` is False) are not stored, and neither is an
        answer to a text that has one already.

        Raises
        ------
        StoreError
            The file cannot be written: locked, read-only, or the disk is full.
        """
        identity_id, identity_json = identity_address(identity)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        rows = [
            (identity_id, text_address(text), printable(text), *to_row(answer), now)
            for text, answer in answered
            if answer.keep
        ]
        if not rows:
            return 0
        with self._lock, self._explained("write"):
            if identity_id not in self._known:
                self._db.execute(
                    "INSERT OR IGNORE INTO identities VALUES (?, ?)", (identity_id, identity_json)
                )
                self._known.add(identity_id)
            return self._insert(rows)

    def _insert(self, rows: list[tuple[Any, ...]]) -> int:
        marks = ",".join("?" * len(rows[0]))
        insert = (
            f"INSERT OR IGNORE INTO answers (identity_id, text_id, text, {COLUMNS}, created_at) "  # noqa: S608
            f"VALUES ({marks})"
        )
        if len(rows) == 1:  # one statement is one transaction
            return self._db.execute(insert, rows[0]).rowcount
        self._db.execute("BEGIN IMMEDIATE")
        try:
            stored = self._db.executemany(insert, rows).rowcount
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return stored

    def _explained(self, doing: str) -> AbstractContextManager[None]:
        return explained(self.path, doing)
