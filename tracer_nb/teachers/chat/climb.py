"""What answers tell about a server: whether requests are answered side by side, or wait in line.

How many requests at a time a server is sent: more and more, unless they only wait in line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Climb", "Line", "Sent", "Signs"]


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


_START = 8
# Requests under way for each place that the server seems to have, above which it is put to the
# test; servers that answer all side by side, however unevenly, seem to have 0.7 n and more.
_SUSPECT = 3.0
# What the overtaking must have been able to show by then: at one place, after some ten answers.
_EVIDENCE = 20.0
# Requests for each place of a server that was found to have few.
_PER_PLACE = 1.5
_LEAST = 2
_MEMORY = 1 - 1 / 32
# A trial ends after the first so many requests of its own, whatever they take, or early after so
# few when the rate fell with the requests: by this power of theirs, 1 without a line, 0 with one.
_TRIAL = 8
_EARLY = 3
_POWER = 0.7
_REST = 32


@dataclass(slots=True)
class _Trial:
    """What came of requests at a time before there were fewer; the rate while they ran out."""

    limit: int
    under_way: float
    rate: float
    began: float
    left: int  # requests that are still to be sent for it
    n: int = 0
    area: float = 0.0
    last: float = 0.0
    shortest: float = math.inf


class Climb:
    """Raises the number of requests at a time with every clean answer, and finds the slow server.

    Most servers answer many requests side by side: they get one more with each answer, until
    there is trouble for the first time; afterwards one more with each round of answers. Trouble
    halves them. Some have few places (a model on one's own machine mostly one), and requests
    beyond wait there until they time out. Where it looks so (:class:`Signs`), fewer are sent as a
    trial. Does the rate fall with them, the former number comes back, and the next doubt must
    wait; else it stays at somewhat more than the places that the server seems to have.

    Parameters
    ----------
    most : int
        Requests at a time at the very most.

    Attributes
    ----------
    limit : int
        Requests at a time, at present.
    """

    def __init__(self, most: int) -> None:
        self.limit = min(_START, most)
        self._most = most
        self._line = Line()
        self._signs = Signs(_MEMORY)
        self._level = 0  # goes up whenever there are fewer, and when they come back
        self._trial: _Trial | None = None
        self._has_few = False
        self._untroubled = True
        self._clean = 0
        self._shortest: list[float] = []  # seconds of the two fastest answers
        self._pause, self._rest = 0, _REST

    def send(self, now: float) -> Sent:
        """Note a request that is sent at the time ``now``, in seconds."""
        trial = self._trial
        of_trial = trial is not None and trial.left > 0
        if trial is not None and of_trial:
            self._begin(trial, now)
            trial.left -= 1
        return self._line.send(now, self._level, is_trial=of_trial)

    def back(self, sent: Sent, now: float, *, clean: bool, full: bool) -> None:
        """Take in the end of a request; ``clean``: it was answered, and counts.

        ``full``: as many as the limit allows were under way. With places to spare an answer
        does not show that more of them would do.
        """
        self._drain(now)
        overtaken, expected = self._line.back(sent)
        if not clean:
            return
        seconds = now - sent.at
        self._shortest = sorted([*self._shortest, seconds])[:2]
        if sent.level != self._level or (self._trial is not None and not sent.is_trial):
            return
        self._signs.add(overtaken, expected, sent, seconds)
        if self._trial is not None:
            self._trial.shortest = min(self._trial.shortest, seconds)
            self._judge(self._trial)
            return
        self._pause -= 1
        if self._is_suspect():
            self._try_fewer(now)
        elif full and (not self._has_few or self._has_room()):
            self._clean += 1
            if self._untroubled or self._clean >= self.limit:
                self._set(self.limit + 1)

    def trouble(self) -> None:
        """Halve the requests at a time."""
        self._untroubled = False
        self._trial = None
        self._fresh(self.limit // 2)

    # --- few places

    def _places(self) -> float:
        # One answer that was short by chance is no measure, where nothing else speaks for a line.
        return self._signs.places(self._shortest[0 if self._has_few else -1])

    def _is_suspect(self) -> bool:
        signs = self._signs
        if self._pause > 0 or signs.expected < _EVIDENCE:
            return False
        return signs.under_way > _SUSPECT * self._places()

    def _has_room(self) -> bool:
        return self._signs.n >= _TRIAL and self.limit < _PER_PLACE * self._places() + 1

    def _try_fewer(self, now: float) -> None:
        before, signs = self.limit, self._signs
        wanted = max(_LEAST, int(_PER_PLACE * self._places()) + 1)
        trial = _Trial(before, signs.under_way, signs.rate, began=now, left=0, last=now)
        self._fresh(min(wanted, before), memory=1)
        trial.left = max(_TRIAL, 2 * self.limit)
        self._trial = trial

    def _drain(self, now: float) -> None:
        """Count what comes in until the requests under way are as few as is tried."""
        trial = self._trial
        if trial is not None and not self._signs_began(trial):
            trial.n += 1
            trial.area += (now - trial.last) * self._line.n
            trial.last = now

    def _signs_began(self, trial: _Trial) -> bool:
        return trial.left < max(_TRIAL, 2 * self.limit)

    def _begin(self, trial: _Trial, now: float) -> None:
        """Compare with the rate while they ran out: the one before may be of better times."""
        elapsed = now - trial.began
        # Answers that came all at once, sooner than any can be made, tell no rate.
        lasted = trial.area > 0 and elapsed >= self._shortest[0]
        if not self._signs_began(trial) and lasted:
            trial.rate, trial.under_way = trial.n / elapsed, trial.area / elapsed

    def _judge(self, trial: _Trial) -> None:
        signs = self._signs
        if signs.n < _EARLY:
            return
        if signs.rate < trial.rate * (signs.under_way / trial.under_way) ** _POWER:
            self._trial = None
            self._shortest = [trial.shortest]
            self._pause, self._rest = self._rest, 2 * self._rest
            self._fresh(trial.limit)
        elif signs.n >= max(_TRIAL, 2 * self.limit):
            self._trial = None
            self._has_few = True
            signs.memory = _MEMORY

    def _fresh(self, limit: int, memory: float = _MEMORY) -> None:
        self._level += 1
        self._signs = Signs(memory)
        self._set(limit)

    def _set(self, limit: int) -> None:
        self._clean = 0
        self.limit = max(1, min(limit, self._most))
