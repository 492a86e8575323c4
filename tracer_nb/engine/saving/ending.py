"""The end of an archive, checked before zipfile reads what it says."""

from __future__ import annotations

import struct
from typing import BinaryIO

__all__ = ["check_end", "zip_comment"]

# The digest of the manifest, which has the digests of all else.
_COMMENT = b"tracer_nb sha256 "
_COMMENT_SIZE = len(_COMMENT) + 64
_END_SIZE = 22
_LOCATOR_SIZE = 20
# More than are written; zipfile makes an object for each entry before we see any.
_MOST_MEMBERS = 1000
_LARGEST_DIRECTORY = 1_000_000


def zip_comment(manifest_sha256: str) -> bytes:
    """Comment of the zip file, always of one length."""
    return _COMMENT + manifest_sha256.encode("ascii")


def check_end(file: BinaryIO) -> bytes:
    """Return the zip comment of a file that ends as an archive does.

    Raises
    ------
    ValueError
        It does not: another file, a part of one, or a zip that others wrote.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise ValueError("it is empty")
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        raise ValueError("it is not a router's file")
    tail_size = _LOCATOR_SIZE + _END_SIZE + _COMMENT_SIZE
    file.seek(max(0, size - tail_size))
    tail = file.read(tail_size)
    end, comment = tail[_LOCATOR_SIZE:-_COMMENT_SIZE], tail[-_COMMENT_SIZE:]
    if len(tail) < tail_size or end[:4] != b"PK\x05\x06" or not comment.startswith(_COMMENT):
        raise ValueError("its end is missing, or it is a zip file of another kind")
    disk, first, here, entries, length, start, after = struct.unpack("<4H2LH", end[4:])
    plain = disk == first == 0 and here == entries and after == _COMMENT_SIZE
    # A 64-bit locator before it would send zipfile to another directory.
    if not plain or tail[:4] == b"PK\x06\x07":
        raise ValueError("its end is damaged")
    if start + length + _END_SIZE + _COMMENT_SIZE != size:
        raise ValueError("its length is wrong")
    if entries > _MOST_MEMBERS or length > _LARGEST_DIRECTORY:
        raise ValueError("it has too many members")
    return comment
