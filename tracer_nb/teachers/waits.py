"""What an HTTP error says about trying again: whether, and when."""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone
from email.utils import mktime_tz, parsedate_tz

__all__ = ["asked_pause", "asked_until", "is_passing"]

_PASSING = frozenset({408, 409, 429})
_LONGEST_ASKED = 60.0
_DAY = 86_400.0
_LONGEST_SAID = 400 * _DAY


def is_passing(error: Exception) -> bool:
    """Whether the same request may work a little later; the server may say so itself."""
    status = getattr(error, "status_code", None)
    if status is None:
        return not getattr(error, "for_good", False)
    said = _header(error, "x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return status in _PASSING or status >= 500


def asked_pause(error: Exception) -> float | None:
    """Seconds that the server asks to wait; None when it does not, or asks for too many."""
    asked = _asked(error)
    return asked if asked is not None and 0 < asked <= _LONGEST_ASKED else None


def asked_until(error: Exception, longest: float = _LONGEST_ASKED) -> str | None:
    """Until when the server asks to wait, where that is more than ``longest`` seconds; else None."""
    asked = _asked(error)
    if asked is None or asked <= longest:
        return None
    if asked > _LONGEST_SAID:
        return "for more than a year"
    then = datetime.fromtimestamp(time.time() + asked, timezone.utc).astimezone()
    return f"until {then:%H:%M:%S}" if asked < _DAY / 2 else f"until {then:%Y-%m-%d %H:%M}"


def _asked(error: Exception) -> float | None:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = _header(error, name)
        try:
            seconds = float(value) / unit
        except ValueError:
            seconds = _until(value)
        if math.isfinite(seconds):
            return seconds
    return None


def _until(date: str) -> float:
    """Seconds until a date; not a number for what is none."""
    try:
        parsed = parsedate_tz(date)
        return math.nan if parsed is None else mktime_tz(parsed) - time.time()
    except (ValueError, OverflowError, TypeError, IndexError):
        return math.nan


def _header(error: Exception, name: str) -> str:
    response = getattr(error, "response", None)
    return str(response.headers.get(name, "")) if response is not None else ""
