"""Inputs that are odd or wrong, end to end: nothing is certified by accident, nothing crashes."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine import fit_router, fit_surrogate
from tracer_nb.errors import InvalidInput

from .routed import LABELS, OPTIONS, rows

pytestmark = pytest.mark.filterwarnings("error")

ALL = [{}, {"certificate": "per-class"}, {"certificate": "cross-fit"}, {"pipeline": "cascade"}]
every = pytest.mark.parametrize("options", ALL, ids=str)


@every
def test_nan_and_infinite_features_are_named(options):
    X, y = rows()
    for bad in (np.nan, np.inf):
        spoilt = X.copy()
        spoilt[5, 2] = bad
        with pytest.raises(InvalidInput, match="X holds 1 NaN or infinite values"):
            fit_router(spoilt, y, **OPTIONS, **options)
        with pytest.raises(InvalidInput, match="X holds 1 NaN or infinite values"):
            fit_router(X, y, column=spoilt, **OPTIONS, **options)


@every
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_features_certify_nothing(options, value):
    """All rows alike, as rows without a single known word are."""
    y = LABELS[np.random.default_rng(0).integers(3, size=200)]
    X = np.full((200, 4), value)
    router = fit_router(X, y, groups=np.arange(200), **OPTIONS, **options)
    assert not router.certificate.certified
    assert not router.route(X).handled.any()


@every
def test_a_constant_column_among_others_changes_nothing_much(options):
    X, y = rows()
    router = fit_router(np.c_[X, np.zeros(400)], y, **OPTIONS, **options)
    assert router.certificate.certified


@every
def test_more_features_than_rows(options):
    rng = np.random.default_rng(0)
    X, y = rows(n=200)
    wide = np.c_[X, 0.01 * rng.normal(size=(200, 700))]
    router = fit_router(wide, y, **OPTIONS, **options)
    assert router.certificate.n_calibration in (60, 150)
    assert router.certificate.whole_output_agreement > 0.9


@every
def test_classes_of_one_row(options):
    """Twenty labels that one row each bears, beside three that all others do."""
    X, y = rows()
    rare = y.astype(object)
    rare[:20] = [f"rare {i}" for i in range(20)]
    router = fit_router(X, rare, target=0.8, confidence=0.9, **options)
    assert router.certificate.certified
    assert len(router.fit.classes) > 3
    routing = router.route(rows(seed=1)[0])
    assert (routing.labels == rows(seed=1)[1])[routing.handled].mean() > 0.9


@pytest.mark.parametrize("gate", ["margin", "max-probability", "entropy", "learned"])
@pytest.mark.parametrize("surrogate", ["kernel-ridge", "logistic"])
def test_massive_ties(surrogate, gate):
    """Seven distinct rows: copies are handled together, in whatever batch they come."""
    rng = np.random.default_rng(0)
    distinct = rng.normal(size=(7, 6)).astype(np.float32)
    which = rng.integers(7, size=400)
    y = np.where(rng.random(400) < 0.05, LABELS[(which + 1) % 3], LABELS[which % 3])
    router = fit_router(
        distinct[which],
        y,
        groups=np.arange(400),
        column=distinct[rng.integers(7, size=300)],
        column_groups=400 + np.arange(300),
        surrogate=surrogate,
        gate=gate,
        **OPTIONS,
    )
    whole = router.route(distinct, column=True).handled
    for size in (1, 3, 400):
        X = distinct[which]
        handled = np.concatenate(
            [router.route(X[i : i + size], column=True).handled for i in range(0, 400, size)]
        )
        assert handled.tolist() == whole[which].tolist()


@every
def test_seeds_determine_everything(options):
    X, y = rows(noise=1.0)
    new = rows(seed=1)[0]
    runs = [fit_router(X, y, seed=s, **OPTIONS, **options) for s in (7, 7, 8)]
    assert repr(runs[0].certificate) == repr(runs[1].certificate)
    assert runs[0].route(new).scores.tolist() == runs[1].route(new).scores.tolist()
    assert runs[0].fit.calibration_rows.tolist() == runs[1].fit.calibration_rows.tolist()
    assert set(runs[0].fit.calibration_rows) != set(runs[2].fit.calibration_rows)
    largest = fit_surrogate(X, y, seed=2**32 - 1, **OPTIONS, **options)
    assert largest.options.seed == 2**32 - 1


def test_the_input_is_left_alone():
    X, y = rows()
    soft = np.eye(3)[np.searchsorted(LABELS, y)]
    soft[::2] = np.nan
    column = rows(seed=1)[0]
    before = X.copy(), y.copy(), soft.copy(), column.copy()
    fit_router(X, y, soft_labels=soft, column=column, **OPTIONS)
    for was, now in zip(before, (X, y, soft, column), strict=True):
        np.testing.assert_array_equal(was, now)
