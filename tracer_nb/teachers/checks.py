"""Checks of numbers that users give."""

from __future__ import annotations

from tracer_nb.errors import InvalidInput

__all__ = ["check_at_least"]


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
