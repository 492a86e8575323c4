"""What answers tell about a server: whether requests are answered side by side, or wait in line."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Line", "Sent", "Signs"]


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A request that was sent.

    Attributes
    ----------
    at : float
        When, in seconds.
    under_way : int
        Requests, with itself.
    behind : int
        Answers that had come by then. Requests with the same number were sent together.
    level : int
        In which it was sent; see :class:`Climb`.
    is_trial : bool
        Whether a trial rests on it.
    """

    at: float
    under_way: int
    behind: int
    level: int
    is_trial: bool


class Line:
    """The requests under way, in the order in which they were sent."""

    def __init__(self) -> None:
        self.n = 0
        self._n_back = 0
        self._together: dict[int, int] = {}  # by the answers that had come, in that order

    def send(self, at: float, level: int, *, is_trial: bool) -> Sent:
        """Put a request in."""
        self.n += 1
        behind = self._n_back
        self._together[behind] = self._together.get(behind, 0) + 1
        return Sent(at, self.n, behind, level, is_trial)

    def back(self, sent: Sent) -> tuple[int, float]:
        """Take a request out: (how many older ones it overtook, how many any one would).

        The latter is the mean over all that were under way: what is to be expected where each
        is as likely to be the next.
        """
        overtaken = older = pairs = 0
        for behind, n in self._together.items():
            if behind == sent.behind:
                overtaken = older
            pairs += n * older
            older += n
        self._together[sent.behind] -= 1
        if not self._together[sent.behind]:
            del self._together[sent.behind]
        self.n -= 1
        self._n_back += 1
        return overtaken, pairs / older


class Signs:
    """Sums over answers, from which the places of the server are estimated.

    A server with k places lets the others wait in line. Two things then depend on k and not on
    how many requests n are under way: an answer overtakes at most k - 1 older requests, and a
    time in line is n / k times the time of an answer by itself (Little's law). Where all n are
    answered side by side, uneven answers overtake each other, about (n - 1) G of them with Gini's
    coefficient G of the times, and even ones take no longer than the fastest. One of the two
    always shows.

    Parameters
    ----------
    memory : float
        Weight that an answer keeps with every later one, in (0, 1].
    """

    def __init__(self, memory: float) -> None:
        self.memory = memory
        self.n = 0
        self.expected = 0.0
        self._overtaken = self._under_way = self._seconds = self._weight = 0.0

    def add(self, overtaken: int, expected: float, sent: Sent, seconds: float) -> None:
        """Take in an answer after so many ``seconds``; see :meth:`Line.back`."""
        self.n += 1
        self.expected = self.expected * self.memory + expected
        self._overtaken = self._overtaken * self.memory + overtaken
        self._under_way = self._under_way * self.memory + sent.under_way
        self._seconds = self._seconds * self.memory + seconds
        self._weight = self._weight * self.memory + 1

    @property
    def under_way(self) -> float:
        """Requests under way, on average."""
        return self._under_way / self._weight

    @property
    def rate(self) -> float:
        """Answers a second, by Little's law."""
        return self._under_way / self._seconds if self._seconds > 0 else math.inf

    def places(self, fastest: float) -> float:
        """Estimate how many requests are answered side by side; one alone takes ``fastest``."""
        overtaking = self._overtaken / self.expected if self.expected else 1.0
        alone = fastest * self._weight / self._seconds if self._seconds > 0 else 1.0
        return overtaking * (self.under_way - 1) + min(1.0, alone) * self.under_way
