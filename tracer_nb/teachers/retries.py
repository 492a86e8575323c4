"""Which failures of a request pass by themselves or show an overload, and how long to wait."""

from __future__ import annotations

import random
import time
from email.utils import mktime_tz, parsedate_tz

from tracer_nb.teachers.failures import connect_error, timed_out

__all__ = ["asked_pause", "is_overload", "is_passing", "pause"]

_PASSING = frozenset({408, 409, 429})
# 529 is what some call an overload; gateways answer 502 to 504 for a server that is too busy.
# A plain 500 is a fault of its own, and fewer requests would not mend it.
_OVERLOAD = frozenset({408, 429, 502, 503, 504, 529})
_FIRST = 0.5
_LONGEST = 8.0
_LONGEST_ASKED = 60.0


def is_passing(error: Exception) -> bool:
    """Whether the same request may work a little later; the server may say so itself."""
    status = getattr(error, "status_code", None)
    if status is None:
        return True
    said = _header(error, "x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return status in _PASSING or status >= 500


def is_overload(error: Exception) -> bool:
    """Whether fewer requests at a time would help: too many of them, or no reply in time."""
    status = getattr(error, "status_code", None)
    if status is None:
        return connect_error(error) is None and timed_out(error)
    return status in _OVERLOAD


def asked_pause(error: Exception) -> float | None:
    """Seconds that the server asks to wait; None when it does not, or asks for too many."""
    asked = _asked(error)
    return asked if asked is not None and 0 < asked <= _LONGEST_ASKED else None


def pause(error: Exception, retries: int) -> float:
    """Seconds to wait after so many retries: as the server asks, else longer every time."""
    asked = asked_pause(error)
    if asked is not None:
        return asked
    # Not all at once: requests that failed together should not come back together.
    return min(_FIRST * 2.0 ** min(retries, 10), _LONGEST) * random.uniform(0.75, 1)  # noqa: S311


def _asked(error: Exception) -> float | None:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = _header(error, name)
        try:
            return float(value) / unit
        except ValueError:
            date = parsedate_tz(value)
            if date is not None:
                return mktime_tz(date) - time.time()
    return None


def _header(error: Exception, name: str) -> str:
    response = getattr(error, "response", None)
    return str(response.headers.get(name, "")) if response is not None else ""
