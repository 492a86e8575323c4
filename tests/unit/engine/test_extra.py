"""Rows that are only fitted on: in the fit, and in no pilot, no gate and no test."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine import ExtraRows, calibrate_router, certify_known, fit_surrogate
from tracer_nb.engine.extra import join_rows
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput

OPTIONS = {"target": 0.85, "surrogate": "logistic"}


def rows(n, seed, centre=0.0, names=("a", "b", "c")):
    rng = np.random.default_rng(seed)
    codes = rng.integers(len(names), size=n)
    X = np.eye(len(names))[codes] * 2.0 + rng.normal(size=(n, len(names))) * 0.7 + centre
    return X, np.array(names, dtype=object)[codes]


X, Y = rows(300, 0)
MORE, THEIRS = rows(80, 1)
TESTED = np.arange(300) >= 200


def fit(**how):
    return fit_surrogate(X, Y, **{**OPTIONS, **how})


def test_the_mask_says_which_rows_are_tested_and_all_others_are_fitted_on():
    found = fit(calibration=TESTED)
    assert found.calibration_rows.tolist() == [*range(200, 300)]
    assert found.fit_rows.tolist() == [*range(200)]
    assert len(found.pilot.scores) == 200
    assert found.n_extra == 0


def test_extra_rows_are_fitted_on_and_are_in_no_pilot_and_no_test():
    found = fit(calibration=TESTED, extra=ExtraRows(MORE, THEIRS))
    assert found.n_extra == 80
    assert len(found.pilot.scores) == 200
    assert found.fit_rows.tolist() == [*range(200)]
    assert {trial.n_rows for trial in found.trials if trial.chosen} == {280}
    certificate = calibrate_router(found, X, Y).certificate
    assert (certificate.n_fit, certificate.n_calibration) == (280, 100)


def test_their_outcome_moves_no_figure_of_the_pilot():
    """With labels at random, extra rows would spoil agreement if they were counted."""
    noise = np.random.default_rng(5).permutation(THEIRS[:40])
    plain = fit(calibration=TESTED).trials[0].agreement
    spoilt = fit(calibration=TESTED, extra=ExtraRows(MORE[:40], noise)).trials[0].agreement
    assert spoilt > plain - 0.1  # counted in, it would be at least .1 lower


def test_a_class_that_only_extra_rows_have_is_learned():
    far = np.tile([8.0, 8.0, 8.0], (30, 1)) + np.random.default_rng(3).normal(size=(30, 3))
    found = fit(calibration=TESTED, extra=ExtraRows(far, ["new"] * 30), guard=False)
    assert found.classes.tolist() == ["a", "b", "c", "new"]
    codes = found.pipeline.predict([far.astype(np.float32)]).codes
    assert (found.classes[codes] == "new").mean() > 0.9


def test_rows_without_a_label_are_left_out():
    names = THEIRS.copy()
    names[:20] = None
    assert fit(extra=ExtraRows(MORE, names)).n_extra == 60


def test_a_tested_row_with_the_text_of_an_extra_one_is_set_aside():
    groups = np.arange(300)
    extra = ExtraRows(MORE[:2], THEIRS[:2], np.array([250, 999]))
    found = fit(calibration=TESTED, groups=groups, extra=extra)
    assert found.set_aside.tolist() == [250]
    # Without groups, rows with equal features are equal texts.
    found = fit(calibration=TESTED, extra=ExtraRows(X[260:261], Y[260:261]))
    assert found.set_aside.tolist() == [260]


def test_soft_labels_and_costs_go_with_the_drawn_rows_alone():
    soft = np.full((300, 3), 0.1)
    soft[np.arange(300), np.searchsorted(["a", "b", "c"], Y.astype(str))] = 0.8
    found = fit(
        calibration=TESTED,
        soft_labels=soft,
        extra=ExtraRows(np.r_[MORE, [[9.0, 9.0, 9.0]]], [*THEIRS, "z"]),
        costs=np.linspace(1, 2, 300),
        strategy="cost-aware",
    )
    assert found.classes.tolist() == ["a", "b", "c", "z"]
    assert found.typical_cost == pytest.approx(np.linspace(1, 2, 300)[:200].mean())
    assert len(found.pilot.costs) == 200


def test_sparse_rows_below_dense_ones():
    found = fit_surrogate(
        sparse.csr_matrix(X), Y, **OPTIONS, extra=ExtraRows(sparse.csr_matrix(MORE), THEIRS)
    )
    assert found.n_extra == 80


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"extra": ExtraRows(MORE[:, :2], THEIRS)}, "3 features"),
        ({"extra": ExtraRows(MORE, THEIRS[:5])}, "extra.y"),
        ({"extra": ExtraRows(MORE, THEIRS), "groups": np.arange(300)}, "groups are needed"),
        ({"extra": ExtraRows(MORE, np.arange(80))}, "mixes"),
        ({"calibration": [True, False]}, "calibration must be"),
        ({"calibration": np.ones(300)}, "calibration must be"),
        ({"calibration": TESTED, "certificate": "cross-fit"}, "cross-fit"),
        ({"extra": ExtraRows(MORE, THEIRS), "certificate": "cross-fit"}, "cross-fit"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(how, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        fit(**how)
    assert "\n" not in str(refused.value)


def test_many_drawn_rows_are_compared_before_extra_ones():
    many, theirs = rows(2400, 7)
    found = fit_surrogate(
        *(many, theirs),
        target=0.85,
        surrogate=["logistic", "kernel-ridge"],
        calibration=np.arange(2400) >= 1400,
        extra=ExtraRows(*rows(700, 8)),
    )
    assert {trial.n_rows for trial in found.trials} == {2100, 1500}


# --- known rows, whoever answers them ---------------------------------------------------


def test_known_rows_are_certified_as_a_column_is():
    found = fit(calibration=TESTED)
    others, _ = rows(200, 9)
    router = calibrate_router(found, X, Y, column=others)
    tested = found.pipeline.predict([X[found.calibration_rows].astype(np.float32)])
    rest = found.pipeline.predict([others.astype(np.float32)])
    certificate, picture = certify_known(
        found, tested, Y[found.calibration_rows], rest, target=0.85
    )
    assert certificate == router.column_certificate
    assert np.array_equal(picture.agreement, router.column_frontier.agreement)


def test_answers_of_somebody_else_are_what_is_tested():
    found = fit(calibration=TESTED)
    names = Y[found.calibration_rows]
    right = np.searchsorted(found.classes.astype(str), names.astype(str))
    sure, none = np.ones(100), np.zeros(100, dtype=bool)
    good, _ = certify_known(
        found, Answers(right, sure, none), names, Answers(right, sure, none), target=0.85
    )
    assert (good.certified, good.n_agree, good.n_population_handled) == (True, 100, 200)
    wrong = Answers((right + 1) % 3, sure, none)
    assert not certify_known(found, wrong, names, wrong, target=0.85)[0].certified


# --- names of labels -------------------------------------------------------------------------


# Wide of the mark: what they say is right of no row.
WRONG = ExtraRows(np.eye(3)[[1, 2, 0]] * 2.0, ["a", "b", "c"])


def test_names_that_know_nothing_are_not_taken():
    found = fit(names=WRONG)
    assert found.n_names == 0
    assert found.pilot.agree.tolist() == fit().pilot.agree.tolist()


def many_classes(n=120, n_classes=30, seed=1):
    rng = np.random.default_rng(seed)
    centres = 3.0 * rng.normal(size=(n_classes, 10))
    codes = rng.integers(n_classes - 1, size=n)  # nothing is labelled with the last
    labels = np.array([f"label {k:02}" for k in range(n_classes)], dtype=object)
    X = centres[codes] + rng.normal(size=(n, 10))
    return X, labels[codes], ExtraRows(centres, labels)


def test_names_that_know_something_are_fitted_on_and_are_in_no_pilot_and_no_test():
    X, y, names = many_classes()
    told = []
    plain, named = (
        fit_surrogate(X, y, names=n, target=0.8, on_part=lambda *part: told.append(part))
        for n in (None, names)
    )
    assert [part for part in told if not part[0]] == [(0, 3), (0, 4)]
    assert [part for part in told if part[0] == part[1]] == [(3, 3), (4, 4)]
    assert (plain.n_names, named.n_names) == (0, 30)
    assert named.trials[0].settings.endswith("names of 30 labels")
    assert named.trials[0].agreement > plain.trials[0].agreement + 0.05
    for part in ("fit_rows", "calibration_rows", "set_aside"):
        assert getattr(named, part).tolist() == getattr(plain, part).tolist()
    assert len(named.pilot.scores) == len(named.fit_rows)
    assert named.n_extra == 0
    certificate = calibrate_router(named, X, y).certificate
    assert certificate.n_fit == len(named.fit_rows)
    assert certificate.n_calibration == len(named.calibration_rows)


def test_a_label_that_no_row_has_is_known_by_its_name():
    X, y, names = many_classes()
    found = fit_surrogate(X, y, names=names, target=0.8, guard=False)
    assert "label 29" in found.classes.tolist()
    codes = found.pipeline.predict([np.asarray(names.X[-1:], dtype=np.float32)]).codes
    assert found.classes[codes].tolist() == ["label 29"]


def test_rows_that_equal_a_name_stay_in_the_test():
    X, y, names = many_classes()
    X[:] = names.X[[int(label.split()[1]) for label in y]]  # every row equals one
    groups = np.arange(len(X))
    named = fit_surrogate(X, y, names=names, groups=groups, target=0.8)
    plain = fit_surrogate(X, y, groups=groups, target=0.8)
    assert named.calibration_rows.tolist() == plain.calibration_rows.tolist()
    assert len(named.set_aside) == 0


def test_names_beside_extra_rows_soft_labels_and_costs():
    X, y, names = many_classes(n=200)
    rng = np.random.default_rng(4)
    soft = rng.dirichlet(np.ones(len(set(y))), size=200)
    extra = ExtraRows(X[150:], y[150:])
    found = fit_surrogate(
        X[:150],
        y[:150],
        soft_labels=soft[:150, : len(set(y[:150]))],
        costs=np.linspace(1, 2, 150),
        strategy="cost-aware",
        extra=extra,
        names=names,
        target=0.5,
    )
    assert found.n_extra == 50
    assert len(found.pilot.scores) == len(found.fit_rows)
    X, y, names = many_classes(n=100)
    extra = ExtraRows(X[90:], y[90:])
    few = fit_surrogate(X[:90], y[:90], extra=extra, names=names, target=0.8)
    assert (few.n_extra, few.n_names) == (10, 30)
    assert len(few.pilot.scores) == len(few.fit_rows)


def test_names_are_left_out_of_cross_fitting():
    X, y, names = many_classes()
    assert fit_surrogate(X, y, names=names, target=0.8, certificate="cross-fit").n_names == 0


def test_names_with_other_features_are_refused():
    with pytest.raises(InvalidInput, match="X must have the 3 features"):
        fit(names=ExtraRows(np.ones((3, 4)), ["a", "b", "c"]))


def test_extra_rows_may_have_distributions_of_their_own():
    rng = np.random.default_rng(0)
    X, more = rng.normal(size=(30, 4)), rng.normal(size=(5, 4))
    y = np.array(["b", "d"] * 15, dtype=object)
    own = np.tile([[0.75, 0.25], [0.25, 0.75]], (15, 1))
    extra = ExtraRows(
        more,
        np.array(["a", "d", None, "d", "a"], dtype=object),
        soft=[[0.9, 0.1], [0.4, 0.6], [np.nan] * 2, [0.0, 1.0], [1.0, 0.0]],
    )
    joined = join_rows(X, y, own, None, extra)
    assert joined.classes.tolist() == ["a", "b", "d"]
    np.testing.assert_allclose(joined.soft[:30], np.c_[np.zeros(30), own])
    expected = [[0.9, 0, 0.1], [0.4, 0, 0.6], [np.nan] * 3, [0, 0, 1], [1, 0, 0]]
    np.testing.assert_allclose(joined.soft[30:], expected)
    # Also where the drawn rows have none.
    alone = join_rows(X, y, None, None, extra)
    assert np.isnan(alone.soft[:30]).all()
    np.testing.assert_allclose(alone.soft[30:], expected)
    with pytest.raises(InvalidInput, match=r"shape \(5, 2\)"):
        join_rows(X, y, None, None, replace(extra, soft=np.ones((5, 3)) / 3))
