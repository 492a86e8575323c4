"""Targets and confidences: fractions in (0, 1), and what of an error budget a round may spend."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput

__all__ = ["check_level", "check_targets", "round_confidence", "round_delta"]


def check_level(name: str, value: Any) -> float:
    """Return ``value`` as float, or raise ``InvalidInput`` unless it is in (0, 1)."""
    if not is_number(value):
        raise InvalidInput(f"{name} must be a number in (0, 1), got {value!r}; for 92 % write 0.92")
    number = float(value)
    if not 0.0 < number < 1.0:
        percent = f"; for {number:g} % write {number / 100:g}" if 2.0 <= number < 100.0 else ""
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


def round_delta(delta: float, n_round: int) -> float:
    """Error budget of the ``n_round``-th calibration, so that all of them together keep delta.

    6 delta / (pi^2 r^2), whose sum over r = 1, 2, … is delta; GUARANTEES,
    "Several targets, several rounds".

    Raises
    ------
    InvalidInput
        Not a round of 1 or more.

    Examples
    --------
    >>> sum(round_delta(0.1, r) for r in range(1, 100_000)) < 0.1
    True
    """
    if n_round < 1:
        raise InvalidInput(f"rounds count from 1, got {n_round!r}")
    return 6.0 * delta / (math.pi**2 * n_round**2)


def round_confidence(confidence: float, n_round: int) -> float:
    """Confidence at which the ``n_round``-th calibration is to be tested.

    1 - :func:`round_delta`, the budget rounded down to two digits: what is said of it is then
    exactly what was tested.

    Examples
    --------
    >>> round_confidence(0.95, 2), round_confidence(0.95, 20)
    (0.9925, 0.999925)
    """
    delta = round_delta(1.0 - confidence, n_round)
    step = 10.0 ** (math.floor(math.log10(delta)) - 1)
    return round(1.0 - math.floor(delta / step) * step, 15)
