"""A saved router on the clusters that exist: Dask, Spark and Ray.

One pure function of a batch of rows, which is that of files (:mod:`tracer_nb.steps.route.batches`),
mapped over the partitions of a frame. The router travels to a worker once, and is kept in each of
its processes. Workers ask nobody: deferred rows are marked, and :func:`queue_deferred` lets their
texts wait in the label store, where ``tracer_nb drain`` asks about them; what was written as
Parquet files is filled in by ``tracer_nb merge``. Every result is lazy, as the engine's own are.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer_nb.engine.saving import read_router
from tracer_nb.errors import InvalidInput, MissingExtra
from tracer_nb.steps.column.frames import OUTPUT_COLUMNS, cell_text, label_frame, read_cells
from tracer_nb.steps.route.batches import BatchRouter, load_batch_router
from tracer_nb.steps.route.outcome import waiting_document
from tracer_nb.store import QueueStore, Shelf

__all__ = ["queue_deferred", "route_dask", "route_ray", "route_spark"]

_DOCUMENT = "document"
# Routers that a worker keeps.
_MOST_ROUTERS = 4


def route_dask(
    frame: Any,
    router: str | os.PathLike[str],
    *,
    column: str = "text",
    target: float | None = None,
) -> Any:
    """Route a Dask dataframe.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
    router : path
        From :meth:`tracer_nb.Tracer.save`; read here, workers need no such file.
    column : str
        Which column holds the texts.
    target : float, optional
        One of the saved targets; the main one by default.

    Returns
    -------
    dask.dataframe.DataFrame
        With the columns of a routed frame; decisions are those of ``load(router).route(frame)``.

    Raises
    ------
    InvalidInput
        The router cannot decide about texts alone, or there is no such column or target.
    MissingExtra
        Dask is not installed.
    """
    try:
        import dask  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtra.for_package("dask", "dask", "route_dask") from error
    parcel = _Parcel(router, target, column, frame.columns)
    meta = label_frame(frame._meta, {name: [] for name in OUTPUT_COLUMNS})  # noqa: SLF001
    data = dask.delayed(parcel.data, name=f"router-{parcel.digest}")
    client = _dask_client()
    if client is not None:  # to every worker at once, and out of the graph
        data = client.scatter(parcel.data, broadcast=True)
    return frame.map_partitions(_route_pandas, data, parcel.told, meta=meta)


def route_spark(
    frame: Any,
    router: str | os.PathLike[str],
    *,
    column: str = "text",
    target: float | None = None,
) -> Any:
    """Route a Spark dataframe, by ``mapInPandas``.

    Parameters and errors are those of :func:`route_dask`.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    router, column, target
        As there.

    Returns
    -------
    pyspark.sql.DataFrame
    """
    try:
        from pyspark.sql import types  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtra.for_package("pyspark", "spark", "route_spark") from error
    parcel = _Parcel(router, target, column, frame.columns)
    made = {
        name: types.StructField(
            name, types.DoubleType() if name == "label_score" else types.StringType()
        )
        for name in OUTPUT_COLUMNS
    }
    fields = {field.name: field for field in frame.schema.fields} | made
    data, told = _spark_broadcast(frame, parcel.data), parcel.told

    def routed(parts: Iterable[Any]) -> Iterator[Any]:
        for part in parts:
            yield _route_pandas(part, data, told)

    return frame.mapInPandas(routed, types.StructType(list(fields.values())))


def route_ray(
    dataset: Any,
    router: str | os.PathLike[str],
    *,
    column: str = "text",
    target: float | None = None,
) -> Any:
    """Route a Ray dataset, by ``map_batches`` over tables of pyarrow.

    Parameters and errors are those of :func:`route_dask`.

    Parameters
    ----------
    dataset : ray.data.Dataset
    router, column, target
        As there.

    Returns
    -------
    ray.data.Dataset
    """
    try:
        import ray  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtra.for_package("ray", "ray", "route_ray") from error
    parcel = _Parcel(router, target, column, dataset.columns(fetch_if_missing=False))
    # In a list it stays a reference, which a process follows once.
    held = [ray.put(parcel.data)]
    return dataset.map_batches(
        _route_arrow, batch_format="pyarrow", fn_kwargs={"held": held, "told": parcel.told}
    )


def queue_deferred(
    routed: Any,
    router: str | os.PathLike[str],
    *,
    column: str = "text",
    store: str | os.PathLike[str] | None = None,
) -> int:
    """Let the deferred texts of a routed frame wait in the label store; how many wait now.

    Only they come to this process, a partition at a time. The frame is computed for it: give one
    that is persisted, or read back what was written.

    Parameters
    ----------
    routed : dask, pyspark, ray or pandas frame
        From the functions here, or what was written of theirs.
    router : path
        That routed it.
    column : str
        Which column holds the texts.
    store : path, optional
        The label store.

    Raises
    ------
    InvalidInput
        No such frame, or it was not routed.
    StoreError
        The store cannot be written.
    """
    about = read_router(router).about
    names = (column, *about.get("columns", ()))
    queue = QueueStore(Shelf(store), about["identity"])
    for texts in _waiting(routed, names):
        queue.add(dict.fromkeys(texts))
    return queue.count()


# --- what travels


class _Parcel:
    """A router's file, and what a worker is told about it; checked before anything is sent."""

    def __init__(
        self,
        router: str | os.PathLike[str],
        target: float | None,
        column: str,
        columns: Sequence[str] | None,
    ) -> None:
        rows = load_batch_router(router, target=target)
        names = None if columns is None else [str(name) for name in columns]
        for name in (column, *rows.columns):
            if names is not None and name not in names:
                raise InvalidInput.unknown_name("column", name, names)
        if column in OUTPUT_COLUMNS:
            raise InvalidInput(
                f"column {column!r} would be overwritten by what is added; rename it"
            )
        self.data = Path(router).expanduser().read_bytes()
        self.digest = hashlib.sha256(self.data).hexdigest()
        self.told: dict[str, Any] = {"digest": self.digest, "target": target, "column": column}


_lock = threading.Lock()
_kept: dict[tuple[str, float | None], BatchRouter] = {}
"""Routers of this process, by digest and target."""


def _router_of(data: Callable[[], bytes], digest: str, target: float | None) -> BatchRouter:
    """A router from its bytes, which are asked for once a process."""
    key = digest, target
    with _lock:
        if key not in _kept:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "router.tracer"
                path.write_bytes(data())
                rows = load_batch_router(path, target=target)
            while len(_kept) >= _MOST_ROUTERS:
                _kept.pop(next(iter(_kept)))
            _kept[key] = rows
        return _kept[key]


def _routed(frame: Any, told: Mapping[str, Any], data: Callable[[], bytes]) -> Any:
    """A partition with the output columns."""
    rows = _router_of(data, told["digest"], told["target"])
    cells = read_cells(frame[told["column"]])
    beside = {name: [cell_text(c) for c in read_cells(frame[name])] for name in rows.columns}
    outcome, _ = rows.decide(cells, beside)
    return outcome.onto(frame)


def _route_pandas(part: Any, data: Any, told: Mapping[str, Any]) -> Any:
    return _routed(part, told, lambda: data if isinstance(data, bytes) else data.value)


def _route_arrow(part: Any, held: Sequence[Any], told: Mapping[str, Any]) -> Any:
    def fetched() -> bytes:
        import ray  # noqa: PLC0415  an extra

        data: bytes = ray.get(held[0])
        return data

    return _routed(part, told, fetched)


def _dask_client() -> Any:
    """The client of a running cluster; None where there is none."""
    try:
        from distributed import get_client  # noqa: PLC0415  only with a cluster

        return get_client()
    except (ImportError, ValueError):
        return None


def _spark_broadcast(frame: Any, data: bytes) -> Any:
    """The bytes as a broadcast variable; themselves where a session has none (Spark Connect)."""
    try:
        return frame.sparkSession.sparkContext.broadcast(data)
    except Exception:  # noqa: BLE001  which error it is depends on the version
        return data


# --- what comes back


def _waiting(routed: Any, names: Sequence[str]) -> Iterator[list[str]]:
    """Texts that wait, a partition at a time."""
    engine = type(routed).__module__.partition(".")[0]
    if engine == "dask":
        import pandas as pd  # noqa: PLC0415  slow to import

        meta = pd.DataFrame({_DOCUMENT: pd.Series([], dtype=object)})
        for part in routed.map_partitions(_documents, names, meta=meta).to_delayed():
            yield part.compute()[_DOCUMENT].tolist()
    elif engine == "pyspark":

        def documents(parts: Iterable[Any]) -> Iterator[Any]:
            for part in parts:
                yield _documents(part, names)

        found = routed.mapInPandas(documents, f"{_DOCUMENT} string").distinct()
        yield from _in_parts(row[0] for row in found.toLocalIterator())
    elif engine == "ray":
        how: dict[str, Any] = {"batch_format": "pyarrow", "fn_kwargs": {"names": names}}
        for part in routed.map_batches(_document_table, **how).iter_batches(batch_format="pyarrow"):
            yield part[_DOCUMENT].to_pylist()
    elif hasattr(routed, "columns"):
        yield _found(routed, names)
    else:
        raise InvalidInput(
            f"expected a routed frame of Dask, Spark, Ray or pandas, got {type(routed).__name__}"
        )


def _in_parts(texts: Iterable[str], size: int = 10_000) -> Iterator[list[str]]:
    part: list[str] = []
    for text in texts:
        part.append(text)
        if len(part) == size:
            yield part
            part = []
    yield part


def _found(part: Any, names: Sequence[str]) -> list[str]:
    """Distinct texts of the rows of a partition that wait for the teacher."""
    there = part.column_names if hasattr(part, "column_names") else part.columns
    for name in (*names, "label_reason"):
        if name not in there:
            raise InvalidInput(f"the frame has no column {name!r}; route it first")
    reasons = read_cells(part["label_reason"])
    cells = {name: read_cells(part[name]) for name in names}
    found = (
        waiting_document(cells[names[0]][row], reason, {c: cells[c][row] for c in names[1:]})
        for row, reason in enumerate(reasons)
    )
    return list(dict.fromkeys(text for text in found if text is not None))


def _documents(part: Any, names: Sequence[str]) -> Any:
    import pandas as pd  # noqa: PLC0415  slow to import

    return pd.DataFrame({_DOCUMENT: pd.Series(_found(part, names), dtype=object)})


def _document_table(part: Any, names: Sequence[str]) -> Any:
    import pyarrow as pa  # noqa: PLC0415  an extra

    return pa.table({_DOCUMENT: pa.array(_found(part, names), pa.string())})
