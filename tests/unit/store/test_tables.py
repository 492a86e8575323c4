"""Tables for elsewhere: what a spreadsheet would run is told of, and escaped so that it can be undone."""

import csv

import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.store.tables import Written, write_table
from tracer_nb.words import written_lines

CELLS = [
    "=1+1",
    "+1",
    "-5 degrees",
    "@home",
    "\t=1",
    "\uff1d1",
    "'=1",
    "''+1",
    "plain",
    "'quoted'",
    "",
    None,
]
RUN = 6


def write(path, **how):
    written = write_table(path, ["text", "n"], ({"text": c, "n": -1} for c in CELLS), **how)
    with path.open(newline="", encoding="utf-8") as file:
        return written, [row["text"] for row in csv.DictReader(file)]


def test_cells_are_exact_and_those_that_a_spreadsheet_runs_are_counted(tmp_path):
    written, read = write(tmp_path / "t.csv")
    assert written == Written(len(CELLS), RUN)
    assert read == [cell or "" for cell in CELLS]
    assert written_lines("answer", 12, RUN, "t.csv")[1].startswith("A spreadsheet may run 6 cells")
    assert len(written_lines("answer", 12, 0, "t.csv")) == 1


def test_escaped_cells_run_nowhere_and_come_back_without_one_apostrophe(tmp_path):
    written, read = write(tmp_path / "t.csv", escape=True)
    assert written == Written(len(CELLS), 0)
    assert not any(cell[:1] in {*"=+-@\t\uff1d"} for cell in read if cell)
    signs = {*"=+-@\t\uff1d"}
    back = [c[1:] if c[:1] == "'" and c.lstrip("'")[:1] in signs else c for c in read]
    assert back == [cell or "" for cell in CELLS]


def test_parquet_needs_no_escape(tmp_path):
    with pytest.raises(InvalidInput, match=r"escape is for \.csv files"):
        write_table(tmp_path / "t.parquet", ["text"], [], escape=True)
