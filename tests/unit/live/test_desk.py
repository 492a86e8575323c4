"""What a panel writes: every cell as it is, in frames of each kind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pytest

from tracer_nb.live.desk import write_rows

COLUMNS: dict[str, list[Any]] = {
    "text": ["=1+1", "two\nlines", "three"],
    "tags": [["a", "b"], [], ["-c"]],
    "n": [1.5, None, 2.0],
    "day": [dt.date(2026, 1, 2), None, None],
}


class Routed:
    def save(self, path):
        raise NotImplementedError

    def frame_now(self, source):
        return source


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_lists_are_joined_and_formulas_counted(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, formulas = write_rows(Routed(), make(COLUMNS), "csv")
    assert path.read_bytes().decode() == (
        'text,tags,n,day\r\n=1+1,a; b,1.5,2026-01-02\r\n"two\nlines",,,\r\nthree,-c,2.0,\r\n'
    )
    assert formulas == 2


def test_a_missing_value_of_pandas_own_kinds_is_an_empty_cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"n": [1, None], "t": pd.to_datetime(["2026-01-02", None])})
    path, _ = write_rows(Routed(), frame.astype({"n": "Int64"}), "csv")
    assert path.read_text().splitlines() == ["n,t", "1,2026-01-02 00:00:00", ","]


def test_a_list_stays_a_list_in_a_parquet_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, _ = write_rows(Routed(), pl.DataFrame(COLUMNS), "parquet")
    assert pl.read_parquet(path)["tags"].to_list() == COLUMNS["tags"]
