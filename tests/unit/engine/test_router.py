"""From labelled rows to a certified router, and back to the rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tracer_nb.engine import calibrate_router, fit_router, fit_surrogate
from tracer_nb.engine.router import Router
from tracer_nb.engine.split import is_calibration
from tracer_nb.errors import InvalidInput, NotEnoughData

from .routed import LABELS, OPTIONS, hopeless, rows


@pytest.fixture(scope="module")
def router():
    X, y = rows()
    return fit_router(X, y, column=rows(seed=1)[0], **OPTIONS)


def with_threshold(router, threshold):
    """The same router deferring below another threshold."""
    certificate = replace(router.certificate, threshold=threshold)
    return Router(router.fit, (certificate,), None, router.frontier)


# --- routing -----------------------------------------------------------------------------


def test_rows_are_handled_at_or_above_the_threshold(router):
    X, y = rows(seed=2)
    routing = router.route(X)
    assert router.certificate.certified
    above = routing.scores >= router.certificate.threshold
    assert routing.handled.tolist() == (above & ~routing.far).tolist()
    assert above[routing.far].any() or not routing.far.any()
    assert routing.labels.shape == (400,)
    assert set(routing.labels) <= set(LABELS)
    assert (routing.labels == y)[routing.handled].mean() > 0.9
    assert ((routing.scores >= 0) & (routing.scores <= 1)).all()


def test_the_threshold_s_own_row_is_handled(router):
    scores = router.route(rows(seed=2)[0]).scores
    assert with_threshold(router, scores[3]).route(rows(seed=2)[0]).handled[3]
    above = with_threshold(router, np.nextafter(scores[3], 2)).route(rows(seed=2)[0])
    assert not above.handled[3]


@given(st.floats(0, 1), st.floats(0, 1))
def test_routing_laws(router, low, high):
    """Every row is handled or deferred; a higher threshold handles a subset of the rows."""
    low, high = sorted([low, high])
    X = rows(n=120, seed=3)[0]
    loose, strict = (with_threshold(router, t).route(X) for t in (low, high))
    assert loose.handled.sum() + (~loose.handled).sum() == 120
    assert strict.handled.mean() <= loose.handled.mean()
    assert not (strict.handled & ~loose.handled).any()
    assert strict.labels.tolist() == loose.labels.tolist()


def test_an_uncertified_router_defers_every_row():
    X, y = hopeless()
    router = fit_router(X, y, column=rows(seed=1)[0], **OPTIONS)
    assert not router.certificate.certified
    assert router.certificate.coverage == 0.0
    assert router.certificate.threshold == math.inf
    assert not router.route(X).handled.any()
    assert not router.column_certificate.certified
    assert not router.route(X, column=True).handled.any()


def test_no_rows_to_route(router):
    routing = router.route(np.empty((0, 6)))
    assert len(routing.handled) == len(routing.labels) == len(routing.scores) == 0


def test_routing_checks_its_rows(router):
    with pytest.raises(InvalidInput, match="must have the 6 features"):
        router.route(np.ones((2, 5)))
    with pytest.raises(InvalidInput, match="for one row write"):
        router.route(np.ones(6))
    with pytest.raises(InvalidInput, match="NaN or infinite"):
        router.route(np.full((1, 6), np.nan))


def test_column_routing_needs_a_column_certificate():
    router = fit_router(*rows(), **OPTIONS)
    assert router.column_certificate is None
    with pytest.raises(InvalidInput, match="no column certificate; call route"):
        router.route(rows()[0], column=True)


# --- certificates and the rows they are about --------------------------------------------


def test_the_certificate_is_about_the_calibration_rows(router):
    X, y = rows()
    fit, certificate = router.fit, router.certificate
    assert not set(fit.fit_rows) & set(fit.calibration_rows)
    assert certificate.n_fit == len(fit.fit_rows) == 280
    assert certificate.n_calibration == len(fit.calibration_rows) == 120
    routing = router.route(X[fit.calibration_rows])
    assert certificate.n_handled == routing.handled.sum()
    agree = routing.labels == y[fit.calibration_rows]
    assert certificate.n_agree == agree[routing.handled].sum()
    assert (certificate.target,) == fit.options.targets == (0.9,)
    assert certificate.confidence == fit.options.confidence == 0.9
    n_near = (~routing.far).sum()
    assert n_near - 2 <= router.frontier.n_handled[-1] <= n_near
    assert router.frontier.coverage[-1] == router.frontier.n_handled[-1] / 120
    assert fit.trials[0].chosen


def test_the_column_certificate_counts_the_rows_that_get_routed(router):
    others = rows(seed=1)[0]
    everyone = np.r_[rows()[0][router.fit.calibration_rows], others]
    certificate = router.column_certificate
    assert certificate.n_population == len(everyone) == 520
    assert certificate.n_fit == 280
    # In batches of other sizes, and shuffled: the count is the same to the row.
    order = np.random.default_rng(0).permutation(520)
    handled = [
        router.route(everyone[order[i : i + 13]], column=True).handled for i in range(0, 520, 13)
    ]
    assert np.concatenate(handled).sum() == certificate.n_population_handled
    assert certificate.coverage == certificate.n_population_handled / 520


def test_one_frequent_row_is_never_split_by_the_threshold():
    """Copies among the calibration rows and among the others are handled together."""
    X, y = rows(n=300)
    rng = np.random.default_rng(0)
    odd = (0.6 * X[:1] + 0.1).astype(np.float32)
    copies = rng.permutation(300)[:60]
    X[copies], y[copies] = odd, "pin"
    # Groups that let copies stand in both parts, so that their score is a threshold.
    others = np.r_[np.repeat(odd, 333, axis=0), rows(n=64, seed=1)[0]]
    for surrogate in ("kernel-ridge", "logistic"):
        router = fit_router(
            X,
            y,
            column=others,
            groups=np.arange(300),
            column_groups=300 + np.arange(len(others)),
            surrogate=surrogate,
            **OPTIONS,
        )
        handled = router.route(odd, column=True).handled[0]
        assert (router.route(others, column=True).handled[:333] == handled).all()
        assert (router.route(X[copies], column=True).handled == handled).all()


def test_column_rows_equal_to_fitting_rows_are_left_out():
    """They are not among the rows that calibration rows could have been drawn from."""
    X, y = rows()
    new = rows(n=50, seed=1)[0]
    for make in (np.asarray, sparse.csr_matrix):
        router = fit_router(make(X), y, column=make(np.r_[X, new]), **OPTIONS)
        assert router.column_certificate.n_population == 120 + 120 + 50
    grouped = fit_router(
        X,
        y,
        column=np.r_[X, new],
        groups=np.arange(400),
        column_groups=1000 + np.arange(450),
        **OPTIONS,
    )
    assert grouped.column_certificate.n_population == 120 + 400 + 50


def test_column_rows_of_fitting_groups_are_left_out():
    """Calibration rows were not drawn from them either."""
    X, y = rows()
    others = rows(n=200, seed=1)[0]
    groups, column_groups = np.arange(400) // 4, np.arange(200) // 4 + 50
    router = fit_router(X, y, column=others, groups=groups, column_groups=column_groups, **OPTIONS)
    fit = router.fit
    outside = np.setdiff1d(np.arange(400), fit.calibration_rows)
    left = ~np.isin(column_groups, groups[outside])
    assert router.column_certificate.n_population == len(fit.calibration_rows) + left.sum()
    with pytest.raises(InvalidInput, match="groups and column need column_groups too"):
        fit_router(X, y, column=others, groups=groups, **OPTIONS)


def test_soft_labels_of_labels_that_only_calibration_rows_carry_leave_no_trace():
    """A calibration row's own label would always be in the vocabulary, and a new row's not."""
    X, y = rows()
    fit_rows = fit_surrogate(X, y, **OPTIONS).fit_rows
    rare = y.astype(object)
    tested = np.setdiff1d(np.arange(400), fit_rows)
    rare[tested[:20]] = "rare"
    classes = np.unique(rare)
    soft = np.full((400, 4), 0.1)
    soft[np.arange(400), np.searchsorted(classes, rare)] = 0.7
    fit = fit_surrogate(X, rare, soft_labels=soft, **OPTIONS)
    assert fit.classes.tolist() == LABELS.tolist()
    without = np.delete(soft, np.flatnonzero(classes == "rare"), axis=1)
    without /= without.sum(axis=1, keepdims=True)
    again = fit_surrogate(X, y, soft_labels=without, **OPTIONS)
    new = [rows(seed=4)[0]]
    one, two = (f.pipeline.predict(new).scores for f in (fit, again))
    assert one == pytest.approx(two, abs=1e-6)


def test_fitting_and_calibrating_apart_is_the_same():
    X, y = rows()
    others = rows(seed=1)[0]
    together = fit_router(X, y, column=others, **OPTIONS)
    fit = fit_surrogate(X, y, unlabelled=others, **OPTIONS)
    apart = calibrate_router(fit, X, y, column=others)
    assert apart.certificate == together.certificate
    assert apart.column_certificate == together.column_certificate


def test_an_empty_column_leaves_the_calibration_rows():
    router = fit_router(*rows(), column=np.empty((0, 6)), **OPTIONS)
    assert router.column_certificate.n_population == 120


# --- what must not leave a trace in the fit -----------------------------------------------


def test_calibration_labels_leave_no_trace_in_the_fit():
    """Neither their values, nor a class that only they have."""
    X, y = rows()
    fit = fit_surrogate(X, y, **OPTIONS)
    changed = y.astype(object)
    changed[fit.calibration_rows] = "unheard of"
    again = fit_surrogate(X, changed, **OPTIONS)
    assert again.classes.tolist() == fit.classes.tolist() == LABELS.tolist()
    assert again.pipeline.name == fit.pipeline.name
    new = rows(seed=4)[0]
    one, two = (calibrate_router(f, X, y).route(new) for f in (fit, again))
    assert one.scores.tolist() == two.scores.tolist()
    assert one.labels.tolist() == two.labels.tolist()
    # And the rows with that label are disagreements.
    assert calibrate_router(again, X, changed).certificate.certified is False
    assert calibrate_router(again, X, changed).frontier.agreement.max() == 0.0


def test_the_split_is_not_the_shuffle_of_the_same_seed():
    """A sample drawn with default_rng(seed) and split by the same shuffle is not split at random."""
    X, y = rows()
    parts = fit_surrogate(X, y, seed=3)
    shuffle = np.random.default_rng(3).permutation(400)
    assert set(parts.fit_rows) != set(shuffle[~is_calibration(400)])


def test_rows_in_random_order_keep_their_part_when_more_arrive():
    X, y = rows()
    few = fit_surrogate(X[:300], y[:300], in_random_order=True, **OPTIONS)
    many = fit_surrogate(X, y, in_random_order=True, **OPTIONS)
    assert few.fit_rows.tolist() == many.fit_rows[many.fit_rows < 300].tolist()
    assert few.calibration_rows.tolist() == np.flatnonzero(is_calibration(300)).tolist()


@pytest.mark.parametrize("surrogate", ["auto", "kernel-ridge", "logistic"])
def test_results_are_determined_by_the_seed(surrogate):
    X, y = rows()
    a, b = (fit_router(X, y, surrogate=surrogate, seed=5, **OPTIONS) for _ in range(2))
    assert a.certificate == b.certificate
    assert a.route(X).scores.tolist() == b.route(X).scores.tolist()
    c = fit_router(X, y, surrogate=surrogate, seed=6, **OPTIONS)
    assert set(c.fit.fit_rows) != set(a.fit.fit_rows)


@pytest.mark.parametrize("names", [["z", "y", "x"], ["b", "c", "a"], [3, 1, 2]])
def test_names_of_classes_are_irrelevant(names):
    X, y = rows()
    new = rows(seed=2)[0]
    codes = np.searchsorted(LABELS, y)
    one = fit_router(X, y, surrogate="kernel-ridge", **OPTIONS)
    two = fit_router(X, np.array(names)[codes], surrogate="kernel-ridge", **OPTIONS)
    a, b = one.route(new), two.route(new)
    assert b.scores == pytest.approx(a.scores, abs=1e-5)
    assert b.labels.tolist() == np.array(names)[np.searchsorted(LABELS, a.labels)].tolist()
    assert two.certificate.n_agree == one.certificate.n_agree


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
def test_scale_of_the_features_is_irrelevant(scale):
    X, y = rows()
    expected = fit_router(X, y, **OPTIONS).certificate
    scaled = fit_router(scale * X.astype(np.float64), y, **OPTIONS).certificate
    assert scaled.n_agree == expected.n_agree
    assert scaled.n_handled == expected.n_handled


def test_sparse_rows_route_like_dense_ones():
    X, y = rows()
    new = rows(seed=2)[0]
    dense = fit_router(X, y, surrogate="kernel-ridge", **OPTIONS)
    thin = fit_router(sparse.csr_matrix(X), y, surrogate="kernel-ridge", **OPTIONS)
    expected = dense.route(new).scores
    assert thin.route(sparse.csr_matrix(new)).scores == pytest.approx(expected, abs=1e-3)
    assert thin.route(new).scores == pytest.approx(expected, abs=1e-3)


# --- missing labels ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda y, gone: np.where(gone, None, y.astype(object)),
        lambda y, gone: [float("nan") if g else v for v, g in zip(y.tolist(), gone, strict=True)],
        lambda y, gone: pd.Series(y, dtype="string").mask(gone),
        lambda y, gone: np.where(gone, np.nan, np.searchsorted(LABELS, y).astype(float)),
    ],
    ids=["None", "nan in a list", "NA", "float nan"],
)
def test_missing_labels_are_disagreements(spoil):
    X, y = rows(noise=0.1)
    gone = np.random.default_rng(0).random(400) < 0.3
    router = fit_router(X, spoil(y, gone), **OPTIONS)
    fit = router.fit
    assert not gone[fit.fit_rows].any()
    assert len(fit.classes) == 3
    assert router.certificate.n_calibration == 120
    assert not router.certificate.certified
    n_gone = gone[fit.calibration_rows].sum()
    assert router.frontier.agreement[-1] == pytest.approx(1 - n_gone / 120)


def test_missing_labels_are_expected_by_the_pilot():
    """Otherwise more labels would be said to help where a third of them never comes."""
    X, y = rows(noise=0.1)
    gone = np.random.default_rng(0).random(400) < 0.3
    router = fit_router(X, np.where(gone, None, y.astype(object)), **OPTIONS)
    pilot, fit = router.fit.pilot, router.fit
    assert len(pilot.agree) == 280
    assert pilot.agree.sum() <= len(fit.fit_rows) == router.certificate.n_fit < 280
    assert router.certificate.needed_rows is None


# --- soft labels -------------------------------------------------------------------------


def test_soft_labels_are_imitated():
    X, y = rows()
    soft = np.full((400, 3), 0.05)
    soft[np.arange(400), np.searchsorted(LABELS, y)] = 0.9
    router = fit_router(X, y, soft_labels=soft, **OPTIONS)
    assert router.certificate.certified
    assert router.fit.classes.tolist() == LABELS.tolist()


def test_rows_without_soft_labels_are_imitated_by_their_label():
    X, y = rows()
    hard = np.eye(3)[np.searchsorted(LABELS, y)]
    partly = hard.copy()
    partly[::3] = np.nan
    expected = fit_router(X, y, soft_labels=hard, surrogate="kernel-ridge", **OPTIONS)
    router = fit_router(X, y, soft_labels=partly, surrogate="kernel-ridge", **OPTIONS)
    new = rows(seed=2)[0]
    assert router.route(new).scores.tolist() == expected.route(new).scores.tolist()
    assert router.certificate == expected.certificate
    nothing = fit_router(X, y, soft_labels=np.full((400, 3), np.nan), **OPTIONS)
    assert nothing.certificate.certified


def test_soft_labels_against_the_labels_certify_nothing():
    X, y = rows()
    soft = np.zeros((400, 3))
    soft[np.arange(400), (np.searchsorted(LABELS, y) + 1) % 3] = 1.0
    router = fit_router(X, y, soft_labels=soft, **OPTIONS)
    assert not router.certificate.certified
    assert router.frontier.agreement[-1] < 0.2


# --- too little, or wrong ----------------------------------------------------------------


def test_rare_class_may_be_in_either_part():
    X, y = rows()
    y = np.where(y == "pin", "refund", y)
    for seed in range(6):
        rare = y.astype(object)
        rare[7] = "pin"
        router = fit_router(X, rare, seed=seed, **OPTIONS)
        assert ("pin" in router.fit.classes) == (7 in router.fit.fit_rows)
        assert router.certificate.certified


def test_copies_of_one_row_leave_nothing_to_certify():
    router = fit_router(np.ones((200, 3)), np.arange(200) % 2, **OPTIONS)
    assert router.certificate.n_calibration == 0
    assert not router.certificate.certified
    assert not router.route(np.ones((4, 3))).handled.any()
    assert len(router.frontier.thresholds) == 0


def test_ten_rows_are_enough_to_run_and_too_few_to_certify():
    X, y = rows(n=10)
    router = fit_router(X, y, **OPTIONS)
    assert router.certificate.n_calibration == 3
    assert "which needs at least 22 handled ones" in router.certificate.note


def test_high_targets_are_refused_not_granted():
    router = fit_router(*rows(noise=0.1), target=0.999, confidence=0.95)
    assert not router.certificate.certified
    assert "needs at least 2995 handled ones" in router.certificate.note


def test_more_features_than_rows():
    rng = np.random.default_rng(0)
    X, y = rows(n=100)
    router = fit_router(np.c_[X, 0.01 * rng.normal(size=(100, 500))], y, **OPTIONS)
    assert router.certificate.certified


def test_too_few_fitting_rows_with_a_label():
    X, y = rows()
    spoilt = y.astype(object)
    spoilt[fit_surrogate(X, y).fit_rows[:277]] = None
    with pytest.raises(NotEnoughData, match="3 fitting rows have a label; label more rows"):
        fit_surrogate(X, spoilt)


def test_fitting_rows_of_one_class():
    X, y = rows()
    same = np.full(400, "refund", dtype=object)
    same[fit_surrogate(X, y).calibration_rows[0]] = "pin"
    with pytest.raises(NotEnoughData, match="the 280 fitting rows have one label only"):
        fit_surrogate(X, same)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"target": 92}, "for 92 % write 0.92"),
        ({"confidence": 1.0}, "confidence must be in"),
        ({"surrogate": "logistik"}, "no surrogate 'logistik'; did you mean 'logistic'?"),
        ({"strategy": "fixed"}, "no strategy 'fixed'"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"groups": [1]}, "groups must have one entry for each of the 400 rows"),
        ({"soft_labels": [[1.0]]}, "soft_labels must have shape"),
        ({"column": np.ones((2, 5))}, "must have the 6 features"),
        ({"y": ["a"]}, "y must have one label for each"),
    ],
)
def test_wrong_arguments_are_named(changes, text):
    X, y = rows()
    with pytest.raises(InvalidInput, match=text):
        fit_router(**{"X": X, "y": y, **changes})


def test_calibration_needs_the_rows_of_the_fit():
    X, y = rows()
    fit = fit_surrogate(X, y)
    with pytest.raises(InvalidInput, match="X has 100 rows, fewer than in the fit"):
        calibrate_router(fit, X[:100], y[:100])
    with pytest.raises(InvalidInput, match=r"for each of the 400 rows of X, got shape \(300,\)"):
        calibrate_router(fit, X, y[:300])
    with pytest.raises(InvalidInput, match=r"for each of the 400 rows of X, got shape \(800,\)"):
        calibrate_router(fit, X, np.r_[y, y])


def test_an_unknown_option_of_fit_router_is_named():
    X, y = np.eye(2)[[0, 1] * 50], ["a", "b"] * 50
    with pytest.raises(InvalidInput, match="no option 'targt'; did you mean 'target'"):
        fit_router(X, y, targt=0.9)
