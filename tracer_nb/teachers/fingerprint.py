"""What identifies a Python function from run to run: where it is, and what it does."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from types import CodeType, FunctionType
from typing import Any

__all__ = ["fingerprint", "qualified_name"]

_PLAIN = (str, bytes, int, float, bool, type(None))
_DEPTH = 8


def qualified_name(fn: Any) -> str:
    """Name the module and qualified name of a function, or of a callable object's class."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{named.__module__}.{named.__qualname__}"


def fingerprint(fn: Any) -> str:
    """Digest of a callable: its code and the plain values and functions it refers to.

    Those are constants, defaults, closed-over variables, and the globals that its code
    names: in a notebook, the prompt and the model's name are such globals. A changed
    function gets another digest, so that its answers are not taken for those of the old
    one. What a digest cannot see through, such as a model in an attribute, is the caller's
    to tell apart, by another name for the teacher.
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
    """Globals the code names: plain values, and functions of the same module."""
    named = {name: fn.__globals__.get(name) for name in fn.__code__.co_names}
    return {
        name: value
        for name, value in named.items()
        if isinstance(value, _PLAIN)
        or (isinstance(value, FunctionType) and value.__module__ == fn.__module__)
    }


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell: a name that is not bound yet
        return None
