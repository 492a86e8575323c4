"""Files for the tests, and warnings as errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine import calibrate_router, fit_surrogate
from tracer_nb.engine.features import LsaFeatures
from tracer_nb.engine.saving import RouterFile, write_archive, write_router
from tracer_nb.labelsets import LabelSets

from .samples import ARRAYS, MANIFEST, ORIGIN

LABELS = ("login", "parcel", "refund")


@pytest.fixture(autouse=True)
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "intents.tracer"
    write_archive(path, MANIFEST, ARRAYS)
    return path


def about(labels):
    """What a file says of itself."""
    return {
        "teacher": "recorded labels",
        "identity": {"kind": "recorded"},
        "labels": labels,
        "prompt": None,
        "columns": [],
        "assumption": "",
        "fit": "0" * 16,
        "fitted": ["0" * 16, "f" * 16],
        "exact": True,
        "seconds": 0.5,
        "latency_weight": 0.0,
        "chain": [],
        "abstain": {"unlike": False, "unsure": None},
        "versions": {"python": "3"},
        "origin": ORIGIN,
        "saved": "2026-01-01T00:00:00+00:00",
    }


def router(X, y, **options):
    options = {"target": 0.6, "confidence": 0.9, **options}
    costs = np.ones(len(y)) if options.get("strategy") == "cost-aware" else None
    fit = fit_surrogate(X, y, costs=costs, unlabelled=options.pop("unlabelled", None), **options)
    return calibrate_router(
        fit, X, y, column=X[:100], column_costs=None if costs is None else costs[:100]
    )


@pytest.fixture(scope="session")
def honest(tmp_path_factory):
    """Small files of all kinds of surrogates, gates, features and certificates."""
    folder = tmp_path_factory.mktemp("honest")
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=300)
    y = np.array(LABELS)[codes]
    X = (np.eye(8)[codes] + 0.3 * rng.normal(size=(300, 8))).astype(np.float32)
    kinds = {
        "ridge": router(X, y, unlabelled=X + 0.1, surrogate="kernel-ridge"),
        "sparse": router(sparse.csr_matrix(X * (X > 0.4)), y, surrogate="kernel-ridge"),
        "learned": router(X, y, surrogate="logistic", gate="learned", target=[0.6, 0.7]),
        "classes": router(X, y, surrogate="logistic", certificate="per-class"),
        "costs": router(X, y, surrogate="logistic", strategy="cost-aware"),
        "unguarded": router(X, y, surrogate="kernel-ridge", guard=False),
        "cascade": router(X, y, pipeline="cascade"),
        "cross": router(X, y, certificate="cross-fit", target=0.999999),
        "sets": router(X, np.array([f'["{label}"]' for label in y]), sets=LabelSets(LABELS)),
        "fixed": router(X, y, strategy="fixed-threshold", threshold=0.3),
    }
    texts = [
        f"my {label} is {word}" for label in LABELS for word in ("late", "lost", "gone", "open")
    ]
    rows = rng.integers(len(texts), size=200)
    lsa = LsaFeatures(6).fit(texts)
    kinds["lsa"] = router(lsa.transform([texts[i] for i in rows]), np.repeat(LABELS, 4)[rows])
    for name, made in kinds.items():
        features = lsa if name == "lsa" else None
        write_router(folder / name, RouterFile(made, features, about([*LABELS, "other"])))
    return sorted(folder.iterdir())
