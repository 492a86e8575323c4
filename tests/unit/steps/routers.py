"""Routers of every kind in files, over rows that are handled in part."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from scipy import sparse

import tracer_nb
from tests.unit.engine.saving.samples import ORIGIN
from tracer_nb.engine import calibrate_router, fit_surrogate
from tracer_nb.engine.features import LsaFeatures
from tracer_nb.engine.saving import RouterFile, write_router
from tracer_nb.engine.zoo import smoothing_over

LABELS = ("login", "parcel", "refund")


class Rows:
    """Rows of three kinds that overlap, and a few from elsewhere."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        codes = rng.integers(3, size=n)
        self.X = (np.eye(8)[codes] + 0.55 * rng.normal(size=(n, 8))).astype(np.float32)
        self.X[: n // 20, :3] *= -1
        self.y = np.array(LABELS)[codes]
        self.costs = np.exp(rng.normal(size=n))


def about(**changes):
    """What a file says of itself."""
    return {
        "teacher": "recorded labels",
        "identity": {"kind": "recorded"},
        "labels": list(LABELS),
        "prompt": "",
        "columns": [],
        "assumption": "",
        "fit": "0" * 16,
        "fitted": [],
        "exact": True,
        "seconds": 0.5,
        "latency_weight": 0.0,
        "chain": [],
        "abstain": {"unlike": False, "unsure": None},
        "versions": {"python": "3"},
        "origin": ORIGIN,
        "saved": "2026-01-01T00:00:00+00:00",
    } | changes


def fitted(X, rows, *, costs=None, smooth=False, **options):
    """A router for new rows; with ``smooth`` its features are smoothed, whatever that is worth."""
    options = {"target": 0.88, "confidence": 0.9, "seed": 0, "guard": 0.02} | options
    fit = fit_surrogate(X, rows.y, costs=costs, **options)
    if smooth:
        first = X[0] if isinstance(X, list) else X
        view = replace(fit.pipeline.view, smoothing=smoothing_over([first], 0))
        fit = replace(fit, pipeline=replace(fit.pipeline, view=view))
    return calibrate_router(fit, X, rows.y)


LABELLED, NEW = Rows(500, 0), Rows(150, 1)
_SPARSE = {"form": lambda X: sparse.csr_matrix(X * (np.abs(X) > 0.2))}
_BLOCKS = {"form": lambda X: [X, X[:, ::-1] + 0.1]}
_MIXED = {"form": lambda X: [X, sparse.csr_matrix(X * (np.abs(X) > 0.3))]}
KINDS = {
    "plain": {},
    "logistic": {"surrogate": "logistic", "gate": "entropy"},
    "per class": {"certificate": "per-class", "target": 0.75},
    "unguarded": {"guard": False},
    "learned gate": {"gate": "learned"},
    "column-smoothed": {"smooth": True},
    "cascade": {"pipeline": "cascade"},
    "cross-fit": {"certificate": "cross-fit", "target": 0.85},
    "fixed threshold": {"strategy": "fixed-threshold", "threshold": 0.8, "target": 0.8},
    "cost-aware": {"strategy": "cost-aware", "costs": LABELLED.costs},
    "two targets": {"target": [0.88, 0.86]},
    "sparse": _SPARSE,
    "two blocks": _BLOCKS,
    "dense and sparse": _MIXED,
    "two blocks, smoothed": {**_BLOCKS, "smooth": True, "gate": "learned"},
    "refused": {"target": 0.999},
}


def load_kind(kind, folder, **options):
    """The loaded router of a kind, and the new rows in its form."""
    path = folder / "router.tracer"
    write_router(path, RouterFile(_made(kind), None, about(**options.pop("about", {}))))
    new = KINDS[kind].get("form", lambda X: X)(NEW.X)
    return tracer_nb.load(path, **{"store": ":memory:", **options}), new


@functools.cache
def _made(kind):
    settings = dict(KINDS[kind])
    form = settings.pop("form", lambda X: X)
    return fitted(form(LABELLED.X), LABELLED, **settings)


def one_of(X, i):
    """A row as it is given alone."""
    if isinstance(X, list):
        return [one_of(block, i) for block in X]
    return X[i]


WORDS = {"login": "password sign", "parcel": "late delivery", "refund": "money back"}
OTHER = ["please help", "today", "again and again", "my order", "thanks", "what now"]


def texts(n, seed):
    """Texts with a word or two of their label, a part of them with none."""
    rng = np.random.default_rng([seed, 9])
    labels, found = [], []
    for i in range(n):
        label = LABELS[rng.integers(3)]
        words = [*rng.choice(OTHER, 2), *(WORDS[label].split() if rng.random() < 0.65 else [])]
        found.append(f"{' '.join(rng.permutation(words))} {i}")
        labels.append(label)
    return found, np.array(labels)


def load_texts(folder, *, about_it=None, load=None, **options):
    """A loaded router that makes features of texts, and new texts."""
    path = folder / "texts.tracer"
    write_router(path, RouterFile(*_made_of_texts(**options), about(**(about_it or {}))))
    new, _ = texts(80, 1)
    loaded = tracer_nb.load(path, **{"store": ":memory:", **(load or {})})
    return loaded, [*new, new[0], "qwrtz ploink", "  ", None]


@functools.cache
def _made_of_texts(**options):
    known, labels = texts(500, 0)
    features = LsaFeatures(40).fit(known)
    rows = Rows(0, 0)
    rows.y = labels
    return fitted(features.transform(known), rows, **options), features
