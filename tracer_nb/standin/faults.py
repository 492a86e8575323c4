"""What goes wrong with real servers, on purpose and repeatably."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from tracer_nb.errors import InvalidInput

__all__ = ["KINDS", "Faults", "check_share", "uniform"]

KINDS = (
    "rate_limit",
    "server_error",
    "bad_gateway",
    "drop",
    "cut_body",
    "stall",
    "slow_body",
    "malformed",
    "wrong_label",
    "bad_json_content",
    "empty_choices",
    "no_usage",
    "no_logprobs",
    "refusal",
    "truncated",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Share of requests that meet each kind of fault; a request meets one at most.

    Attributes
    ----------
    rate_limit : float
        Status 429, with ``Retry-After`` when ``retry_after`` is given.
    server_error, bad_gateway : float
        Status 500 in the API's error format; status 502 with a page of HTML.
    drop, cut_body : float
        The connection closes without an answer; it closes in the middle of one.
    stall, slow_body : float
        The answer starts only after ``stall_seconds``; it starts at once and takes
        ``stall_seconds`` to arrive.
    malformed : float
        Status 200, and the body ends in the middle of its JSON.
    wrong_label, bad_json_content : float
        The content names a label outside the set; it is talk around the label, not JSON.
    empty_choices, no_usage, no_logprobs : float
        ``choices`` is empty; ``usage`` is missing, or ``logprobs`` that were asked for (the
        answer is fine).
    refusal, truncated : float
        ``message.refusal`` instead of content; half of the content, finish reason "length".
    retry_after : float or None
        Seconds that a 429 asks to wait; None leaves the header out.
    stall_seconds : float
        See ``stall`` and ``slow_body``.
    first_attempts : int or None
        None: every request is drawn anew, so a retry can meet a fault again. A number n:
        the draw is made once for each text, and a text that was drawn meets its fault the
        first n times it is asked and is answered after that, so n retries always succeed.

    Raises
    ------
    InvalidInput
        A share is outside [0, 1], the shares sum to more than 1, or a number is negative.

    Notes
    -----
    Draws hash the seed, the text and how often it was asked before. They do not depend on
    the order in which requests arrive, so a run with many at a time repeats exactly.
    """

    rate_limit: float = 0.0
    server_error: float = 0.0
    bad_gateway: float = 0.0
    drop: float = 0.0
    cut_body: float = 0.0
    stall: float = 0.0
    slow_body: float = 0.0
    malformed: float = 0.0
    wrong_label: float = 0.0
    bad_json_content: float = 0.0
    empty_choices: float = 0.0
    no_usage: float = 0.0
    no_logprobs: float = 0.0
    refusal: float = 0.0
    truncated: float = 0.0
    retry_after: float | None = None
    stall_seconds: float = 5.0
    first_attempts: int | None = None

    def __post_init__(self) -> None:
        for kind in KINDS:
            check_share(kind, getattr(self, kind))
        total = math.fsum(getattr(self, kind) for kind in KINDS)
        if total > 1 + 1e-9:
            raise InvalidInput(
                f"the shares of all faults must sum to at most 1, got {total:g}; a request "
                "meets one fault at most"
            )
        for name in ("retry_after", "stall_seconds", "first_attempts"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise InvalidInput(f"{name} must be 0 or more, got {value!r}")

    def draw(self, seed: int, text: str, attempt: int) -> str | None:
        """Return the kind of fault of one request, None for no fault.

        ``attempt`` is how often the text was asked before, 0 at first.
        """
        if self.first_attempts is not None:
            if attempt >= self.first_attempts:
                return None
            attempt = 0
        place = uniform(seed, "fault", str(attempt), text)
        for kind in KINDS:
            place -= getattr(self, kind)
            if place < 0:
                return kind
        return None


def check_share(name: str, value: float) -> None:
    """Raise InvalidInput when ``value`` is not a share."""
    if not 0 <= value <= 1:
        raise InvalidInput(f"{name} must be a share in [0, 1], got {value!r}; for 5 % write 0.05")


def uniform(seed: int, *parts: str) -> float:
    """Return a number in [0, 1) that depends on the seed and the parts, and on nothing else."""
    key = "\0".join((str(seed), *parts)).encode("utf-8", "surrogatepass")
    bits = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
    return (bits >> 11) / 2**53
