"""Frames as files of every format, and what routing said of their rows."""

from __future__ import annotations

import pandas as pd
import pytest

from tracer_nb.steps.column.frames import OUTPUT_COLUMNS

__all__ = ["outputs", "read", "write"]


def write(frame, path):
    ending = path.suffixes[-2 if path.suffix == ".gz" else -1][1:]
    if ending in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    elif ending in ("jsonl", "ndjson"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path, row_group_size=90)
    return path


def read(path):
    if path.is_dir() or path.suffix in (".parquet", ".pq"):
        return pd.read_parquet(path)
    ending = path.suffixes[-2 if path.suffix == ".gz" else -1]
    if ending in (".csv", ".tsv"):
        return pd.read_csv(path, sep="\t" if ending == ".tsv" else ",")
    return pd.read_json(path, lines=True)


def outputs(frame):
    """The output columns as plain rows; scores to five digits: products in single precision differ by batch."""
    rows = []
    for label, source, number, reason in frame[[*OUTPUT_COLUMNS]].itertuples(index=False):
        cells = [None if pd.isna(cell) else cell for cell in (label, source, reason)]
        score = None if pd.isna(number) else pytest.approx(float(number), abs=1e-5)
        rows.append((*cells, score))
    return rows
