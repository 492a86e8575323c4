"""Checks of numbers that users give."""

from __future__ import annotations

import math

from tracer_nb.errors import InvalidInput

__all__ = ["check_at_least", "check_rates"]


def check_at_least(least: float, **values: float) -> None:
    """Check that every value is a number of at least ``least``.

    Raises
    ------
    InvalidInput
        One is not, NaN included.
    """
    for name, value in values.items():
        if not value >= least:
            raise InvalidInput(f"{name} must be at least {least:g}, got {value!r}")


def check_rates(**rates: float | None) -> None:
    """Check that every rate is None, for no limit, or a finite number above 0.

    Raises
    ------
    InvalidInput
        One is not.
    """
    for name, rate in rates.items():
        if rate is not None and not 0 < rate < math.inf:
            raise InvalidInput(f"{name} must be above 0, got {rate!r}; leave it out for no limit")
