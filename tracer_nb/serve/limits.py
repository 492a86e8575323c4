"""What one client may ask of the service, and what all of them together may."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer_nb.engine.checks import is_number
from tracer_nb.errors import InvalidInput

__all__ = ["Limits", "Refused"]


class Refused(Exception):
    """A request that is not answered; the message is one line that says why.

    Parameters
    ----------
    status : int
        Of the HTTP response.
    why : str
    headers : mapping of str to str, optional
        Of the response, beside the usual ones.
    """

    def __init__(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.headers = status, headers or {}


# Bodies that are held at once, in units of the largest one.
_BODIES = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond them a request is refused, with the reason.

    Parameters
    ----------
    body : int
        Bytes of a request's body.
    batch : int
        Rows of a request.
    text : int
        Characters of a text, its cells included.
    seconds : float
        From a request's first byte to its last answer, waiting for a teacher included.
    requests : int
        At one time, those that wait for their turn included.

    Raises
    ------
    InvalidInput
        One is not above 0, or no whole number where it must be.
    """

    body: int = 16_000_000
    batch: int = 4096
    text: int = 20_000
    seconds: float = 30.0
    requests: int = 2048

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            whole = name == "seconds" or isinstance(value, int)
            if not is_number(value) or not whole or not 0 < value < math.inf:
                kind = "a number" if name == "seconds" else "a whole number"
                raise InvalidInput(f"the limit on {name} must be {kind} above 0, got {value!r}")

    @property
    def held(self) -> int:
        """Bytes of all bodies that are held at one time."""
        return _BODIES * self.body
