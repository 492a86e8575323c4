"""Worlds whose true agreement is known, by formula or by counting.

Score worlds (``World``, ``ClassWorld``, ``CostWorld``, ``WholeOutput``) skip the surrogate: they
draw scores and agreement. A row's rank q is uniform on [0, 1], 0 for the row with the highest
score 1 - q; surrogate and teacher agree on it with probability a(q). With threshold t the rows
q <= 1 - t are handled, and their selective agreement is the mean of a over them.

Row worlds (``Clusters``, ``banking77``) draw features and the teacher's labels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tracer_nb.engine.options import path_of
from tracer_nb.records import Pilot


class About(NamedTuple):
    """Agreement and coverage of the handled rows: of all together first, then of each group."""

    agreement: np.ndarray
    coverage: np.ndarray

    def breaks(self, target):
        """Some group of handled rows is below the target; of no rows it never is."""
        return bool(((self.coverage > 0) & (self.agreement < target - 1e-12)).any())


def share(agree, handled, weights=None):
    """Agreement of the handled rows, and the share of all rows (or weights) that they are."""
    n = handled.sum()
    agreement = agree[handled].mean() if n else 1.0
    return agreement, np.average(handled, weights=weights) if len(handled) else 0.0


def part(rows, which):
    """Some rows of a pilot, or of anything kept in the same shape."""
    codes, costs = (None if v is None else v[which] for v in (rows.codes, rows.costs))
    return Pilot(rows.scores[which], rows.agree[which], codes, costs)


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
        return Pilot(1.0 - q, rng.random(n) < self.agreement(q))

    def column(self, n):
        """Scores and agreement of n known rows that follow the curve as closely as can be."""
        q = (np.arange(n) + 0.5) / n
        missed = np.floor(np.cumsum(1.0 - self.agreement(q)) + 1e-9)
        return Pilot(1.0 - q, np.diff(missed, prepend=0.0) < 0.5)

    def about(self, threshold):
        """The truth about new rows at a threshold."""
        coverage = 1.0 - threshold if math.isfinite(threshold) else 0.0
        agreement = self.selective(coverage) if coverage > 0 else 1.0
        return About(np.array([agreement]), np.array([coverage]))

    def counted(self, everyone, threshold):
        """The truth about known rows at a threshold."""
        return About(*np.transpose([share(everyone.agree, everyone.scores >= threshold)]))


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


def staircase(levels, tops):
    """Selective agreement flat at each of ``levels`` up to the coverages ``tops``, in between falls.

    Each flat stretch begins with a short one of low agreement, which brings the whole down.
    """
    widths, heights, done, area = [], [], 0.0, 0.0
    for level, top in zip(levels, tops, strict=True):
        if done:
            # Rows of agreement .3 until the handled rows together have agreement ``level``.
            fall = (area - level * done) / (level - 0.3)
            widths.append(fall)
            heights.append(0.3)
            done, area = done + fall, area + 0.3 * fall
        widths.append(top - done)
        heights.append(level)
        done, area = top, area + level * (top - done)
    return steps("staircase", widths, heights)


# GUARANTEES, "How this is checked".
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


# Known rows follow the curve so closely that .001 below .92 is no row too many.
LOWER_PLATEAU = steps("plateau at .916", [1.0], [0.916])


def nine(target):
    """All curves of GUARANTEES, "How this is checked"."""
    return [*REALISTIC, *stress(target)]


@dataclass(frozen=True)
class ClassWorld:
    """Predicted classes, each with its share of the rows and its own curve."""

    name: str
    shares: tuple[float, ...]
    curves: tuple[World, ...]

    def best_coverage(self, target):
        """The largest coverage that keeps the promise in each class."""
        return float(np.dot(self.shares, [curve.best_coverage(target) for curve in self.curves]))

    def draw(self, rng, n):
        codes = rng.choice(len(self.shares), size=n, p=self.shares)
        scores, agree = np.empty(n), np.empty(n, dtype=bool)
        for code, curve in enumerate(self.curves):
            own = codes == code
            part = curve.draw(rng, int(own.sum()))
            scores[own], agree[own] = part.scores, part.agree
        return Pilot(scores, agree, codes)

    def column(self, n):
        parts = [
            curve.column(round(part * n))
            for part, curve in zip(self.shares, self.curves, strict=True)
        ]
        return Pilot(
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.agree for part in parts]),
            np.repeat(np.arange(len(parts)), [len(part.scores) for part in parts]),
        )

    def about(self, thresholds):
        parts = [curve.about(t) for curve, t in zip(self.curves, thresholds, strict=True)]
        agreement = np.array([part.agreement[0] for part in parts])
        handled = np.array([part.coverage[0] for part in parts]) * self.shares
        total = handled.sum()
        overall = (agreement * handled).sum() / total if total else 1.0
        return About(np.r_[overall, agreement], np.r_[total, handled])

    def counted(self, everyone, thresholds):
        handled = everyone.scores >= thresholds[everyone.codes]
        groups = [handled & (everyone.codes == code) for code in range(len(self.shares))]
        return About(*np.transpose([share(everyone.agree, own) for own in (handled, *groups)]))


def four_classes(target):
    """A plateau just below the target, one without hope, and two that can be certified."""
    return ClassWorld(
        "four classes",
        (0.25, 0.15, 0.35, 0.25),
        (
            steps("plateau", [1.0], [target - 0.001]),
            steps("infeasible", [1.0], [0.9]),
            power("overall .95", 0.95, 4.0),
            power("overall .93", 0.93, 3.0),
        ),
    )


def four_plateaus(target):
    """Four classes of which each is just below the target."""
    return ClassWorld("four plateaus", (0.25,) * 4, (steps("", [1.0], [target - 0.001]),) * 4)


@dataclass(frozen=True)
class CostWorld:
    """Rows whose cost varies, dear ones being harder; scores lie along a strategy's path.

    The gate score is the probability of agreement, .998 - .3 q^2. The mean cost is 1. The
    coverages are shares of the cost. The truth about new rows is the mean of the probabilities
    over 400,000 rows.
    """

    target: float
    strategy: str = "cost-aware"
    name: str = "dear rows are harder"

    def _rows(self, rng, n):
        q = rng.random(n)
        chance = 0.998 - 0.3 * q**2
        costs = np.exp(1.2 * (q - 0.5) + rng.normal(size=n) - 0.5)
        costs /= math.sinh(0.6) / 0.6
        path = path_of(self.strategy, chance, costs, self.target, 1.0)
        return path, chance, costs

    def draw(self, rng, n):
        path, chance, costs = self._rows(rng, n)
        return Pilot(path, rng.random(n) < chance, costs=costs)

    def column(self, n):
        return self.draw(np.random.default_rng([n, 5]), n)

    @cache  # noqa: B019  a handful of worlds
    def _truth(self):
        path, chance, costs = self._rows(np.random.default_rng(5), 400_000)
        order = np.argsort(-path)
        agreement = chance[order].cumsum() / np.arange(1, len(order) + 1)
        return -path[order], agreement, costs[order].cumsum() / costs.sum()

    def about(self, threshold):
        path, agreement, coverage = self._truth()
        n = np.searchsorted(path, -threshold, side="right")
        if n == 0:
            return About(np.ones(1), np.zeros(1))
        return About(agreement[n - 1 : n], coverage[n - 1 : n])

    def counted(self, everyone, threshold):
        handled = everyone.scores >= threshold
        return About(*np.transpose([share(everyone.agree, handled, everyone.costs)]))

    def best_coverage(self, target):
        """Largest share of the cost along this path that keeps the promise."""
        _, agreement, coverage = self._truth()
        return coverage[np.flatnonzero(agreement >= target)[-1]]


@dataclass(frozen=True)
class WholeOutput:
    """Another world, with the agreement of its whole output: deferred rows count as equal."""

    world: World

    def draw(self, rng, n):
        return self.world.draw(rng, n)

    def column(self, n):
        return self.world.column(n)

    def about(self, threshold):
        return self._whole(self.world.about(threshold))

    def counted(self, everyone, threshold):
        return self._whole(self.world.counted(everyone, threshold))

    def _whole(self, about):
        return About(1.0 - about.coverage * (1.0 - about.agreement), about.coverage)


# --- rows with features ------------------------------------------------------------------

N_CLASSES, N_FREQUENT = 4, 60
REPEATED = 0.25


class Rows(NamedTuple):
    """Features, the teacher's labels, and where they are known the chances of each label."""

    X: np.ndarray
    labels: np.ndarray
    chances: np.ndarray | None = None

    def take(self, which):
        return Rows(*(None if values is None else values[which] for values in self))

    def without(self, seen):
        """The rows that equal none of ``seen``."""
        known = {row.tobytes() for row in seen}
        return self.take(np.array([row.tobytes() not in known for row in self.X], dtype=bool))


@dataclass
class Clusters:
    """A mixture of Gaussians, two clusters to a class.

    A quarter of the rows repeat one of a few frequent rows, label included, as texts repeat in
    a column. The teacher names the class of the nearest centre, and with a known probability
    another one: ``noise``, and more of it at borders. A share ``outliers`` of the rows lies in
    any direction, and there the teacher guesses.
    """

    seed: int
    spread: float
    noise: float
    border_noise: float = 0.0
    n_features: int = 6
    outliers: float = 0.0
    rng: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self):
        self.rng = np.random.default_rng([self.seed, 7])
        self.centres = self.spread * self.rng.normal(size=(2 * N_CLASSES, self.n_features))
        self.frequent = self._new(N_FREQUENT)

    def _new(self, n):
        which = self.rng.integers(len(self.centres), size=n)
        X = self.centres[which] + self.rng.normal(size=(n, self.n_features))
        distances = np.sqrt(((X[:, None] - self.centres) ** 2).sum(axis=2))
        near = np.partition(distances, 1, axis=1)
        p_other = self.noise + self.border_noise * np.exp(-2.0 * (near[:, 1] - near[:, 0]))
        chances = np.repeat(p_other[:, None] / (N_CLASSES - 1), N_CLASSES, axis=1)
        chances[np.arange(n), distances.argmin(axis=1) % N_CLASSES] = 1.0 - p_other
        if self.outliers:
            out = self.rng.random(n) < self.outliers
            X[out] = 10.0 * self.rng.normal(size=(int(out.sum()), self.n_features))
            chances[out] = 1.0 / N_CLASSES
        labels = (self.rng.random((n, 1)) > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
        return Rows(X.astype(np.float32), labels, chances)

    def draw(self, n):
        rows = self._new(n)
        repeated = np.flatnonzero(self.rng.random(n) < REPEATED)
        which = self.rng.integers(N_FREQUENT, size=len(repeated))
        rows.X[repeated], rows.labels[repeated] = (part[which] for part in self.frequent[:2])
        # What has been asked is known: the label of a repeated row is not drawn again.
        rows.chances[repeated] = np.eye(N_CLASSES)[rows.labels[repeated]]
        return rows

    def elsewhere(self, n):
        """Rows of a cluster that no draw holds, on the side of the first class."""
        first = self.centres[0] / np.linalg.norm(self.centres[0])
        aside = self.rng.normal(size=self.n_features)
        aside -= aside @ first * first
        aside /= np.linalg.norm(aside)
        centre = self.spread * math.sqrt(self.n_features) * (0.85 * first + 0.53 * aside)
        return (centre + self.rng.normal(size=(n, self.n_features))).astype(np.float32)


# Agreement falls towards the borders; .88 over all rows.
BORDERS = {"spread": 1.5, "noise": 0.02, "border_noise": 0.25}
# Nothing to learn about where they part: agreement is flat, a little below .92.
FLAT = {"spread": 8.0, "noise": 0.083}
EASY = {"spread": 8.0, "noise": 0.03}
# In 20 dimensions rows of one cluster are alike, and those of no cluster are far from all.
NARROW = {"spread": 5.0, "noise": 0.02, "n_features": 20}
OUTLIERS = {"spread": 3.0, "noise": 0.02, "n_features": 20, "outliers": 0.2}


def clusters(world, n_labels=500, n_others=300, n_fresh=3000):
    """Source of draws: each seed has its own clusters."""

    def source(seed):
        drawn = Clusters(seed, **world)
        return drawn.draw(n_labels), drawn.draw(n_others), drawn.draw(n_fresh)

    return source


def banking77(n_labels):
    """Source of draws from all 13,083 rows of BANKING77; None where the data are not there."""
    folder = Path(os.environ.get("TRACER_NB_DATA", "../shared/data")) / "banking77"
    parts = [folder / f"{name}_minilm.npy" for name in ("train", "test")]
    if not all(path.exists() for path in (*parts, folder / "train.csv")):
        return None
    from tracer_nb.datasets import load

    X = np.vstack([np.load(path) for path in parts])
    everyone = Rows(X, load("banking77")["label"].to_numpy(str))

    def source(seed):
        order = np.random.default_rng([seed, 77]).permutation(len(X))
        rest = everyone.take(order[n_labels:])
        return everyone.take(order[:n_labels]), rest, rest

    return source
