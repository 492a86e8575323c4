"""One file for a router: safetensors, with a JSON manifest in its metadata."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.errors import InvalidInput

__all__ = [
    "DTYPES",
    "LARGEST",
    "LARGEST_MANIFEST",
    "MANIFEST",
    "SCHEMA",
    "VERSION",
    "check_entries",
    "check_name",
    "check_size",
    "decode_json",
    "encode_json",
    "read_archive",
    "stored_array",
    "write_archive",
]


# An object of JSON takes up to thirty times its bytes in memory.
LARGEST_MANIFEST = 8_000_000
_DEEPEST = 32


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Return JSON that :func:`decode_json` reads.

    Raises
    ------
    ValueError
        Something that JSON has not, or too much of it.
    """
    try:
        data = json.dumps(dict(value), allow_nan=False).encode("ascii")
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    decode_json(data)
    return data


def decode_json(data: bytes, largest: int = LARGEST_MANIFEST) -> dict[str, Any]:
    """Return the object that JSON bytes hold, at most ``largest`` of them.

    Raises
    ------
    ValueError
        Not a JSON object, NaN or infinite numbers, a key twice, too large or nested too deep.
    """
    if len(data) > largest:
        raise ValueError(f"larger than {largest:,} bytes")
    try:
        value = json.loads(data, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  like everything wrong with it
    _check_values(value)
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _check_values(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, float) and not math.isfinite(item):  # 1e999
                raise ValueError("a number is too large")
        level = below
    if level:
        raise ValueError("nested too deep")


# Plain numbers only, by their names in safetensors. An object array would be a pickle, and
# unpickling runs code.
DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
# Bytes of a file. Reading takes about twice as much memory.
LARGEST = 2_000_000_000
_MOST_ARRAYS = 500
_MOST_DIMENSIONS = 8
# Neither absolute nor "..", whatever the system's idea of these.
_NAME = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*", re.ASCII)


def stored_array(array: Any) -> NDArray[Any]:
    """Return the array as it is stored: little-endian, rows first.

    Raises
    ------
    ValueError
        Another dtype than :data:`DTYPES`, or too many dimensions.
    """
    values = np.asarray(array)
    if values.dtype.name not in DTYPES.values():
        raise ValueError(f"dtype {str(values.dtype)[:60]} cannot be saved")
    if values.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{values.ndim} dimensions are too many")
    return np.asarray(values, dtype=values.dtype.newbyteorder("<"), order="C")


def check_size(n_bytes: int) -> None:
    """Raise ``ValueError`` when a file of arrays of so many bytes would not be read."""
    if n_bytes > LARGEST:
        raise ValueError(f"it would have {n_bytes:,} bytes, more than {LARGEST:,}")


def check_name(name: str) -> None:
    """Raise ``ValueError`` unless an array may have this name."""
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise ValueError(f"an array cannot have the name {name!r:.80}")


def check_entries(entries: Mapping[str, Any], file_size: int) -> None:
    """Check what a header says of the arrays, before memory is taken for any of them.

    Offsets are left to safetensors, which refuses overlaps, gaps and ends beyond the file.

    Parameters
    ----------
    entries : mapping of str to dict
        The header without its metadata.
    file_size : int
        Bytes: no array may have a larger shape, also one of size 0, whose other dimensions
        would be believed later.

    Raises
    ------
    ValueError
        A name, dtype or shape that no stored array has.
    """
    if len(entries) > _MOST_ARRAYS:
        raise ValueError(f"it has {len(entries)} arrays, more than {_MOST_ARRAYS}")
    for name, entry in entries.items():
        check_name(name)
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"its header does not describe {name!r}")
        dtype, shape = entry["dtype"], entry["shape"]
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ValueError(f"dtype {dtype!r:.60} is not one that is read")
        whole = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
        if not whole or len(shape) > _MOST_DIMENSIONS:
            raise ValueError(f"shape {shape!r:.60} is not one that is read")
        least = math.prod(max(n, 1) for n in shape) * np.dtype(DTYPES[dtype]).itemsize
        if least > file_size:
            raise ValueError(f"{name!r} of shape {shape!r:.60} is larger than the file")


MANIFEST = "tracer_nb"
SCHEMA = "tracer_nb router"
# 1 was a zip file of .npy members; certificates of 2 did not say where they come from.
VERSION = 3
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
    if version == VERSION - 1 and type(version) is int:
        raise _OtherVersion(
            f"it has version {version} of the format, whose certificates do not say which data they "
            "were made on, and which is no longer read; fit the router again and save it"
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
