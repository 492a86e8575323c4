"""Manners of real servers, in one table: what a server does, who does it, what we do.

From the command line ``python -m tracer_nb.standin --manners NAME``, or, from Python,
``serve(table, manners="NAME")``. Each line was seen in public reports or made up to try the
edges; the stand-in only acts it. Shares of faults (:class:`~tracer_nb.standin.Faults`) are
drawn for the requests that meet no manner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer_nb.errors import InvalidInput
from tracer_nb.standin.manners.books import BOOKS
from tracer_nb.standin.manners.forms import CHANCES, FORMS
from tracer_nb.standin.manners.manner import Manner, Occasion
from tracer_nb.standin.manners.readings import READINGS
from tracer_nb.standin.manners.sayings import PASSING, SAYINGS
from tracer_nb.standin.manners.transport import TRANSPORT

__all__ = ["MANNERS", "Manner", "Occasion", "manners_named", "table_of_manners"]

_GROUPS = (BOOKS, READINGS, CHANCES, PASSING, FORMS, SAYINGS, TRANSPORT)

MANNERS: dict[str, Manner] = {manner.name: manner for group in _GROUPS for manner in group}
"""Every manner by its name, in the order of the groups: books, readings, log-probabilities,
failures that pass, forms, errors, transport."""


def manners_named(names: str | Iterable[str]) -> tuple[Manner | None, ...]:
    """Manners of these names, comma-separated or one by one; None for "polite".

    Raises
    ------
    InvalidInput
        No such manner.
    """
    given = names.split(",") if isinstance(names, str) else names
    found: list[Manner | None] = []
    for name in filter(None, (part.strip() for part in given)):
        if name != "polite" and name not in MANNERS:
            raise InvalidInput.unknown_name("manner", name, ("polite", *MANNERS))
        found.append(MANNERS.get(name))
    return tuple(found)


def table_of_manners() -> list[dict[str, Any]]:
    """The table as rows for a page: what a server does, who does it, what we do."""
    return [
        {
            "manner": f"`{manner.name}`",
            "the server": manner.does,
            "seen at": ", ".join(manner.who) or "made up",
            "we": manner.we,
        }
        for manner in MANNERS.values()
    ]
