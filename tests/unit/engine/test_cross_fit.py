"""Cross-fitted certificates: every labelled row is fitted on, and tested by a fit without it."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine import calibrate_router, fit_router, fit_surrogate
from tracer_nb.engine.zoo import SURROGATES
from tracer_nb.errors import NotEnoughData

from .routed import LABELS, OPTIONS, rows

CROSS = {"certificate": "cross-fit", **OPTIONS}


def test_every_row_is_fitted_on_and_three_of_four_are_tested():
    X, y = rows()
    router = fit_router(X, y, column=rows(seed=1)[0], **CROSS)
    fit = router.fit
    assert fit.fit_rows.tolist() == list(range(400))
    assert len(fit.calibration_rows) == 300
    assert len(fit.pilot.scores) == 100
    for certificate, method in (
        (router.certificate, "held-out, cross-fit"),
        (router.column_certificate, "column, cross-fit"),
    ):
        assert certificate.method == method
        assert certificate.by_simulation
        assert certificate.certified
        assert (certificate.n_fit, certificate.n_calibration) == (400, 300)
    assert not fit_router(X, y, **OPTIONS).certificate.by_simulation


@pytest.mark.parametrize("surrogate", ["kernel-ridge", "logistic"])
def test_calibration_answers_are_left_out_ones(surrogate):
    X, y = rows(noise=1.0)
    fit = fit_surrogate(X, y, surrogate=surrogate, gate="margin", **CROSS)
    codes = np.searchsorted(LABELS, y)
    view = fit.pipeline.view.prepare([X.astype(np.float32)])
    left_out = SURROGATES[surrogate](view, np.eye(3, dtype=np.float32)[codes], 0).out_of_fold
    own = fit.calibration_rows
    gate = fit.pipeline.stages[0].gate
    assert fit.left_out.codes.tolist() == left_out.argmax(axis=1)[own].tolist()
    assert fit.left_out.scores == pytest.approx(gate.scores(left_out, view)[own], abs=1e-5)
    # And the test counts those, not the deployed ones, which have seen the rows' labels.
    router = calibrate_router(fit, X, y)
    agree = fit.left_out.codes == codes[own]
    deferred = fit.left_out.deferred(new=True)
    handled = (fit.left_out.scores >= router.certificate.threshold) & ~deferred
    assert router.certificate.n_agree == agree[handled].sum()
    assert router.certificate.n_handled == handled.sum()


def test_memorised_labels_are_not_certified():
    """The deployed fit knows all labels by heart; left out it guesses."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 60)), LABELS[rng.integers(3, size=400)]
    router = fit_router(X, y, surrogate="kernel-ridge", **CROSS)
    assert not router.certificate.certified
    assert router.frontier.agreement[-1] < 0.5


def test_rows_whose_text_is_in_another_row_are_set_aside():
    """Leaving one of two copies out leaves the other in."""
    X, y = rows()
    X[390:], y[390:] = X[:10], y[:10]
    fit = fit_surrogate(X, y, **CROSS)
    copies = {*range(10), *range(390, 400)}
    assert not set(fit.calibration_rows) & copies
    assert set(fit.set_aside) <= copies
    assert len(fit.fit_rows) == 400
    router = calibrate_router(fit, X, y)
    assert router.certificate.n_set_aside == len(fit.set_aside) > 0
    assert router.certificate.n_calibration == len(fit.calibration_rows)


def test_column_rows_equal_to_any_labelled_row_are_left_out():
    X, y = rows()
    router = fit_router(X, y, column=np.r_[X, rows(n=50, seed=1)[0]], **CROSS)
    assert router.column_certificate.n_population == 300 + 50


def test_labels_of_tested_rows_do_not_choose():
    """Surrogate, gate and order are chosen by the pilot rows."""
    X, y = rows(noise=1.0)
    fit = fit_surrogate(X, y, **CROSS)
    own = set(fit.calibration_rows)
    pilot_rows = np.array([i for i in range(400) if i not in own])
    assert len(fit.pilot.agree) == len(pilot_rows) == 100
    agreement = fit.trials[0].agreement
    assert agreement == pytest.approx(fit.pilot.agree.mean())
    assert all(t.gate != "learned" and "+" not in t.name for t in fit.trials)


def test_rows_without_a_label_are_disagreements():
    X, y = rows(noise=0.1)
    gone = np.random.default_rng(0).random(400) < 0.3
    router = fit_router(X, np.where(gone, None, y.astype(object)), **CROSS)
    fit = router.fit
    assert fit.fit_rows.tolist() == np.flatnonzero(~gone).tolist()
    assert router.certificate.n_calibration == 300
    assert not router.certificate.certified
    assert router.certificate.n_fit == (~gone).sum()
    n_near = 300 - fit.left_out.deferred(new=True).sum()
    assert router.frontier.agreement[-1] <= (300 - gone[fit.calibration_rows].sum()) / n_near


def test_rows_to_choose_by_need_a_label():
    X, y = rows()
    own = fit_surrogate(X, y, **CROSS).calibration_rows
    spoilt = np.where(np.isin(np.arange(400), own), y.astype(object), None)
    with pytest.raises(NotEnoughData, match="none of the 100 rows to choose by has a label"):
        fit_surrogate(X, spoilt, **CROSS)


def test_ten_rows_run():
    router = fit_router(*rows(n=10), **CROSS)
    assert not router.certificate.certified
    assert router.certificate.n_fit == 10
