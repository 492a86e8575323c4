"""Which failures of a request show an overload, and how long to wait."""

from __future__ import annotations

import random

from tracer_nb.teachers.failures import connect_error, timed_out
from tracer_nb.teachers.waits import asked_pause

__all__ = ["is_overload", "pause"]

# 529 is what some call an overload; gateways answer 502 to 504 for a server that is too busy.
# A plain 500 is a fault of its own, and fewer requests would not mend it.
_OVERLOAD = frozenset({408, 429, 502, 503, 504, 529})
_FIRST = 0.5
_LONGEST = 8.0


def is_overload(error: Exception) -> bool:
    """Whether fewer requests at a time would help: too many of them, or no reply in time."""
    status = getattr(error, "status_code", None)
    if status is None:
        return connect_error(error) is None and timed_out(error)
    return status in _OVERLOAD


def pause(error: Exception, retries: int) -> float:
    """Seconds to wait after so many retries: as the server asks, else longer every time."""
    asked = asked_pause(error)
    if asked is not None:
        return asked
    # Not all at once: requests that failed together should not come back together.
    return min(_FIRST * 2.0 ** min(retries, 10), _LONGEST) * random.uniform(0.75, 1)  # noqa: S311
