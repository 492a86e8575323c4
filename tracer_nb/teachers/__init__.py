"""Where labels come from: language models, functions and records, behind one protocol.

Importing this loads no network client; a ``ChatTeacher`` does when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer_nb.teachers.base import Haltable, NotAsked, Teacher
from tracer_nb.teachers.budget import Budget
from tracer_nb.teachers.function import FunctionTeacher
from tracer_nb.teachers.prices import Price, parse_price, price_of
from tracer_nb.teachers.replay import ReplayTeacher
from tracer_nb.teachers.spec import make_teacher, register_scheme

if TYPE_CHECKING:
    from tracer_nb.teachers.chat.teacher import ChatTeacher

__all__ = [
    "Budget",
    "ChatTeacher",
    "FunctionTeacher",
    "Haltable",
    "NotAsked",
    "Price",
    "ReplayTeacher",
    "Teacher",
    "make_teacher",
    "parse_price",
    "price_of",
    "register_scheme",
]


def __getattr__(name: str) -> Any:
    if name == "ChatTeacher":
        from tracer_nb.teachers.chat.teacher import ChatTeacher  # noqa: PLC0415 -- lazy on purpose

        return ChatTeacher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
