"""Rows unlike the fitting rows are deferred, whatever their score: a part of the rule."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine import calibrate_router, fit_router, fit_surrogate

from .routed import OPTIONS, rows

# Classes are told by the first three features; these rows also have a seventh.
AWAY = np.eye(1, 7, k=6)


def wide(n=400, seed=0):
    X, y = rows(n, seed)
    return np.c_[X, np.zeros(n)], y


@pytest.mark.parametrize("pipeline", ["single", "accept-all", "cascade"])
def test_far_rows_are_deferred_although_their_score_is_high(pipeline):
    X, y = wide()
    router = fit_router(X, y, pipeline=pipeline, surrogate="logistic", gate="margin", **OPTIONS)
    assert router.certificate.certified
    # Far from every row, and yet on the sure side of every border.
    away = 2.0 * X[:50] + 60.0 * AWAY
    trusting = fit_router(
        X, y, pipeline=pipeline, surrogate="logistic", gate="margin", guard=False, **OPTIONS
    )
    routing = router.route(np.r_[X, away])
    assert routing.far.dtype == bool
    assert routing.far[400:].all()
    assert not routing.handled[400:].any()
    assert routing.handled[:400].mean() > 0.9
    free = trusting.route(np.r_[X, away])
    assert not free.far.any()
    if pipeline == "accept-all":
        assert free.handled.all()
        assert (routing.scores[400:] >= router.certificate.threshold).all()


def test_a_far_row_with_a_score_above_the_threshold():
    """Rows on the other side of the origin: some are on the sure side of a border all the same."""
    X, y = rows(noise=0.2)
    router = fit_router(X, y, surrogate="logistic", gate="margin", pipeline="single", **OPTIONS)
    backwards = -X
    routing = router.route(backwards)
    above = routing.scores >= router.certificate.threshold
    assert routing.far.all()
    assert above.any()
    assert not routing.handled.any()


def test_far_calibration_rows_count_and_are_never_handled():
    X, y = wide()
    fit = fit_surrogate(X, y, pipeline="accept-all", **OPTIONS)
    moved = X.copy()
    moved[fit.calibration_rows[:30]] = AWAY
    others = np.r_[wide(n=100, seed=1)[0], np.repeat(AWAY, 50, axis=0)]
    router = calibrate_router(fit, moved, y, column=others)
    certificate, column = router.certificate, router.column_certificate
    assert certificate.n_calibration == 120
    assert certificate.n_handled <= 90
    assert certificate.coverage == certificate.n_handled / 120
    assert certificate.n_handled - 2 <= router.frontier.n_handled[-1] <= certificate.n_handled
    assert column.n_population == 270
    assert column.n_population_handled <= 190
    routing = router.route(np.r_[moved[fit.calibration_rows], others], column=True)
    assert routing.handled.sum() == column.n_population_handled


def test_rows_of_zeros_are_far():
    X, y = rows()
    for column in (None, rows(n=2000, seed=1)[0]):
        routing = fit_router(X, y, column=column, **OPTIONS).route(np.zeros((2, 6)))
        assert routing.far.all()
        assert not routing.handled.any()


def test_almost_no_row_of_the_same_kind_is_far():
    X, y = rows()
    router = fit_router(X, y, **OPTIONS)
    new = rows(n=3000, seed=2)[0]
    assert router.route(new).unlike.mean() < 0.02
    assert router.fit.pipeline.predict([new]).deferred(new=False).mean() < 0.02
    assert np.isneginf(router.fit.pilot.scores).mean() <= 0.002
