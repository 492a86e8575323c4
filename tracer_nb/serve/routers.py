"""The routers that are served, by name, and how a changed file takes the place of another."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracer_nb.errors import InvalidInput, TracerError
from tracer_nb.serve.limits import Refused
from tracer_nb.serve.logbook import say
from tracer_nb.serve.served import Served
from tracer_nb.store.rows import utc_now

__all__ = ["Routers", "parse_sources"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Between two looks at the files.
_PAUSE = 1.0


def parse_sources(arguments: Sequence[str]) -> dict[str, Path]:
    """Files by the name of their router, from ``FILE`` or ``NAME=FILE``.

    Raises
    ------
    InvalidInput
        A name that cannot be one, or that two files have.

    Examples
    --------
    >>> found = parse_sources(["intents=routers/one.tracer", "two.tracer"])
    >>> {name: path.name for name, path in found.items()}
    {'intents': 'one.tracer', 'two': 'two.tracer'}
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        name, equals, path = argument.partition("=")
        if not equals or Path(argument).expanduser().is_file():
            name, path = Path(argument).stem, argument
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r:.80} cannot be the name of a router: only letters, digits and _ . - may be "
                "in it; write NAME=FILE"
            )
        if not path:
            raise InvalidInput(f"{argument!r:.80} names no file; write NAME=FILE")
        if name in found:
            raise InvalidInput(f"two files are named {name!r}; write NAME=FILE for one of them")
        found[name] = Path(path).expanduser()
    return found


Mark = tuple[int, int, int]
Loader = Callable[[str, Path], Served]


@dataclass(slots=True)
class _Entry:
    """A router and its file."""

    path: Path
    served: Served
    mark: Mark | None
    tried: Mark | None
    failure: str | None = None
    n_loads: int = 1
    lock: threading.Lock = field(default_factory=threading.Lock)


class Routers:
    """The routers by name. A request keeps the one that it began with.

    Parameters
    ----------
    sources : mapping of str to path
    load : callable
        Makes a router of a name and a file.

    Raises
    ------
    TracerError
        One cannot be loaded.
    """

    def __init__(self, sources: Mapping[str, Path], load: Loader) -> None:
        self._load = load
        self._entries: dict[str, _Entry] = {}
        for name, path in sources.items():
            mark = _mark_of(path)
            self._entries[name] = _Entry(path, load(name, path), mark, mark)
        self._only = next(iter(self._entries)) if len(self._entries) == 1 else None

    def __iter__(self) -> Any:
        return iter(entry.served for entry in self._entries.values())

    def named(self, name: str | None) -> Served:
        """The router of this name; the only one without.

        Raises
        ------
        Refused
            None has this name, or no name says which.
        """
        found = self._entries.get(name or self._only or "")
        if found is not None:
            return found.served
        known = ", ".join(self._entries)
        if name:
            raise Refused(404, f"no router is named {name[:80]!r}; there are: {known}")
        raise Refused(400, f"several routers are served; say which, as ?router=NAME, of: {known}")

    def health(self) -> dict[str, dict[str, Any]]:
        """What is served now, and why a newer file is not."""
        return {
            name: {
                **entry.served.about(),
                "loads": entry.n_loads,
                **({"reload_failed": entry.failure} if entry.failure else {}),
            }
            for name, entry in self._entries.items()
        }

    @property
    def failures(self) -> int:
        """Routers whose newer file could not be loaded."""
        return sum(entry.failure is not None for entry in self._entries.values())

    def reload(self, *, changed_only: bool) -> None:
        """Load files again; one that cannot be loaded leaves the router as it is, and is told.

        Blocks; call it in a thread of its own.
        """
        for name, entry in self._entries.items():
            with entry.lock:
                mark = _mark_of(entry.path)
                if not changed_only or (mark is not None and mark not in (entry.mark, entry.tried)):
                    self._replace(name, entry, mark)

    def _replace(self, name: str, entry: _Entry, mark: Mark | None) -> None:
        entry.tried = mark
        try:
            served = self._load(name, entry.path)
        except TracerError as error:
            entry.failure = f"{utc_now()}: {error}"
            say("reload_failed", router=name, error=str(error), kept=entry.served.digest)
            return
        old, entry.served, entry.mark, entry.failure = entry.served, served, mark, None
        entry.n_loads += 1
        old.retire()
        say("reloaded", router=name, replaced=old.digest, now=served.digest)

    async def watch(self) -> None:
        """Load files that change, until cancelled.

        A file counts once it has been the same for two looks: whoever writes one in place
        takes a while.
        """
        seen: dict[str, Mark | None] = {}
        while True:
            await asyncio.sleep(_PAUSE)
            marks = await asyncio.to_thread(self._marks)
            if any(
                mark not in (None, self._entries[name].mark, self._entries[name].tried)
                and seen.get(name) == mark
                for name, mark in marks.items()
            ):
                await asyncio.to_thread(self.reload, changed_only=True)
            seen = marks

    def _marks(self) -> dict[str, Mark | None]:
        return {name: _mark_of(entry.path) for name, entry in self._entries.items()}


def _mark_of(path: Path) -> Mark | None:
    """What differs after the file has changed; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
