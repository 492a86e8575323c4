from tests.unit.teachers.conftest import chat, no_keys, server

__all__ = ["chat", "no_keys", "server"]
