"""Whom a chain hears about a row: what pays, what was bought, and what was frozen of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws import PILOT, UNASKED, Draw, rows_of
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.draws.opinions import Heard, Opinions, Pools, Rule
from tracer_nb.engine.outlook import Outlook

__all__ = ["Chain", "best_rule"]

# Scores below which a stage is heard: what is tried.
_CUTS = (0.7, 0.85, 0.95, 0.99, 1.01)
# A stage is taken where it lowers the expected bill by this share of the column: what a pilot
# promises is not to be known more closely.
_LEAST_GAIN = 0.01

# The weights of a chain's opinions are read off random rows alone: where a stage pays, the start has so
# many, or such a share of the column. On GPT-4's answers to babe at .90 the bill was .565 of all calls
# with 350 rows, .59 with 250 and .62 with 150 (8 draws each).
_START, _START_SHARE = 350, 0.2
# Stages get no more than the teacher got. What they are worth shows when the surrogate has learned: on
# BANKING77 a stage at 15 % of the teacher's price that was heard about all rows at once made the bill
# .25 of all calls, and .16 so, where surrogate and teacher alone need .17.
_PART = 1.0
_FREE = 1e-3


class Chain:
    """The stages of a job: their prices, what they have said, and whom to hear next.

    Parameters
    ----------
    column : Column
    terms : Terms

    Attributes
    ----------
    opinions : Opinions or None
        What was said until now; None without a chain.
    prices : tuple of float
        What hearing each stage costs, in askings of the teacher; infinite where it is not heard.
    room : float
        What caps leave for stages and a test, in askings of the teacher.
    texts : float
        Texts that caps leave for stages and a test.
    """

    def __init__(self, column: Column, terms: Terms) -> None:
        self._column = column
        self.opinions: Opinions | None = None
        self.prices = terms.prices
        self.room = self.texts = np.inf

    def mute(self, stages: Container[int]) -> None:
        """Hear none of these any more."""
        self.prices = tuple(np.inf if s in stages else p for s, p in enumerate(self.prices))

    def purse(self, n_asked: int) -> float:
        """What may be spent on stages now, in askings of the teacher."""
        if self.opinions is None:
            return 0.0
        heard = (self.opinions.codes != UNASKED).sum(axis=1).tolist()
        spent = sum(n * p for n, p in zip(heard, self.prices, strict=True) if n and np.isfinite(p))
        return float(_PART * n_asked - spent)

    def affordable(self, stage: int, size: int) -> int:
        """Texts to hear a stage about for the price of so many askings of the teacher."""
        return max(int(size / max(self.prices[stage], _FREE)), size)

    def longer_start(self, draws: tuple[Draw, ...], n_rows: int, most: int | None) -> int:
        """Further random rows to begin with, where a stage seems to pay."""
        n_start = len(self._started(draws))
        size = min(_START, int(_START_SHARE * n_rows))
        return max(min(size, most or size) - n_start, 0)

    def unheard(
        self, draws: tuple[Draw, ...], stages: Sequence[int] | None = None
    ) -> dict[int, NDArray[np.intp]]:
        """Texts of the start that stages are still to be heard about, before it was made longer.

        With ``stages``, those of the longer start, which are heard about by these: a stage that
        does not seem to pay by then has told enough.
        """
        if self.opinions is None:
            return {}
        started = [draw for draw in draws if draw.purpose == PILOT]
        texts = self._column.texts_of(rows_of(started[:1] if stages is None else started))
        asked = range(len(self.prices)) if stages is None else stages
        waiting = {s: texts[~self.opinions.heard(s)[texts]] for s in asked}
        return self.hearable({s: found for s, found in waiting.items() if len(found)})

    def hearable(self, wanted: dict[int, NDArray[np.intp]]) -> dict[int, NDArray[np.intp]]:
        """Those of the stages that can be heard."""
        return {s: texts for s, texts in wanted.items() if np.isfinite(self.prices[s])}

    def _started(self, draws: tuple[Draw, ...]) -> NDArray[np.intp]:
        return self._column.texts_of(rows_of(d for d in draws if d.purpose == PILOT))


def best_rule(
    pools: Pools,
    outputs: NDArray[np.floating],
    texts: NDArray[np.intp],
    prices: Sequence[float],
    ahead: Callable[..., Outlook],
    *,
    scale: float,
    purse: float,
    room: tuple[float, float] = (np.inf, np.inf),
    seed: int,
) -> tuple[Rule, Outlook, NDArray[np.float64], bool]:
    """The rule with the least expected bill; a stage that does not pay is not in it.

    Parameters
    ----------
    pools : Pools
    outputs : ndarray of shape (n, k)
        The surrogate's on open rows.
    texts : ndarray of shape (n,), int
    prices : sequence of S floats
        What hearing a stage costs, in askings of the teacher; infinite for one that cannot be asked.
    ahead : callable
        From scores of the open rows, scores and agreement of the labelled ones, and the ``most``
        rows that a test may have, to an outlook.
    scale : float
        Open rows for each of these.
    purse : float
        What may be spent on stages now, in askings of the teacher.
    room : tuple of two floats
        What caps leave for stages and the test: in askings of the teacher, and in texts.
    seed : int

    Returns
    -------
    Rule
    Outlook
        Its bill counts what the stages cost.
    ndarray of shape (n,)
        Scores to expect of the open rows.
    bool
        Whether it pays to hear stages about more rows than were heard.
    """
    so_far = pools.so_far(outputs, texts)
    rules = [
        Rule(used, cut)
        for used in _subsets(prices)
        if _helpful(used, pools, so_far.used)
        for cut in _CUTS
        if cut > so_far.cut and {*used} >= {*so_far.used}
    ]
    best: tuple[Rule, Outlook, NDArray[np.float64], bool] | None = None
    least = 0.0
    for rule in (so_far, *rules):
        rng = np.random.default_rng([seed, 12])
        scores, bought = pools.project(rule, outputs, texts, rng)
        n_bought = {s: scale * len(np.unique(texts[rows])) for s, rows in bought.items()}
        cost = sum(prices[stage] * n for stage, n in n_bought.items() if n)
        heard = sum(n_bought.values())
        if rule is not so_far and (not heard or cost > purse):
            continue
        left = min(room[0] - cost, room[1] - heard)
        if rule is not so_far and left < 0:
            continue
        most = int(max(left, 0)) if np.isfinite(left) else None
        outlook = ahead(scores, *pools.labelled(rule), most=most)
        outlook = replace(outlook, bill=outlook.bill + cost)
        handicap = 0.0 if rule is so_far else _LEAST_GAIN * scale * len(texts)
        if best is None or outlook.bill + handicap < least:
            best = rule, outlook, scores, rule is not so_far
            least = outlook.bill + handicap
    assert best is not None  # noqa: S101  to hear nobody else is a rule, too
    return best


def _helpful(used: Heard, pools: Pools, before: Heard) -> bool:
    """Whether each further stage tells more than those before it."""
    further = [i for i, stage in enumerate(used) if stage not in before]
    return all(pools.helps(tuple(sorted(used[:i])), tuple(sorted(used[: i + 1]))) for i in further)


def _subsets(prices: Sequence[float]) -> list[Heard]:
    """Sets of stages to try, none first; cheap ones are heard first."""
    order = [s for s in np.argsort(prices, kind="stable").tolist() if np.isfinite(prices[s])]
    found: list[Heard] = [()]
    for stage in order:
        found += [(*one, stage) for one in found]
    return found
