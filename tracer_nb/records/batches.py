"""Texts that a provider answers later."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_nb.records.answers import Spending

__all__ = ["Batch", "Collected", "Submitted"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that were sent to a server's batch endpoint together.

    Attributes
    ----------
    key : str
        Eight hexadecimal digits that name the batch here.
    teacher, server : str
    state : str
        "noted" (nothing was sent), "sending" (nobody knows whether the server has made it),
        then the server's: "validating", "in_progress", "finalizing", "completed", "failed",
        "expired", "cancelling", "cancelled"; or "given up", "lost".
    n_texts : int
    n_done, n_failed : int
        Requests that were answered and that failed, by the server's count.
    n_answers : int
        Answers stored from it.
    reserved : float or None
        Dollars that it may cost at the most; None when the price is unknown.
    cost : float or None
        Dollars that it did cost; None while nobody knows.
    sent_at, collected_at : str or None
        ISO 8601. A batch without ``collected_at`` holds its texts.
    note : str
        What went wrong, on one line; empty when nothing did.
    """

    key: str
    teacher: str
    server: str
    state: str
    n_texts: int
    n_done: int
    n_failed: int
    n_answers: int
    reserved: float | None
    cost: float | None
    sent_at: str | None
    collected_at: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of submitting texts.

    Attributes
    ----------
    batches : tuple of Batch
        That were made now.
    n_texts : int
        Texts in them.
    n_stored : int
        Texts that have an answer already.
    n_waiting : int
        Texts that are in an earlier batch.
    n_unusable : int
        Texts whose reply, when a batch asked, held no label: asking online can repair it.
    most : float or None
        Dollars that the batches can come to at the most; None when the price is unknown.
    """

    batches: tuple[Batch, ...]
    n_texts: int
    n_stored: int = 0
    n_waiting: int = 0
    n_unusable: int = 0
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """What the batches of a teacher brought in.

    Attributes
    ----------
    batches : tuple of Batch
        That were not collected before, as they are now.
    n_answers : int
        Answers stored now, those without a label included.
    n_unusable : int
        Replies that held no label; asking online can repair them.
    n_free : int
        Texts that got no reply, and may be submitted again.
    spending : Spending
        What the batches that ended had cost.
    n_others : int
        Batches of other teachers that wait in the same store.
    """

    batches: tuple[Batch, ...]
    n_answers: int
    n_unusable: int
    n_free: int
    spending: Spending
    n_others: int = 0
