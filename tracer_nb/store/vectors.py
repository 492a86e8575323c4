"""Vectors of texts that an encoder has seen before, in a file beside the label store."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from tracer_nb.store.labels import store_path

__all__ = ["VectorCache"]

# Vectors of 384 numbers: some 600,000 texts. What is oldest goes first.
_MOST_BYTES = 1_000_000_000
# Texts that are embedded, then kept: what an interrupt costs at the most.
_TOGETHER = 1024
_LOOKED_UP = 500
_PATIENCE = 5.0


class VectorCache:
    """Vectors of texts by what they are made of: encoder and text, both by their hash.

    It holds no text. Nothing depends on it: a file that is missing, damaged, locked or on a full
    disk costs time, and is no error.

    Parameters
    ----------
    store : path or None
        The label store, beside which the file lies: ``labels.sqlite`` has ``labels.vectors.sqlite``.
    """

    def __init__(self, store: str | os.PathLike[str] | None) -> None:
        path = store_path(store)
        self.path = path.with_name(f"{path.stem}.vectors.sqlite")

    def vectors(
        self,
        encoder: str,
        texts: Sequence[str],
        embed: Callable[[Sequence[str]], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """One vector a text: kept ones, and for the others what ``embed`` says, which is kept.

        Parameters
        ----------
        encoder : str
            Whatever a vector depends on besides its text.
        texts : sequence of str
        embed : callable
            Makes vectors (m, d), float32, of m texts.

        Returns
        -------
        ndarray of shape (n, d), float32
        """
        addresses = [_address(encoder, text) for text in texts]
        known = self._known(addresses)
        new = {a: text for a, text in zip(addresses, texts, strict=True) if a not in known}
        # By length, so that little is padded whichever of them are embedded together.
        left = sorted(new, key=lambda address: (len(new[address]), new[address]))
        for start in range(0, len(left), _TOGETHER):
            part = left[start : start + _TOGETHER]
            made = dict(zip(part, embed([new[address] for address in part]), strict=True))
            known |= made
            self._keep(made)
        if len({len(vector) for vector in known.values()}) > 1:
            return embed(texts)  # the file has vectors of another encoder under this one's hash
        return np.array([known[address] for address in addresses], dtype=np.float32)

    def _known(self, addresses: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        found: dict[bytes, NDArray[np.float32]] = {}
        if not self.path.exists():
            return found
        with suppress(sqlite3.Error, OSError, ValueError), self._opened() as db:
            for start in range(0, len(addresses), _LOOKED_UP):
                part = addresses[start : start + _LOOKED_UP]
                marks = ",".join("?" * len(part))
                rows = db.execute(
                    f"SELECT address, vector FROM vectors WHERE address IN ({marks})",  # noqa: S608
                    part,
                )
                for address, held in rows:
                    vector = np.frombuffer(held, dtype="<f4").astype(np.float32)
                    if len(vector) and np.isfinite(vector).all():
                        found[address] = vector
        return found

    def _keep(self, made: dict[bytes, NDArray[np.float32]]) -> None:
        with suppress(sqlite3.Error, OSError), self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT OR REPLACE INTO vectors (address, vector) VALUES (?, ?)",
                ((a, np.asarray(vector, dtype="<f4").tobytes()) for a, vector in made.items()),
            )
            if self._size(db) > _MOST_BYTES:
                first, last = db.execute("SELECT min(number), max(number) FROM vectors").fetchone()
                db.execute("DELETE FROM vectors WHERE number <= ?", (first + (last - first) // 4,))
            db.execute("COMMIT")

    @staticmethod
    def _size(db: sqlite3.Connection) -> int:
        pages, free, size = (
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as db:
            # What is lost in a power cut is embedded again.
            db.execute("PRAGMA synchronous = OFF")
            db.execute(
                "CREATE TABLE IF NOT EXISTS vectors "
                "(number INTEGER PRIMARY KEY, address BLOB UNIQUE NOT NULL, vector BLOB NOT NULL)"
            )
            yield db


def _address(encoder: str, text: str) -> bytes:
    digest = hashlib.sha256(encoder.encode("utf-8", "surrogatepass"))
    digest.update(b"\0" + text.encode("utf-8", "surrogatepass"))
    return digest.digest()[:16]
