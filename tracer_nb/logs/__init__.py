"""Logs of past LLM calls, read into texts and labels whatever their fields are called.

Files are JSON lines, JSON, CSV, Parquet, and OpenTelemetry's exports.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput, MissingExtra
from tracer_nb.logs.fields import FIELDS, find_columns, flatten_span, read_call, spans_in

__all__ = ["LoggedCalls", "read_logs"]

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
# Rows whose keys are looked at to learn what the fields are called.
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True, eq=False)
class LoggedCalls:
    """Calls that have a text and a label, in the order of the file.

    Attributes
    ----------
    texts, labels : tuple of str, length n
    costs : tuple of (float or None), length n
        Dollars.
    probabilities : tuple of (mapping or None), length n
    columns : mapping of str to str
        Field to its name in the file.
    n_read : int
        Rows in the file.
    skipped : tuple of (str, int)
        Why rows were left out, the most frequent reason first.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    costs: tuple[float | None, ...]
    probabilities: tuple[Mapping[str, float] | None, ...]
    columns: Mapping[str, str]
    n_read: int
    skipped: tuple[tuple[str, int], ...] = ()


def read_logs(
    source: str | os.PathLike[str] | Iterable[Mapping[str, Any]] | Any,
    *,
    columns: Mapping[str, str] | None = None,
) -> LoggedCalls:
    """Read past calls from a file, a dataframe or an iterable of dicts.

    Parameters
    ----------
    source : path, dataframe or iterable of mappings
        JSON lines, a JSON list or OTLP export, CSV, TSV or Parquet, by the name's ending.
    columns : mapping of str to str, optional
        "text", "label", "cost", … to the file's own name, where that is not found by itself.

    Raises
    ------
    InvalidInput
        No such file, an ending or content that cannot be read, or no text or label in it.
    MissingExtra
        A Parquet file, and no pyarrow.
    """
    rows = iter(_rows(source))
    first = [row for _, row in zip(range(_LOOKED_AT), rows, strict=False)]
    names = dict.fromkeys(str(key) for row in first for key in row)
    _check_given(columns, names)
    found = find_columns(names, columns)
    for field in ("text", "label"):
        if field not in found:
            raise InvalidInput(
                f"the log has no column for the {field}; it has {', '.join(names) or 'none'}; "
                f"name it, as {field}=COLUMN"
            )
    return _collect(_chained(first, rows), found)


def _collect(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> LoggedCalls:
    texts, labels, costs, chances = [], [], [], []
    skipped: Counter[str] = Counter()
    shared: dict[str, str] = {}
    n = 0
    for row in rows:
        n += 1
        call = read_call(row, columns)
        missing = next((field for field in ("text", "label") if field not in call), None)
        if missing is not None:
            skipped[f"no {missing}"] += 1
            continue
        texts.append(call["text"])
        labels.append(shared.setdefault(call["label"], call["label"]))
        costs.append(call.get("cost"))
        chances.append(call.get("probabilities"))
    if not texts:
        raise InvalidInput(f"none of the {n} logged calls has a text and a label")
    return LoggedCalls(
        tuple(texts),
        tuple(labels),
        tuple(costs),
        tuple(chances),
        dict(columns),
        n,
        tuple(skipped.most_common()),
    )


def _rows(source: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(source, (str, os.PathLike)):
        return _file_rows(Path(source).expanduser())
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        records: Iterable[Mapping[str, Any]] = source.to_dict("records")
        return records
    if isinstance(source, Iterable):
        return source
    raise InvalidInput(
        f"a log is a file, a dataframe or a list of dicts, got {type(source).__name__}"
    )


def _file_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidInput(
            f"the log {str(path)!r} must end in {', '.join(_SUFFIXES)}; rename or convert it"
        )
    if not path.is_file():
        raise InvalidInput(f"there is no file {str(path)!r}; check the path")
    try:
        if suffix in (".csv", ".tsv"):
            yield from _csv_rows(path, "\t" if suffix == ".tsv" else ",")
        elif suffix == ".parquet":
            yield from _parquet_rows(path)
        elif suffix == ".json":
            yield from _unpacked(json.loads(path.read_text(encoding="utf-8-sig")))
        else:
            yield from _json_lines(path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise InvalidInput(f"cannot read the log {str(path)!r}: {error}") from error


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except ValueError as error:
                # The last line of a log that is still written to may be cut.
                if next(file, None) is None:
                    return
                raise InvalidInput(
                    f"line {number} of {str(path)!r} is no JSON ({error}); one object a line"
                ) from error
            yield from _unpacked(value)


def _unpacked(value: Any) -> Iterator[Mapping[str, Any]]:
    """Rows of a JSON value: a list of them, an export of spans, or one row."""
    if isinstance(value, list):
        for part in value:
            yield from _unpacked(part)
        return
    spans = list(spans_in(value))
    if spans:
        yield from (row for row in map(flatten_span, spans) if row is not None)
    elif isinstance(value, Mapping):
        yield value


def _csv_rows(path: Path, separator: str) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(2**24)
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=separator)


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow as pa  # noqa: PLC0415  optional, and slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra.for_package("pyarrow", "parquet", "a Parquet file") from error
    try:
        for batch in pq.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"cannot read the log {str(path)!r}: {error}") from error


def _chained(
    first: list[Mapping[str, Any]], rest: Iterator[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    yield from first
    yield from rest


def _check_given(columns: Mapping[str, str] | None, names: Mapping[str, None]) -> None:
    for field, name in (columns or {}).items():
        if field not in FIELDS:
            raise InvalidInput.unknown_name("field of a log", field, tuple(FIELDS))
        if name not in names:
            raise InvalidInput.unknown_name("column of the log", name, tuple(names))
