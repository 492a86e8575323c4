"""Sets of stored answers that ask for the very same become one.

The file behind a label store: made whole or not at all, and looked at before it is opened.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from json import JSONDecodeError
from pathlib import Path

from tracer_nb.errors import StoreError
from tracer_nb.store.leftovers import check_leftovers
from tracer_nb.store.rows import identity_address, plain_identity

__all__ = ["SCHEMA_VERSION", "explained", "in_memory", "join_sets", "open_database", "prepare_file"]


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


SCHEMA_VERSION = 9
_APPLICATION_ID = 0x74726E62  # "trnb": tells a label store from other SQLite files
_DRAWS = """CREATE TABLE draws (
    column_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (column_id, number)
) WITHOUT ROWID"""
# A text as bytes: half a surrogate pair has no UTF-8, and is asked about all the same.
_QUEUE = """CREATE TABLE IF NOT EXISTS queue (
    identity_id TEXT NOT NULL REFERENCES identities (id),
    text_id TEXT NOT NULL,
    text BLOB NOT NULL,
    PRIMARY KEY (identity_id, text_id)
) WITHOUT ROWID"""
# The text stands last: what follows a long one would lie on pages of its own.
_SCHEMA = f"""
CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    identity TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    identity_id TEXT NOT NULL REFERENCES identities (id),
    began_at TEXT NOT NULL
);
CREATE TABLE answers (
    identity_id TEXT NOT NULL REFERENCES identities (id),
    text_id TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES runs (id),
    created_at TEXT NOT NULL,
    label TEXT,
    reason TEXT,
    mode TEXT NOT NULL,
    probabilities TEXT,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    cost REAL,
    seconds REAL,
    model TEXT,
    explanation TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (identity_id, text_id)
) WITHOUT ROWID;
CREATE INDEX answers_by_text ON answers (text_id);
CREATE TABLE votes (
    identity_id TEXT NOT NULL,
    text_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (identity_id, text_id, turn)
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
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    identity_id TEXT NOT NULL REFERENCES identities (id),
    server TEXT NOT NULL,
    form TEXT NOT NULL,
    n_texts INTEGER NOT NULL,
    most_tokens INTEGER NOT NULL,
    reserved REAL,
    state TEXT NOT NULL,
    file_id TEXT,
    batch_id TEXT,
    n_done INTEGER NOT NULL,
    n_failed INTEGER NOT NULL,
    n_answers INTEGER NOT NULL,
    cost REAL,
    note TEXT NOT NULL,
    noted_at TEXT NOT NULL,
    sent_at TEXT,
    collected_at TEXT
);
CREATE TABLE batch_texts (
    identity_id TEXT NOT NULL,
    text_id TEXT NOT NULL,
    batch_key TEXT NOT NULL REFERENCES batches (key),
    text BLOB NOT NULL,
    reason TEXT,
    PRIMARY KEY (identity_id, text_id)
) WITHOUT ROWID;
CREATE INDEX texts_of_batch ON batch_texts (batch_key);
CREATE TABLE audits (
    number INTEGER PRIMARY KEY,
    watch_id TEXT NOT NULL,
    text_id TEXT NOT NULL,
    text TEXT NOT NULL,
    surrogate TEXT NOT NULL,
    teacher TEXT,
    audited_at TEXT NOT NULL,
    UNIQUE (watch_id, text_id)
);
CREATE TABLE watches (
    id TEXT PRIMARY KEY,
    on_alarm TEXT NOT NULL
) WITHOUT ROWID;
{_DRAWS};
{_QUEUE};
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""
# From each version of the schema to the next one. Nothing stored is ever left behind.
_STEPS: dict[int, Callable[[sqlite3.Connection], object]] = {
    4: lambda db: db.execute("ALTER TABLE answers ADD COLUMN model TEXT"),
    5: join_sets,
    6: lambda db: db.execute(_DRAWS),
    7: lambda db: db.execute(_QUEUE),
    8: lambda db: db.execute("ALTER TABLE answers ADD COLUMN explanation TEXT"),
}


_opening = threading.RLock()
_open: Counter[tuple[int, int] | None] = Counter()
"""How many connections this process has to each file, by device and inode."""


class _Counted(sqlite3.Connection):
    """A connection that is counted while it is open."""

    _key: tuple[int, int] | None = None

    def count(self, path: Path) -> None:
        """Count it as one to ``path``."""
        self._key = _file_key(path)
        if self._key is not None:
            _open[self._key] += 1

    def close(self) -> None:
        """Close it, and count it no more."""
        with _opening:
            super().close()
            if self._key is not None:
                _open[self._key] -= 1
                self._key = None


def _file_key(path: Path) -> tuple[int, int] | None:
    """What a file is to the system, under whatever name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def prepare_file(path: Path) -> None:
    """Make folder and store when missing, for their owner only, the folder ignored by git.

    The store gets its name when it is complete. So an empty file of that name was not left
    by a process that died: it was cut off, and whoever took it for a new store would pay for
    every answer again.

    Raises
    ------
    StoreError
        What is there was a store and is damaged.
    OSError, sqlite3.Error
        Folder or file cannot be made; of a path of several new folders none is made, because it
        is more likely mistyped.
    """
    if in_memory(path):
        return
    folder = path.parent
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    with _opening:
        # To look at a file and close it drops SQLite's locks on it in all of this process: see
        # "How to corrupt an SQLite database file", section 2.2. What is open was looked at.
        if not _open[_file_key(path)]:
            check_leftovers(path)
    if path.exists():
        return
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        # Made here because SQLite would make it readable by everyone; its side files follow.
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(made, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            _create(db)
        _give_name(made, path)
    finally:
        for rest in ("", "-wal", "-shm"):
            with suppress(OSError):
                made.with_name(made.name + rest).unlink()


def open_database(path: Path, timeout: float) -> sqlite3.Connection:
    """Open the file and check its schema.

    Raises
    ------
    StoreError
        Something else's database, or one of another version.
    sqlite3.Error
        Whatever else is wrong with it.
    """
    # Never made here: a file that is gone by now must not come back empty.
    name = str(path) if in_memory(path) else f"{path.absolute().as_uri()}?mode=rw"
    with _opening:
        db = sqlite3.connect(
            name,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
            factory=_Counted,
        )
        db.count(path)
    try:
        if in_memory(path):
            _create(db)
        _check_schema(db, path)
        # FULL: in WAL mode the default may lose the last commits in a power cut.
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


def in_memory(path: str | os.PathLike[str]) -> bool:
    """Whether it is no file at all."""
    return os.fspath(path) == ":memory:"


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """What goes wrong with the file becomes a :class:`StoreError` that says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError, JSONDecodeError) as e:
        raise StoreError(f"cannot {doing} the label store {path} ({e}); {_advice(e)}") from e


def _advice(error: Exception) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "another process is writing to it: wait, or stop that process"
    if "full" in text or "No space" in text:
        return "free some space on its disk; what was stored is safe"
    if "disk I/O" in text:
        return "its disk may be full or failing; what was stored is safe"
    damaged = ("not a database", "malformed", "decode")
    if isinstance(error, JSONDecodeError) or any(word in text for word in damaged):
        return "it is damaged or something else: move it away, or give another path"
    if "closed" in text:
        return "open it again"
    return "check the folder and its permissions, or set TRACER_NB_STORE to another path"


def _give_name(made: Path, path: Path) -> None:
    """Name the new store, unless another kernel was faster."""
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        if not path.exists():
            made.rename(path)


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    application, version = db.execute(
        "SELECT (SELECT application_id FROM pragma_application_id),"
        " (SELECT user_version FROM pragma_user_version)"
    ).fetchone()
    if application != _APPLICATION_ID:
        raise StoreError(
            f"{path} is a database of something else, not a label store; give another path"
        )
    if version in _STEPS:
        _bring_up(db)
    elif version != SCHEMA_VERSION:
        age = "a newer" if version > SCHEMA_VERSION else "an older"
        raise StoreError(
            f"the label store {path} was written by {age} tracer_nb (schema {version}, "
            f"this one knows {SCHEMA_VERSION}); use that version, or give another path"
        )


def _bring_up(db: sqlite3.Connection) -> None:
    """Bring an older store to the schema of now, as a whole or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another kernel may have done it while this one waited for its turn.
        (version,) = db.execute("SELECT user_version FROM pragma_user_version").fetchone()
        for step in range(version, SCHEMA_VERSION):
            _STEPS[step](db)
        db.execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute("COMMIT")
