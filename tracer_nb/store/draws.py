"""Which rows of a column were drawn for what, on disk, so that another session goes on with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer_nb.errors import StoreError
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import identity_address

__all__ = ["DrawStore", "column_key"]

_Record = Mapping[str, Any]


def column_key(identity: Mapping[str, Any], texts: Sequence[str], codes: NDArray[np.intp]) -> str:
    """What draws belong to: who is asked, and about which rows.

    Parameters
    ----------
    identity : mapping
        Of the teacher.
    texts : sequence of str
        Distinct texts of the column.
    codes : ndarray of shape (n_rows,), int
        Text of each row; -1 for none.
    """
    digest = hashlib.sha256(identity_address(identity)[0].encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    digest.update(np.ascontiguousarray(codes, dtype=np.int64).tobytes())
    return digest.hexdigest()


class DrawStore:
    """Draws by the column that they are of, in the file of the label store.

    Parameters
    ----------
    opened : callable or None
        Gives the open label store; None keeps nothing.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[LabelStore]] | None) -> None:
        self._opened = opened

    def records(self, key: str) -> list[dict[str, Any]]:
        """All draws of a column, in order.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if self._opened is None:
            return []
        with self._opened() as store:
            found = store.select(
                "SELECT record FROM draws WHERE column_id = ? ORDER BY number", [key]
            )
        return [json.loads(text) for (text,) in found]

    def put(self, key: str, records: Sequence[_Record]) -> None:
        """Keep all draws of a column, in one commit; those before the last stay as they were.

        Raises
        ------
        StoreError
            The file cannot be written, or another kernel has drawn rows of this column since.
        """
        if self._opened is None:
            return
        with self._opened() as store, store.writing() as db:
            query = "SELECT record FROM draws WHERE column_id = ? ORDER BY number"
            stored = [json.loads(text) for (text,) in db.execute(query, [key])]
            if not _goes_on(stored, records):
                raise StoreError(
                    "another kernel has drawn rows of this column since; run this step again to go "
                    "on from there"
                )
            rows = [
                (key, i, json.dumps(record))
                for i, record in enumerate(records)
                # What a test has said stays, also where a kernel that is behind does it again.
                if i >= len(stored) or (stored[i] != record and record["found"])
            ]
            db.executemany("INSERT OR REPLACE INTO draws VALUES (?, ?, ?)", rows)


def _goes_on(stored: Sequence[_Record], records: Sequence[_Record]) -> bool:
    """Whether both are the same draws as far as both go; what a test said may have changed."""

    def drawn(record: _Record) -> dict[str, Any]:
        return {k: v for k, v in record.items() if k not in ("found", "missing")}

    pairs = zip(stored, records, strict=False)
    return all(drawn(a) == drawn(b) for a, b in pairs)
