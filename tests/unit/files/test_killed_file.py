"""A run on a file is killed before every single thing that it does on disk, and goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from files.rows import outputs, read, write
from tracer_nb.errors import InvalidInput
from tracer_nb.steps.files.step import route_file

SCRIPT = Path(__file__).with_name("killed.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX processes")
@pytest.mark.parametrize(
    ("name", "step"), [("out.jsonl", 1), ("out.parquet", 3), ("out", 2), ("out.csv.gz", 3)]
)
def test_killed_anywhere_no_row_is_lost_or_doubled(name, step, router, messages, tmp_path):
    read_as = "in.jsonl.gz" if name.endswith(".gz") else "in.jsonl"
    source, folder = write(messages.head(70), tmp_path / read_as), tmp_path / "made"
    folder.mkdir()
    out, store = folder / name, folder / "labels.sqlite"
    ran = subprocess.run(
        [sys.executable, SCRIPT, router, source, out, store, str(step)],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(ran.stdout)
    whole = said["whole"]
    assert whole[2] == [name]
    # Before the first part, in each of three, while they become one file, and while all is cleared.
    assert len(said["ends"]) > 25 // step
    assert all(end[:3] == whole for end in said["ends"])
    assert {end[3] for end in said["ends"]} == {False, True}  # before it had its name, and after
    assert said["lives"] > 2
    assert said["last"] == whole
    assert len(outputs(read(out))) == 70


class Stopped(Exception):
    pass


@pytest.fixture
def begun(router, messages, tmp_path):
    """A run that ended behind its second part, and how to go on with it."""
    source, out = write(messages, tmp_path / "in.csv"), tmp_path / "out.csv"

    def go(stop_at=10**9, **options):
        def tell(progress):
            if progress.n_done >= stop_at:
                raise Stopped

        options = {"router": router, "source": source, "column": "text", **options}
        given = options.pop("source"), options.pop("router"), out
        options = {"store": tmp_path / "labels.sqlite", "on_progress": tell, **options}
        return route_file(*given, part_rows=50, **options)

    with pytest.raises(Stopped):
        go(120)
    assert not out.exists()
    return go


def test_a_run_goes_on_behind_its_last_part(begun, tmp_path):
    assert begun().n_resumed == 150
    assert len(read(tmp_path / "out.csv")) == 300


def test_a_run_of_another_job_is_not_taken_over(begun, messages, router, tmp_path):
    changed = write(messages.assign(text=messages["text"].str.upper()), tmp_path / "other.csv")
    other = tmp_path / "other.tracer"
    other.write_bytes(router.read_bytes())
    for options, what in (
        ({"source": changed}, "input"),
        ({"column": "note"}, "column"),
        ({"store": tmp_path / "b.sqlite"}, "store"),
    ):
        with pytest.raises(InvalidInput, match=f"unfinished run of another {what}; .*--overwrite"):
            begun(**options)
    assert begun(source=changed, overwrite=True).n_resumed == 0
    # A copy of the router is the same router.
    with pytest.raises(Stopped):
        begun(120, overwrite=True)
    assert begun(router=other, overwrite=True).n_resumed == 150


def test_an_input_that_was_changed_in_between_is_another_one(begun, tmp_path):
    with (tmp_path / "in.csv").open("a") as file:
        file.write("one more,1,1,\n")
    with pytest.raises(InvalidInput, match="unfinished run of another input"):
        begun()
    assert begun(overwrite=True).n_rows == 301


@pytest.mark.parametrize("damage", ["gone", "changed", "journal"])
def test_a_damaged_run_says_what_to_do(begun, damage, tmp_path):
    folder = tmp_path / "out.csv.parts"
    part = sorted(folder.glob("part-*"))[1]
    if damage == "gone":
        part.unlink()
    elif damage == "changed":
        part.write_bytes(part.read_bytes()[:-1])
    else:
        (folder / "journal.json").write_text("{")
    said = {"gone": "is gone", "changed": "was changed", "journal": "is damaged"}[damage]
    with pytest.raises(InvalidInput, match=f"{said}.*delete the folder"):
        begun()


def test_two_runs_of_one_output_do_not_mix(begun):
    said = []

    def again(_progress):
        with pytest.raises(InvalidInput) as failed:
            begun()
        said.append(str(failed.value))

    begun(on_progress=again)
    assert "another process is writing" in said[0]
