"""What a teacher said, what it took, what it may take, and how far it is.

And what the label store holds of it, by teacher and by run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from tracer_nb.records.arrays import FloatArray, IntArray
from tracer_nb.records.preparing import Preparing

__all__ = [
    "Answer",
    "AnswerRun",
    "AnswerSet",
    "Caps",
    "Comparison",
    "Progress",
    "Spending",
    "Superseded",
    "Timeline",
]


# Answers from which a run may foretell its end.
_ENOUGH = 10
# Of a timeline.
_MOMENTS = 240


@dataclass(frozen=True, slots=True)
class Answer:
    """What the teacher said about one text.

    Attributes
    ----------
    label : str or None
        One of the labels, or None when there is none; then ``reason`` says why.
    reason : str or None
        Why there is no label, in words a user can act on ("answer is not one of the
        labels: 'foo'", "refused", "truncated", "server error 500 after 5 tries").
    mode : str
        How the label was obtained: "json-schema", "tool", "codes" or "text" (in no form that
        a server could enforce), with ", repaired" behind it after a wrong first answer;
        "recorded", "function".
    probabilities : mapping of str to float, or None
        The teacher's own distribution over labels, where it gave one.
    prompt_tokens, completion_tokens : int
        Tokens that the server reported (or the estimate, where it reported none; for a
        time-out the most that they can be).
    counted : bool
        False where they are, in part at least, an estimate.
    cost : float or None
        Dollars for all requests this answer took; None when the price is unknown.
    seconds : float or None
        That it took; None when nobody measured it.
    model : str or None
        Who answered, as the server names it; several names, where votes came from several
        models, are parted by " / ".
    keep : bool
        False for a failure that was not an answer (no connection, time-out, server
        error): it is not stored, so a later run asks again.
    explanation : str or None
        What the teacher wrote about the text before its label, where it was asked to.
    """

    label: str | None
    reason: str | None = None
    mode: str = ""
    probabilities: Mapping[str, float] | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    counted: bool = True
    cost: float | None = None
    seconds: float | None = None
    model: str | None = None
    keep: bool = True
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """What a labelling run asked for and paid. Costs in dollars, None when unknown.

    ``waited`` are the seconds that its answers took, all added up. ``lost`` texts were sent
    and broken off by a stop: the server may bill them, so ``cost`` holds the most that they
    can cost, and ``lost_tokens`` the most tokens.
    """

    asked: int = 0
    reused: int = 0
    missing: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    waited: float = 0.0
    lost: int = 0
    lost_tokens: int = 0

    def since(self, before: Spending) -> Spending:
        """What was spent after an earlier moment of the same job."""
        return self._summed(before, -1)

    def plus(self, more: Spending) -> Spending:
        """With what was spent afterwards."""
        return self._summed(more, 1)

    def _summed(self, other: Spending, sign: int) -> Spending:
        sums: dict[str, Any] = {}
        for name in (each.name for each in fields(self)):
            a, b = getattr(self, name), getattr(other, name)
            sums[name] = None if a is None or b is None else a + sign * b  # an unknown cost
        return Spending(**sums)


@dataclass(frozen=True, slots=True)
class Caps:
    """Hard caps of a job; None for no cap.

    Attributes
    ----------
    max_cost : float or None
        Dollars.
    max_tokens : int or None
        Tokens of prompts and answers together.
    max_rows : int or None
        Distinct texts that are asked; those that are stored already do not count.
    """

    max_cost: float | None = None
    max_tokens: int | None = None
    max_rows: int | None = None

    def left(self, spending: Spending) -> Caps:
        """What a job that spent so much may still spend; nothing where that is not known.

        >>> Caps(max_cost=2.0, max_rows=10).left(Spending(asked=4, cost=0.5))
        Caps(max_cost=1.5, max_tokens=None, max_rows=6)
        """
        cost, tokens, rows = self.max_cost, self.max_tokens, self.max_rows
        used = spending.prompt_tokens + spending.completion_tokens + spending.lost_tokens
        if cost is not None:
            cost = 0.0 if spending.cost is None else max(cost - spending.cost, 0.0)
        return Caps(
            max_cost=cost,
            max_tokens=None if tokens is None else max(tokens - used, 0),
            max_rows=None if rows is None else max(rows - spending.asked - spending.lost, 0),
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a run, for a progress display.

    Attributes
    ----------
    done, total : int
        Texts; of a step that asks nothing, its ``parts``.
    spending : Spending
        Of this step.
    seconds : float
        Since it began.
    step : str
    parts : bool
    preparing : Preparing or None
        What is worked out meanwhile; texts and money stand as they are.
    """

    done: int
    total: int
    spending: Spending
    seconds: float
    step: str = "label"
    parts: bool = False
    preparing: Preparing | None = None

    @property
    def rate(self) -> float:
        """Answers per second of this run (reused answers do not count)."""
        return self.spending.asked / self.seconds if self.seconds > 0 else math.nan

    @property
    def cost_all(self) -> float | None:
        """Dollars that the whole run will cost, by what it has so far; None when unknown."""
        if self.spending.cost is None or self.spending.asked < _ENOUGH:
            return None
        return self.spending.cost * (1.0 + self._left / self.spending.asked)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the run is done, at its rate so far; None when unknown."""
        if self.spending.asked < _ENOUGH or not self.rate > 0:
            return None
        return self._left / self.rate

    @property
    def _left(self) -> int:
        return max(self.total - self.done, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """How a run went so far: at most 240 moments, whatever its length.

    Attributes
    ----------
    seconds : ndarray of shape (n,), float
        Since the run began, ascending.
    done, asked : ndarray of shape (n,), int
        Texts that have an answer; those that were asked for it in this run.
    cost : ndarray of shape (n,), float
        Dollars paid; nan when unknown.
    total : int
        Texts of the run.
    step : str
        As in :class:`Progress`.
    max_cost : float or None
        The cap in dollars.
    """

    seconds: FloatArray = field(default_factory=lambda: np.empty(0))
    done: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    asked: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    cost: FloatArray = field(default_factory=lambda: np.empty(0))
    total: int = 0
    step: str = "label"
    max_cost: float | None = None

    def after(self, progress: Progress) -> Timeline:
        """The timeline with one moment more; another step begins a new one.

        Where there would be too many moments, the one with the nearest neighbours goes, but
        never the first or the last. A moment that is not later than the last one takes its
        place.
        """
        begun = replace(Timeline(), max_cost=self.max_cost)
        old = self if progress.step == self.step else begun
        kept = slice(0, int(np.searchsorted(old.seconds, progress.seconds)))
        cost = math.nan if progress.spending.cost is None else progress.spending.cost
        seconds = np.r_[old.seconds[kept], progress.seconds]
        thin = np.ones(len(seconds), dtype=bool)
        if len(seconds) > _MOMENTS:
            thin[1 + int(np.argmin(seconds[2:] - seconds[:-2]))] = False
        return replace(
            old,
            seconds=seconds[thin],
            done=np.r_[old.done[kept], progress.done][thin],
            asked=np.r_[old.asked[kept], progress.spending.asked][thin],
            cost=np.r_[old.cost[kept], cost][thin],
            total=progress.total,
            step=progress.step,
        )


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """What one teacher, with one prompt, label set and parameters, has answered.

    Attributes
    ----------
    key : str
        Eight hexadecimal digits that name the set.
    teacher, prompt : str
    n_labels, n_answers, n_missing, n_runs : int
        Labels to choose from; answers stored; those without a label; runs they came in.
    prompt_tokens, completion_tokens : int
    cost : float or None
        Dollars; None when that of an answer is unknown.
    seconds : float or None
        Mean that an answer took; None when nobody measured it.
    models : tuple of (str, int)
        Who gave them, as the server names it, and how many of them; empty when it did not say.
    first, last : str
        Times of the first and the last answer, ISO 8601.
    joint : bool
        Of a panel: its members' sets hold the same cost.
    """

    key: str
    teacher: str
    prompt: str
    n_labels: int
    n_answers: int
    n_missing: int
    n_runs: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float | None
    first: str
    last: str
    models: tuple[tuple[str, int], ...] = ()
    joint: bool = False


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """What one run has added to a set of answers.

    Attributes
    ----------
    began, last : str
        Times of its beginning and of its last answer, ISO 8601.
    elapsed : float
        Seconds between the two.
    n_answers, n_missing, prompt_tokens, completion_tokens, cost, seconds
        As in :class:`AnswerSet`.
    """

    began: str
    last: str
    elapsed: float
    n_answers: int
    n_missing: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of answers on the texts that both have labelled.

    Attributes
    ----------
    teachers : tuple of str
    n_shared, n_agree : int
    agreement_low, agreement_high, confidence : float
        Clopper-Pearson interval for the share that agrees, and its confidence.
    costs : tuple of (float or None)
        Dollars that each paid for these texts; None when that of one is unknown.
    pairs : tuple of (label, other label, int)
        Labels that stand against each other, and how often; at most twenty.
    disagreements : tuple of (text, label, other label)
        At most twenty.
    """

    teachers: tuple[str, str]
    n_shared: int
    n_agree: int
    agreement_low: float
    agreement_high: float
    confidence: float
    costs: tuple[float | None, float | None]
    pairs: tuple[tuple[str, str, int], ...]
    disagreements: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Superseded:
    """Stored answers to the texts of a job that do not apply to it.

    Attributes
    ----------
    n : int
        Answers; texts that this teacher has answered itself do not count.
    differs : tuple of str
        In what the teachers that gave them differ: "prompt", "label set", "model", "server",
        "function", "setting of reasons", "setting".
    """

    n: int = 0
    differs: tuple[str, ...] = ()

    def __add__(self, other: Superseded) -> Superseded:
        """Both together."""
        both = dict.fromkeys((*self.differs, *other.differs))
        return Superseded(self.n + other.n, tuple(both))
