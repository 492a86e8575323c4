"""The arrays of an archive: how the manifest describes them, and how they are written and read."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.engine.saving.npy import LARGEST, array_size, npy_header

__all__ = ["Member", "check_members", "describe", "read_array", "write_array", "write_member"]

# Neither absolute nor "..", whatever the system's idea of these.
_NAME = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*", re.ASCII)
_FIELDS = {"sha256", "size", "dtype", "shape"}
_MOST_ARRAYS = 500
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """What the manifest says of one array."""

    name: str
    sha256: str
    size: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def file(self) -> str:
        """Its name in the zip file."""
        return f"{self.name}.npy"

    @property
    def header(self) -> bytes:
        """The first bytes that it must have."""
        return npy_header(self.dtype, self.shape)


def describe(array: NDArray[Any]) -> dict[str, Any]:
    """What the manifest says of an array as it is stored."""
    header = npy_header(array.dtype.str, array.shape)
    digest = hashlib.sha256(header)
    digest.update(_bytes(array))
    return {
        "sha256": digest.hexdigest(),
        "size": len(header) + array.nbytes,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
    }


def check_members(listed: Any) -> list[Member]:
    """Return the members that a manifest lists.

    Raises
    ------
    ValueError
        Wrong names, types or sizes.
    """
    if not isinstance(listed, dict):
        raise ValueError("the manifest has no list of members")  # noqa: TRY004
    if len(listed) > _MOST_ARRAYS:
        raise ValueError(f"it has {len(listed)} arrays, more than {_MOST_ARRAYS}")
    members = []
    for name, fields in listed.items():
        if len(name) > 200 or not _NAME.fullmatch(name):
            raise ValueError(f"an array cannot have the name {name!r:.80}")
        if not isinstance(fields, dict) or set(fields) != _FIELDS:
            raise ValueError(f"the manifest does not describe {name!r}")
        n_bytes = array_size(fields["dtype"], fields["shape"])
        size, sha256 = fields["size"], fields["sha256"]
        header = npy_header(fields["dtype"], tuple(fields["shape"]))
        if type(size) is not int or size != len(header) + n_bytes:
            raise ValueError(f"size and shape of {name!r} do not fit one another")
        member = Member(name, str(sha256), size, fields["dtype"], tuple(fields["shape"]))
        members.append(member)
    total = sum(member.size for member in members)
    if total > LARGEST:
        raise ValueError(f"its arrays have {total:,} bytes, more than {LARGEST:,}")
    return members


def write_array(archive: zipfile.ZipFile, member: Member, array: NDArray[Any]) -> None:
    """Write an array as it is stored."""
    write_member(archive, member.file, _bytes(array), header=member.header)


def write_member(
    archive: zipfile.ZipFile, name: str, data: bytes | memoryview, *, header: bytes = b""
) -> None:
    """Write a header and data as one member, deflated where that helps."""
    info = zipfile.ZipInfo(name)  # with a fixed date, so that equal routers are equal files
    info.external_attr = 0o644 << 16
    info.compress_type = _method(data)
    info.file_size = len(header) + len(data)
    with archive.open(info, "w") as member:
        member.write(header)
        for start in range(0, len(data), _CHUNK):
            member.write(data[start : start + _CHUNK])


def read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: Member) -> NDArray[Any]:
    """Read an array in parts, no further than the manifest says.

    Raises
    ------
    ValueError
        It is not what the manifest says; besides, what zipfile raises.
    """
    digest = hashlib.sha256(member.header)
    with archive.open(info) as file:
        if file.read(len(member.header)) != member.header:
            raise ValueError(f"{info.filename!r} is not the array that the manifest describes")
        array = np.empty(member.shape, dtype=member.dtype)
        view = _bytes(array)
        for start in range(0, len(view), _CHUNK):
            chunk = view[start : start + _CHUNK]
            part = file.read(len(chunk))
            if len(part) < len(chunk):
                raise ValueError(f"{info.filename!r} is cut off")
            chunk[:] = part
            digest.update(part)
        if file.read(1):
            raise ValueError(f"{info.filename!r} is too long")
    if digest.hexdigest() != member.sha256:
        raise ValueError(f"{info.filename!r} is damaged")
    if array.dtype == np.bool_ and len(view) and array.view(np.uint8).max() > 1:
        raise ValueError(f"{info.filename!r} holds booleans that are neither true nor false")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _method(data: bytes | memoryview) -> int:
    """Deflate only where a part from the middle becomes clearly smaller."""
    middle = len(data) // 2
    part = bytes(data[max(0, middle - (1 << 17)) : middle + (1 << 17)])
    helps = len(zlib.compress(part, 1)) < 0.9 * len(part)
    return zipfile.ZIP_DEFLATED if helps else zipfile.ZIP_STORED


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
