"""Certificates of all kinds that the engine makes, small and quick, and who looks at their JSON."""

from __future__ import annotations

import json

import jsonschema
import numpy as np

from tracer_nb import fit_router
from tracer_nb.words import certificate_schema

LABELS = ("blue", "größe\n2", "<b>|`red`")
VALIDATOR = jsonschema.Draft202012Validator(
    certificate_schema(), format_checker=jsonschema.FormatChecker()
)


def rows(n=300, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, size=n, p=(0.5, 0.45, 0.05))
    return np.eye(8)[codes] + noise * rng.normal(size=(n, 8)), np.array(LABELS)[codes]


QUICK = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single", "confidence": 0.9}
KINDS = {
    "held-out": {"target": 0.9},
    "several targets": {"target": [0.9, 0.8, 0.999]},
    "not certified": {"target": 0.9, "noise": 30.0},
    "too few rows": {"target": 0.999},
    "extreme confidence": {"target": 0.5, "confidence": 1 - 1e-13},
    "per class": {"target": 0.8, "certificate": "per-class"},
    "per class, none": {"target": 0.99, "certificate": "per-class"},
    "cross-fit": {"target": 0.9, "certificate": "cross-fit"},
    "cross-fit, not certified": {"target": 0.9, "certificate": "cross-fit", "noise": 30.0},
    "accept all": {"target": 0.8, "pipeline": "accept-all"},
    "fixed threshold": {"target": 0.8, "strategy": "fixed-threshold", "threshold": 0.3},
    "fixed threshold, not certified": {
        "target": 0.99,
        "strategy": "fixed-threshold",
        "threshold": 0.0,
        "noise": 0.8,
    },
    "cost-aware": {"target": 0.9, "strategy": "cost-aware"},
}


def routers():
    """A router of each kind, with certificates for new rows and for a column."""
    made = {}
    for name, given in KINDS.items():
        options = {**QUICK, **given}
        X, y = rows(noise=options.pop("noise", 0.3))
        others, _ = rows(200, seed=1)
        if options.get("strategy") == "cost-aware":
            options |= {"costs": np.linspace(1, 9, len(y)), "column_costs": np.ones(200)}
        made[name] = fit_router(X, y, column=others, **options)
    return made


def every_certificate(made):
    """All of them, by name."""
    for name, router in made.items():
        for certificate in (*router.certificates, *router.column_certificates):
            yield f"{name}, {certificate.method}, {certificate.target}", certificate


def _refuse(constant):
    raise ValueError(constant)


def faults(document):
    """What an independent validator says of a document's text; that it is no JSON, where it is none."""
    try:
        read = json.loads(json.dumps(document), parse_constant=_refuse)
    except ValueError as error:
        return [f"no JSON: {error}"]
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(read)]
