"""Worlds whose true agreement is known in closed form, and the count of broken promises.

A row's rank q is uniform on [0, 1], 0 for the row with the highest score 1 - q; surrogate
and teacher agree on it with probability a(q). With threshold t the rows q <= 1 - t are
handled, and their selective agreement is the mean of a over them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from tracer_nb.engine.certificate import certify_column, certify_held_out
from tracer_nb.records import Pilot

CONFIDENCE = 0.9
DELTA = 1.0 - CONFIDENCE


@dataclass(frozen=True)
class World:
    """Agreement by rank, and its integral from 0 to q."""

    name: str
    agreement: Callable[[np.ndarray], np.ndarray]
    integral: Callable[[np.ndarray], np.ndarray]

    def selective(self, coverage):
        """True agreement of the rows handled at this coverage."""
        return self.integral(coverage) / coverage

    def best_coverage(self, target):
        """The largest coverage that keeps the promise; 0 when none does."""
        coverages = np.arange(1, 10_001) / 10_000
        kept = coverages[self.selective(coverages) >= target - 1e-12]
        return kept.max() if len(kept) else 0.0

    def draw(self, rng, n):
        """Scores and agreement of n independent rows."""
        q = rng.random(n)
        return 1.0 - q, rng.random(n) < self.agreement(q)

    def column(self, n):
        """Scores and agreement of n known rows that follow the curve as closely as can be."""
        q = (np.arange(n) + 0.5) / n
        missed = np.floor(np.cumsum(1.0 - self.agreement(q)) + 1e-9)
        return 1.0 - q, np.diff(missed, prepend=0.0) < 0.5


def power(name, overall, exponent, top=0.998):
    """Agreement ``top`` at the highest scores, falling so that the whole is ``overall``."""
    drop = (top - overall) * (exponent + 1.0)
    return World(
        name,
        lambda q: top - drop * q**exponent,
        lambda q: top * q - drop * q ** (exponent + 1.0) / (exponent + 1.0),
    )


def steps(name, widths, levels):
    """Agreement constant on stretches of the ranks."""
    edges = np.r_[0.0, np.cumsum(widths)]
    assert math.isclose(edges[-1], 1.0)
    areas = np.r_[0.0, np.cumsum(np.diff(edges) * levels)]
    return World(
        name,
        lambda q: np.asarray(levels)[np.searchsorted(edges[1:-1], q, side="left")],
        lambda q: np.interp(q, edges, areas),
    )


# GUARANTEES section 9.
REALISTIC = [
    power("overall .93", 0.93, 3.0),
    power("overall .95", 0.95, 4.0),
    power("overall .85", 0.85, 2.0),
    power("overall .75", 0.75, 1.5),
]


def stress(target):
    """Worlds made to break a promise of ``target``; the last two are badly ordered."""
    return [
        steps("plateau", [1.0], [target - 0.001]),
        steps("cliff", [0.9, 0.1], [target + 0.015, target - 0.175]),
        steps("infeasible", [1.0], [0.9]),
        # The surest rows are the worst ones; all rows together are just below the target.
        steps("upside down", [0.3, 0.7], [target - 0.03, target + 0.011]),
        # In and out of the promise: kept at .1, broken at .4, kept at .7, broken at 1.
        steps(
            "waves",
            [0.1, 0.3, 0.3, 0.3],
            [target + 0.04, target - 0.03, target + 0.03, target - 0.04],
        ),
    ]


def certified_threshold(pilot, scores, agree, target, seed):
    """The rule of the product."""
    return certify_held_out(
        pilot, scores, agree, target=target, confidence=CONFIDENCE, seed=seed
    ).threshold


def naive_threshold(_pilot, scores, agree, target, _seed):
    """The rule that must be caught: lowest threshold whose observed agreement is enough."""
    order = np.argsort(-scores)
    observed = agree[order].cumsum() / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(observed >= target)
    return scores[order][enough[-1]] if len(enough) else np.inf


def certified_column_threshold(pilot, scores, agree, target, seed, *, others):
    """The rule of the product for a known column."""
    return certify_column(
        pilot, scores, agree, others, target=target, confidence=CONFIDENCE, seed=seed
    ).threshold


def naive_column_threshold(pilot, scores, agree, target, seed, *, others):
    del others
    return naive_threshold(pilot, scores, agree, target, seed)


@dataclass(frozen=True)
class Outcome:
    """Draws in which the promise was broken, and the mean coverage of all draws."""

    n_broken: int
    n_draws: int
    coverage: float

    @property
    def most_allowed(self):
        """Exceeded by a valid rule once in a thousand runs of this many draws."""
        return int(binom.ppf(0.999, self.n_draws, DELTA))

    @property
    def kept(self):
        return self.n_broken <= self.most_allowed


def sizes(n_labels):
    """Fitting and calibration rows of the product's split."""
    n_fit = math.floor(0.7 * n_labels)
    return n_fit, n_labels - n_fit


def held_out(world, n_labels, target, n_draws, *, rule=certified_threshold):
    """Certify on fresh draws and compare with the closed form."""
    rng = np.random.default_rng([n_labels, round(1000 * target)])
    n_fit, n_calibration = sizes(n_labels)
    coverages = np.zeros(n_draws)
    for i in range(n_draws):
        pilot = Pilot(*world.draw(rng, n_fit))
        threshold = rule(pilot, *world.draw(rng, n_calibration), target, i)
        coverages[i] = 1.0 - threshold if np.isfinite(threshold) else 0.0
    handled = coverages[coverages > 0]
    broken = world.selective(handled) < target - 1e-12
    return Outcome(int(broken.sum()), n_draws, float(coverages.mean()))


def known_column(world, n_labels, n_others, target, n_draws, *, rule=certified_column_threshold):
    """Draw calibration rows from one column without replacement and count all its rows.

    The column is the same in every draw, as the promise is about the draw alone.
    """
    rng = np.random.default_rng([n_labels, n_others, round(1000 * target)])
    n_fit, n_calibration = sizes(n_labels)
    scores, agree = world.column(n_calibration + n_others)
    coverages, n_broken = np.zeros(n_draws), 0
    for i in range(n_draws):
        pilot = Pilot(*world.draw(rng, n_fit))
        order = rng.permutation(len(scores))
        drawn, rest = order[:n_calibration], order[n_calibration:]
        threshold = rule(pilot, scores[drawn], agree[drawn], target, i, others=scores[rest])
        handled = scores >= threshold
        coverages[i] = handled.mean()
        n_allowed = math.floor((1.0 - target) * handled.sum() + 1e-9)
        n_broken += int((~agree[handled]).sum() > n_allowed)
    return Outcome(n_broken, n_draws, float(coverages.mean()))
