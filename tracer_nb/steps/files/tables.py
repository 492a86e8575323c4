"""Files of rows, read and written a batch at a time: what all formats have in common."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tracer_nb.errors import InvalidInput, MissingExtra

__all__ = [
    "BATCH_BYTES",
    "BATCH_ROWS",
    "FORMATS",
    "Batch",
    "Position",
    "Reader",
    "fingerprint",
    "format_of",
    "is_packed",
    "need_compute",
    "need_pyarrow",
    "refuse_twice",
    "with_columns",
]

Position = Mapping[str, int]
"""Where a batch ends, as its reader understands it; JSON."""

BATCH_ROWS = 8_192
BATCH_BYTES = 16_000_000
"""What a batch holds at the most, so that memory does not grow with a file or its cells."""

FORMATS: Mapping[str, str] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".tsv": "tsv",
}
"""Format by the ending of a file's name."""

# Of the beginning and of the end of a file, to tell it from another of its name.
_SAMPLE = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows of a file, in order: dicts, or a table of pyarrow.

    Attributes
    ----------
    rows : list of dict, or None
    table : pyarrow.Table or None
    end : mapping
        Where the rows behind these begin.
    size : int
        Bytes, about.
    """

    rows: list[dict[str, Any]] | None
    table: Any
    end: Position
    size: int

    def __len__(self) -> int:
        return len(self.rows) if self.rows is not None else int(self.table.num_rows)

    def cells(self, name: str) -> list[Any]:
        """The cells of a column; None where a row has none."""
        if self.rows is not None:
            return [row.get(name) for row in self.rows]
        pa, _ = need_pyarrow()
        try:
            cells: list[Any] = self.table[name].to_pylist()
        except (pa.ArrowException, OverflowError, ValueError) as error:
            why = " ".join(str(error).split())[:120]
            raise InvalidInput(
                f"column {name!r} holds values that no text can hold ({why}); convert them first, or "
                "write Parquet: --out NAME.parquet"
            ) from error
        return cells

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts."""
        if self.rows is not None:
            return self.rows
        names = self.table.column_names
        columns = [self.cells(name) for name in names]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


class Reader(Protocol):
    """Reads a file, from its beginning or from where a batch ended.

    Attributes
    ----------
    columns, text_columns : tuple of str
        Its columns, of JSON lines those of the first rows; and those of them that may hold text.
    n_rows : int or None
        Where the file says so.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """See above."""
        ...

    @property
    def text_columns(self) -> tuple[str, ...]:
        """See above."""
        ...

    @property
    def n_rows(self) -> int | None:
        """See above."""
        ...

    def batches(
        self, start: Position | None, column: str, most: int = BATCH_ROWS
    ) -> Iterator[Batch]:
        """Batches of at most so many rows from ``start`` on.

        ``column`` must hold text in every row that has it.
        """
        ...

    def share(self, end: Position, n_done: int) -> float:
        """The share of the file that lies before a position, behind so many rows."""
        ...


_PACKED = ".gz"


def is_packed(path: Path) -> bool:
    """Whether a file of lines is compressed by gzip, by the ending of its name."""
    return path.suffix.lower() == _PACKED and path.suffixes[-2:-1] != []


def format_of(path: Path) -> str:
    """The format of a file by the ending of its name; "parquet" of a folder.

    Raises
    ------
    InvalidInput
        Another ending.
    """
    if path.is_dir() or not path.suffix:
        return "parquet"
    lines = is_packed(path)
    ending = path.suffixes[-2] if lines else path.suffix
    form = FORMATS.get(ending.lower())
    if form is None or (lines and form == "parquet"):
        raise InvalidInput(
            f"{str(path)!r} ends in none of {', '.join(FORMATS)}, which are CSV, JSON lines, Parquet "
            "and tab-separated files, those of lines also as .gz; a folder holds Parquet files"
        )
    return form


def need_pyarrow() -> tuple[Any, Any]:
    """Pyarrow and its Parquet part.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra.for_package("pyarrow", "parquet", "a Parquet file") from error
    return pa, pq


def need_compute() -> Any:
    """Pyarrow's functions of arrays, where :func:`need_pyarrow` has not failed."""
    import pyarrow.compute as pc  # noqa: PLC0415  an extra

    return pc


def refuse_twice(path: Path, names: Sequence[str]) -> None:
    """Refuse columns of the same name.

    Raises
    ------
    InvalidInput
        There are such.
    """
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InvalidInput(
            f"{str(path)!r} has several columns named {min(twice)!r:.80}; rename one"
        )


def fingerprint(paths: Sequence[Path]) -> str:
    """What tells files from others of their names: size, time of change, first and last bytes.

    Raises
    ------
    InvalidInput
        One cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        for part in _signs(path):
            digest.update(part)
    return digest.hexdigest()


def _signs(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            yield f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode()
            yield file.read(_SAMPLE)
            file.seek(max(status.st_size - _SAMPLE, 0))
            yield file.read(_SAMPLE)
    except OSError as error:
        raise InvalidInput(f"cannot read {str(path)!r}: {error.strerror}") from error


def with_columns(batch: Batch, columns: Mapping[str, Sequence[Any]]) -> Batch:
    """The batch with columns added; one of the same name is replaced where it stands."""
    if batch.rows is not None:
        added = zip(*columns.values(), strict=True)
        rows = [
            {**row, **dict(zip(columns, cells, strict=True))}
            for row, cells in zip(batch.rows, added, strict=True)
        ]
        return Batch(rows, None, batch.end, batch.size)
    pa, _ = need_pyarrow()
    table = batch.table
    for name, cells in columns.items():
        kind = pa.float64() if name == "label_score" else pa.string()
        values = pa.array(list(cells), kind)
        at = table.schema.get_field_index(name)
        there = at >= 0
        table = table.set_column(at, name, values) if there else table.append_column(name, values)
    return Batch(None, table, batch.end, batch.size)
