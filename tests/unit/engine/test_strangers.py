"""New rows of a label that nobody had: more of them are deferred than by likeness to rows alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tracer_nb.engine import calibrate_router, fit_router, fit_surrogate
from tracer_nb.engine.gates.guard import NEW_ROWS_SHARE, closeness, fit_new_limit, on_a_scale

HOW = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}
PROMISE = {"target": 0.9, "confidence": 0.9, "seed": 0}
N_LABELS = 6


def world(n, seed, *, strange=False):
    """Labels around axes of their own; strangers lie between two of them, nearer to one."""
    rng = np.random.default_rng([seed, 90])
    codes = rng.integers(N_LABELS, size=n)
    X = np.eye(N_LABELS, 12)[codes]
    if strange:
        X = 0.6 * X + 0.4 * np.eye(N_LABELS, 12)[(codes + 1) % N_LABELS]
        X[:, 8] += 0.45
    X = X + 0.16 * rng.normal(size=X.shape)
    return X.astype(np.float32), np.array([f"label {c}" for c in codes], dtype=object)


@pytest.fixture(scope="module")
def fitted():
    X, y = world(700, 0)
    fit = fit_surrogate(X, y, **PROMISE, **HOW)
    column = world(1500, 1)[0]
    return X, y, fit, calibrate_router(fit, X, y, column=column)


def only_similarity(fit):
    """The naive control: whoever is near a labelled row is answered."""
    guard = replace(fit.pipeline.guard, new_limit=-np.inf)
    return replace(fit, pipeline=replace(fit.pipeline, guard=guard), strange=None)


def test_strangers_are_deferred_for_a_small_price(fitted):
    X, y, fit, router = fitted
    new, strange = world(3000, 2)[0], world(3000, 3, strange=True)[0]
    naive = calibrate_router(only_similarity(fit), X, y)
    now, before = router.route(new).handled.mean(), naive.route(new).handled.mean()
    assert before - 0.07 < now < before
    assert naive.route(strange).handled.mean() > 0.5  # it must fail
    assert router.route(strange).handled.mean() < 0.5 * naive.route(strange).handled.mean()


def test_strangers_are_told_from_rows_unlike_all(fitted):
    """Who abstains from rows unlike every labelled one does not mean these."""
    router = fitted[3]
    X = np.r_[world(500, 3, strange=True)[0], np.zeros((5, 12), np.float32)]
    routing = router.route(X)
    assert routing.unlike[-5:].all()
    assert not routing.strange[-5:].any()
    assert routing.strange[:500].mean() > 0.4 > routing.unlike[:500].mean()
    assert (routing.far == (routing.strange | routing.unlike)).all()
    assert not routing.handled[routing.far].any()
    assert router.route(X, column=True).strange is None


def test_a_known_column_pays_nothing(fitted):
    X, y, fit, router = fitted
    column = world(1500, 1)[0]
    naive = calibrate_router(only_similarity(fit), X, y, column=column)
    assert router.column_certificate == naive.column_certificate
    ours, its = router.route(column, column=True), naive.route(column, column=True)
    assert ours.handled.tolist() == its.handled.tolist()
    assert router.route(column).handled.sum() < ours.handled.sum()


def test_what_the_guard_defers_counts_in_the_test_as_deferred(fitted):
    X, _, fit, router = fitted
    rows, certificate = fit.calibration_rows, router.certificate
    assert certificate.n_calibration == len(rows)
    assert router.route(X[rows]).handled.sum() == certificate.n_handled
    assert router.frontier.n_handled[-1] >= certificate.n_handled - 2
    assert router.column_frontier.n_handled[-1] > router.frontier.n_handled[-1]


def test_the_limit_is_chosen_before_the_rows_of_the_test_are_looked_at(fitted):
    """Labels and features of calibration rows leave no trace in it."""
    X, y, fit, _ = fitted
    other, names = X.copy(), y.copy()
    rows = fit.calibration_rows
    other[rows], names[rows] = world(len(rows), 5, strange=True)[0], "label 0"
    groups = np.arange(len(y))
    again = fit_surrogate(other, names, groups=groups, **PROMISE, **HOW)
    same = fit_surrogate(X, y, groups=groups, **PROMISE, **HOW)
    assert again.pipeline.guard.new_limit == same.pipeline.guard.new_limit


@pytest.mark.parametrize(("guard", "share"), [(True, NEW_ROWS_SHARE), (0.1, 0.1), (0.002, 0.002)])
def test_its_size_is_a_share_of_the_rows_to_be_handled(guard, share):
    X, y = world(700, 0)
    fit = fit_surrogate(X, y, guard=guard, **PROMISE, **HOW)
    deferred, far = np.isneginf(fit.new_pilot.scores), np.isneginf(fit.pilot.scores)
    assert deferred.mean() == pytest.approx(share, abs=0.01)
    assert deferred.tolist() == (far | fit.strange).tolist()


def test_without_a_guard_there_is_none():
    X, y = world(700, 0)
    router = fit_router(X, y, guard=False, **PROMISE, **HOW)
    assert router.route(world(500, 3, strange=True)[0]).handled.mean() > 0.5


def test_closeness_is_one_at_the_indicator_and_less_elsewhere():
    outputs = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 0.0], [0.0, 2.0]])
    assert closeness(outputs).tolist() == [1.0, 0.5, 0.0, 0.0]
    assert closeness(np.empty((0, 3))).shape == (0,)


def test_the_limit_looks_at_rows_that_would_be_handled():
    outputs = np.eye(2)[np.zeros(100, dtype=int)] * np.linspace(0.0, 1.0, 100)[:, None]
    scores = np.linspace(0.0, 1.0, 100)
    far = np.zeros(100, dtype=bool)
    near = closeness(outputs)
    of_all = fit_new_limit(near, scores, far, handled=1.0, share=0.1)
    of_half = fit_new_limit(near, scores, far, handled=0.5, share=0.1)
    assert of_all < near[11] < of_half < near[56]
    far[90:] = True
    assert fit_new_limit(near, scores, far, handled=1.0, share=0.1) < of_all
    assert fit_new_limit(near, scores, far, handled=0.5, share=0.1) == -np.inf
    assert fit_new_limit(near[:0], scores[:0], far[:0], handled=0.5, share=0.1) == -np.inf


def test_decision_values_are_on_no_scale_of_closeness():
    outputs = np.eye(2)
    assert on_a_scale(outputs)
    assert on_a_scale(1.5 * outputs - 0.5)
    assert on_a_scale(outputs[:0])
    assert not on_a_scale(100 * outputs)
