"""Files that are refused, though their digests may be right."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tracer_nb.engine.saving import read_archive, write_archive
from tracer_nb.errors import InvalidInput

from .samples import TWO, complaint, forge, honest

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
    assert complaint(file).startswith("it is not a router's file, or its end is missing; ")
    file.write_bytes((2).to_bytes(8, "little") + b"[]")
    assert complaint(file).startswith("it is not a router's file, or its header is damaged: ")
    forge(file, metadata={"format": "pt"})
    assert complaint(file).startswith("it is not a router's file: its header has no manifest; ")


def test_files_of_the_format_before_are_refused_in_one_line(tmp_path):
    """They were zip files of manifest.json and .npy members."""
    file = tmp_path / "old.tracer"
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = b"tracer_nb sha256 " + b"0" * 64
        archive.writestr("manifest.json", '{"schema": "tracer_nb router", "version": 1}')
    assert complaint(file) == (
        "it is a zip file, as routers were saved before version 2 of the format, which is no "
        "longer read; fit the router again and save it"
    )


def test_other_schemas_and_versions(tmp_path):
    file = tmp_path / "f"
    forge(file)
    assert read_archive(file)[0] == {"k": 1}
    forge(file, schema="other")
    assert complaint(file).startswith("its schema is 'other', not 'tracer_nb router'; ")
    forge(file, version=4, content=3, new=4)
    assert complaint(file) == (
        "it has version 4 of the format and this tracer_nb reads 3; upgrade tracer_nb"
    )
    forge(file, version=2)
    assert complaint(file) == (
        "it has version 2 of the format, whose certificates do not say which data they were made on, "
        "and which is no longer read; fit the router again and save it"
    )
    for version in (0, 1, -1, True, 2.0, 3.0, "3", None, [1]):
        forge(file, version=version)
        assert complaint(file).startswith(f"its version is {version!r}, not 3; ")


HUGE = '{"a": "' + "x" * 8_000_000 + '"}'
NO_JSON = [
    ("[]", "not a JSON object"),
    ("", "Expecting value"),
    ("{", "Expecting property name"),
    ('{"a": NaN}', "NaN is not JSON"),
    ('{"a": -Infinity}', "-Infinity is not JSON"),
    ('{"a": 1e999}', "a number is too large"),
    ('{"a": 1, "a": 2}', "a key occurs twice"),
    ('{"a":' + "[" * 40 + "]" * 40 + "}", "nested too deep"),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deep"),
    ("[" * 100_000, "nested too deep"),
    ('{"a": ' + "9" * 5000 + "}", "."),
]


@pytest.mark.parametrize(
    ("text", "problem"),
    [*NO_JSON, ("ä", "codec can't encode"), (HUGE, "larger than 8,000,000"), ("{}", "None, not")],
    ids=range(len(NO_JSON) + 3),
)
def test_manifests_that_are_not_ours(tmp_path, text, problem):
    assert problem in complaint(forge(tmp_path / "f", text))


@pytest.mark.parametrize(
    ("header", "problem"),
    [*NO_JSON, (b"\xff\xfe{", "codec can't decode"), (" " * 17_000_001, "its header than 17")],
    ids=range(len(NO_JSON) + 2),
)
def test_headers_that_are_not_ours(tmp_path, header, problem):
    assert problem in complaint(forge(tmp_path / "f", header=header))


@pytest.mark.parametrize(
    "change", [{"content": []}, {"content": None}, {"sha256": 5}, {"more": 1}], ids=str
)
def test_manifests_with_wrong_fields(tmp_path, change):
    complaint(forge(tmp_path / "f", **change))


@pytest.mark.parametrize("sha256", ["", "0" * 64, "ä", "x" * 10_000])
def test_another_digest(tmp_path, sha256):
    complaint(forge(tmp_path / "f", sha256=sha256))


def test_arrays_of_another_digest(tmp_path):
    text = honest({"a": np.zeros(2, dtype=np.float32)})
    assert complaint(forge(tmp_path / "f", text, data=b"\0" * 7 + b"\1")) == (
        "it is damaged: its contents are not those that were saved; copy the file again, or save "
        "the router again"
    )


# --- arrays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["/etc/a", "../a", "a/../b", "a..b", "", ".", "C:\\a", "a\nb", "ä", "a b", "x" * 201]
)
def test_names_that_lead_elsewhere(tmp_path, name):
    message = complaint(forge(tmp_path / "f", entries={name: TWO["a"]}))
    assert message.startswith("an array cannot have the name ")
    with pytest.raises(InvalidInput, match="an array cannot have the name"):
        write_archive(tmp_path / "g", {}, {name: np.zeros(2)})
    assert not (tmp_path / "g").exists()


def test_too_many(tmp_path):
    many = {f"m{i}": {"dtype": "U8", "shape": [0], "data_offsets": [8, 8]} for i in range(500)}
    assert complaint(forge(tmp_path / "f", entries={**TWO, **many})).startswith(
        "it has 501 arrays, more than 500; "
    )


@pytest.mark.parametrize(
    "change",
    [
        *({"dtype": d} for d in ("O", "<f4", "BF16", "F8_E4M3", "C64", "float32", None, 5, "U64")),
        *({"shape": s} for s in ([-2], [2.0], [True, 2], None, "2", [3], [2, 2], [[2]], [], [0])),
        *({"shape": s} for s in ([10**9], [10**18, 10**18], [0, 10**18], [1] * 9, [10**400])),
        *({"data_offsets": o} for o in ([0, 4], [0, 12], [4, 12], [8, 0], [-8, 0], [0], None)),
        *({"data_offsets": o} for o in ([0, 2**64], [2**63, 2**63 + 8], [0.0, 8.0], "08")),
        {"more": 1},
    ],
    ids=str,
)
def test_entries_that_are_not_ours(tmp_path, change):
    complaint(forge(tmp_path / "f", entries={"a": TWO["a"] | change}))


def test_gaps_overlaps_and_ends(tmp_path):
    other = {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}
    text = honest({"a": np.zeros(2, dtype=np.float32)})
    for entries, data in [
        ({"a": TWO["a"], "b": other}, b"\0" * 8),
        ({"a": other}, b"\0" * 8),
        ({"a": None}, b"\0" * 8),
        (TWO, b"\0" * 9),
        (TWO, b"\0" * 7),
        ({}, b"\0" * 8),
    ]:
        complaint(forge(tmp_path / "f", text, entries, data))


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("claimed", ["O", "object", "U8"])
def test_a_pickle_is_never_loaded(tmp_path, claimed):
    trap, marker = tmp_path / "trap.npy", tmp_path / "marker"
    np.save(trap, np.array([Trap(marker)], dtype=object), allow_pickle=True)
    raw = trap.read_bytes()
    entries = {"a": {"dtype": claimed, "shape": [len(raw)], "data_offsets": [0, len(raw)]}}
    text = honest({"a": np.frombuffer(raw, dtype=np.uint8)})
    file = forge(tmp_path / "f", text, entries, raw)
    if claimed == "U8":
        assert read_archive(file)[1]["a"].tobytes() == raw  # bytes, and nothing but bytes
    else:
        complaint(file)
    complaint(trap)
    assert not marker.exists()
    np.load(trap, allow_pickle=True)
    assert marker.exists(), "the trap works"


def test_booleans_are_true_or_false(tmp_path):
    entries = {"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}
    text = honest({"a": np.frombuffer(b"\1\2", dtype=bool)})
    assert "neither true nor false" in complaint(forge(tmp_path / "f", text, entries, b"\1\2"))


# --- sizes -------------------------------------------------------------------------------

READING = """
import resource, sys
from tracer_nb.engine.saving import read_archive
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_archive(sys.argv[1])
except ValueError as error:
    print(error, file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def kilobytes(file):
    """Memory that reading takes at its height."""
    ran = subprocess.run(
        [sys.executable, "-c", READING, str(file)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (8 * 10**9, 8 * 10**9)),
    )
    return int(ran.stdout)


def test_memory_is_taken_for_what_is_there_only(tmp_path):
    """Shapes, offsets and header lengths that are a lie, in small files, some with holes."""
    files = [
        forge(tmp_path / f"{i}", entries={"a": TWO["a"] | {"shape": s, "data_offsets": o}})
        for i, (s, o) in enumerate([([10**9], [0, 4 * 10**9]), ([0, 2**40], [0, 0])])
    ]
    files.append(tmp_path / "header")
    files[-1].write_bytes((2**40).to_bytes(8, "little") + b"{}")
    files.append(tmp_path / "hole")  # 5 GB on no disk
    files[-1].write_bytes((4 * 10**9).to_bytes(8, "little"))
    os.truncate(files[-1], 5 * 10**9)
    for file in files:
        complaint(file)
        assert kilobytes(file) < 20_000


def test_memory_for_a_whole_file_is_about_twice_its_size(tmp_path):
    write_archive(tmp_path / "f", {"k": 1}, {"a": np.zeros(5_000_000)})
    assert kilobytes(tmp_path / "f") < 2.5 * 40_000
    deep = json.dumps({"a": [[]] * 700_000})
    assert len(deep) > 2_000_000
    forge(tmp_path / "g", deep)
    assert kilobytes(tmp_path / "g") < 25 * len(deep) / 1000


def test_more_than_the_limit(tmp_path, monkeypatch):
    from tracer_nb.engine.saving import archive

    monkeypatch.setattr(archive, "LARGEST", 20_000_000)
    with pytest.raises(InvalidInput, match="bytes, more than 20,000,000"):
        write_archive(tmp_path / "f", {}, {"a": np.zeros(1_000_000)})
    assert not (tmp_path / "f").exists()
    write_archive(tmp_path / "g", {}, {"a": np.zeros(1000)})
    monkeypatch.setattr(archive, "LARGEST", 1000)
    assert complaint(tmp_path / "g").startswith("it is larger than 1,000 bytes")
