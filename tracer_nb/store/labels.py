"""Stored answers that this process has read once already, as long as the file holds the same.

Answers on disk: paid once, kept through a killed kernel, never asked for again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer
from tracer_nb.store.file import explained, in_memory, open_database, prepare_file
from tracer_nb.store.rows import (
    COLUMNS,
    INSERT,
    identity_address,
    new_row,
    storable,
    text_address,
    to_answer,
    utc_now,
)

__all__ = ["SUMMARY", "LabelStore", "Recall", "default_store_path", "file_mark", "store_path"]


SUMMARY = "SELECT count(*), sum(run_id), max(created_at) FROM answers WHERE identity_id = ?"
"""What differs after answers of an identity were added, moved away, or replaced.

An answer never changes in its row, and a replaced one comes back with a later run.
"""

# Answers, and characters of their texts, that are kept at most: a few dozen megabytes.
_MOST = 100_000
_MOST_TEXT = 20_000_000


def file_mark(path: Path) -> tuple[Any, ...]:
    """What differs after anybody, with whatever program, has written to a SQLite file."""
    return tuple(_mark(path.with_name(path.name + end)) for end in ("", "-wal"))


def _mark(path: Path) -> tuple[int, ...] | None:
    """Which file it is, its size and when it was written; None while nothing is in it."""
    try:
        status = path.stat()
    except OSError:
        return None
    if not status.st_size:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class _Kept:
    mark: object = None
    answers: Mapping[str, Answer] = field(default_factory=dict)


class Recall:
    """Answers to many texts, looked up last, under the mark of what they were read from.

    Only what was found is kept. A text that is not among it may have an answer all the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = _Kept()

    def find(self, mark: object, texts: Iterable[str]) -> dict[str, Answer]:
        """Those of ``texts`` that are kept under this mark, and their answers."""
        kept = self._kept
        if kept.mark != mark:
            return {}
        answers = kept.answers
        return {text: answers[text] for text in texts if text in answers}

    def keep(self, mark: object, found: Mapping[str, Answer]) -> None:
        """Keep what was found, beside what has the same mark; what has another one goes."""
        with self._lock:
            before = self._kept.answers if self._kept.mark == mark else {}
            # Never changed in place: another thread may be reading it.
            both = {**before, **found}
            fits = len(both) <= _MOST and sum(map(len, both)) <= _MOST_TEXT
            self._kept = _Kept(mark, both) if fits else _Kept()


_CHUNK = 500
# Texts above which a look at how many answers there are costs next to nothing.
_MANY = 2_000
# To read a row in passing costs about half of what it costs to look it up.
_WORTH = 2
# One for the process, because each step of a job opens the file anew.
_recall = Recall()


def default_store_path() -> Path:
    """``TRACER_NB_STORE``, or ``.tracer_nb/labels.sqlite`` in the current directory."""
    return Path(os.environ.get("TRACER_NB_STORE") or Path(".tracer_nb") / "labels.sqlite")


def store_path(path: str | os.PathLike[str] | None) -> Path:
    """The file that ``path`` names; by default that of :func:`default_store_path`.

    Raises
    ------
    InvalidInput
        It is no path.
    """
    if path is None:
        return default_store_path()
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise InvalidInput(
            f"store must be the path of a file or ':memory:', got {path!r}; write 'labels.sqlite'"
        )
    return Path(path)


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
        The file cannot be opened, was cut off, or is no label store of this version.

    Examples
    --------
    >>> with LabelStore(":memory:") as store:
    ...     store.put({"model": "m"}, "hello", Answer("greeting"))
    ...     store.get_many({"model": "m"}, ["hello", "bye"])["hello"].label
    True
    'greeting'
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float = 10) -> None:
        self.path = store_path(path)
        self._lock = threading.Lock()
        self._addressed: tuple[Any, str, str] = (None, "", "")
        with explained(self.path, "open"):
            prepare_file(self.path)
            self._db = open_database(self.path, timeout)
            self._reader, self._read_lock = self._db, self._lock
            if not in_memory(self.path):
                # A connection of its own, because who reads must not wait for a commit.
                try:
                    self._reader = open_database(self.path, timeout)
                except BaseException:
                    self._db.close()
                    raise
                self._read_lock = threading.Lock()
        self.begin()

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
        with self._read_lock:
            self._reader.close()
        with self._lock:
            self._db.close()

    def begin(self) -> None:
        """Begin a run: what is stored from now on is told apart from what was before."""
        with self._lock, explained(self.path, "read"):
            self._began = utc_now()
            self._runs: dict[str, int] = {}
            self._version = self._data_version()

    def run_of(self, identity: Mapping[str, Any]) -> int | None:
        """Number of the run that answers of ``identity`` are stored in; None while there are none."""
        return self._runs.get(self._address(identity)[0])

    def others_wrote(self) -> bool:
        """Whether another process, or another connection, has written since :meth:`begin`.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        with self._lock, explained(self.path, "read"):
            return self._data_version() != self._version

    def _data_version(self) -> int:
        # It changes with what other connections write, and not with what this one does.
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    # --- reading -----------------------------------------------------------------------

    def get_many(self, identity: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Answer]:
        """Look up the answers of the teacher ``identity``, for those of ``texts`` that have one.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        texts = list(texts)
        identity_id = self._address(identity)[0]
        if len(texts) < _MANY or in_memory(self.path):
            return self._look_up(identity_id, texts)
        # Taken first: what is written while the answers are read makes it another one.
        mark = (identity_id, file_mark(self.path), *self.select(SUMMARY, [identity_id]))
        known = _recall.find(mark, texts)
        others = [text for text in texts if text not in known]
        if not others:
            return known
        found = self._look_up(identity_id, others)
        _recall.keep(mark, found)
        return {**known, **found}

    def _look_up(self, identity_id: str, texts: Iterable[str]) -> dict[str, Answer]:
        ids = {text_address(text): text for text in texts}
        found = f"SELECT text_id, {COLUMNS} FROM answers WHERE identity_id = ?"  # noqa: S608
        if self._reads_all(identity_id, len(ids)):
            rows: Iterable[tuple[Any, ...]] = self.select(found, [identity_id])
        else:
            # In the order of the table: what is looked up together is read together.
            rows = self.select_for(f"{found} AND text_id IN ", [identity_id], sorted(ids))
        with explained(self.path, "read"):
            return {ids[row[0]]: to_answer(row[1:]) for row in rows if row[0] in ids}

    def _reads_all(self, identity_id: str, n: int) -> bool:
        """Whether reading all answers of an identity is faster than looking ``n`` of them up."""
        if n < _MANY:
            return False
        most = _WORTH * n
        ((there,),) = self.select(
            "SELECT count(*) FROM (SELECT 1 FROM answers WHERE identity_id = ? LIMIT ?)",
            [identity_id, most],
        )
        return bool(there < most)

    def identities(self) -> list[tuple[str, dict[str, Any]]]:
        """Address and identity of every teacher that has answered.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        rows = self.select("SELECT id, identity FROM identities")
        with explained(self.path, "read"):
            return [(row[0], json.loads(row[1])) for row in rows]

    def answers_of(self, identity_id: str) -> Iterator[tuple[str, Answer, str]]:
        """Text, answer and time of everything that one identity has answered, a part at a time.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        last = ""
        while True:
            rows = self.select(
                f"SELECT text_id, text, created_at, {COLUMNS} FROM answers "  # noqa: S608
                "WHERE identity_id = ? AND text_id > ? ORDER BY text_id LIMIT ?",
                [identity_id, last, _CHUNK],
            )
            for row in rows:
                with explained(self.path, "read"):
                    answer = to_answer(row[3:])
                yield row[1], answer, row[2]
            if len(rows) < _CHUNK:
                return
            last = rows[-1][0]

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on what is stored.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        with self._read_lock, explained(self.path, "read"):
            return self._reader.execute(sql, parameters).fetchall()

    def select_for(
        self, sql: str, parameters: Sequence[Any], ids: Iterable[str], end: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a query that has a list of ``ids``, of any length, between ``sql`` and ``end``.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        # As one value: SQLite has a limit on the number of those, and every statement its cost.
        wanted = json.dumps(list(ids))
        among = "(SELECT value FROM json_each(?))"
        yield from self.select(sql + among + end, [*parameters, wanted])

    # --- writing -----------------------------------------------------------------------

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
        kept = [(text, answer) for text, answer in answered if answer.keep]
        if not kept:
            return 0
        with self.writing() as db:
            return self.insert(db, identity, kept)

    def insert(
        self,
        db: sqlite3.Connection,
        identity: Mapping[str, Any],
        answered: Iterable[tuple[str, Answer]],
    ) -> int:
        """Store answers together with what else :meth:`writing` writes; how many were stored."""
        identity_id, identity_json = self._address(identity)
        run = self._runs.get(identity_id)
        if run is None:
            db.execute(
                "INSERT OR IGNORE INTO identities VALUES (?, ?)", (identity_id, identity_json)
            )
            run = db.execute(
                "INSERT INTO runs (identity_id, began_at) VALUES (?, ?)", (identity_id, self._began)
            ).lastrowid
            assert run is not None  # noqa: S101  a row was inserted
            self._runs[identity_id] = run
        now = utc_now()
        rows = [new_row(identity_id, run, text, storable(answer), now) for text, answer in answered]
        return db.executemany(INSERT, rows).rowcount if rows else 0

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Several statements of which all are on disk at the end, or none.

        Raises
        ------
        StoreError
            The file cannot be written: locked, read-only, or the disk is full.
        """
        with self._lock, explained(self.path, "write"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                self._runs.clear()  # those that were begun just now are taken back
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _address(self, identity: Mapping[str, Any]) -> tuple[str, str]:
        """Address and JSON of an identity; of one and the same mapping worked out once."""
        known = self._addressed
        if known[0] is not identity:
            known = self._addressed = (identity, *identity_address(identity))
        return known[1:]
