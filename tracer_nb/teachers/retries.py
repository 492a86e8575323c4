"""Which failures of a request pass by themselves, and how long to wait for that."""

from __future__ import annotations

import random
import time
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openai

__all__ = ["is_passing", "pause"]

_PASSING = frozenset({408, 409, 429})
_FIRST = 0.5
_LONGEST = 8.0
_LONGEST_ASKED = 60.0


def is_passing(error: openai.APIError) -> bool:
    """Whether the same request may work a little later; the server may say so itself."""
    status = getattr(error, "status_code", None)
    if status is None:
        return True
    said = _header(error, "x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return status in _PASSING or status >= 500


def pause(error: openai.APIError, retries: int) -> float:
    """Seconds to wait after so many retries: as the server asks, else longer every time."""
    asked = _asked(error)
    if asked is not None and 0 < asked <= _LONGEST_ASKED:
        return asked
    # Not all at once: requests that failed together should not come back together.
    return min(_FIRST * 2.0 ** min(retries, 10), _LONGEST) * random.uniform(0.75, 1)  # noqa: S311


def _asked(error: openai.APIError) -> float | None:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = _header(error, name)
        try:
            return float(value) / unit
        except ValueError:
            date = parsedate_tz(value)
            if date is not None:
                return mktime_tz(date) - time.time()
    return None


def _header(error: openai.APIError, name: str) -> str:
    response = getattr(error, "response", None)
    return str(response.headers.get(name, "")) if response is not None else ""
