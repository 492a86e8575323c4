"""Several labels a row: the promise is about whole sets, and is kept for those."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from tracer_nb.engine import calibrate_router, fit_surrogate
from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify
from tracer_nb.labelsets import LabelSets

DELTA, TARGET = 0.1, 0.8
SETS = LabelSets(f"t{i}" for i in range(6))
OPTIONS = {"sets": SETS, "target": TARGET, "confidence": 1 - DELTA, "guard": False}
N_DRAWS, N_LABELS, N_NEW = 60, 500, 6000
AXES = np.random.default_rng(5).normal(size=(len(SETS), 14))


def rows(rng, n):
    """Rows that are the sum of their labels' directions, half of them blurred, and members."""
    members = rng.random((n, len(SETS))) < 0.3
    noise = rng.choice([0.1, 1.0], size=(n, 1))
    X = members @ AXES + noise * rng.normal(size=(n, AXES.shape[1]))
    said = members ^ (rng.random(members.shape) < 0.01)
    return X.astype(np.float32), said


def one(seed):
    """Whether the promise about sets was broken, its coverage, and whether the control's was."""
    rng = np.random.default_rng([seed, 71])
    X, said = rows(rng, N_LABELS)
    y = np.array([SETS.name(number) for number in SETS.numbers(said)], dtype=object)
    fit = fit_surrogate(X, y, in_random_order=True, **OPTIONS)
    certificate = calibrate_router(fit, X, y).certificate
    new, truth = rows(rng, N_NEW)
    answers = fit.pipeline.predict([new])
    right = answers.codes == SETS.numbers(truth)
    # The control: of the tested rows one label of each is looked at, as if it were the row.
    tested = fit.pipeline.predict([X[fit.calibration_rows]])
    label = rng.integers(len(SETS), size=len(fit.calibration_rows))
    at = np.arange(len(label)), label
    agree = SETS.members(tested.codes)[at] == said[fit.calibration_rows][at]
    control = certify(
        Promise(TARGET, 1 - DELTA), Evidence(fit.pilot, Rows(tested.scores, agree)), seed=seed
    )
    return (
        *_broken(certificate.threshold, answers.scores, right),
        *_broken(control.threshold, answers.scores, right),
    )


def _broken(threshold, scores, right):
    handled = scores >= threshold
    return bool(handled.any() and right[handled].mean() < TARGET), float(handled.mean())


def check(n_draws, first=0):
    broken, coverage, control, control_coverage = zip(
        *(one(first + seed) for seed in range(n_draws)), strict=True
    )
    allowed = binom.ppf(0.999, n_draws, DELTA)
    assert sum(broken) <= allowed, (sum(broken), n_draws)
    # Measured .64; agreement of single labels would handle all.
    assert np.mean(coverage) > 0.5, np.mean(coverage)
    assert sum(control) > allowed, (sum(control), n_draws)
    assert np.mean(control_coverage) > np.mean(coverage)


def test_the_promise_is_about_whole_sets_and_agreement_by_label_breaks_it():
    check(N_DRAWS)


@pytest.mark.long
def test_the_promise_is_about_whole_sets_long():
    check(1000, first=1000)
