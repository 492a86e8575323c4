"""Targets, strategies, classes and blocks of features, from labelled rows to routed ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine import calibrate_router, fit_router, fit_surrogate
from tracer_nb.engine.options import cost_path
from tracer_nb.errors import InvalidInput

from .routed import LABELS, OPTIONS, hopeless, rows


def blurred(n=600, seed=0, noise=0.9):
    """Clusters that overlap: not all rows can be handled."""
    return rows(n, seed, noise)


# --- several targets ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_targets():
    X, y = blurred()
    return fit_router(X, y, target=[0.8, 0.9], confidence=0.9, column=blurred(300, 1)[0])


def test_every_target_has_its_certificates(two_targets):
    router = two_targets
    assert [c.target for c in router.certificates] == [0.8, 0.9]
    assert [c.target for c in router.column_certificates] == [0.8, 0.9]
    for certificate in (*router.certificates, *router.column_certificates):
        assert certificate.n_targets == 2
        assert certificate.confidence == 0.9
    assert router.certificate == router.certificate_for() == router.certificates[0]
    assert router.column_certificate == router.certificate_for(column=True)
    assert router.certificate_for(0.9) == router.certificates[1]
    assert router.certificate_for(0.9, column=True) == router.column_certificates[1]


def test_rows_are_routed_at_the_target_that_is_asked_for(two_targets):
    X = blurred(seed=2)[0]
    loose, strict = (two_targets.route(X, target=t) for t in (0.8, 0.9))
    assert two_targets.route(X).handled.tolist() == loose.handled.tolist()
    for routing, certificate in zip((loose, strict), two_targets.certificates, strict=True):
        above = routing.scores >= certificate.threshold
        assert routing.handled.tolist() == (above & ~routing.far).tolist()
    assert loose.handled.mean() > strict.handled.mean() > 0


def test_other_targets_were_not_certified(two_targets):
    for column in (False, True):
        with pytest.raises(InvalidInput) as error:
            two_targets.route(blurred()[0], target=0.85, column=column)
        assert str(error.value) == (
            "target 0.85 was not certified; there are: 0.8, 0.9. Another one needs calibration "
            "with it"
        )


def test_one_target_alone_has_the_whole_budget():
    X, y = blurred()
    fit = fit_surrogate(X, y, target=[0.8, 0.8], confidence=0.9)
    assert calibrate_router(fit, X, y).certificate.n_targets == 1


# --- fixed threshold ---------------------------------------------------------------------


def fixed(X, y, threshold, **options):
    return fit_router(X, y, strategy="fixed-threshold", threshold=threshold, **OPTIONS, **options)


def test_a_threshold_of_the_user_is_certified_or_not():
    X, y = blurred()
    router = fixed(X, y, 0.9, column=blurred(300, 1)[0])
    for certificate in (router.certificate, router.column_certificate):
        assert certificate.certified
        assert certificate.strategy == "fixed-threshold"
        assert (certificate.threshold, certificate.n_tested) == (0.9, 1)
        assert len(certificate.settings) == 1
        assert certificate.agreement_lower >= 0.9
    routing = router.route(X)
    assert routing.handled.tolist() == ((routing.scores >= 0.9) & ~routing.far).tolist()


def test_a_threshold_that_is_too_low_is_refused_with_its_figures():
    X, y = blurred()
    router = fixed(X, y, 0.05)
    certificate = router.certificate
    assert not certificate.certified
    assert certificate.note.startswith("at the threshold 0.05 ")
    assert "handled calibration rows agree" in certificate.note
    assert "lower bound" in certificate.note
    assert not router.route(X).handled.any()


# --- accept all --------------------------------------------------------------------------


def test_accept_all_handles_every_row_or_none():
    X, y = rows(noise=0.3)
    router = fit_router(X, y, pipeline="accept-all", **OPTIONS)
    assert router.certificate.certified
    assert router.certificate.threshold == 0.0
    routing = router.route(rows(seed=1, noise=0.3)[0])
    assert routing.handled.tolist() == (~routing.far).tolist()
    refused = fit_router(*hopeless(), pipeline="accept-all", **OPTIONS)
    assert not refused.certificate.certified
    assert refused.certificate.note.startswith("at the threshold 0 ")
    assert not refused.route(X).handled.any()


# --- cost-aware --------------------------------------------------------------------------


def costs_of(n, seed=0):
    return np.random.default_rng([seed, 90]).choice([1.0, 10.0], size=n)


COST_AWARE = {"strategy": "cost-aware", **OPTIONS}


@pytest.fixture(scope="module")
def dear():
    X, y = blurred()
    return fit_router(
        X,
        y,
        costs=costs_of(600),
        column=blurred(300, 1)[0],
        column_costs=costs_of(300, 1),
        **COST_AWARE,
    )


def test_costs_decide_which_rows_are_handled(dear):
    X, costs = blurred(1000, 2)[0], costs_of(1000, 2)
    fit, certificate = dear.fit, dear.certificate
    assert certificate.certified
    assert certificate.strategy == "cost-aware"
    assert fit.typical_cost == costs_of(600)[fit.fit_rows].mean()
    routing = dear.route(X, costs=costs)
    path = cost_path(routing.scores, costs, 0.9, fit.typical_cost)
    assert routing.handled.tolist() == ((path >= certificate.threshold) & ~routing.far).tolist()
    # Rows below the target are handled where asking is dear.
    unsure = (routing.scores < 0.9) & routing.handled
    assert unsure.any()
    assert costs[unsure].mean() > costs.mean()
    # The same rows at other costs are other handled rows.
    assert dear.route(X, costs=costs[::-1]).handled.tolist() != routing.handled.tolist()


def test_more_is_saved_than_by_as_many_rows_at_random(dear):
    for certificate in (dear.certificate, dear.column_certificate):
        assert certificate.cost_coverage > certificate.coverage
        for setting in certificate.settings:
            assert 0 < setting.cost_coverage <= 1


def test_cost_coverage_is_that_of_the_routed_rows(dear):
    X, costs = blurred()[0], costs_of(600)
    own = dear.fit.calibration_rows
    handled = dear.route(X[own], costs=costs[own]).handled
    assert dear.certificate.n_handled == handled.sum()
    assert dear.certificate.cost_coverage == pytest.approx(
        costs[own][handled].sum() / costs[own].sum()
    )
    everyone = np.r_[X[own], blurred(300, 1)[0]]
    all_costs = np.r_[costs[own], costs_of(300, 1)]
    handled = dear.route(everyone, costs=all_costs, column=True).handled
    assert dear.column_certificate.n_population_handled == handled.sum()
    assert dear.column_certificate.cost_coverage == pytest.approx(
        all_costs[handled].sum() / all_costs.sum()
    )


def test_equal_costs_change_nothing():
    X, y = blurred()
    plain = fit_router(X, y, surrogate="kernel-ridge", gate="margin", **OPTIONS)
    same = fit_router(
        X, y, costs=np.full(600, 3.0), surrogate="kernel-ridge", gate="margin", **COST_AWARE
    )
    a = plain.route(X).scores
    b = same.route(X, costs=np.full(600, 3.0))
    assert b.scores.tolist() == a.tolist()
    assert same.certificate.cost_coverage == pytest.approx(same.certificate.coverage)
    # Handled rows are those of the highest scores.
    assert a[b.handled].min() >= a[~b.handled & ~b.far].max()


def test_costs_are_needed_and_checked(dear):
    X, y = blurred()
    with pytest.raises(InvalidInput, match="strategy 'cost-aware' needs costs"):
        fit_surrogate(X, y, **COST_AWARE)
    with pytest.raises(InvalidInput, match="costs holds 1 values that are not above 0"):
        fit_surrogate(X, y, costs=np.arange(600.0), **COST_AWARE)
    with pytest.raises(InvalidInput, match="needs column_costs, what asking"):
        calibrate_router(dear.fit, X, y, column=X)
    with pytest.raises(InvalidInput, match="column_costs must have one entry for each of the 600"):
        calibrate_router(dear.fit, X, y, column=X, column_costs=[1.0])
    with pytest.raises(InvalidInput, match="strategy 'cost-aware' needs costs"):
        dear.route(X)
    with pytest.raises(InvalidInput, match="costs must have one entry for each of the 600 rows"):
        dear.route(X, costs=[1.0])


def test_costs_of_column_rows_equal_to_fitting_rows_are_left_out_with_them():
    X, y = blurred()
    new = blurred(50, 1)[0]
    router = fit_router(
        X, y, costs=costs_of(600), column=np.r_[X, new], column_costs=costs_of(650), **COST_AWARE
    )
    assert router.column_certificate.n_population == 180 + 180 + 50


# --- per class ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_class():
    X, y = rows(1200, noise=0.9)
    # One class is mixed with another by the teacher's whim: it is refused.
    whim = np.random.default_rng(0).random(1200) < 0.4
    y = np.where((y == "refund") & whim, "pin", y)
    return fit_router(X, y, certificate="per-class", column=rows(600, 1, 0.9)[0], **OPTIONS), X


def test_each_class_is_routed_by_its_own_threshold(by_class):
    router, _ = by_class
    certificate = router.certificate
    assert certificate.method == "held-out, per class"
    assert certificate.certified
    assert np.isnan(certificate.threshold)
    assert [part.label for part in certificate.classes] == router.fit.classes.tolist()
    X = rows(900, 2, 0.9)[0]
    routing = router.route(X)
    thresholds = {part.label: part.threshold for part in certificate.classes}
    assert len(set(thresholds.values())) > 1
    own = np.array([thresholds[label] for label in routing.labels])
    assert routing.handled.tolist() == ((routing.scores >= own) & ~routing.far).tolist()
    assert routing.handled.any()


def test_refused_classes_are_deferred(by_class):
    router, X = by_class
    refused = [part for part in router.certificate.classes if not part.certified]
    assert refused
    routing = router.route(X)
    for part in refused:
        assert part.threshold == np.inf
        assert not routing.handled[routing.labels == part.label].any()


def test_figures_per_class_are_those_of_the_routed_rows(by_class):
    router, X = by_class
    routing = router.route(X[router.fit.calibration_rows])
    assert router.certificate.n_handled == routing.handled.sum()
    for part in router.certificate.classes:
        own = routing.labels == part.label
        assert part.n_calibration == own.sum()
        if part.certified:
            assert part.n_handled == routing.handled[own].sum()
    column = router.column_certificate
    everyone = np.r_[X[router.fit.calibration_rows], rows(600, 1, 0.9)[0]]
    handled = router.route(everyone, column=True).handled
    assert column.method == "column, per class"
    assert (column.n_population, column.n_population_handled) == (960, handled.sum())


# --- blocks of features ------------------------------------------------------------------


def two_blocks(n=400, seed=0):
    """A class is told by both blocks together: the second parts what the first confuses."""
    rng = np.random.default_rng([seed, 52])
    codes = rng.integers(3, size=n)
    A = 2.0 * np.eye(3, 6)[np.minimum(codes, 1)] + 0.3 * rng.normal(size=(n, 6))
    B = 2.0 * np.eye(3, 4)[np.maximum(codes, 1)] + 0.3 * rng.normal(size=(n, 4))
    return A, B, LABELS[codes]


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_blocks_are_fused_where_it_helps(make):
    A, B, y = two_blocks()
    router = fit_router(
        [A, make(B)], y, column=(two_blocks(200, 1)[0], make(two_blocks(200, 1)[1]))
    )
    assert router.fit.n_features == (6, 4)
    assert "fused" in router.fit.pipeline.view.name
    assert {t.view for t in router.fit.trials} >= {"plain", "fused"}
    assert router.certificate.certified
    assert router.certificate.coverage > fit_router(A, y).certificate.coverage + 0.3
    new_A, new_B, new_y = two_blocks(300, 2)
    routing = router.route([new_A, make(new_B)])
    assert (routing.labels == new_y)[routing.handled].mean() > 0.92
    assert router.route((new_A, make(new_B))).scores.tolist() == routing.scores.tolist()


def test_a_list_of_one_block_is_that_block():
    A, _, y = two_blocks()
    one, two = (fit_router(X, y, **OPTIONS) for X in (A, [A]))
    assert one.certificate == two.certificate
    assert two.route([A]).scores.tolist() == one.route(A).scores.tolist()


def test_blocks_are_checked():
    A, B, y = two_blocks()
    router = fit_router([A, B], y, **OPTIONS)
    for wrong in (A, [A], [A, B, B]):
        with pytest.raises(InvalidInput, match="must have the 2 blocks of features the router"):
            router.route(wrong)
    with pytest.raises(InvalidInput, match="must have the 4 features the router was fitted on"):
        router.route([A, A])
    with pytest.raises(InvalidInput, match="the blocks of X have 399, 400 rows; all need the same"):
        router.route([A, B[1:]])
    with pytest.raises(InvalidInput, match="the blocks of X have 10, 400 rows"):
        fit_router([A, B[:10]], y)
    spoilt = B.copy()
    spoilt[0, 0] = np.nan
    with pytest.raises(InvalidInput, match="X holds 1 NaN"):
        fit_router([A, spoilt], y)
