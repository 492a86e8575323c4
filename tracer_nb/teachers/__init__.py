"""Where labels come from: language models, functions and records, behind one protocol.

``run_labels`` asks a teacher for many texts, and a ``LabelStore`` keeps what was answered, a
``ReviewStore`` what a human said about it.
Importing this loads no network client; a ``ChatTeacher`` does when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer_nb.teachers.audits import AuditStore
from tracer_nb.teachers.base import Haltable, NotAsked, Teacher
from tracer_nb.teachers.budget import Budget
from tracer_nb.teachers.function import FunctionTeacher
from tracer_nb.teachers.prices import Price, parse_price, price_of
from tracer_nb.teachers.replay import ReplayTeacher
from tracer_nb.teachers.reviews import ReviewStore
from tracer_nb.teachers.runner import INTERRUPTED, LabelRun, run_labels
from tracer_nb.teachers.spec import make_teacher, register_scheme
from tracer_nb.teachers.store import LabelStore, default_store_path

if TYPE_CHECKING:
    from tracer_nb.teachers.chat import ChatTeacher

__all__ = [
    "INTERRUPTED",
    "AuditStore",
    "Budget",
    "ChatTeacher",
    "FunctionTeacher",
    "Haltable",
    "LabelRun",
    "LabelStore",
    "NotAsked",
    "Price",
    "ReplayTeacher",
    "ReviewStore",
    "Teacher",
    "default_store_path",
    "make_teacher",
    "parse_price",
    "price_of",
    "register_scheme",
    "run_labels",
]


def __getattr__(name: str) -> Any:
    if name == "ChatTeacher":
        from tracer_nb.teachers.chat import ChatTeacher  # noqa: PLC0415 -- lazy on purpose

        return ChatTeacher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
