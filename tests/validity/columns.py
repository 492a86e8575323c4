"""Columns on which hard rows are asked about first: clusters, copies, and a region of false confidence."""

from __future__ import annotations

import numpy as np

from tracer_nb.draws.hardfirst import HardFirst
from tracer_nb.draws.moves import Column, Terms

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
