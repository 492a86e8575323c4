"""Files beside a label store that show that a part of it was cut off or deleted.

SQLite takes an empty file for a new database, and the end of a shortened write-ahead log for
the end of what was committed. Here both would mean to pay for stored answers again.
"""

from __future__ import annotations

import struct
import time
from pathlib import Path

from tracer_nb.errors import StoreError

__all__ = ["check_leftovers"]

# SQLite's WAL-index header: version, (unused), change counter, initialised, checksum order,
# page size, valid frames in the log. It is there twice, and the same unless being written.
_HEADER = struct.Struct("=IIIBBHI")
_HEADER_SIZE = 48
_WAL_INDEX_VERSION = 3007000
_LOG_HEADER, _FRAME_HEADER = 32, 24


def check_leftovers(path: Path) -> None:
    """Look at a store's files before SQLite opens, and repairs, them.

    Raises
    ------
    StoreError
        The store, or the log with its latest answers, was cut off or deleted.
    """
    log = path.with_name(f"{path.name}-wal")
    index = path.with_name(f"{path.name}-shm")
    if not path.exists():
        if _size(log):
            raise StoreError(
                f"the label store {path} is gone, but its log {log.name} is there; put the store "
                "back beside it, or move the log away to begin a new store"
            )
        return
    if not _size(path):
        raise StoreError(
            f"the label store {path} is empty: it was cut off; put a copy of it back, or delete "
            "it to begin a new one"
        )
    if not _size(log) and _size(path) % _page_bytes(path):
        # SQLite would read the rest of its last page as zeros.
        raise StoreError(
            f"the label store {path} was cut off inside a page; put a copy of it back, or move it "
            "away to begin a new one"
        )
    needed = _log_bytes(index)
    for _ in range(5):
        if needed <= _size(log):
            return
        # Another kernel may be closing the store: its index goes first, then the log.
        time.sleep(0.02)
        needed = _log_bytes(index)
    raise StoreError(
        f"the log {log.name} of the label store {path} was cut off or deleted, and answers with "
        f"it; put a copy of it back, or delete {index.name} to go on with those that are left"
    )


def _log_bytes(index: Path) -> int:
    """Bytes that the log must have; 0 where its index does not say.

    What was committed is on disk before the index counts it, so a log is never shorter than
    its index says, not even after a power cut; and it does not shrink before both are deleted.
    """
    try:
        with index.open("rb") as file:
            headers = file.read(2 * _HEADER_SIZE)
    except OSError:
        return 0
    if len(headers) < 2 * _HEADER_SIZE or headers[:_HEADER_SIZE] != headers[_HEADER_SIZE:]:
        return 0
    version, _, _, initialised, _, page_size, frames = _HEADER.unpack_from(headers)
    if version != _WAL_INDEX_VERSION or not initialised or not frames:
        return 0
    return _LOG_HEADER + int(frames) * (_FRAME_HEADER + _in_bytes(page_size))


def _page_bytes(path: Path) -> int:
    """Bytes of a page, from the head of a database; 1 where there is no such head."""
    with path.open("rb") as file:
        head = file.read(18)
    if len(head) < 18 or not head.startswith(b"SQLite format 3\0"):
        return 1
    return _in_bytes(int.from_bytes(head[16:], "big")) or 1


def _in_bytes(page_size: int) -> int:
    return 65536 if page_size == 1 else page_size


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
