"""Checks of numbers that users give."""

from __future__ import annotations

import math
from numbers import Real

from tracer_nb.errors import InvalidInput

__all__ = ["check_at_least", "check_rates", "check_texts", "check_whole"]


def check_at_least(least: float, **values: float) -> None:
    """Check that every value is a number of at least ``least``.

    Raises
    ------
    InvalidInput
        One is not, NaN included.
    """
    for name, value in values.items():
        if not (_is_number(value) and value >= least):
            raise InvalidInput(f"{name} must be at least {least:g}, got {value!r}")


def check_whole(least: int, **values: int) -> None:
    """Check that every value is a whole number of at least ``least``.

    Raises
    ------
    InvalidInput
        One is not.
    """
    check_at_least(least, **values)
    for name, value in values.items():
        if value == math.inf or value != int(value):
            raise InvalidInput(f"{name} must be a whole number, got {value!r}")


def check_rates(**rates: float | None) -> None:
    """Check that every rate is None, for no limit, or a finite number above 0.

    Raises
    ------
    InvalidInput
        One is not.
    """
    for name, rate in rates.items():
        if rate is not None and not (_is_number(rate) and 0 < rate < math.inf):
            raise InvalidInput(f"{name} must be above 0, got {rate!r}; leave it out for no limit")


def check_texts(**values: str | None) -> None:
    """Check that every value is text, or None.

    Raises
    ------
    InvalidInput
        One is not.
    """
    for name, value in values.items():
        if not (value is None or isinstance(value, str)):
            raise InvalidInput(f"{name} must be text, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
