"""What a job prepares between its questions, and whom it tells of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Preparing", "tell_preparing", "telling"]


@dataclass(frozen=True, slots=True)
class Preparing:
    """What is being worked out, while nothing new can be asked about.

    Attributes
    ----------
    what : str
        "batch": which hard rows come next; "test": the fit that is tested.
    number : int
        Which one of its kind.
    done, total : int
        Parts of a fit; no ``total`` where none are counted.
    """

    what: str
    number: int
    done: int = 0
    total: int = 0


_Told = Callable[[Preparing], object]
# Each thread has its own: who looks at a job that works meanwhile is no part of its progress.
_TOLD: ContextVar[_Told | None] = ContextVar("told", default=None)


@contextmanager
def telling(told: _Told | None) -> Iterator[None]:
    """Let ``told`` hear what this thread prepares meanwhile; nobody where it is None."""
    token = _TOLD.set(told)
    try:
        yield
    finally:
        _TOLD.reset(token)


def tell_preparing(preparing: Preparing) -> None:
    """Tell whoever listens in this thread."""
    told = _TOLD.get()
    if told is not None:
        told(preparing)
