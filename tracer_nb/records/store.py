"""What the label store holds, by teacher and by run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AnswerRun", "AnswerSet", "Comparison", "Superseded"]


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
        "function", "setting".
    """

    n: int = 0
    differs: tuple[str, ...] = ()

    def __add__(self, other: Superseded) -> Superseded:
        """Both together."""
        both = dict.fromkeys((*self.differs, *other.differs))
        return Superseded(self.n + other.n, tuple(both))
