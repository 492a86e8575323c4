"""Columns on which hard rows are asked about first: clusters, copies, and a region of false confidence."""

from __future__ import annotations

import numpy as np

from tracer_nb.draws import NO_LABEL, UNASKED
from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Terms
from tracer_nb.draws.opinions import Opinions

FAST = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single", "guard": False}


class World:
    """Rows around cluster centres, labelled by their cluster.

    In the planted region a share of the rows carries another label for no reason that the features
    know: the surrogate is as sure there as anywhere. Between two clusters it is unsure. A share of
    the rows are copies of others, and a share of the disagreeing texts gets no label.
    """

    def __init__(self, n=1500, *, wrong=0.25, copies=0.0, mute=0.0, spread=0.55, seed=0):
        rng = np.random.default_rng([seed, 31])
        k = 6
        centres = rng.normal(size=(k, 12))
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        own = rng.integers(k, size=n)
        X = centres[own] + spread * rng.normal(size=(n, 12)) / np.sqrt(12)
        nearest = (X @ centres.T).argmax(axis=1)
        flipped = (nearest < 2) & (rng.random(n) < wrong)
        self.labels = np.where(flipped, (nearest + 1 + rng.integers(k - 1, size=n)) % k, nearest)
        self.labels[(rng.random(n) < mute) & flipped] = -1
        self.codes = np.arange(n)
        if copies:  # hard texts are copied more often, many times each
            again = rng.random(n) < copies
            source = np.flatnonzero(~again)
            weight = np.where(flipped[source], 4.0, 1.0)
            self.codes[again] = rng.choice(source, again.sum(), p=weight / weight.sum())
            kept, self.codes = np.unique(self.codes, return_inverse=True)
            X, self.labels = X[kept], self.labels[kept]
        self.X = X.astype(np.float32)
        self.classes = tuple(f"label {i}" for i in range(k))

    @property
    def column(self):
        return Column([self.X], self.codes)

    def job(self, target=0.9, confidence=0.9, **terms):
        terms = {"start": 60, "options": FAST} | terms
        return HardFirst(self.column, self.classes, Terms(target, confidence, **terms))

    def ask(self, texts):
        return self.labels[texts]

    def agree(self, done_or_frozen):
        """Whether surrogate and teacher agree, for each row of the column."""
        frozen = getattr(done_or_frozen, "frozen", done_or_frozen)
        names = np.array([*self.classes, None], dtype=object)[self.labels]
        mine = frozen.fit.classes[frozen.answers.codes]
        return (names == mine)[self.codes]


class ChainWorld(World):
    """The same with cheap LLMs, whose answers know nothing of the features.

    Each gives the teacher's label with its probability, else another one; about a share of the texts
    it says nothing.
    """

    def __init__(self, n=1500, *, right=(0.9,), silent=0.0, seed=0, **world):
        super().__init__(n, seed=seed, **world)
        rng = np.random.default_rng([seed, 32])
        size, k = len(self.labels), len(self.classes)
        said = []
        for share in right:
            other = (self.labels + 1 + rng.integers(k - 1, size=size)) % k
            named = np.where(rng.random(size) < share, np.maximum(self.labels, 0), other)
            said.append(np.where(rng.random(size) < silent, NO_LABEL, named))
        self.said = np.array(said)
        self.calls = []

    def job(self, target=0.9, confidence=0.9, **terms):
        terms = {"prices": (0.05,) * len(self.said)} | terms
        job = super().job(target, confidence, **terms)
        job.opinions = self.unheard()
        return job

    def unheard(self):
        codes = np.full(self.said.shape, UNASKED)
        return Opinions(codes, (None,) * len(codes))

    def hear(self, stage, texts):
        self.calls.append((stage, texts))
        return self.said[stage][texts]


class FilterWorld(World):
    """A yes-or-no column: a rare cluster is wanted, and a few rows elsewhere for no reason at all."""

    def __init__(self, n=1500, *, share=0.08, stray=0.004, spread=0.5, seed=0):
        super().__init__(n, wrong=0.0, spread=spread, seed=seed)
        rng = np.random.default_rng([seed, 33])
        rare = self.labels == 0
        rare &= rng.random(len(rare)) < share / max(rare.mean(), 1e-9)
        self.X[rare] += np.float32(0.5) * rng.normal(size=12).astype(np.float32)
        stray = ~rare & (rng.random(len(rare)) < stray)
        self.labels = (rare | stray).astype(int)
        self.classes = ("no", "yes")
