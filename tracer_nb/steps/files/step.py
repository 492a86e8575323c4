"""``tracer_nb route``: a file larger than memory, routed a batch at a time."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.records import FileProgress, FileRouted
from tracer_nb.steps.column.frames import OUTPUT_COLUMNS, cell_text
from tracer_nb.steps.files.journal import Journal, Work
from tracer_nb.steps.files.lines import CsvReader, JsonReader
from tracer_nb.steps.files.parquet import ParquetReader, parquet_files
from tracer_nb.steps.files.tables import (
    BATCH_ROWS,
    Batch,
    Reader,
    fingerprint,
    format_of,
    is_packed,
    with_columns,
)
from tracer_nb.steps.files.writing import parts_of
from tracer_nb.steps.route.batches import BatchRouter, load_batch_router
from tracer_nb.steps.route.outcome import Outcome
from tracer_nb.store import QueueStore, Shelf
from tracer_nb.store.labels import store_path
from tracer_nb.words import beginning

__all__ = ["OnFile", "check_there", "choose_column", "open_rows", "route_file", "router_digest"]

OnFile = Callable[[FileProgress], None]

# What a part holds at the most, and how long rows wait for theirs: what a kill can cost.
_PART_ROWS = 100_000
_PART_BYTES = 64_000_000
_PART_SECONDS = 30.0
# The most that is said of a row that is deferred.
_DEFERRED = "deferred"
_NO_TEXT = "no text"
_PART = re.compile(r"part-\d+\.parquet")


def route_file(
    source: str | os.PathLike[str],
    router: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    column: str | None = None,
    target: float | None = None,
    store: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_progress: OnFile | None = None,
    part_rows: int = _PART_ROWS,
) -> FileRouted:
    """Route a file that need not fit into memory.

    Decisions are those of ``load(router).route(frame)``, row for row; nobody is asked. Answers that
    the store holds go first, as everywhere; distinct deferred texts wait in its queue. Killed at any
    moment, the same call goes on behind the last part on disk, and the output holds each row once.

    Parameters
    ----------
    source : path
        CSV (.csv, .tsv), JSON lines (.jsonl, .ndjson), either as .gz too, Parquet (.parquet), or a
        folder of Parquet files.
    router : path
        From :meth:`tracer_nb.Tracer.save`.
    out : path
        What to write, in the format of its ending; without one, a folder of Parquet files.
    column : str, optional
        Which column holds the texts. By default "text", or the only one that holds text.
    target : float, optional
        One of the saved targets; the main one by default.
    store : path, optional
        The label store.
    overwrite : bool, default False
        Replace an output, or an unfinished run of another job, that is there.
    on_progress : callable, optional
        Told after each batch.
    part_rows : int
        Most rows of a part.

    Returns
    -------
    FileRouted

    Raises
    ------
    InvalidInput
        Input, router, column, target or output cannot be used; nothing is written then.
    MissingExtra
        Parquet without pyarrow, or the embedding model's package is not installed.
    StoreError
        The store failed; running again goes on.
    """
    path, target_path = Path(source).expanduser(), Path(out).expanduser()
    check_there(path)
    target_path = _checked_output(path, router, target_path)
    reader = open_rows(path)
    name = choose_column(reader, path, column)
    form = format_of(target_path)
    as_folder = form == "parquet" and (target_path.is_dir() or not target_path.suffix)
    shelf = Shelf(store)
    rows = load_batch_router(router, target=target, shelf=shelf)
    for beside in rows.columns:
        if beside not in reader.columns:
            raise InvalidInput.unknown_name("column", beside, reader.columns)
    columns = (*reader.columns, *(c for c in OUTPUT_COLUMNS if c not in reader.columns))
    parts = parts_of(form, columns, packed=is_packed(target_path))
    work = Work(target_path, parts, as_folder=as_folder)
    if target_path.exists() and not overwrite and not work.is_named():
        raise InvalidInput(
            f"{str(target_path)!r} is there already; --overwrite replaces it, and tracer_nb merge "
            "fills answers into it"
        )
    job = {
        "input": fingerprint(parquet_files(path)),
        "router": router_digest(router),
        "column": name,
        "target": f"{rows.certificate.target!r}, alarm {rows.alarm}",
        "output format": f"{form}, folder {as_folder}",
        "store": str(store_path(store).resolve()),
    }
    queue = QueueStore(shelf, rows.identity)
    with work.locked(), shelf.held():
        work.begin(job, overwrite=overwrite)
        resumed = work.journal.n_rows
        if work.journal.state == "parts":
            try:
                _Run(reader, name, rows, queue, work, part_rows, on_progress).go()
                if not work.journal.n_rows:
                    raise InvalidInput(f"{str(path)!r} has no rows; give a file with texts")
            finally:
                if not work.journal.n_rows:
                    work.give_up()
        n_rows, counts = work.journal.n_rows, dict(work.journal.counts)
        work.finish()
        return FileRouted(
            path=str(out),
            n_rows=n_rows,
            counts=counts,
            n_resumed=resumed,
            n_waiting=queue.count(),
            queued=not rows.defers_all,
            why=_why(rows),
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over a file."""

    reader: Reader
    column: str
    rows: BatchRouter
    queue: QueueStore
    work: Work
    part_rows: int
    on_progress: OnFile | None

    def go(self) -> None:
        """Route what is left, a part at a time."""
        before = self.work.journal
        meter = _Meter(self.reader, before, self.on_progress)
        part = _Part(before)
        most = min(self.part_rows, BATCH_ROWS)
        # One after the other: features take nine tenths of the time, so a thread that read and wrote
        # beside them would save a seventh at the most.
        for batch in self.reader.batches(before.end, self.column, most):
            beside = {
                name: [cell_text(cell) for cell in batch.cells(name)] for name in self.rows.columns
            }
            outcome, left = self.rows.decide(
                batch.cells(self.column), beside, known=self.queue.answers, first=part.n_rows
            )
            part.add(batch, outcome, () if self.rows.defers_all else left)
            if part.is_full(self.part_rows):
                part = self._commit(part)
            meter(part.n_rows, batch)
        if part.batches:
            self._commit(part)

    def _commit(self, part: _Part) -> _Part:
        # What waits is in the queue before its rows count as done: it cannot get lost.
        self.queue.add(part.deferred)
        self.work.commit(part.batches, part.n_rows, part.counts, part.batches[-1].end)
        return _Part(self.work.journal)


class _Part:
    """Rows that are decided about, and not on disk yet."""

    def __init__(self, before: Journal) -> None:
        self.n_rows, self.counts = before.n_rows, Counter(before.counts)
        self.batches: list[Batch] = []
        self.deferred: dict[str, None] = {}
        self._begun, self._rows, self._bytes = time.monotonic(), 0, 0

    def add(self, batch: Batch, outcome: Outcome, deferred: Iterable[str]) -> None:
        self.batches.append(with_columns(batch, _output(outcome)))
        self.deferred.update(dict.fromkeys(deferred))
        self.counts.update(_who(outcome))
        self.n_rows += len(batch)
        self._rows += len(batch)
        self._bytes += batch.size

    def is_full(self, most: int) -> bool:
        late = time.monotonic() - self._begun > _PART_SECONDS
        return late or self._rows >= most or self._bytes >= _PART_BYTES


def _output(outcome: Outcome) -> dict[str, Sequence[Any]]:
    values = (outcome.label, outcome.source, outcome.score, outcome.reason)
    return dict(zip(OUTPUT_COLUMNS, values, strict=True))


def _who(outcome: Outcome) -> Counter[str]:
    """Rows by who answered them."""
    return Counter(
        source or (_NO_TEXT if score is None else _DEFERRED)
        for source, score in zip(outcome.source, outcome.score, strict=True)
    )


def _why(rows: BatchRouter) -> str:
    if rows.alarm:
        return "an audit raised an alarm"
    return "" if rows.certificate.certified else "nothing was certified for new rows"


def check_there(path: Path) -> None:
    """Refuse a path of nothing.

    Raises
    ------
    InvalidInput
        Nothing is there.
    """
    if not path.exists():
        raise InvalidInput(f"cannot read {str(path)!r}: no such file or folder; give its path")
    _check_real(path)


def _check_real(path: Path) -> None:
    # A pipe is there once: a run that is killed could not go on, and opening it waits for ever.
    if not (path.is_file() or path.is_dir()):
        raise InvalidInput(
            f"{str(path)!r} is a pipe or a device; give the path of a file or folder"
        )


def open_rows(path: Path) -> Reader:
    """A reader of a file or folder.

    Raises
    ------
    InvalidInput
        There is no such file, or it is of another format.
    """
    form = format_of(path)
    if form == "parquet":
        return ParquetReader(path)
    if form == "jsonl":
        return JsonReader(path)
    return CsvReader(path, "\t" if form == "tsv" else ",")


def choose_column(reader: Reader, path: Path, column: str | None) -> str:
    """The column that holds the texts.

    Raises
    ------
    InvalidInput
        No such column, none holds text, or nobody knows which.
    """
    if column is not None:
        if column not in reader.columns:
            raise InvalidInput.unknown_name("column", column, reader.columns)
        chosen = column
    else:
        texts = [name for name in reader.text_columns if name not in OUTPUT_COLUMNS]
        if not texts:
            raise InvalidInput(
                f"{str(path)!r} has no column of text; there are: {_listed(reader.columns) or 'none'}"
            )
        if "text" not in texts and len(texts) > 1:
            raise InvalidInput(
                f"{str(path)!r} has several columns that may hold the texts: "
                f"{_listed(texts)}; name one: --column {beginning(texts[0], 40)}"
            )
        chosen = "text" if "text" in texts else texts[0]
    if chosen in OUTPUT_COLUMNS:
        raise InvalidInput(
            f"column {chosen!r} would be overwritten by what is written; rename it in the file first"
        )
    return chosen


def _listed(names: Sequence[str]) -> str:
    return ", ".join(beginning(name, 40) for name in names[:12]) + (", …" if names[12:] else "")


def router_digest(router: str | os.PathLike[str]) -> str:
    """What tells a router's file from others.

    Raises
    ------
    InvalidInput
        It cannot be read.
    """
    try:
        return hashlib.sha256(Path(router).expanduser().read_bytes()).hexdigest()
    except OSError as error:
        raise InvalidInput(f"cannot open {str(router)!r}: {error.strerror}") from error


def _checked_output(path: Path, router: str | os.PathLike[str], out: Path) -> Path:
    """The output's real path, which is neither on what is read nor in a folder that is not there."""
    real, source = out.resolve(), path.resolve()
    if real == source or source in real.parents or real in source.parents:
        raise InvalidInput(
            f"the output {str(out)!r} would lie on the input {str(path)!r}; give another path"
        )
    if real == Path(router).expanduser().resolve():
        raise InvalidInput(f"the output {str(out)!r} is the router; give another path")
    if real.exists():
        _check_real(real)
    if not real.parent.is_dir():
        raise InvalidInput.cannot_write(out, FileNotFoundError(2, "No such file or directory"))
    if real.is_dir():
        strange = next((p.name for p in real.iterdir() if not _PART.fullmatch(p.name)), None)
        if strange is not None:
            raise InvalidInput(
                f"the folder {str(out)!r} holds {strange!r}, which routing did not write; give another path"
            )
    return real


class _Meter:
    """Says how far a file is read, how fast, and how long it takes."""

    def __init__(self, reader: Reader, before: Journal, on_progress: OnFile | None) -> None:
        self._reader, self._n_before, self._tell = reader, before.n_rows, on_progress
        self._begun = time.monotonic()
        self._share = 0.0 if before.end is None else reader.share(before.end, before.n_rows)

    def __call__(self, n_done: int, batch: Batch) -> None:
        if self._tell is None:
            return
        seconds = max(time.monotonic() - self._begun, 1e-9)
        share = self._reader.share(batch.end, n_done)
        done = share - self._share
        left = seconds * (1.0 - share) / done if done > 0 else None
        rate = (n_done - self._n_before) / seconds
        self._tell(FileProgress(n_done, self._reader.n_rows, share, rate, left))
