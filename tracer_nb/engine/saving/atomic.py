"""Writing a file so that at any moment the old one or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tracer_nb.errors import InvalidInput

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose bytes become the file ``path`` when the block ends without error.

    They are written to a temporary file in the same folder, which reaches the disk before
    it takes the name. A process that is killed leaves at worst a stray ``.tracer-*.tmp``.
    The mode is that of the file before, or what the umask gives a new one.

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
    temporary = target.with_name(f".tracer-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            if mode is not None:
                temporary.chmod(mode)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        raise InvalidInput.cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


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
