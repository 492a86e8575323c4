"""Targets and confidences: fractions in (0, 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput

__all__ = ["check_level", "check_targets"]


def check_level(name: str, value: Any) -> float:
    """Return ``value`` as float, or raise ``InvalidInput`` unless it is in (0, 1)."""
    if not is_number(value):
        raise InvalidInput(f"{name} must be a number in (0, 1), got {value!r}; for 92 % write 0.92")
    number = float(value)
    if not 0.0 < number < 1.0:
        percent = f"; for {number:g} % write {number / 100:g}" if 1.0 < number < 100.0 else ""
        hint = percent or "; write a fraction such as 0.92"
        raise InvalidInput(f"{name} must be in (0, 1), got {number:g}{hint}")
    return number


def check_targets(target: Any) -> tuple[float, ...]:
    """One target or several, each once and in the order given; the first is the main one.

    Raises
    ------
    InvalidInput
        None, or one outside (0, 1).
    """
    several = isinstance(target, Iterable) and not isinstance(target, (str, bytes))
    targets = tuple(check_level("target", t) for t in (target if several else [target]))
    if not targets:
        raise InvalidInput("target is empty; write a fraction such as 0.92, or a list of them")
    return tuple(dict.fromkeys(targets))
