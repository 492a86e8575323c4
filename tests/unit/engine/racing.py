"""Labelled rows in noisy clusters, and the best pipeline for them."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.judge import Judge, Rows
from tracer_nb.engine.options import make_options
from tracer_nb.engine.pipeline import View
from tracer_nb.engine.race import choose_pipeline
from tracer_nb.engine.zoo import unit_rows
from tracer_nb.records import Pilot

LEVELS = {"target": 0.9, "confidence": 0.9}
PLAIN = (View("plain"),)
QUICK = ("kernel-ridge", "logistic")
quick = pytest.mark.parametrize("name", QUICK)


def rows(n=150, d=6, n_classes=3, seed=0, spread=0.7):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    centres = np.random.default_rng(99).normal(size=(n_classes, d))
    X = centres[codes] + spread * rng.normal(size=(n, d))
    return unit_rows(X), np.eye(n_classes, dtype=np.float32)[codes], codes


def choose(
    X,
    Y,
    codes,
    *,
    n_calibration=100,
    views=PLAIN,
    judged=None,
    costs=None,
    column=None,
    on_part=None,
    **options,
):
    options = {"pipeline": "single", "gate": "margin", "guard": False, **LEVELS, **options}
    checked = make_options(**options)
    judged = np.ones(len(codes), dtype=bool) if judged is None else judged
    return choose_pipeline(
        Rows([X], Y, codes, judged, costs),
        views=views,
        options=checked,
        judge=Judge(checked, n_calibration, 1.0),
        column=column,
        on_part=on_part,
    )


def pilot_of(chosen, codes):
    return Pilot(chosen.left_out.scores, chosen.left_out.codes == codes)
