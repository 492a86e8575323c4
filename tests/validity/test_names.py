"""The promise where names of labels were fitted on: they are in no test, rows equal to them are.

A column of distinct rows in 90 clusters, one a label. Each label's name lies in its cluster, and one
row of the column is equal to it. The teacher names another label with a known chance, also for those
rows: agreement is flat, so below the target no rule can hold it by a better order.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tracer_nb.engine import ExtraRows, fit_router
from tracer_nb.engine.certificates import Promise, Rows, certify

from .harness import CONFIDENCE, Outcome, evidence

# Its tests share draws, which each process would make anew.
pytestmark = pytest.mark.xdist_group("names of labels")

N_LABELS, N_ROWS, N_SAMPLE, DRAWS = 90, 2000, 300, 60
TARGET = 0.92


def column(seed, noise):
    """Names (K, d), rows (N, d) of which the first K are equal to them, and the answers."""
    rng = np.random.default_rng([seed, 90])
    centres = 4.0 * rng.normal(size=(N_LABELS, 12))
    names = centres + 0.5 * rng.normal(size=centres.shape)
    codes = np.r_[np.arange(N_LABELS), rng.integers(N_LABELS, size=N_ROWS - N_LABELS)]
    X = centres[codes] + 0.7 * rng.normal(size=(N_ROWS, 12))
    X[:N_LABELS] = names
    wrong = rng.random(N_ROWS) < noise
    y = np.where(wrong, (codes + rng.integers(1, N_LABELS, size=N_ROWS)) % N_LABELS, codes)
    return names.astype(np.float32), X.astype(np.float32), y


def one(seed, noise):
    """Broken and coverage, by the certificate and by the control; whether names were taken."""
    names, X, y = column(seed, noise)
    order = np.random.default_rng([seed, 91]).permutation(N_ROWS)
    sample, others = order[:N_SAMPLE], order[N_SAMPLE:]
    router = fit_router(
        X[sample],
        y[sample],
        column=X[others],
        names=ExtraRows(names, np.arange(N_LABELS)),
        target=TARGET,
        confidence=CONFIDENCE,
        surrogate="kernel-ridge",
        gate="margin",
        pipeline="single",
        seed=seed,
    )
    fit = router.fit
    tested = sample[fit.calibration_rows]
    rows = np.r_[tested, others]  # what the certificate speaks of
    answers = fit.pipeline.predict([X[rows]])
    agree = fit.classes[answers.codes] == y[rows]
    scores = np.where(answers.far, -np.inf, answers.scores)
    found = [router.certificate_for(TARGET, column=True).threshold]
    # The control tests the names, too, as if they were rows that the teacher had answered.
    own = fit.pipeline.predict([names])
    right = fit.classes[own.codes] == np.arange(N_LABELS)
    mixed = Rows(
        np.r_[scores[: len(tested)], np.where(own.far, -np.inf, own.scores)],
        np.r_[agree[: len(tested)], right],
    )
    rest = Rows(scores[len(tested) :])
    promise = Promise(TARGET, CONFIDENCE)
    found.append(certify(promise, evidence(fit.pilot, mixed, rest), seed=seed).threshold)
    verdicts = []
    for threshold in found:
        handled = scores >= threshold
        verdicts.append((bool(handled.any() and agree[handled].mean() < TARGET), handled.mean()))
    equal = np.isin(rows, np.arange(N_LABELS)).sum()
    return *verdicts, fit.n_names, equal


@cache
def draws(noise):
    """Of less noise a third of the draws: they are about coverage."""
    with threadpool_limits(1):
        return [one(seed, noise) for seed in range(DRAWS if noise == 0.1 else DRAWS // 3)]


def outcome(found, k):
    return Outcome.of([draw[k] for draw in found])


def test_the_promise_holds():
    found = outcome(draws(0.1), 0)
    assert found.kept, found


def test_names_that_are_tested_break_it():
    found = outcome(draws(0.1), 1)
    assert not found.kept, found


def test_rows_are_handled():
    found = outcome(draws(0.01), 0)
    assert found.kept, found
    assert found.coverage > 0.6, found


@pytest.mark.parametrize("noise", [0.1, 0.01])
def test_what_is_to_be_tested_happens(noise):
    """Names are taken, and rows equal to them stay among those that are tested and routed."""
    found = draws(noise)
    assert np.mean([draw[2] == N_LABELS for draw in found]) > 0.8
    assert min(draw[3] for draw in found) > 0.6 * N_LABELS
