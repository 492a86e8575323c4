"""Writing a file so that at any moment the old one or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tracer_nb.errors import InvalidInput

if sys.platform != "win32":
    import fcntl

__all__ = ["replacing"]

_STRAY = re.compile(r"\.tracer-[0-9a-f]{16}\.tmp")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose bytes become the file ``path`` when the block ends without error.

    They are written to a temporary file in the same folder, which reaches the disk before
    it takes the name. A process that is killed leaves at worst a ``.tracer-*.tmp`` there,
    which the next call for a file of that folder removes; those that other processes are
    writing are locked, and stay. The mode is that of the file before, or what the umask gives
    a new one.

    Raises
    ------
    InvalidInput
        The file cannot be written: no such folder, no permission, a full disk.
    """
    try:
        target = path.resolve()  # a link stays a link
        mode = _mode(target)
    # ValueError: a NUL in the name. RuntimeError: links in a circle, on older Pythons.
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidInput.cannot_write(path, error) from error
    try:
        with _temporary(target.parent) as (temporary, stream):
            with stream:
                if mode is not None:
                    temporary.chmod(mode)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
    except OSError as error:
        raise InvalidInput.cannot_write(path, error) from error
    _remove_strays(target.parent)
    _sync_folder(target.parent)


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in the folder and its stream, locked until the end, when it is gone."""
    while True:
        temporary = folder / f".tracer-{secrets.token_hex(8)}.tmp"
        stream = temporary.open("xb")
        lock: int | None = None
        try:
            lock = _held(stream)
            if not temporary.exists():  # taken for a stray just before it was locked
                continue
            yield temporary, stream
            return
        finally:
            stream.close()
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)


def _held(stream: BinaryIO) -> int | None:
    """A descriptor that locks the stream's file, also when the stream is closed.

    None on Windows, which has no such locks; temporary files stay there.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.dup(stream.fileno())
    with contextlib.suppress(OSError):  # some network drives have no locks either
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_strays(folder: Path) -> None:
    """Remove temporary files that killed processes left: nobody holds a lock on them."""
    with contextlib.suppress(OSError):
        for entry in list(folder.iterdir()):
            if _STRAY.fullmatch(entry.name):
                _remove_unlocked(entry)


def _remove_unlocked(stray: Path) -> None:
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        # Neither followed nor waited for, should it be a link or a pipe.
        descriptor = os.open(stray, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                stray.unlink()
        finally:
            os.close(descriptor)


def _mode(target: Path) -> int | None:
    """Permissions of the file that is there, None when there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        # A rename would put a file in the place of a device or pipe.
        raise OSError("a directory is there" if stat.S_ISDIR(mode) else "a device is there")
    if not os.access(target, os.W_OK):
        raise OSError("the file there is read-only")
    return stat.S_IMODE(mode)


def _sync_folder(folder: Path) -> None:
    # The file is whole either way; this makes its name outlast a power cut where the system
    # can (Windows and some network drives cannot).
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
