"""Archives that are refused, though their digests may be right."""

from __future__ import annotations

import os
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tracer_nb.engine.saving import read_archive, write_archive
from tracer_nb.errors import InvalidInput

from .samples import array_member, complaint, forge

# --- not an archive ----------------------------------------------------------------------


def test_no_file_a_directory_a_device(tmp_path):
    assert complaint(tmp_path / "no") == (
        "No such file or directory; give the path of a saved router"
    )
    assert complaint(tmp_path) == "a directory is there; give the path of a saved router"
    os.mkfifo(tmp_path / "pipe")
    assert complaint(tmp_path / "pipe") == "it is not a file; give the path of a saved router"
    complaint(tmp_path / ("n" * 300))
    with pytest.raises(InvalidInput, match="null"):
        read_archive("a\0b")


def test_empty_and_other_files(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"")
    assert complaint(file) == "it is empty; copy the file again, or save the router again"
    file.write_text("text,label\n" * 100)
    assert complaint(file).startswith("it is not a router's file; ")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a" * 200)
    assert complaint(file).startswith("its end is missing, or it is a zip file of another kind; ")


def test_other_schemas_and_versions(tmp_path):
    file = tmp_path / "f"
    forge(file)
    assert read_archive(file)[0] == {"k": 1}
    forge(file, {"schema": "other"})
    assert complaint(file).startswith("its schema is 'other', not 'tracer_nb router'; ")
    forge(file, {"version": 2, "content": 3, "new": 4})
    assert complaint(file) == (
        "it has version 2 of the format and this tracer_nb reads 1; upgrade tracer_nb"
    )
    for version in (0, -1, True, 1.0, "1", None, [1]):
        forge(file, {"version": version})
        assert complaint(file).startswith(f"its version is {version!r}, not 1; ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "not a JSON object"),
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        (b"\xff\xfe{", "codec can't decode"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1e999}', "a number is too large"),
        ('{"a": 1, "a": 2}', "a key occurs twice"),
        ('{"a":' + "[" * 40 + "]" * 40 + "}", "nested too deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deep"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "."),
        ('{"a": "' + "x" * 8_000_000 + '"}', "'manifest.json' is larger than 8,000,000 bytes"),
        ("{}", "its schema is None"),
    ],
    ids=range(14),
)
def test_manifests_that_are_not_ours(tmp_path, text, problem):
    assert problem in complaint(forge(tmp_path / "f", text=text))


@pytest.mark.parametrize(
    "change",
    [
        {"members": []},
        {"members": {"a": None}},
        {"members": {"a": {}}},
        {"content": []},
        {"content": None},
        {"more": 1},
    ],
    ids=str,
)
def test_manifests_with_wrong_fields(tmp_path, change):
    complaint(forge(tmp_path / "f", change))


def test_a_manifest_with_another_digest(tmp_path):
    forge(tmp_path / "f", comment=b"tracer_nb sha256 " + b"0" * 64)
    assert complaint(tmp_path / "f").startswith("'manifest.json' is damaged; ")


# --- members -----------------------------------------------------------------------------


def test_members_missing_extra_and_double(tmp_path):
    file = tmp_path / "f"
    raw, about = array_member(b"\0" * 8)
    forge(file, {"members": {"a": about, "b": about}}, [("a", raw, about)])
    assert complaint(file).startswith("'b.npy' is missing; ")
    forge(file, extra=[("b.npy", raw)])
    assert complaint(file).startswith("'b.npy' should not be in it; ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forge(file, extra=[("a.npy", raw)])
    assert complaint(file).startswith("a member occurs twice; ")
    forge(file, extra=[(f"m{i}", b"") for i in range(1001)])
    assert complaint(file).startswith("it has too many members; ")
    forge(file, {}, [(f"m{i}", raw, about) for i in range(501)])
    assert complaint(file).startswith("it has 501 arrays, more than 500; ")


@pytest.mark.parametrize(
    "name", ["/etc/a", "../a", "a/../b", "a..b", "", ".", "C:\\a", "a\nb", "ä", "a b", "x" * 201]
)
def test_names_that_lead_elsewhere(tmp_path, name):
    raw, about = array_member(b"\0" * 8)
    message = complaint(forge(tmp_path / "f", files=[(name, raw, about)]))
    assert message.startswith("an array cannot have the name ")
    with pytest.raises(InvalidInput, match="an array cannot have the name"):
        write_archive(tmp_path / "g", {}, {name: np.zeros(2)})
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("|O", [2]),
        ("<f4,<f4", [1]),
        ([["x", "<f4"]], [2]),
        ("<U2", [1]),
        ("<M8[s]", [1]),
        (">f4", [2]),
        ("float32", [2]),
        (None, [2]),
        ("<f4", [-2]),
        ("<f4", [2.0]),
        ("<f4", [True, 2]),
        ("<f4", None),
        ("<f4", "2"),
        ("<f4", [3]),
        ("<f4", [10**9]),
        ("<f4", [10**18, 10**18]),
        ("<f4", [0, 10**9, 10**9, 10**9]),
        ("<f4", [1] * 9),
        ("<f4", [2, 1]),
    ],
    ids=str,
)
def test_dtypes_and_shapes_that_are_not_ours(tmp_path, dtype, shape):
    raw, about = array_member(b"\0" * 8)
    complaint(forge(tmp_path / "f", files=[("a", raw, {**about, "dtype": dtype, "shape": shape})]))


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("claimed", ["|O", "<f4", "|u1"])
def test_a_pickle_is_never_loaded(tmp_path, claimed):
    trap, marker = tmp_path / "trap.npy", tmp_path / "marker"
    np.save(trap, np.array([Trap(marker)], dtype=object), allow_pickle=True)
    raw = trap.read_bytes()
    _, about = array_member(raw, header=b"", dtype=claimed)
    size = len(raw) - 128
    about["shape"] = [size // np.dtype(claimed).itemsize if claimed != "|O" else 1]
    # A whole number of values, so that size and shape fit.
    raw += b"\0" * (-size % 4)
    _, about = array_member(raw, header=b"", dtype=claimed, shape=[(len(raw) - 128) // 4])
    if claimed == "|u1":
        about["shape"] = [len(raw) - 128]
    complaint(forge(tmp_path / "f", files=[("a", raw, about)]))
    assert not marker.exists()
    np.load(trap, allow_pickle=True)
    assert marker.exists(), "the trap works"


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }",
        "{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}",
        "(" * 90,
    ],
)
def test_headers_that_the_manifest_does_not_mean(tmp_path, header):
    body = header.encode().ljust(117) + b"\n"
    raw, about = array_member(b"\0" * 8, header=b"\x93NUMPY\1\0" + struct.pack("<H", 118) + body)
    message = complaint(forge(tmp_path / "f", files=[("a", raw, about)]))
    assert message.startswith("'a.npy' is not the array that the manifest describes; ")


def test_booleans_are_true_or_false(tmp_path):
    raw, about = array_member(b"\1\2", dtype="|b1")
    assert "neither true nor false" in complaint(forge(tmp_path / "f", files=[("a", raw, about)]))


def test_a_member_with_another_digest(tmp_path):
    raw, about = array_member(b"\0" * 8)
    other, _ = array_member(b"\0" * 7 + b"\1")
    assert complaint(forge(tmp_path / "f", files=[("a", other, about)])).startswith(
        "'a.npy' is damaged; "
    )
    assert raw != other


def patched(file, offset_in_entry, value):
    """Change a field of the last entry in the directory."""
    data = bytearray(file.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + offset_in_entry : entry + offset_in_entry + len(value)] = value
    file.write_bytes(data)
    return file


def test_encrypted_and_strangely_compressed(file):
    data = file.read_bytes()
    assert complaint(patched(file, 8, b"\1\0")).startswith("it is encrypted; ")
    for method in (1, 9, 12, 14, 93, 99):
        file.write_bytes(data)
        message = complaint(patched(file, 10, struct.pack("<H", method)))
        assert message.startswith("it is compressed in another way; ")


# --- bombs -------------------------------------------------------------------------------


def test_more_than_the_manifest_says(tmp_path):
    _, about = array_member(b"\0" * 8)
    bomb, _ = array_member(b"\0" * 50_000_000)
    file = forge(tmp_path / "f", files=[("a", bomb, about)])
    assert file.stat().st_size < 100_000
    assert complaint(file).startswith("'a.npy' has another size than the manifest says; ")
    # The directory lies too: reading stops where it should end.
    patched(file, 24, struct.pack("<L", about["size"]))
    complaint(file)


def test_more_than_the_limit(tmp_path):
    raw, about = array_member(b"\0" * 8)
    shape = [500_000_001]
    _, header = array_member(b"", shape=shape)
    huge = {**about, "shape": shape, "size": header["size"] + 4 * shape[0]}
    file = forge(tmp_path / "f", files=[("a", raw, huge)])
    assert "bytes, more than 2,000,000,000" in complaint(file)
    several = {f"m{i}": {**about, "shape": [10**8], "size": 4 * 10**8 + 128} for i in range(6)}
    assert "bytes, more than 2,000,000,000" in complaint(forge(file, {"members": several}))


def test_a_large_shape_with_little_data(tmp_path):
    raw, _ = array_member(b"\0" * 8, shape=[10**8])
    _, about = array_member(b"", shape=[10**8])
    file = forge(tmp_path / "f", files=[("a", raw, {**about, "size": 128 + 4 * 10**8})])
    assert complaint(file).startswith("'a.npy' has another size than the manifest says; ")
    complaint(patched(file, 24, struct.pack("<L", 128 + 4 * 10**8)))


def test_a_directory_elsewhere(file):
    # A 64-bit locator in a comment of the last entry: zipfile would follow it.
    data = file.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    locator = b"PK\x06\x07" + b"\0" * 16
    length, start = struct.unpack("<2L", data[end + 12 : end + 20])
    changed = data[end : end + 12] + struct.pack("<2L", length + 20, start) + data[end + 20 :]
    file.write_bytes(data[:end] + locator + changed)
    assert complaint(file).startswith("its end is damaged; ")
