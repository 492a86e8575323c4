"""Tables for elsewhere: CSV and Parquet files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = ["Written", "write_table"]

# What a spreadsheet may run as a formula, the wide forms of some keyboards among it; behind
# apostrophes, the beginning of a cell that was escaped before.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

# Rows of one part of a Parquet file.
_PART = 10_000


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows a file has, and how many of their cells a spreadsheet may run as formulas."""

    rows: int
    formulas: int = 0


def write_table(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    kinds: Mapping[str, type] | None = None,
    *,
    escape: bool = False,
) -> Written:
    """Write rows to a CSV or Parquet file, a part at a time.

    Cells are written as they are: a text that begins with ``=``, ``+``, ``-`` or ``@`` would
    otherwise come back as another text, which has no answer. A spreadsheet may run such a cell
    as a formula: escape them in a file for one.

    Parameters
    ----------
    path : path-like
        Ends in .csv or .parquet.
    columns : sequence of str
    rows : iterable of mapping
    kinds : mapping of str to type, optional
        Columns that hold int, float or bool; the others hold text.
    escape : bool, default False
        Put an apostrophe before every cell of a CSV file that a spreadsheet may run, and before
        one that begins with apostrophes and such a sign; to undo it, take one away from each.

    Raises
    ------
    InvalidInput
        Another ending, a file that cannot be written, or ``escape`` for a Parquet file.
    MissingExtra
        Parquet without pyarrow.
    """
    target = Path(path).expanduser()
    if target.suffix not in (".csv", ".parquet"):
        raise InvalidInput(f"export to a .csv or .parquet file, got {str(path)!r}")
    try:
        if target.suffix == ".csv":
            return _write_csv(target, columns, rows, escape=escape)
        if escape:
            raise InvalidInput(
                "escape is for .csv files; a Parquet file keeps text as text, leave it out"
            )
        return _write_parquet(target, columns, iter(rows), kinds or {})
    except OSError as error:
        raise InvalidInput.cannot_write(target, error) from error


def _write_csv(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, escape: bool
) -> Written:
    n = formulas = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            runs = {name: cell for name, cell in row.items() if _is_formula(cell)}
            if escape:
                row = {**row, **{name: f"'{cell}" for name, cell in runs.items()}}  # noqa: PLW2901
            else:
                formulas += sum(not cell.startswith("'") for cell in runs.values())
            writer.writerow(row)
            n += 1
    return Written(n, formulas)


def _is_formula(cell: Any) -> bool:
    return isinstance(cell, str) and _FORMULA.match(cell) is not None


def _write_parquet(
    path: Path,
    columns: Sequence[str],
    rows: Iterator[Mapping[str, Any]],
    kinds: Mapping[str, type],
) -> Written:
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
    return Written(n)
