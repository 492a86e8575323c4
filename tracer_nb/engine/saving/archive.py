"""One file for a router: safetensors, with a JSON manifest in its metadata.

The manifest, ``__metadata__["tracer_nb"]`` in the header, is JSON text: the schema's name and
version, ``sha256`` over this text (its own value left empty) and all arrays, and ``content``,
which is the caller's. Any reader of safetensors can look into the file.

The hash is no signature: it detects damage, not forgery, since whoever can write the file can
compute it anew. Only load files from people whom you trust to say what their router does. But
no file, forged or not, runs code when it is read: it holds numbers and JSON, nothing is
compressed, and memory is taken only for what is really there.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tracer_nb.engine.saving.arrays import (
    LARGEST,
    check_entries,
    check_name,
    check_size,
    stored_array,
)
from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.engine.saving.manifest import LARGEST_MANIFEST, decode_json, encode_json
from tracer_nb.errors import InvalidInput

__all__ = ["MANIFEST", "SCHEMA", "VERSION", "read_archive", "write_archive"]

MANIFEST = "tracer_nb"
SCHEMA = "tracer_nb router"
# 1 was a zip file of .npy members.
VERSION = 2
_ZIP = b"PK\x03\x04"
# The manifest is text in JSON, where each of its quotes takes two bytes; and 500 arrays.
_LARGEST_HEADER = 2 * LARGEST_MANIFEST + 1_000_000
_HEADER_START = 8

Arrays = dict[str, NDArray[Any]]


def write_archive(
    path: str | os.PathLike[str], content: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Write JSON and arrays to one file, which replaces the one at ``path`` only when whole.

    Parameters
    ----------
    path : str or path-like
    content : mapping
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
        for name in stored:
            check_name(name)
        check_size(sum(array.nbytes for array in stored.values()) + _LARGEST_HEADER)
        text = _manifest(content, "")
        text = _manifest(content, _digest(text, stored))
        data = save(stored, metadata={MANIFEST: text})
        _parse(data)  # what was written can be read
    except ValueError as error:
        raise InvalidInput(f"cannot save {str(path)!r}: {_line(error)}") from error
    with replacing(Path(path)) as stream:
        stream.write(data)


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Arrays]:
    """Return the JSON and the arrays, by name, that :func:`write_archive` was given.

    Raises
    ------
    InvalidInput
        The file is missing, damaged, of another kind, or of an older or newer format.
    """
    with _open(Path(path)) as file:
        try:
            return _read(file)
        except _OtherVersion as error:
            raise InvalidInput(f"cannot read {str(path)!r}: {error}") from error
        except (ValueError, OSError, MemoryError) as error:
            raise InvalidInput(
                f"cannot read {str(path)!r}: {_line(error)}; copy the file again, "
                "or save the router again"
            ) from error


class _OtherVersion(Exception):
    """The file may be in order, but this package does not read its format."""


def _open(path: Path) -> BinaryIO:
    try:
        # Looked at first: opening a pipe would wait for its writer.
        if stat.S_ISREG(path.stat().st_mode):
            return path.open("rb")
        reason = "a directory is there" if path.is_dir() else "it is not a file"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
    raise InvalidInput(f"cannot open {str(path)!r}: {reason}; give the path of a saved router")


def _read(file: BinaryIO) -> tuple[dict[str, Any], Arrays]:
    size = os.fstat(file.fileno()).st_size
    start = file.read(_HEADER_START)
    if not start:
        raise ValueError("it is empty")
    if start.startswith(_ZIP):
        raise _OtherVersion(
            "it is a zip file, as routers were saved before version 2 of the format, which is no "
            "longer read; fit the router again and save it"
        )
    length = int.from_bytes(start, "little")
    if len(start) < _HEADER_START or length > size - _HEADER_START:
        raise ValueError("it is not a router's file, or its end is missing")
    if size > LARGEST or length > _LARGEST_HEADER:
        raise ValueError(f"it is larger than {LARGEST:,} bytes, or its header than 17,000,000")
    # Read once: what is checked is what is used, whatever happens to the file meanwhile.
    data = start + file.read(size - _HEADER_START)
    content, text, sha256 = _parse(data)
    try:
        arrays = load(data)
    except SafetensorError as error:
        raise ValueError(f"its arrays are damaged ({error})") from error
    if _digest(text.replace(f'"sha256": "{sha256}"', '"sha256": ""', 1), arrays) != sha256:
        raise ValueError("it is damaged: its contents are not those that were saved")
    for name, array in arrays.items():
        if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
            raise ValueError(f"{name!r} holds booleans that are neither true nor false")
    return content, {name: arrays[name] for name in sorted(arrays)}


def _parse(data: bytes) -> tuple[dict[str, Any], str, str]:
    """Content, text and digest of the manifest; what the header says of arrays is checked."""
    length = int.from_bytes(data[:_HEADER_START], "little")
    try:
        header = decode_json(data[_HEADER_START : _HEADER_START + length], _LARGEST_HEADER)
    except ValueError as error:
        raise ValueError(f"it is not a router's file, or its header is damaged: {error}") from error
    metadata = header.pop("__metadata__", None)
    text = metadata.get(MANIFEST) if isinstance(metadata, dict) and len(metadata) == 1 else None
    if not isinstance(text, str):
        raise ValueError("it is not a router's file: its header has no manifest")  # noqa: TRY004
    check_entries(header, len(data))
    try:
        manifest = decode_json(text.encode("ascii"))
    except ValueError as error:
        raise ValueError(f"its manifest cannot be used: {error}") from error
    _check_version(manifest)
    content, sha256 = manifest.get("content"), manifest.get("sha256")
    if set(manifest) != {"schema", "version", "sha256", "content"}:
        raise ValueError("its manifest must have schema, version, sha256 and content")
    if not isinstance(content, dict) or not isinstance(sha256, str):
        raise ValueError("sha256 or content of its manifest are of the wrong type")  # noqa: TRY004
    return content, text, sha256


def _check_version(manifest: Mapping[str, Any]) -> None:
    schema, version = manifest.get("schema"), manifest.get("version")
    if schema != SCHEMA:
        raise ValueError(f"its schema is {schema!r:.60}, not {SCHEMA!r}")
    if type(version) is int and version > VERSION:
        raise _OtherVersion(
            f"it has version {version!r:.60} of the format and this tracer_nb reads {VERSION}; "
            "upgrade tracer_nb"
        )
    if type(version) is not int or version != VERSION:
        raise ValueError(f"its version is {version!r:.60}, not {VERSION}")


def _manifest(content: Mapping[str, Any], sha256: str) -> str:
    whole = {"schema": SCHEMA, "version": VERSION, "sha256": sha256, "content": dict(content)}
    return encode_json(whole).decode("ascii")


def _digest(text: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the manifest's text without its digest, and of the arrays, in hex."""
    digest = hashlib.sha256(text.encode("ascii"))
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(json.dumps([name, array.dtype.name, list(array.shape)]).encode("ascii"))
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _line(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    return " ".join(str(error).split())[:200] or type(error).__name__
