"""The file behind a label store: its folder, its schema, and whether it is one at all."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer_nb.errors import StoreError

__all__ = ["SCHEMA_VERSION", "explained", "in_memory", "open_database", "prepare_folder"]

SCHEMA_VERSION = 2
_APPLICATION_ID = 0x74726E62  # "trnb": tells a label store from other SQLite files
_SCHEMA = """
CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    identity TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE answers (
    identity_id TEXT NOT NULL REFERENCES identities (id),
    text_id TEXT NOT NULL,
    text TEXT NOT NULL,
    label TEXT,
    reason TEXT,
    mode TEXT NOT NULL,
    probabilities TEXT,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost REAL,
    seconds REAL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (identity_id, text_id)
) WITHOUT ROWID;
CREATE TABLE label_sets (
    id TEXT PRIMARY KEY,
    labels TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE reviews (
    number INTEGER PRIMARY KEY,
    label_set_id TEXT NOT NULL REFERENCES label_sets (id),
    text_id TEXT NOT NULL,
    text TEXT NOT NULL,
    label TEXT,
    note TEXT NOT NULL,
    drawn TEXT NOT NULL,
    blind INTEGER NOT NULL,
    reviewed_at TEXT NOT NULL,
    UNIQUE (label_set_id, text_id)
);
"""


def prepare_folder(path: Path) -> None:
    """Make the file's folder when missing, for its owner only and ignored by git."""
    if in_memory(path):
        return
    folder = path.parent
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    if not path.exists():
        # Made here because SQLite would make it readable by everyone; its side files follow.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def open_database(path: Path, timeout: float) -> sqlite3.Connection:
    """Open the file and make or check its schema.

    Raises
    ------
    StoreError
        Something else's database, or one of a newer version.
    sqlite3.Error
        Whatever else is wrong with it.
    """
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        version = _version(db, path)
        if version == 0:
            _use_wal(db, timeout)
            _create(db, path)
        # FULL: in WAL mode the default may lose the last commits in a power cut.
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


def _use_wal(db: sqlite3.Connection, timeout: float) -> None:
    """Switch to WAL; SQLite does not wait by itself while another kernel is switching."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:  # noqa: PERF203  trying again is the point
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _version(db: sqlite3.Connection, path: Path) -> int:
    # One statement, one snapshot: another kernel may be making the schema at this moment.
    application, version, tables = db.execute(
        "SELECT (SELECT application_id FROM pragma_application_id),"
        " (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM sqlite_master)"
    ).fetchone()
    if application != _APPLICATION_ID and (application or version or tables):
        raise StoreError(
            f"{path} is a database of something else, not a label store; give another path"
        )
    if version not in (0, SCHEMA_VERSION):
        age = "a newer" if version > SCHEMA_VERSION else "an older"
        raise StoreError(
            f"the label store {path} was written by {age} tracer_nb (schema {version}, "
            f"this one knows {SCHEMA_VERSION}); use that version, or give another path"
        )
    return int(version)


def _create(db: sqlite3.Connection, path: Path) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        if _version(db, path) == 0:  # else another process was faster
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def in_memory(path: str | os.PathLike[str]) -> bool:
    """Whether it is no file at all."""
    return os.fspath(path) == ":memory:"


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """What goes wrong with the file becomes a :class:`StoreError` that says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as e:
        raise StoreError(f"cannot {doing} the label store {path} ({e}); {_advice(e)}") from e


def _advice(error: Exception) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "another process is writing to it: wait, or stop that process"
    if "full" in text or "No space" in text:
        return "free some space on its disk; what was stored is safe"
    if "not a database" in text or "malformed" in text:
        return "it is damaged or something else: move it away, or give another path"
    if "closed" in text:
        return "open it again"
    return "check the folder and its permissions, or set TRACER_NB_STORE to another path"
