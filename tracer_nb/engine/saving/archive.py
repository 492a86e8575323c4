"""One file for a router: a zip of a JSON manifest and numpy arrays.

``manifest.json`` holds the schema's name and version, the caller's JSON, and for each array
its dtype, shape, size and sha256. Each array is one ``.npy`` member, readable by
``numpy.load``. The comment of the zip file holds the manifest's sha256.

The hashes detect damage, not forgery: whoever can write the file can compute them anew.
A forged file can hold wrong numbers, but reading runs no code: there is no pickle in it,
array headers are compared instead of parsed, and nothing is written to disk.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.engine.saving.ending import check_end, zip_comment
from tracer_nb.engine.saving.manifest import LARGEST_MANIFEST, decode_json, encode_json
from tracer_nb.engine.saving.members import (
    check_members,
    describe,
    read_array,
    write_array,
    write_member,
)
from tracer_nb.engine.saving.npy import stored_array
from tracer_nb.errors import InvalidInput

__all__ = ["MANIFEST", "SCHEMA", "VERSION", "read_archive", "write_archive"]

SCHEMA = "tracer_nb router"
VERSION = 1
MANIFEST = "manifest.json"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile and zlib raise on damaged files, besides the ValueErrors raised here.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError),
    *(RuntimeError, ValueError, OverflowError, LookupError, MemoryError),
)


def write_archive(
    path: str | os.PathLike[str], manifest: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Write JSON and arrays to one file, which replaces the one at ``path`` only when whole.

    Parameters
    ----------
    path : str or path-like
    manifest : mapping
        JSON: string keys, no NaN, nested at most 30 deep, 8 MB at most.
    arrays : mapping of str to ndarray
        Numbers or booleans, no objects; 500 arrays and 2 GB at most. Names of letters,
        digits, ``_`` and ``-``, joined by ``.`` or ``/``.

    Raises
    ------
    InvalidInput
        Something that cannot be stored, or a file that cannot be written.
    """
    try:
        stored = {str(name): stored_array(array) for name, array in arrays.items()}
        described = {name: describe(array) for name, array in stored.items()}
        members = check_members(described)
        text = encode_json(
            {
                "schema": SCHEMA,
                "version": VERSION,
                "content": dict(manifest),
                "members": described,
            }
        )
    except ValueError as error:
        raise InvalidInput(f"cannot save {str(path)!r}: {_line(error)}") from error
    with replacing(Path(path)) as stream, zipfile.ZipFile(stream, "w") as archive:
        archive.comment = zip_comment(hashlib.sha256(text).hexdigest())
        write_member(archive, MANIFEST, text)
        for member in members:
            write_array(archive, member, stored[member.name])


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the JSON and the arrays that :func:`write_archive` was given.

    Raises
    ------
    InvalidInput
        The file is missing, damaged, of another kind, or of a newer version.
    """
    with _open(Path(path)) as file:
        try:
            comment = check_end(file)
            with zipfile.ZipFile(file) as archive:
                return _read(archive, comment)
        except _Newer as error:
            raise InvalidInput(f"cannot read {str(path)!r}: {error}") from error
        except _DAMAGE as error:
            raise InvalidInput(
                f"cannot read {str(path)!r}: {_line(error)}; copy the file again, "
                "or save the router again"
            ) from error


class _Newer(Exception):
    """The file is in order, but this package is too old for it."""


def _open(path: Path) -> BinaryIO:
    try:
        # Looked at first: opening a pipe would wait for its writer.
        if stat.S_ISREG(path.stat().st_mode):
            return path.open("rb")
        reason = "a directory is there" if path.is_dir() else "it is not a file"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
    raise InvalidInput(f"cannot open {str(path)!r}: {reason}; give the path of a saved router")


def _read(
    archive: zipfile.ZipFile, comment: bytes
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    listed = archive.infolist()
    infos = {info.filename: info for info in listed}
    if len(infos) < len(listed):
        raise ValueError("a member occurs twice")
    for info in listed:
        if info.flag_bits & 1:
            raise ValueError("it is encrypted")
        if info.compress_type not in _METHODS:
            raise ValueError("it is compressed in another way")
    manifest = _read_manifest(archive, infos, comment)
    members = check_members(manifest["members"])
    files = {member.file for member in members}
    if missing := files - set(infos):
        raise ValueError(f"{min(missing)!r} is missing")
    if extra := set(infos) - files - {MANIFEST}:
        raise ValueError(f"{min(extra)!r:.80} should not be in it")
    for member in members:
        if infos[member.file].file_size != member.size:
            raise ValueError(f"{member.file!r} has another size than the manifest says")
    return manifest["content"], {
        member.name: read_array(archive, infos[member.file], member) for member in members
    }


def _read_manifest(
    archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], comment: bytes
) -> dict[str, Any]:
    if MANIFEST not in infos:
        raise ValueError(f"{MANIFEST!r} is missing")
    if infos[MANIFEST].file_size > LARGEST_MANIFEST:
        raise ValueError(f"{MANIFEST!r} is larger than {LARGEST_MANIFEST:,} bytes")
    with archive.open(infos[MANIFEST]) as member:
        text = member.read(LARGEST_MANIFEST)
    if zip_comment(hashlib.sha256(text).hexdigest()) != comment:
        raise ValueError(f"{MANIFEST!r} is damaged")
    try:
        manifest = decode_json(text)
    except ValueError as error:
        raise ValueError(f"{MANIFEST!r} cannot be used: {error}") from error
    schema, version = manifest.get("schema"), manifest.get("version")
    if schema != SCHEMA:
        raise ValueError(f"its schema is {schema!r:.60}, not {SCHEMA!r}")
    if type(version) is int and version > VERSION:
        raise _Newer(
            f"it has version {version!r:.60} of the format and this tracer_nb reads {VERSION}; "
            "upgrade tracer_nb"
        )
    if type(version) is not int or version != VERSION:
        raise ValueError(f"its version is {version!r:.60}, not {VERSION}")
    if set(manifest) != {"schema", "version", "content", "members"}:
        raise ValueError(f"{MANIFEST!r} must have schema, version, content and members")
    if not isinstance(manifest["content"], dict):
        raise ValueError(f"content in {MANIFEST!r} is not a JSON object")  # noqa: TRY004
    return manifest


def _line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    return " ".join(str(error).split())[:200] or type(error).__name__
