"""Rows as parts of a file, and parts as the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.errors import InvalidInput
from tracer_nb.steps.files.tables import Batch, need_pyarrow

__all__ = ["LineParts", "ParquetParts", "Parts", "parts_of"]

# Of a row group of the finished file.
_GROUP_ROWS = 100_000
_GROUP_BYTES = 64_000_000


class LineParts:
    """Rows as lines of CSV or JSON.

    Parameters
    ----------
    columns : sequence of str
        Of CSV; JSON lines hold what their rows hold.
    delimiter : str or None
        None for JSON.
    packed : bool
        Compressed by gzip: what is written at a time stands for itself, so parts are joined as they
        are.
    """

    ending = ".lines"

    def __init__(
        self, columns: Sequence[str], delimiter: str | None, *, packed: bool = False
    ) -> None:
        self._columns, self._delimiter, self._packed = tuple(columns), delimiter, packed

    def take(self, parts: Iterable[Path]) -> None:
        """Go on behind these parts."""

    def write(self, batches: Sequence[Batch], path: Path) -> None:
        """Write rows as one part, whole or not at all.

        Raises
        ------
        InvalidInput
            It cannot be written, or CSV has no place for a column.
        """
        with replacing(path) as file:
            for batch in batches:
                file.write(self.encoded(batch))

    def encoded(self, batch: Batch) -> bytes:
        """Rows as bytes."""
        if self._delimiter is None:
            return self._bytes(b"".join(map(_json_line, batch.dicts())))
        rows = batch.dicts()
        known = set(self._columns)
        for row in rows:
            if not known.issuperset(row):
                strange = next(name for name in row if name not in known)
                raise InvalidInput(
                    f"a row has a column {strange!r} that the first rows have not, and CSV has one header "
                    "for all; write JSON lines: --out NAME.jsonl"
                )
        return self._csv([_cell(row.get(name)) for name in self._columns] for row in rows)

    def head(self) -> bytes:
        """What stands before all rows."""
        return self._bytes(b"") if self._delimiter is None else self._csv([self._columns])

    def join(self, parts: Iterable[Path], file: BinaryIO) -> None:
        """Make the file of its parts."""
        file.write(self.head())
        for part in parts:
            with part.open("rb") as opened:
                shutil.copyfileobj(opened, file, 1 << 20)

    def _csv(self, rows: Iterable[Sequence[Any]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter or ",", lineterminator="\n").writerows(rows)
        # A text that came from JSON may hold half a surrogate pair, which UTF-8 does not.
        return self._bytes(text.getvalue().encode("utf-8", "replace"))

    def _bytes(self, data: bytes) -> bytes:
        # Without a time: the same rows are the same bytes.
        return gzip.compress(data, compresslevel=6, mtime=0) if self._packed else data


def _json_line(row: dict[str, Any]) -> bytes:
    plain = {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124  NaN
    try:
        return (json.dumps(plain, ensure_ascii=False, default=str) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return (json.dumps(plain, default=str) + "\n").encode()


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


class ParquetParts:
    """Rows as Parquet files; the columns of JSON lines are of the types that all parts fit in.

    Parameters
    ----------
    schema : pyarrow.Schema or None
        Of what was written so far.
    """

    ending = ".parquet"

    def __init__(self, schema: Any = None) -> None:
        self._schema = schema

    def take(self, parts: Iterable[Path]) -> None:
        """Go on behind these parts."""
        _, pq = need_pyarrow()
        for part in parts:
            self._widen(pq.read_schema(part))

    def write(self, batches: Sequence[Batch], path: Path) -> None:
        """Write rows as one part, whole or not at all.

        Raises
        ------
        InvalidInput
            It cannot be written, or a column holds values of types that do not go together.
        """
        _, pq = need_pyarrow()
        table = self._table(batches)
        self._widen(table.schema)
        with replacing(path) as file:
            pq.write_table(table, file)
        try:
            pq.read_schema(path)
        except OSError as error:  # nested more deeply than Parquet is read
            raise _mixed("", error) from error

    def join(self, parts: Iterable[Path], file: BinaryIO) -> None:
        """Make the file of its parts."""
        _, pq = need_pyarrow()
        schema = self._schema
        with pq.ParquetWriter(file, schema) as writer:
            for table in self._groups(parts):
                writer.write_table(table)

    def _groups(self, parts: Iterable[Path]) -> Iterator[Any]:
        pa, pq = need_pyarrow()
        waiting: list[Any] = [self._schema.empty_table()]
        n = size = 0
        for part in parts:
            table = pq.read_table(part, use_threads=False, partitioning=None)
            waiting.append(table)
            n, size = n + table.num_rows, size + table.nbytes
            if n >= _GROUP_ROWS or size >= _GROUP_BYTES:
                yield self._fitted(pa, waiting)
                waiting, n, size = waiting[:1], 0, 0
        if n:
            yield self._fitted(pa, waiting)

    def _fitted(self, pa: Any, tables: Sequence[Any]) -> Any:
        joined = pa.concat_tables(tables, promote_options="permissive")
        return joined.select(self._schema.names).cast(self._schema)

    def _table(self, batches: Sequence[Batch]) -> Any:
        pa, _ = need_pyarrow()
        tables = [batch.table for batch in batches if batch.table is not None]
        if tables:
            return pa.concat_tables(tables)
        rows = [row for batch in batches for row in batch.dicts()]
        names = dict.fromkeys(name for row in rows for name in row)
        made = {}
        for name in names:
            cells = [row.get(name) for row in rows]
            kind = pa.float64() if name == "label_score" else None
            try:
                name.encode()  # half a surrogate pair is no name
                made[name] = pa.array(cells, kind)
            except (pa.ArrowException, TypeError, OverflowError, UnicodeError) as error:
                raise _mixed(name, error) from error
        # What routing adds is text, also where no row has any.
        for name in ("label", "label_source", "label_reason"):
            if name in made and pa.types.is_null(made[name].type):
                made[name] = made[name].cast(pa.string())
        return pa.table(made)

    def _widen(self, schema: Any) -> None:
        pa, _ = need_pyarrow()
        if self._schema is None:
            self._schema = schema
            return
        if schema.equals(self._schema):
            return
        try:
            self._schema = pa.unify_schemas([self._schema, schema], promote_options="permissive")
        except pa.ArrowException as error:
            raise _mixed("", error) from error


def _mixed(name: str, error: Exception) -> InvalidInput:
    why = " ".join(str(error).split())[:160]
    which = f"column {name!r}" if name else "a column"
    return InvalidInput(
        f"{which} holds values that no Parquet column holds together ({why}); write JSON lines: "
        "--out NAME.jsonl"
    )


Parts = LineParts | ParquetParts


def parts_of(form: str, columns: Sequence[str], *, packed: bool = False) -> Parts:
    """Parts of a file in a format."""
    if form == "parquet":
        need_pyarrow()
        return ParquetParts()
    delimiter = {"csv": ",", "tsv": "\t", "jsonl": None}[form]
    return LineParts(columns, delimiter, packed=packed)
