"""What is frozen of a chain, and how a row is answered by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer_nb.draws.opinions import Opinions, Pools, Rule
from tracer_nb.engine.pool import Pool, Pooled

__all__ = ["Chained", "pooled_by"]


@dataclass(frozen=True, slots=True, eq=False)
class Chained:
    """What was frozen of a chain: how opinions are weighed, and whom to hear about a row.

    Attributes
    ----------
    pools : Pools
    rule : Rule
    outputs : ndarray of shape (n_texts, k)
        The surrogate's on all texts.
    far : ndarray of shape (n_texts,), bool
        Texts that the guard defers.
    """

    pools: Pools
    rule: Rule
    outputs: NDArray[np.floating]
    far: NDArray[np.bool_]

    def follow(
        self, texts: NDArray[np.intp], opinions: Opinions
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], dict[int, NDArray[np.intp]]]:
        """Labels and scores of texts by the rule, and about which a stage is still to be heard.

        Weights are those that were frozen; only what was said is looked up among newer opinions.
        """
        pools = self.pools.hearing(opinions)
        codes, scores, waiting = pools.by_rule(self.rule, self.outputs[texts], texts)
        far = self.far[texts]
        wanted = {stage: texts[rows[~far[rows]]] for stage, rows in waiting.items()}
        return codes, scores, {stage: each for stage, each in wanted.items() if len(each)}


def pooled_by(pools: Pools, rule: Rule) -> Pooled:
    """The same rule and weights for rows that are not the column's."""
    return Pooled(
        rule.used,
        rule.cut,
        tuple(_pool_of(pools, rule.used[:n]) for n in range(len(rule.used) + 1)),
    )


def _pool_of(pools: Pools, heard: tuple[int, ...]) -> Pool:
    """The pool of these stages, with weights in their order."""
    weighed = pools.usable(tuple(sorted(heard)))
    pool = pools.pool(weighed)
    if pool is None:  # hardly a label yet: the surrogate's answer is as it is
        return Pool(np.array([0.0, 1.0, *(0.0 for _ in heard)]))
    own = [pool.weights[2 + weighed.index(s)] if s in weighed else 0.0 for s in heard]
    return Pool(np.array([*pool.weights[:2], *own]))
