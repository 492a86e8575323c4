"""Votes on texts that do not have all of theirs yet, on disk: they are paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Protocol, runtime_checkable

from tracer_nb.records import Answer
from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import identity_address, missing_identity, text_address

__all__ = ["Ballots", "Polled"]


@runtime_checkable
class Polled(Protocol):
    """A teacher that asks about a text several times."""

    votes: int

    def remember(self, ballots: Ballots | None) -> None:
        """Keep votes there until a text has all of them. Called before a run asks anything."""
        ...


class Ballots:
    """The votes of one teacher in a label store.

    A vote stays until its text has an answer; then the answer holds its cost, and it goes.

    Parameters
    ----------
    store : LabelStore
    identity : mapping
        Of the teacher.
    writer : ThreadPoolExecutor
        The run's only thread that writes.
    again : collection of str
        Texts that have an answer, without a label, and are asked about again.
    """

    def __init__(
        self,
        store: LabelStore,
        identity: Mapping[str, Any],
        writer: ThreadPoolExecutor,
        again: Collection[str] = (),
    ) -> None:
        self._store = store
        self._id = identity_address(identity)[0]
        self._missing_id = identity_address(missing_identity(identity))[0]
        self._writer = writer
        self._again = again
        self._left: asyncio.Future[dict[tuple[str, str], dict[int, Answer]]] | None = None

    async def of(self, text: str) -> dict[int, Answer]:
        """Votes on ``text`` that an earlier run has left, by their number.

        Raises
        ------
        StoreError
            The file cannot be read or written.
        """
        if self._left is None:
            loop = asyncio.get_running_loop()
            self._left = loop.run_in_executor(self._writer, self._read)
        return (await asyncio.shield(self._left)).get(self._address(text), {})

    async def put(self, text: str, turn: int, answer: Answer) -> None:
        """Store a vote; it is on disk when this returns.

        Raises
        ------
        StoreError
            The file cannot be written.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._write, text, turn, answer)

    def _address(self, text: str) -> tuple[str, str]:
        return self._missing_id if text in self._again else self._id, text_address(text)

    def _read(self) -> dict[tuple[str, str], dict[int, Answer]]:
        with self._store.writing() as db:
            db.execute(
                "DELETE FROM votes WHERE identity_id = ? AND text_id IN "
                "(SELECT text_id FROM answers WHERE identity_id = ?)",
                [self._id, self._id],
            )
        found: dict[tuple[str, str], dict[int, Answer]] = {}
        rows = self._store.select(
            "SELECT identity_id, text_id, turn, answer FROM votes WHERE identity_id IN (?, ?)",
            [self._id, self._missing_id],
        )
        for identity_id, text_id, turn, answer in rows:
            found.setdefault((identity_id, text_id), {})[turn] = Answer(**json.loads(answer))
        return found

    def _write(self, text: str, turn: int, answer: Answer) -> None:
        row = (*self._address(text), turn, json.dumps(asdict(answer)))
        with self._store.writing() as db:
            db.execute("INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?)", row)
