"""What stored answers tell about the next ones: their tokens, and how fast they come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer_nb.store.labels import LabelStore
from tracer_nb.store.rows import identity_address

__all__ = ["Experience", "Tokens", "find_experience"]

# Fewer say little about the next thousand.
_FEWEST = 20
# Rows are stored in the order of a hash, so the first ones are a random part of all.
_MOST = 20_000
# Where all texts had one length, nothing was seen of how tokens grow with it.
_TOKENS_PER_BYTE = 0.25
# Two sets of answers with these in common come from one model on one server.
_SAME_MODEL = ("teacher", "model", "server", "reasoning_effort")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of many answers together: what is expected, and its standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Experience:
    """What earlier answers of a teacher took.

    Attributes
    ----------
    n_answers : int
        Answers whose tokens the server has counted; 0 when they are too few to go by.
    same_prompt : bool
        They are of this very teacher; else of the same model on the same server, asked with
        another prompt, so that only the tokens of their answers count.
    size, size_variance : float
        UTF-8 bytes of a text, mean and variance.
    prompt, slope, prompt_variance : float
        Tokens of a prompt: mean, growth per byte of text, variance around that line.
    completion, completion_variance : float
        Tokens of an answer.
    rate : float or None
        Answers a second of the latest run with at least twenty; None when there is none.
    """

    n_answers: int = 0
    same_prompt: bool = True
    size: float = 0.0
    size_variance: float = 0.0
    prompt: float = 0.0
    slope: float = 0.0
    prompt_variance: float = 0.0
    completion: float = 0.0
    completion_variance: float = 0.0
    rate: float | None = None

    def prompt_tokens(self, sizes: Sequence[int], n: int) -> Tokens:
        """Prompt tokens of ``n`` texts, of which ``sizes`` are the bytes of the first ones."""
        m = len(sizes)
        mean = sum(sizes) / m
        away = mean - self.size
        each = self.prompt + self.slope * away
        variance = self.prompt_variance * (1 / self.n_answers + 1 / n)
        if self.size_variance:
            variance += self.prompt_variance * away**2 / (self.n_answers * self.size_variance)
        if m < n:
            spread = sum((size - mean) ** 2 for size in sizes) / max(m - 1, 1)
            variance += self.slope**2 * spread / m
        return Tokens(n * max(each, 0.0), n * math.sqrt(variance))

    def completion_tokens(self, n: int) -> Tokens:
        """Tokens of the answers to ``n`` texts."""
        variance = self.completion_variance * (1 / self.n_answers + 1 / n)
        return Tokens(n * self.completion, n * math.sqrt(variance))


def find_experience(store: LabelStore, identity: Mapping[str, Any]) -> Experience:
    """Learn from the stored answers of a teacher, or of its model under another prompt.

    Raises
    ------
    StoreError
        The file cannot be read.
    """
    own = identity_address(identity)[0]
    model = _model(identity)
    related = [] if model is None else [i for i, its in store.identities() if _model(its) == model]
    learned = _tokens(store, [own], same_prompt=True)
    if not learned and related:
        learned = _tokens(store, related, same_prompt=False)
    rate = _rate(store, [own]) or _rate(store, related)
    return Experience(**learned, rate=rate)


def _model(identity: Mapping[str, Any]) -> tuple[Any, ...] | None:
    return tuple(map(identity.get, _SAME_MODEL)) if identity.get("model") else None


def _tokens(store: LabelStore, ids: Sequence[str], *, same_prompt: bool) -> dict[str, Any]:
    marks = ",".join("?" * len(ids))
    (row,) = store.select(
        "SELECT count(*), total(x), total(y), total(z), total(x * x), total(x * y), total(y * y), "  # noqa: S608
        "total(z * z) FROM (SELECT length(CAST(text AS BLOB)) AS x, prompt_tokens AS y, "
        f"completion_tokens AS z FROM answers WHERE identity_id IN ({marks}) AND counted "
        "AND prompt_tokens > 0 LIMIT ?)",
        [*ids, _MOST],
    )
    n = int(row[0])
    if n < _FEWEST:
        return {}
    x, y, z, xx, xy, yy, zz = (total / n for total in row[1:])
    size_variance = max(xx - x * x, 0.0)
    # Of a share of a byte's square, rounding is all there is.
    seen = size_variance > 0.01
    slope = min(max((xy - x * y) / size_variance, 0.0), 1.0) if seen else _TOKENS_PER_BYTE
    around = (yy - y * y) - 2 * slope * (xy - x * y) + slope**2 * size_variance
    return {
        "n_answers": n,
        "same_prompt": same_prompt,
        "size": x,
        "size_variance": size_variance if seen else 0.0,
        "prompt": y,
        "slope": slope,
        "prompt_variance": max(around, 0.0) * n / (n - 2),
        "completion": z,
        "completion_variance": max(zz - z * z, 0.0) * n / (n - 1),
    }


def _rate(store: LabelStore, ids: Sequence[str]) -> float | None:
    """Answers a second, from the beginning of the latest run to its last answer.

    Those that a batch has brought came all at once: nobody timed them, and they say nothing.
    """
    marks = ",".join("?" * len(ids))
    rows = store.select(
        "SELECT count(*) AS n, (julianday(max(created_at)) - julianday(began_at)) * 86400 "  # noqa: S608
        f"AS elapsed FROM answers JOIN runs ON runs.id = run_id WHERE answers.identity_id IN ({marks}) "
        "GROUP BY run_id HAVING n >= ? AND elapsed > 0 AND count(seconds) > 0 ORDER BY run_id DESC LIMIT 1",
        [*ids, _FEWEST],
    )
    return rows[0][0] / rows[0][1] if rows else None
