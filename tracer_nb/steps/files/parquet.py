"""Parquet files, one or a folder of them, read a few rows at a time.

Not by the scanner of pyarrow's datasets, which reads ahead: with row groups of millions of rows it
takes five times the memory (0.8 GB for a file of 60 MB).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from tracer_nb.errors import InvalidInput
from tracer_nb.steps.files.tables import (
    BATCH_BYTES,
    BATCH_ROWS,
    Batch,
    Position,
    need_compute,
    need_pyarrow,
    refuse_twice,
)

__all__ = ["ParquetReader", "is_text", "parquet_files"]

_BUFFER = 1 << 20
# A cell so long that a batch of such ones would be too large.
_LONG = 8 * BATCH_BYTES // BATCH_ROWS
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def parquet_files(path: Path) -> list[Path]:
    """The file itself, or the Parquet files below a folder, in the order of their names.

    Hidden ones, and those that begin with an underscore, are left out, as by others.

    Raises
    ------
    InvalidInput
        There is none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for ending in ("*.parquet", "*.pq")
        for file in path.rglob(ending)
        if file.is_file()  # some writers call a folder so
        and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )
    if not found:
        raise InvalidInput(f"the folder {str(path)!r} holds no .parquet file")
    return found


class ParquetReader:
    """Reads Parquet files as if they were one.

    Raises
    ------
    InvalidInput
        There is none, one is damaged, or their columns are of types that do not go together.
    MissingExtra
        Pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        pa, self._pq = need_pyarrow()
        self.path = path
        self.files = parquet_files(path)
        self._keys = [_partition_keys(path, file) for file in self.files]
        schemas, self.n_rows = [], 0
        for file, keys in zip(self.files, self._keys, strict=True):
            schema, n_rows = self._look(file)
            self.n_rows += n_rows
            for name, value in keys.items():
                if schema.get_field_index(name) < 0:
                    schema = schema.append(pa.field(name, pa.scalar(value).type))
            schemas.append(schema)
        try:
            self.schema = pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise InvalidInput(
                f"the files of {str(path)!r} do not go together: {_line(error)}"
            ) from error
        self.columns = tuple(self.schema.names)
        refuse_twice(path, self.columns)
        self.text_columns = tuple(field.name for field in self.schema if is_text(field.type))

    def batches(
        self, start: Position | None, column: str, most: int = BATCH_ROWS
    ) -> Iterator[Batch]:
        """Batches of rows from ``start`` on."""
        pa, _ = need_pyarrow()
        if column not in self.text_columns:
            kind = self.schema.field(column).type
            raise InvalidInput(
                f"{str(self.path)!r}: column {column!r} holds {kind}, not text; convert it first, for "
                "example df['text'].astype(str)"
            )
        at = start or {"file": 0, "group": 0, "row": 0}
        for i in range(at["file"], len(self.files)):
            file = self.files[i]
            long = self._long(file)
            with self._open(file, [*long]) as opened:
                begin = at["group"] if i == at["file"] else 0
                for group in range(begin, opened.num_row_groups):
                    skip = at["row"] if (i, group) == (at["file"], at["group"]) else 0
                    if skip >= opened.metadata.row_group(group).num_rows:
                        continue
                    done = 0
                    try:
                        for read in opened.iter_batches(
                            _rows_of(opened, group, most, long),
                            row_groups=[group],
                            use_threads=False,
                        ):
                            for begin_, stop in _pieces(read, max(skip - done, 0)):
                                part = read.slice(begin_, stop - begin_)
                                table = pa.Table.from_batches([part])
                                if column in table.column_names:  # else a folder's name says it
                                    table[column].validate(full=True)
                                end = {"file": i, "group": group, "row": done + stop}
                                shaped = self._shaped(table, i)
                                yield Batch(None, shaped, end, int(shaped.nbytes))
                            done += read.num_rows
                    except _damages() as error:
                        raise self._damaged(file, error) from error

    def share(self, end: Position, n_done: int) -> float:
        """The share of the rows that is read."""
        del end
        return n_done / self.n_rows if self.n_rows else 1.0

    def _shaped(self, table: Any, i: int) -> Any:
        """The table in the schema of all files."""
        pa, _ = need_pyarrow()
        arrays = []
        for field in self.schema:
            if table.schema.get_field_index(field.name) >= 0:
                arrays.append(table[field.name].cast(field.type))
            else:
                value = self._keys[i].get(field.name)
                arrays.append(pa.repeat(pa.scalar(value, field.type), table.num_rows))
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _look(self, file: Path) -> tuple[Any, int]:
        """Schema and number of rows of a file."""
        with self._open(file) as opened:
            try:
                return opened.schema_arrow, int(opened.metadata.num_rows)
            except _damages() as error:
                raise self._damaged(file, error) from error

    def _long(self, file: Path) -> dict[str, int]:
        """Columns with long cells that many rows may have, which are to be in memory once."""
        try:
            with self._open(file) as opened:
                columns = _repeated(opened)
            if not columns:
                return {}
            with self._open(file, columns) as opened:
                return _longest(opened, columns)
        except _damages() as error:
            raise self._damaged(file, error) from error

    def _open(self, file: Path, once: Sequence[str] = ()) -> Any:
        _, pq = need_pyarrow()
        how: dict[str, Any] = {"pre_buffer": False, "buffer_size": _BUFFER}
        try:
            return pq.ParquetFile(file, read_dictionary=[*once], **how)
        except _damages() as error:
            raise self._damaged(file, error) from error

    @staticmethod
    def _damaged(file: Path, error: Exception) -> InvalidInput:
        return InvalidInput(f"cannot read {str(file)!r} as Parquet: {_line(error)}")


def _damages() -> tuple[type[Exception], ...]:
    """What pyarrow raises on a file that is no whole one of Parquet."""
    pa, _ = need_pyarrow()
    return pa.ArrowException, OSError, UnicodeError


def _rows_of(opened: Any, group: int, most: int, long: Mapping[str, int]) -> int:
    """Rows of a batch: fewer where they are large."""
    about = opened.metadata.row_group(group)
    size, names = about.total_byte_size, opened.schema_arrow.names
    for i in range(about.num_columns):
        chunk = about.column(i)
        if chunk.path_in_schema not in names:  # inside of lists and the like: nobody counts them
            size += chunk.num_values * long.get(chunk.path_in_schema, 0)
    return int(max(1, min(most, BATCH_BYTES / max(size / max(about.num_rows, 1), 1.0))))


def _repeated(opened: Any) -> list[str]:
    """Columns that hold a cell once which many rows may have."""
    found: dict[str, None] = {}
    for group in range(opened.num_row_groups):
        about = opened.metadata.row_group(group)
        for chunk in (about.column(i) for i in range(about.num_columns)):
            # No cell is longer than all of them together.
            is_long = chunk.total_uncompressed_size > _LONG
            if is_long and chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page:
                found[chunk.path_in_schema] = None
    return list(found)


def _longest(opened: Any, columns: Sequence[str]) -> dict[str, int]:
    """Bytes of the longest cell of each column, where it is a long one.

    Of a file that is opened with these columns as dictionaries, which stand before their rows.
    """
    pc = need_compute()
    found: dict[str, int] = {}
    for group in range(opened.num_row_groups):
        for name in columns:
            for read in opened.iter_batches(1, row_groups=[group], columns=[name]):
                for words in _dictionaries(read.column(0)):
                    longest = pc.max(pc.binary_length(words)).as_py() or 0
                    if longest > _LONG:
                        found[name] = max(longest, found.get(name, 0))
                break
    return found


def _dictionaries(array: Any) -> Iterator[Any]:
    """Dictionaries in an array, or in what it is made of."""
    pa, _ = need_pyarrow()
    if pa.types.is_dictionary(array.type):
        yield array.dictionary
    elif pa.types.is_struct(array.type):
        for part in array.flatten():
            yield from _dictionaries(part)
    elif hasattr(array, "values"):
        yield from _dictionaries(array.values)


def _pieces(read: Any, start: int) -> Iterator[tuple[int, int]]:
    """Ranges of the rows from ``start`` on whose repeated cells do not take too much memory."""
    pa, pc = need_pyarrow()[0], need_compute()
    sizes = np.zeros(read.num_rows, dtype=np.int64)
    for column in read.columns:
        if pa.types.is_dictionary(column.type) and is_text(column.type):
            lengths = pc.fill_null(pc.take(pc.binary_length(column.dictionary), column.indices), 0)
            sizes += lengths.to_numpy(zero_copy_only=False)
    ends = np.cumsum(sizes)
    while start < read.num_rows:
        before = ends[start] - sizes[start]
        stop = int(np.searchsorted(ends, before + BATCH_BYTES, side="right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


def _partition_keys(path: Path, file: Path) -> dict[str, str | int | None]:
    """Cells that the folders of a file stand for, as in ``year=2026/month=11``."""
    if not path.is_dir():
        return {}
    folder = file.parent.relative_to(path).as_posix()
    found: dict[str, str | int | None] = {}
    for part in folder.split("/"):
        name, equal, value = part.partition("=")
        if equal and value == _NO_VALUE:
            found[name] = None
        elif equal:
            found[name] = int(value) if value.isdigit() else unquote(value)
    return found


def is_text(kind: Any) -> bool:
    """Whether a column of this type holds text, or nothing."""
    pa, _ = need_pyarrow()
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    views = getattr(pa.types, "is_string_view", lambda _: False)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or views(kind)
        or pa.types.is_null(kind)
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
