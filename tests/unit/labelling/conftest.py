import pytest

from tests.unit.teachers.conftest import chat, no_keys, server
from tracer_nb.store import LabelStore

__all__ = ["chat", "no_keys", "server"]


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as store:
        yield store
