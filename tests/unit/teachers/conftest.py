from typing import Any

import pytest

from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.teachers.prices import Price

from .chatserver import LABELS, ChatServer


@pytest.fixture
def server():
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "TRACER_NB_API_KEY", "OPENAI_BASE_URL", "TRACER_NB_STORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def chat(server):
    """Make a teacher on the scripted server."""

    def make(**options: Any) -> ChatTeacher:
        defaults = {"base_url": server.base_url, "price": Price(1.0, 2.0), "max_retries": 2}
        return ChatTeacher("m", LABELS, "Choose the intent.", **{**defaults, **options})

    return make
