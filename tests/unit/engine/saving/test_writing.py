"""Writing: what cannot be stored, and that the old file or the new one is there, whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tracer_nb.engine.saving import atomic, read_archive, write_archive
from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.errors import InvalidInput

from .samples import ARRAYS, same

# --- what cannot be written --------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["a"]),
        np.array([1 + 2j]),
        np.zeros(2, dtype="f4,f4"),
        np.zeros(2, dtype="M8[s]"),
        np.zeros(2, dtype=np.longdouble),
        np.zeros((1,) * 9),
        [None],
    ],
    ids=["objects", "text", "complex", "records", "times", "long", "deep", "none"],
)
def test_arrays_that_are_no_numbers(file, array):
    before = file.read_bytes()
    with pytest.raises(InvalidInput, match=r"cannot be saved|too many"):
        write_archive(file, {}, {"a": array})
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "manifest",
    [{"a": float("nan")}, {"a": float("inf")}, {"a": object()}, {"a": np.zeros(2)}, {1: 2, "1": 3}],
    ids=["nan", "infinity", "object", "array", "equal keys"],
)
def test_manifests_that_are_no_json(tmp_path, manifest):
    with pytest.raises(InvalidInput, match=r"^cannot save "):
        write_archive(tmp_path / "f", manifest, {})


def test_manifests_are_written_as_they_can_be_read(tmp_path):
    deep, loop = [], []
    for _ in range(28):
        deep = [deep]
    loop.append(loop)
    write_archive(tmp_path / "f", {"deep": deep}, {})
    assert read_archive(tmp_path / "f")[0] == {"deep": deep}
    for wrong in ({"a": [[[deep]]]}, {"a": "x" * 8_000_000}, {"a": loop}):
        with pytest.raises(InvalidInput):
            write_archive(tmp_path / "g", wrong, {})


def unwritable(path):
    with pytest.raises(InvalidInput) as error:
        write_archive(path, {}, {})
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"cannot write {str(path)!r}: ")
    assert message.endswith("choose another folder or name")
    return message.split(": ", 1)[1].split(";", maxsplit=1)[0]


def test_places_that_cannot_be_written(tmp_path, file):
    assert unwritable(tmp_path / "no" / "f") == "No such file or directory"
    assert unwritable(tmp_path) == "a directory is there"
    assert unwritable(file / "f") == "Not a directory"
    assert unwritable(tmp_path / ("n" * 300)) == "File name too long"
    unwritable(tmp_path / "a\0b")
    os.mkfifo(tmp_path / "pipe")
    assert unwritable(tmp_path / "pipe") == "a device is there"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    unwritable(tmp_path / "loop")


def test_no_permission(tmp_path, file, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may do anything
    assert unwritable(file) == "the file there is read-only"

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert unwritable(tmp_path / "new") == "Permission denied"
    with pytest.raises(InvalidInput, match=r"cannot open .*: Permission denied; give the path"):
        read_archive(file)


def test_mode_is_what_open_gives_or_what_it_was(tmp_path):
    file, plain = tmp_path / "f", tmp_path / "plain"
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            write_archive(file, {}, {})
            plain.touch()
        finally:
            os.umask(before)
        assert file.stat().st_mode == plain.stat().st_mode
        file.unlink()
        plain.unlink()
    write_archive(file, {}, {})
    file.chmod(0o640)
    write_archive(file, {"new": 1}, {})
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path, file):
    link = tmp_path / "link"
    link.symlink_to(file)
    write_archive(link, {"new": 1}, {})
    assert link.is_symlink()
    assert read_archive(file)[0] == {"new": 1}


# --- a full disk, a killed process -------------------------------------------------------


class FullDisk:
    """A stream on a disk that has room for so many bytes."""

    def __init__(self, stream, room):
        self.stream, self.room = stream, room

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stream.close()

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return self.stream.write(data)


def test_a_full_disk_leaves_the_old_file(file, monkeypatch):
    write_archive(file.with_name("other"), {"new": 1}, ARRAYS)
    size = file.with_name("other").stat().st_size
    file.with_name("other").unlink()
    opened = Path.open
    for room in range(0, size, 41):

        def full(path, mode, room=room):
            return FullDisk(opened(path, mode), room)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", full)
            with pytest.raises(InvalidInput, match="No space left on device; choose another"):
                write_archive(file, {"new": 1}, ARRAYS)
        assert [p.name for p in file.parent.iterdir()] == ["intents.tracer"]
    assert same(read_archive(file))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_errors_at_the_end_leave_the_old_file(file, monkeypatch, step):
    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
        with pytest.raises(InvalidInput, match="Input/output error"):
            write_archive(file, {"new": 1}, ARRAYS)
    assert [p.name for p in file.parent.iterdir()] == ["intents.tracer"]
    assert same(read_archive(file))


def test_an_interrupt_leaves_the_old_file(file, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            write_archive(file, {"new": 1}, ARRAYS)
    assert [p.name for p in file.parent.iterdir()] == ["intents.tracer"]
    assert same(read_archive(file))


KILLING = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np
from tracer_nb.engine.saving import read_archive, write_archive

folder = Path(sys.argv[1])
path = folder / "f"
noise = np.random.default_rng(0).normal(size=200_000)

def save(number):
    write_archive(path, {"number": number}, {"a": noise + number, "b": np.full(1000, number)})

save(0)
for seed in range(15):
    child = os.fork()
    if not child:
        number = seed
        while True:
            number += 100
            save(number)
    time.sleep(random.Random(seed).uniform(0.002, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    manifest, arrays = read_archive(path)
    number = manifest["number"]
    assert (arrays["a"] == noise + number).all() and (arrays["b"] == number).all()
    stray = set(os.listdir(folder)) - {"f"}
    assert all(name.startswith(".tracer-") for name in stray), stray
    print("whole", "stray" if stray else "clean")
save(0)
assert os.listdir(folder) == ["f"], "the next save removes what killed ones left"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", KILLING, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("whole") == 15
    assert "stray" in ran.stdout, "no kill came during a save"


def test_the_next_save_removes_what_killed_ones_left_and_nothing_else(tmp_path):
    stray = tmp_path / f".tracer-{'0' * 16}.tmp"
    others = [tmp_path / ".tracer-notes.tmp", tmp_path / "a.tmp", tmp_path / ".tracer-0.tmp"]
    pipe = tmp_path / f".tracer-{'1' * 16}.tmp"
    link = tmp_path / f".tracer-{'2' * 16}.tmp"
    for path in (stray, *others):
        path.write_bytes(b"x")
    os.mkfifo(pipe)
    link.symlink_to(others[0])
    write_archive(tmp_path / "f", {}, {})
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "f", *others, pipe, link])


def test_a_save_leaves_alone_what_another_is_writing(tmp_path):
    with replacing(tmp_path / "slow") as stream:
        stream.write(b"half ")
        stream.flush()
        write_archive(tmp_path / "quick", {}, {})
        stream.write(b"whole")
    assert (tmp_path / "slow").read_bytes() == b"half whole"
    assert {p.name for p in tmp_path.iterdir()} == {"slow", "quick"}


def test_a_temporary_file_taken_for_a_stray_is_made_again(tmp_path, monkeypatch):
    """Another process may look between its making and its lock."""
    held, taken = atomic._held, []

    def late(stream):
        if not taken:
            taken.append(stream.name)
            Path(stream.name).unlink()
        return held(stream)

    monkeypatch.setattr(atomic, "_held", late)
    write_archive(tmp_path / "f", {"k": 1}, {})
    assert taken
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
