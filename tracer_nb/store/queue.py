"""Texts of files and clusters that wait to be asked about: deferred there, answered another day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tracer_nb.store.labels import LabelStore, store_path
from tracer_nb.store.rows import identity_address, text_address
from tracer_nb.store.shelf import Shelf

__all__ = ["QueueStore"]

# A text that got its answer in whatever way waits no longer.
_WAITING = (
    "FROM queue WHERE identity_id = ? AND NOT EXISTS (SELECT 1 FROM answers "
    "WHERE answers.identity_id = queue.identity_id AND answers.text_id = queue.text_id)"
)
# Fewer texts than the label store looks up in another way, for which it counts all that is stored.
_CHUNK = 1_000


class QueueStore:
    """Texts that wait for the answer of one teacher, in the file of the label store.

    Parameters
    ----------
    shelf : Shelf
        Nothing is made on disk before there is something to keep.
    identity : mapping
        Of the teacher.
    """

    def __init__(self, shelf: Shelf, identity: Mapping[str, Any]) -> None:
        self._shelf = shelf
        self._identity = identity
        self._id, self._json = identity_address(identity)

    @property
    def _is_there(self) -> bool:
        return not self._shelf.is_file or store_path(self._shelf.path).exists()

    def answers(self, texts: Sequence[str]) -> dict[str, Any]:
        """Stored answers of the teacher to those of ``texts`` that have one.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if not self._is_there:
            return {}
        with self._shelf.open() as store:
            query = "SELECT 1 FROM answers WHERE identity_id = ? LIMIT 1"
            if not store.select(query, [self._id]):
                return {}
            found: dict[str, Any] = {}
            for i in range(0, len(texts), _CHUNK):
                found.update(store.get_many(self._identity, texts[i : i + _CHUNK]))
            return found

    def add(self, texts: Iterable[str]) -> None:
        """Let these wait, in one commit; those that do already are not added twice.

        Raises
        ------
        StoreError
            The file cannot be written: locked, read-only, or the disk is full.
        """
        rows = [
            (self._id, text_address(text), text.encode("utf-8", "surrogatepass")) for text in texts
        ]
        if not rows:
            return
        with self._shelf.open() as store, store.writing() as db:
            db.execute("INSERT OR IGNORE INTO identities VALUES (?, ?)", (self._id, self._json))
            db.executemany("INSERT OR IGNORE INTO queue VALUES (?, ?, ?)", rows)

    def count(self) -> int:
        """How many wait.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        if not self._is_there:
            return 0
        with self._shelf.open() as store:
            ((n,),) = store.select(f"SELECT count(*) {_WAITING}", [self._id])
        return int(n)

    def parts(self, size: int) -> Iterator[list[str]]:
        """Those that wait, at most ``size`` at a time, each once.

        They come in the order of their addresses, which is that of no file: what a cap leaves
        out is left out at random.

        Raises
        ------
        StoreError
            The file cannot be read.
        """
        last = ""
        while self._is_there:
            with self._shelf.open() as store:
                rows = self._next(store, last, size)
            if not rows:
                return
            yield [text.decode("utf-8", "surrogatepass") for _, text in rows]
            last = rows[-1][0]

    def _next(self, store: LabelStore, last: str, size: int) -> list[tuple[Any, ...]]:
        query = f"SELECT text_id, text {_WAITING} AND text_id > ? ORDER BY text_id LIMIT ?"
        return store.select(query, [self._id, last, size])

    def settle(self) -> None:
        """Let go of those that have an answer.

        Raises
        ------
        StoreError
            The file cannot be written.
        """
        if not self._is_there:
            return
        with self._shelf.open() as store, store.writing() as db:
            db.execute(
                "DELETE FROM queue WHERE identity_id = ? AND EXISTS (SELECT 1 FROM answers WHERE "
                "answers.identity_id = queue.identity_id AND answers.text_id = queue.text_id)",
                [self._id],
            )
