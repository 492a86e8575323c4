"""A batch as a row of a label store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tracer_nb.records import Batch
from tracer_nb.teachers.store import LabelStore

__all__ = ["NOTED", "SELECT", "SENDING", "Entry", "all_batches", "to_entry"]

NOTED = "noted"
"""Its texts are set aside for it; nothing that costs money was sent."""
SENDING = "sending"
"""The server was asked, or was about to be asked, to make it; its reply is not noted."""

_COLUMNS = (
    *("key", "server", "form", "n_texts", "most_tokens", "reserved", "state", "file_id"),
    *("batch_id", "n_done", "n_failed", "n_answers", "cost", "note", "noted_at", "sent_at"),
    "collected_at",
)
SELECT = (
    f"SELECT {', '.join('b.' + c for c in _COLUMNS)}, i.identity "  # noqa: S608 -- names only
    "FROM batches b JOIN identities i ON i.id = b.identity_id "
)
"""Begins every query whose rows :func:`to_entry` reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch as it is noted.

    Attributes
    ----------
    key : str
        Ours; the server is told it as the batch's metadata.
    form : str
        In which its requests ask for an answer.
    most_tokens : int
        That its texts can take.
    file_id, batch_id : str or None
        The server's names.
    shown : Batch
        Everything that is for people.
    """

    key: str
    form: str
    most_tokens: int
    file_id: str | None
    batch_id: str | None
    sent_at: str | None
    shown: Batch

    @property
    def state(self) -> str:
        """Ours until the server has replied, then the server's."""
        return self.shown.state


def to_entry(row: tuple[Any, ...]) -> Entry:
    """Entry from its columns."""
    values = dict(zip(_COLUMNS, row, strict=False))
    names = ("form", "most_tokens", "file_id", "batch_id")
    form, most_tokens, file_id, batch_id = (values.pop(name) for name in names)
    key, sent_at, noted_at = values["key"], values["sent_at"], values.pop("noted_at")
    shown = Batch(
        **{**values, "key": key[:8], "sent_at": sent_at or noted_at},
        teacher=str(json.loads(row[-1]).get("model", "")),
    )
    return Entry(key, form, most_tokens, file_id, batch_id, sent_at, shown)


def all_batches(store: LabelStore) -> tuple[Batch, ...]:
    """Batches of all teachers in a store, the last one first.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    rows = store.select(f"{SELECT} ORDER BY b.number DESC")
    return tuple(to_entry(row).shown for row in rows)
