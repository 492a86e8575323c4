"""What tells a function from others, from run to run: where it is, and what it does."""

from __future__ import annotations

import dis
import functools
import hashlib
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

__all__ = ["fingerprint", "qualified_name"]


_PLAIN = (str, bytes, int, float, bool, type(None))
_DEPTH = 8
_MOST_ITEMS = 10_000
_CHANGING = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "setdefault",
        "update",
    ]
)


def qualified_name(fn: Any) -> str:
    """Name the module and qualified name of a function, or of a callable object's class."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{named.__module__}.{named.__qualname__}"


def fingerprint(fn: Any) -> str:
    """Digest of a callable: its code and the plain values and functions it refers to.

    A changed function gets another digest, so that its answers are not taken for those of
    the old one. Covered are its code, constants, defaults and closed-over variables, and the
    globals that it or a function, comprehension or class inside it reads, when they are

    - text, bytes, numbers, booleans or None: in a notebook, the prompt or the model's name;
    - dicts, lists, tuples and sets of such values, nested a few levels deep, of up to 10,000
      items; of larger ones the number of items only;
    - functions of the same module, in the same way.

    Not covered are globals that the code itself changes, such as a counter or a cache, which
    would make every digest a new one: names it assigns as ``global``, and containers it calls
    a changing method of (``append``, ``update``) or names in a line that sets or deletes an
    item. What a digest cannot see through, such as modules, classes, other objects and
    functions of other modules, is the caller's to tell apart, by another name for the teacher.
    """
    return _digest(fn, _DEPTH)


def _digest(value: Any, depth: int) -> str:
    """Digest that is the same in every process: no addresses, no order of sets."""
    words = hashlib.sha256(type(value).__qualname__.encode())
    if isinstance(value, _PLAIN):
        words.update(repr(value).encode("utf-8", "replace"))
    elif depth > 0:
        for part in _parts(value, depth - 1):
            words.update(part.encode("utf-8", "replace") + b"\x00")
    return words.hexdigest()


def _parts(value: Any, depth: int) -> Iterable[str]:
    def each(values: Iterable[Any]) -> list[str]:
        return [_digest(item, depth) for item in values]

    if isinstance(value, (tuple, list)):
        return each(value)
    if isinstance(value, (set, frozenset)):
        return sorted(each(value))
    if isinstance(value, dict):
        return sorted(each(value.items()))
    if isinstance(value, CodeType):
        return [value.co_code.hex(), *value.co_names, *each(value.co_consts)]
    if callable(value):
        return [qualified_name(value), *each(_inside(value))]
    return [qualified_name(type(value))]


def _inside(fn: Any) -> list[Any]:
    """Parts of a callable that decide what it returns."""
    if isinstance(fn, functools.partial):
        return [fn.func, fn.args, fn.keywords]
    if isinstance(fn, FunctionType):
        cells = [_content(cell) for cell in fn.__closure__ or ()]
        return [fn.__code__, fn.__defaults__, fn.__kwdefaults__, cells, _globals(fn)]
    if hasattr(fn, "__func__"):
        return [fn.__func__, fn.__self__]
    if isinstance(fn, type):
        return []
    return [getattr(type(fn).__call__, "__code__", None), getattr(fn, "__dict__", None)]


def _globals(fn: FunctionType) -> dict[str, Any]:
    """Globals the code reads and does not change: plain values, functions of its module."""
    read: set[str] = set()
    assigned: set[str] = set()
    changed: set[str] = set()
    for code in _codes(fn.__code__):
        _note_globals(code, read, assigned, changed)
    found: dict[str, Any] = {}
    for name in read - assigned:
        value = fn.__globals__.get(name)
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            items = _count(value, _DEPTH // 2)
            if items is not None and name not in changed:
                found[name] = value if items <= _MOST_ITEMS else (type(value).__name__, len(value))
        elif isinstance(value, _PLAIN) or (
            isinstance(value, FunctionType) and value.__module__ == fn.__module__
        ):
            found[name] = value
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Code of a function and of everything that is defined inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _note_globals(code: CodeType, read: set[str], assigned: set[str], changed: set[str]) -> None:
    starts = dict(dis.findlinestarts(code))
    line: int | None = None
    in_line: set[str] = set()
    last: str | None = None  # the global that the instruction before put on the stack
    for step in dis.get_instructions(code):
        if step.offset in starts and starts[step.offset] != line:
            line = starts[step.offset]
            in_line = set()
        if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            assigned.add(step.argval)
        elif step.opname in ("STORE_SUBSCR", "DELETE_SUBSCR"):
            changed |= in_line
        elif last is not None and step.argval in _CHANGING and "LOAD" in step.opname:
            changed.add(last)
        last = None
        if step.opname == "LOAD_NAME" or (
            step.opname.startswith("LOAD") and "GLOBAL" in step.opname
        ):
            last = step.argval
            read.add(step.argval)
            in_line.add(step.argval)


def _count(value: Any, depth: int) -> int | None:
    """Items in a nest of containers, or just above the limit; None when not all are plain."""
    if isinstance(value, _PLAIN):
        return 1
    if depth == 0 or not isinstance(value, (dict, list, tuple, set, frozenset)):
        return None
    total = 0
    for item in value.values() if isinstance(value, dict) else value:
        items = _count(item, depth - 1) if total <= _MOST_ITEMS else 0
        if items is None:
            return None
        total += items
    if isinstance(value, dict) and not all(isinstance(key, _PLAIN) for key in value):
        return None
    return total


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell: a name that is not bound yet
        return None
