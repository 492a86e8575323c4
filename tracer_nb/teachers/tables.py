"""Tables for elsewhere: CSV and Parquet files."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["write_table"]


# Rows of one part of a Parquet file.
_PART = 10_000


def write_table(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    kinds: Mapping[str, type] | None = None,
) -> int:
    """Write rows to a CSV or Parquet file, a part at a time; how many there were.

    Cells are written as they are: a text that begins with ``=``, ``+``, ``-`` or ``@`` would
    otherwise come back as another text, which has no answer. A spreadsheet may run such a cell
    as a formula; import the file with its columns as text, or open the Parquet file.

    Parameters
    ----------
    path : path-like
        Ends in .csv or .parquet.
    columns : sequence of str
    rows : iterable of mapping
    kinds : mapping of str to type, optional
        Columns that hold int, float or bool; the others hold text.

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
    try:
        if target.suffix == ".csv":
            return _write_csv(target, columns, iter(rows))
        return _write_parquet(target, columns, iter(rows), kinds or {})
    except OSError as error:
        raise InvalidInput.cannot_write(target, error) from error


def _write_csv(path: Path, columns: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> int:
    n = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            n += 1
    return n


def _write_parquet(
    path: Path,
    columns: Sequence[str],
    rows: Iterator[Mapping[str, Any]],
    kinds: Mapping[str, type],
) -> int:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra.for_package("pyarrow", "parquet", "a Parquet file") from error
    # Types are fixed, because a part may hold nothing but missing values in a column.
    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[kinds.get(name, str)]) for name in columns])
    n = 0
    with pq.ParquetWriter(path, schema) as writer:
        while part := list(islice(rows, _PART)):
            writer.write_table(pa.Table.from_pylist(part, schema))
            n += len(part)
    return n
