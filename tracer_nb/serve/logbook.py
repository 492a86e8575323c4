"""What the service says while it runs: one JSON object a line, on standard error."""

from __future__ import annotations

import sys
from typing import Any

from tracer_nb.serve.wire import encode
from tracer_nb.store.rows import utc_now

__all__ = ["say"]


def say(event: str, **about: Any) -> None:
    """Write a line. Texts, vectors and tokens of requests are never in it."""
    line = encode({"time": utc_now(), "event": event, **about}).decode()
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it any more; the service goes on
        return
