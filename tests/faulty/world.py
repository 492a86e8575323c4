"""Texts whose labels are known, a teacher to ask about them, and a look into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tracer_nb.records import Answer
from tracer_nb.standin import StandIn
from tracer_nb.store import LabelStore
from tracer_nb.teachers import ChatTeacher, Price

LABELS = ("delivery", "login", "refund")
PRICE = Price(1.0, 2.0)
CONCURRENCY = 16


def make_table(n: int) -> dict[str, str]:
    """Texts and their labels, of lengths that differ, so that no two cost quite the same."""
    return {f"question {i}{' please' * (i % 4)}": LABELS[i % 3] for i in range(n)}


def teacher_at(base_url: str, **options: Any) -> ChatTeacher:
    """A teacher whose answers count for every server of these tests."""
    defaults = {"server_name": "stand-in", "concurrency": CONCURRENCY, "price": PRICE}
    return ChatTeacher("m", LABELS, "Choose.", base_url=base_url, **{**defaults, **options})


def stored(path: Path) -> dict[str, Answer]:
    """Everything that a store holds, by text."""
    if not path.exists():
        return {}
    with LabelStore(path) as store:
        return {
            text: answer
            for identity_id, _ in store.identities()
            for text, answer, _ in store.answers_of(identity_id)
        }


def labels_of(answers: Mapping[str, Answer]) -> dict[str, str]:
    """The final table: texts that have a label, and it."""
    return {text: a.label for text, a in answers.items() if a.label is not None}


def cost_of(answers: Collection[Answer]) -> float:
    """Dollars; every answer of these tests has a price."""
    return sum(answer.cost or 0.0 for answer in answers)


def billed(*servers: StandIn) -> float:
    """Dollars for every answer that the servers made."""
    return sum(PRICE.of(*server.billed) for server in servers)


def asked_again(before: Collection[str], asked: Counter[str]) -> int:
    """Requests about texts that had their answer before."""
    return sum(asked[text] for text in before)


@contextmanager
def short_pauses() -> Iterator[None]:
    """Wait hundredths of a second between tries, where users wait half a second and more."""
    with (
        mock.patch("tracer_nb.teachers.chat.failures._FIRST", 0.01),
        mock.patch("tracer_nb.teachers.chat.endpoint._PAUSE", 0.001),
    ):
        yield
