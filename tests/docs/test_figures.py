"""Figures that the README quotes stand in the measured page, in the table that their script made."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import MEASURED, README

_ROW = re.compile(r"^\| .+ \|$", re.MULTILINE)
_SCRIPT = re.compile(r"`tests/bench/(\w+)\.py`")
_SHARE = re.compile(r"(?<![\d.])\.(\d{3})\b")


def quoted():
    """Lines of the README's table, each with the name of the script behind it."""
    lines = _ROW.findall(README.read_text(encoding="utf-8"))
    return [(line, found[1]) for line in lines if (found := _SCRIPT.search(line))]


def table(name):
    """What a script wrote into the measured page."""
    text = MEASURED.read_text(encoding="utf-8")
    return text.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]


def strange(line, name):
    """Shares in a line that the table of its script does not have."""
    return [share for share in _SHARE.findall(line) if f"0.{share}" not in table(name)]


def test_every_share_stands_in_the_table_of_its_script():
    lines = quoted()
    assert len(lines) >= 6
    assert not [(line, strange(line, name)) for line, name in lines if strange(line, name)]


def test_another_share_is_found_out():
    line, name = quoted()[0]
    assert strange(_SHARE.sub(".123", line, count=1), name) == ["123"]


def test_simulated_promises_are_counted_as_they_stand_there():
    (line,) = (line for line, name in quoted() if name == "validity")
    found = re.search(r"at most ([\d.]+) % in (\d+) settings; a naive rule up to (\d+) %", line)
    cells = [row.strip("| ").split(" | ") for row in _ROW.findall(table("validity"))]
    head, rows = cells[0], cells[2:]
    broken, naive = (
        max(float(row[head.index(of)]) for row in rows)
        for of in ("share broken", "naive rule broken")
    )
    assert float(found[1]) == pytest.approx(100 * broken)
    assert int(found[2]) == len(rows)
    assert int(found[3]) == pytest.approx(100 * naive)


def test_seconds_and_speed_are_those_of_the_table_in_two_digits():
    (line,) = (line for line, _ in quoted() if "a second" in line)
    cells = [row.strip("| ").split(" | ") for row in _ROW.findall(table("banking77"))]
    measured = {row[0]: row[1] for row in cells if len(row) == 2}
    assert f"| {float(measured['fit 2,000 labels, s']):.1f} s;" in line
    speed = float(measured["route 100,000 rows, rows/s"].replace(",", ""))
    assert f"{round(speed, -3):,.0f} a second" in line
