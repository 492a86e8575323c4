"""``tracer_nb merge``: answers that came since are filled into a file that was routed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tracer_nb.documents import make_document
from tracer_nb.engine.saving import read_router
from tracer_nb.engine.saving.atomic import replacing
from tracer_nb.errors import InvalidInput
from tracer_nb.records import FileMerged, RejectOption
from tracer_nb.steps.column.frames import OUTPUT_COLUMNS, cell_text, is_missing
from tracer_nb.steps.files.parquet import is_text, parquet_files
from tracer_nb.steps.files.step import check_there, choose_column, open_rows
from tracer_nb.steps.files.tables import Batch, format_of, is_packed, need_pyarrow, with_columns
from tracer_nb.steps.files.writing import LineParts, parts_of
from tracer_nb.steps.route.outcome import Why, answered
from tracer_nb.store import QueueStore, Shelf

__all__ = ["merge_file"]

_LABEL, _SOURCE, _, _REASON = OUTPUT_COLUMNS
# Of a row group: what is in memory at a time.
_GROUP_ROWS = 100_000
_GROUP_BYTES = 64_000_000


def merge_file(
    path: str | os.PathLike[str],
    router: str | os.PathLike[str],
    *,
    column: str | None = None,
    store: str | os.PathLike[str] | None = None,
) -> FileMerged:
    """Fill stored answers of the teacher into rows that were deferred.

    Every other row stays as it is. The file is replaced as a whole when the new one is written, of
    a folder each file in turn: killed at any moment, what is there is whole, and the same call goes
    on. Doing it twice changes nothing.

    Parameters
    ----------
    path : path
        What :func:`~tracer_nb.steps.files.step.route_file` wrote, or a cluster: a file, or a folder
        of Parquet files.
    router : path
        That routed it.
    column : str, optional
        Which column holds the texts, as there.
    store : path, optional
        The label store.

    Raises
    ------
    InvalidInput
        It was not routed, or cannot be read or written.
    MissingExtra
        Parquet without pyarrow.
    StoreError
        The store cannot be read.
    """
    source = Path(path).expanduser()
    check_there(source)
    about = read_router(router, with_features=False).about
    abstain = about["abstain"]
    reject = RejectOption(bool(abstain["unlike"]), abstain["unsure"])
    shelf = Shelf(store)
    filler = _Filler(QueueStore(shelf, about["identity"]), about.get("columns", ()), reject)
    with shelf.held():
        for file in parquet_files(source):
            filler.fill(file.resolve(), column)
    return FileMerged(str(path), filler.n_rows, filler.n_filled, filler.n_open)


class _Filler:
    """Fills answers into files, and counts."""

    def __init__(self, queue: QueueStore, names: Any, reject: RejectOption) -> None:
        self._queue, self._names, self._reject = queue, tuple(names), reject
        self.n_rows = self.n_filled = self.n_open = 0

    def fill(self, path: Path, column: str | None) -> None:
        """Fill one file."""
        reader: Any = open_rows(path)
        name = choose_column(reader, path, column)
        for needed in (_LABEL, _SOURCE, _REASON, *self._names):
            if needed not in reader.columns:
                raise InvalidInput(
                    f"{str(path)!r} has no column {needed!r}, so it was not routed; tracer_nb route "
                    "does that"
                )
        form = format_of(path)
        schema = _schema(path, reader.schema) if form == "parquet" else None
        with replacing(path) as file:
            filled = (self._filled(batch, name) for batch in reader.batches(None, name))
            if form == "parquet":
                _write_parquet(filled, schema, file)
            else:
                parts = parts_of(form, reader.columns, packed=is_packed(path))
                assert isinstance(parts, LineParts)  # noqa: S101  of lines
                file.write(parts.head())
                for batch in filled:
                    file.write(parts.encoded(batch))

    def _filled(self, batch: Batch, name: str) -> Batch:
        """A batch with what its open rows were answered."""
        self.n_rows += len(batch)
        texts = self._open_texts(batch, name)
        if not texts:
            return batch
        answers = self._queue.answers(list(dict.fromkeys(texts.values())))
        cells = {c: batch.cells(c) for c in (_LABEL, _SOURCE, _REASON)}
        for row, text in texts.items():
            answer = answers.get(text)
            if answer is None:
                self.n_open += 1
                continue
            self.n_filled += 1
            label, who, reason = answered(answer, self._reject)
            said = label, who, reason or Why.answered_later(cells[_REASON][row])
            for column, cell in zip(cells, said, strict=True):
                cells[column][row] = cell
        return with_columns(batch, cells)

    def _open_texts(self, batch: Batch, name: str) -> Mapping[int, str]:
        """Texts of the rows that nobody has answered, by row."""
        cells, reasons = batch.cells(name), batch.cells(_REASON)
        sources = batch.cells(_SOURCE)
        beside = {c: batch.cells(c) for c in self._names}
        found = {}
        for row, source in enumerate(sources):
            text = cells[row]
            is_open = (is_missing(source) or source == "") and not is_missing(reasons[row])
            if is_open and isinstance(text, str) and (text := text.strip()):
                others = {c: cell_text(its[row]) for c, its in beside.items()}
                found[row] = make_document(text, others)
        return found


def _schema(path: Path, schema: Any) -> Any:
    """The file's schema, in which what is filled in is text: a column of nothing has no type."""
    pa, _ = need_pyarrow()
    for name in (_LABEL, _SOURCE, _REASON):
        at = schema.get_field_index(name)
        kind = schema.field(at).type
        if pa.types.is_null(kind):
            schema = schema.set(at, pa.field(name, pa.string()))
        elif not is_text(kind):
            raise InvalidInput(
                f"{str(path)!r}: column {name!r} holds {kind}, not text, so it was not routed; tracer_nb "
                "route does that"
            )
    return schema


def _write_parquet(batches: Iterator[Batch], schema: Any, file: BinaryIO) -> None:
    pa, pq = need_pyarrow()
    with pq.ParquetWriter(file, schema) as writer:
        waiting: list[Any] = []
        for batch in batches:
            waiting.append(batch.table.cast(schema))
            is_long = sum(table.num_rows for table in waiting) >= _GROUP_ROWS
            if is_long or sum(table.nbytes for table in waiting) >= _GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
