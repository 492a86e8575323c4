"""Teachers that doubt, and rows from elsewhere."""

from __future__ import annotations

import numpy as np

from tracer_nb import Tracer
from tracer_nb.records import Answer

LABELS = ("login", "parcel", "refund")
QUICK = {"surrogate": "logistic", "gate": "margin", "pipeline": "single"}


class Doubting:
    """A teacher that gives its label a probability, which is small for the ``unsure`` texts."""

    def __init__(self, world, unsure=(), *, silent=False):
        self.world, self.unsure, self.silent = world, set(unsure), silent

    def __call__(self, text):
        label = self.world.teach(text)
        if self.silent:
            return Answer(label, cost=0.5)
        other = LABELS[LABELS.index(label) - 1]
        p = 0.4 if text in self.unsure else 0.9
        return Answer(label, probabilities={label: p, other: 1.0 - p}, cost=0.5)


class Strange:
    """Rows of three kinds, and a part of them from elsewhere, each in its own direction."""

    def __init__(self, n, strange, seed, first=0):
        rng = np.random.default_rng([seed, first, 5])
        codes = rng.integers(3, size=n)
        self.strange = rng.random(n) < strange
        self.texts = [f"{LABELS[c]} question {first + i}" for i, c in enumerate(codes)]
        near = np.eye(3)[codes] + 0.6 * rng.normal(size=(n, 3))
        away = rng.normal(size=(n, 40)) * np.where(self.strange, 0.6, 0.002)[:, None]
        self.X = np.c_[near, away]


def tracer_for(world, teacher=None, **options):
    options = {"features": world.X, "store": ":memory:", "cost": 0.5, **QUICK, **options}
    return Tracer(
        world.teach if teacher is None else teacher,
        LABELS,
        "Choose.",
        **options,
        labelling="random",
    )


def of_source(frame, source):
    return (frame["label_source"] == source).fillna(False).to_numpy(dtype=bool)  # noqa: FBT003
