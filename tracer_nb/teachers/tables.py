"""Tables for elsewhere: CSV and Parquet files."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["write_table"]


def write_table(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> int:
    """Write rows to a CSV or Parquet file; how many there were.

    Raises
    ------
    InvalidInput
        Another ending, or a file that cannot be written.
    MissingExtra
        Parquet without pyarrow.
    """
    target = Path(path).expanduser()
    if target.suffix not in (".csv", ".parquet"):
        raise InvalidInput(f"export to a .csv or .parquet file, got {str(path)!r}")
    write = _write_csv if target.suffix == ".csv" else _write_parquet
    try:
        return write(target, columns, iter(rows))
    except OSError as error:
        raise InvalidInput(f"cannot write {str(path)!r}: {error.strerror or error}") from error


def _write_csv(path: Path, columns: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> int:
    n = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            n += 1
    return n


def _write_parquet(path: Path, columns: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> int:
    import pandas as pd  # noqa: PLC0415  slow to import

    frame = pd.DataFrame(list(rows), columns=list(columns))
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        raise MissingExtra.for_package("pyarrow", "parquet", "a Parquet file") from error
    return len(frame)
