"""A key that is looked for wherever it may show, and what shows most."""

from __future__ import annotations

import base64
import gc
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tracer_nb.teachers.server import Secret

__all__ = ["KEY", "assert_clean", "assert_clean_folder", "everything_below", "logging_all"]

# Its shape is in no list of shapes: it is hidden because it is the key.
KEY = "wombat" + "/Qx81+" * 4 + "tail"
_LOGGERS = ("", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "asyncio")


def traces(key: str = KEY) -> set[str]:
    """Ways in which a key, or half of it, may be written."""
    half = len(key) // 2
    found = {key, key[:half], key[half:], key[::-1], quote(key, safe=""), json.dumps(key)[1:-1]}
    return found | {base64.b64encode(s.encode()).decode()[:-4] for s in (key, f":{key}")}


def assert_clean(shown: Any, what: str, key: str = KEY) -> None:
    """Assert that the key is not in text or bytes."""
    data = shown if isinstance(shown, bytes) else str(shown).encode("utf-8", "replace")
    assert not any(trace.encode() in data for trace in traces(key)), f"the key shows in {what}"


def assert_clean_folder(folder: Path) -> list[str]:
    """Look into every file; their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        assert_clean(path.read_bytes(), path.name)
        assert_clean(path.name, "the name of a file")
    return [path.name for path in files]


def verbose(error: BaseException, own: str) -> str:
    """A traceback with the variables of every frame, but for those of the file ``own``."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    left = shown
    while left is not None:
        frames = [frame for frame in left.stack if frame.filename != own]
        left.stack[:] = frames
        left = left.__cause__ or left.__context__
    return "".join(shown.format(chain=True))


def everything_below(start: Any) -> list[Any]:
    """What an object of this package refers to, without the inside of a ``Secret``."""
    found: dict[int, Any] = {}
    left = [start]
    while left:
        value = left.pop()
        if id(value) in found:
            continue
        found[id(value)] = value
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            left += gc.get_referents(value)
        elif type(value).__module__.startswith("tracer_nb") and not isinstance(value, Secret):
            slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
            left += [*slots, *getattr(value, "__dict__", {}).values()]
    return list(found.values())


@contextmanager
def logging_all() -> Iterator[Callable[[], str]]:
    """What all loggers say, at the level at which they say most."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.name}: {record.getMessage()} {record.__dict__!r}")

    handler = Keep(logging.DEBUG)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        yield lambda: "\n".join(said)
    finally:
        logging.getLogger().removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
