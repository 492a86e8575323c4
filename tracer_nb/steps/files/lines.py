"""Files of lines: CSV, and one JSON object a line. What is not asked about stays as it is."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from tracer_nb.errors import InvalidInput
from tracer_nb.steps.column.frames import is_missing
from tracer_nb.steps.files.tables import (
    BATCH_BYTES,
    BATCH_ROWS,
    Batch,
    Position,
    is_packed,
    refuse_twice,
)

__all__ = ["CsvReader", "JsonReader", "open_lines"]

# A longer line or cell is a file of something else, or a quote that is never closed.
_LONGEST = 20_000_000
# What a list or object of JSON, and a value in one, take in memory beyond their characters.
_INNER, _VALUE = 64, 32
_BOM = b"\xef\xbb\xbf"
# What a damaged or cut compressed file raises.
_TORN = (OSError, EOFError, zlib.error)


def open_lines(path: Path) -> BinaryIO:
    """The file as bytes, unpacked where it is compressed.

    Raises
    ------
    InvalidInput
        It cannot be opened.
    """
    try:
        if is_packed(path):
            return cast("BinaryIO", gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"cannot read {str(path)!r}: {error.strerror}") from error


class _Lines:
    """Decoded lines of a file, with where the next one begins."""

    def __init__(self, path: Path, file: BinaryIO, start: Position | None) -> None:
        self._path, self._file = path, file
        self.byte = 0 if start is None else start["byte"]
        self.line = 0 if start is None else start["line"]
        try:
            file.seek(self.byte)
        except _TORN as error:
            raise self._torn(error) from error

    def __iter__(self) -> Iterator[str]:
        while raw := self._next():
            if len(raw) > _LONGEST:
                raise self.fault(f"more than {_LONGEST // 1_000_000} MB without an end")
            self.line += 1
            text = raw.removeprefix(_BOM) if self.byte == 0 else raw
            self.byte += len(raw)
            try:
                yield text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise self.fault(f"no UTF-8 ({error.reason}); save the file as UTF-8") from error

    def _next(self) -> bytes:
        try:
            return self._file.readline(_LONGEST + 1)
        except _TORN as error:
            raise self._torn(error) from error

    def _torn(self, error: Exception) -> InvalidInput:
        why = " ".join(str(error).split())[:120]
        return self.fault(f"it cannot be read on ({why}); copy the file again")

    @property
    def position(self) -> Position:
        where = {"byte": self.byte, "line": self.line}
        if (packed := getattr(self._file, "fileobj", None)) is not None:
            # How far the file itself is read: nobody knows how long it is when it is unpacked.
            where["packed"] = packed.tell()
        return where

    def fault(self, what: str) -> InvalidInput:
        """What is wrong at the line that was read last."""
        return InvalidInput(f"{str(self._path)!r}, line {max(self.line, 1):,}: {what}")


class _LineReader:
    """What readers of lines share."""

    n_rows = None

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_lines(path):
            self._size = path.stat().st_size

    def share(self, end: Position, n_done: int) -> float:
        """The share of the file that lies before a position."""
        del n_done
        return end.get("packed", end["byte"]) / self._size if self._size else 1.0


class CsvReader(_LineReader):
    """Reads CSV: every cell is text, and stays as it is; an empty one is a missing text.

    Parameters
    ----------
    path : Path
    delimiter : str

    Raises
    ------
    InvalidInput
        It cannot be opened, or has no header that names columns.
    """

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        super().__init__(path)
        self._delimiter = delimiter
        with open_lines(path) as file:
            lines = _Lines(path, file, None)
            header = next(self._records(lines), None)
            self._start = lines.position
        if header is None:
            raise InvalidInput(f"{str(path)!r} is empty; its first line must name the columns")
        for other in (";", "\t", "|"):
            if len(header) == 1 and other in header[0] and other != delimiter:
                raise InvalidInput(
                    f"{str(path)!r} has one column, {header[0]!r:.80}, with {other!r} in its name; write "
                    "the cells with commas between them (.csv) or tabs (.tsv)"
                )
        refuse_twice(path, header)
        self.columns = self.text_columns = tuple(header)

    def batches(
        self, start: Position | None, column: str, most: int = BATCH_ROWS
    ) -> Iterator[Batch]:
        """Batches of rows from ``start`` on."""
        del column  # every cell is text
        names = self.columns
        with open_lines(self.path) as file:
            lines = _Lines(self.path, file, start or self._start)
            rows: list[dict[str, Any]] = []
            begun = lines.byte
            for cells in self._records(lines):
                if len(cells) != len(names):
                    raise lines.fault(
                        f"{len(cells)} cells where the header names {len(names)} columns; quote cells "
                        "that hold commas, quotes or line breaks"
                    )
                rows.append(dict(zip(names, cells, strict=True)))
                if len(rows) == most or lines.byte - begun > BATCH_BYTES:
                    yield Batch(rows, None, lines.position, lines.byte - begun)
                    rows, begun = [], lines.byte
            if rows:
                yield Batch(rows, None, lines.position, lines.byte - begun)

    def _records(self, lines: _Lines) -> Iterator[list[str]]:
        before = csv.field_size_limit(_LONGEST)
        try:
            # Empty lines are no rows, as for pandas.
            for record in csv.reader(lines, delimiter=self._delimiter, strict=True):
                if record:
                    yield record
        except csv.Error as error:
            raise lines.fault(
                f"no CSV ({error}); quote cells that hold commas, quotes or line breaks"
            ) from error
        finally:
            csv.field_size_limit(before)


class JsonReader(_LineReader):
    """Reads JSON lines: one object a line, its values as they are.

    Raises
    ------
    InvalidInput
        It cannot be opened, or the first line is no object.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        first = next(self.batches(None, ""), None)
        rows = [] if first is None else first.rows or []
        self.columns = tuple(dict.fromkeys(name for row in rows for name in row))
        self.text_columns = tuple(
            name for name in self.columns if any(isinstance(row.get(name), str) for row in rows)
        )

    def batches(
        self, start: Position | None, column: str, most: int = BATCH_ROWS
    ) -> Iterator[Batch]:
        """Batches of rows from ``start`` on."""
        with open_lines(self.path) as file:
            lines = _Lines(self.path, file, start)
            rows: list[dict[str, Any]] = []
            size = 0
            for text in lines:
                if not text.strip():
                    continue
                rows.append(_object(text, lines, column))
                size += _memory(text)
                if len(rows) == most or size > BATCH_BYTES:
                    yield Batch(rows, None, lines.position, size)
                    rows, size = [], 0
            if rows:
                yield Batch(rows, None, lines.position, size)


def _memory(text: str) -> int:
    """Bytes that a line takes when it is read, about: many small values take many times their own."""
    return len(text) + _INNER * (text.count("[") + text.count("{")) + _VALUE * text.count(",")


def _object(text: str, lines: _Lines, column: str) -> dict[str, Any]:
    """The object of a line."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise lines.fault(
            f"no JSON ({str(error) or 'too deeply nested'}); write one object a line"
        ) from error
    if not isinstance(row, dict):
        raise lines.fault(f"a {type(row).__name__}, not an object; write one object a line")
    cell = row.get(column)
    if not isinstance(cell, str) and not is_missing(cell):
        shown = json.dumps(cell)[:60]
        raise lines.fault(f"{column!r} holds {shown}, not text; write it in quotes")
    return row
