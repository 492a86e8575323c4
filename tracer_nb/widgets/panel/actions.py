"""What the page may ask for: a short table, and nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracer_nb.errors import InvalidInput

__all__ = ["Message", "read_message"]

# Of each action: the values that come with it, and their types.
_ALLOWED: dict[str, dict[str, type]] = {
    "hello": {"viewer": str},
    "start": {},
    "pause": {},
    "resume": {},
    "stop": {},
    "draft": {"values": dict},
    "apply": {"values": dict},
    "target": {"value": float},
    "rows": {"where": dict, "offset": int},
    "gaps": {},
    "map": {"method": str, "colour": str},
    "relabel": {"row": int, "label": str, "note": str},
    "review": {"row": int},
    "bye": {"viewer": str},
}


@dataclass(frozen=True, slots=True)
class Message:
    """One press on the page.

    Attributes
    ----------
    do : str
    number : int
        Counts the messages of one view, for the receipt.
    run : int
        The run that the page saw when it was pressed.
    values : mapping
    """

    do: str
    number: int
    run: int
    values: Mapping[str, Any]


def read_message(content: Any) -> Message:
    """A message from the page, checked.

    Raises
    ------
    InvalidInput
        It is none that the panel knows.
    """
    if not isinstance(content, Mapping):
        raise InvalidInput(f"the panel sent {content!r}, which is no message; open it again")
    do, number, run = (content.get(key) for key in ("do", "number", "run"))
    if not isinstance(do, str) or do not in _ALLOWED:
        raise InvalidInput.unknown_name("action of the panel", str(do), list(_ALLOWED))
    if type(number) is not int or type(run) is not int:
        raise InvalidInput(f"the panel sent {do!r} without its number; open it again")
    values = {}
    for name, kind in _ALLOWED[do].items():
        value = content.get(name)
        if kind is float and type(value) is int:  # JSON has one kind of number
            value = float(value)
        if type(value) is not kind:
            raise InvalidInput(
                f"the panel sent {do!r} with {name}={value!r}, which should be a {kind.__name__}"
            )
        values[name] = value
    return Message(do, number, run, values)
