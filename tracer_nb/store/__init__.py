"""What was paid for, on disk: one SQLite file of answers, reviews, audits and batches."""

from __future__ import annotations

from tracer_nb.store.labels import LabelStore, default_store_path
from tracer_nb.store.queue import QueueStore
from tracer_nb.store.reviews import AuditStore, DrawStore, ReviewStore
from tracer_nb.store.shelf import Shelf
from tracer_nb.store.vectors import VectorCache

__all__ = [
    "AuditStore",
    "DrawStore",
    "LabelStore",
    "QueueStore",
    "ReviewStore",
    "Shelf",
    "VectorCache",
    "default_store_path",
]
