"""A threshold for each predicted class, all at one error budget."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.bounds import agreement_interval, agreement_lower, fewest_handled
from tracer_nb.engine.certificates import Evidence, Promise, Rows, certify_classes
from tracer_nb.engine.certificates.certify import _large_classes
from tracer_nb.records import Pilot

LEVELS = {"target": 0.9, "confidence": 0.9}
LABELS = ["a", "b", "c"]
SHARES = np.array([0.5, 0.4, 0.1])


def world(n, *, drop=(0.1, 0.3, 0.1), shares=SHARES, seed=0):
    """Scores, agreement, predicted classes; agreement falls with the rank as the class says."""
    rng = np.random.default_rng([seed, 8])
    codes = rng.choice(len(shares), size=n, p=shares)
    q = rng.random(n)
    return 1 - q, rng.random(n) < 1 - np.asarray(drop)[codes] * q**3, codes


def pilot(n=700, **options):
    return Pilot(*world(n, seed=1, **options))


def certify(rows, *, of=None, others=None, n_targets=1, **how):
    others = None if others is None else Rows(others[0], codes=others[1])
    evidence = Evidence(pilot() if of is None else of, Rows(*rows), others)
    return certify_classes(Promise(n_shares=n_targets, **LEVELS), evidence, LABELS, **how)


def test_every_class_has_its_own_threshold():
    scores, agree, codes = world(400, seed=2)
    certificate = certify((scores, agree, codes))
    a, b, _ = certificate.classes
    assert [part.label for part in certificate.classes] == LABELS
    assert a.certified
    assert b.certified
    assert a.threshold < b.threshold  # the class that agrees more often is handled further down
    for code, part in enumerate((a, b)):
        handled = (codes == code) & (scores >= part.threshold)
        assert part.n_calibration == (codes == code).sum()
        assert part.n_handled == handled.sum()
        assert part.n_agree == agree[handled].sum()
        assert part.needed_rows is None
        low, high = agreement_interval(np.array([part.n_agree]), np.array([part.n_handled]), 0.9)
        assert (part.agreement_low, part.agreement_high) == (low[0], high[0])
        # Each passed at half of the error budget.
        assert agreement_lower(part.n_agree, part.n_handled, 0.95) >= 0.9


def test_the_whole_is_the_union_of_its_classes():
    scores, agree, codes = world(400, seed=2)
    certificate = certify((scores, agree, codes))
    thresholds = np.array([part.threshold for part in certificate.classes])
    handled = scores >= thresholds[codes]
    assert certificate.method == "held-out, per class"
    assert (certificate.target, certificate.confidence) == (0.9, 0.9)
    assert (certificate.n_population, certificate.n_population_handled) == (None, None)
    assert certificate.certified
    assert math.isnan(certificate.threshold)
    assert certificate.settings == ()
    assert certificate.n_handled == handled.sum()
    assert certificate.n_handled == sum(p.n_handled for p in certificate.classes if p.certified)
    assert certificate.n_agree == agree[handled].sum()
    assert certificate.agreement == agree[handled].mean()
    assert certificate.coverage == certificate.cost_coverage == handled.mean()
    assert certificate.n_calibration == 400
    assert certificate.n_calibration == sum(p.n_calibration for p in certificate.classes)
    assert certificate.n_fit == 700
    n_wrong = (~agree[handled]).sum()
    assert certificate.agreement_lower == agreement_lower(
        int(agree[handled].sum()), int(handled.sum()), 0.9
    )
    assert certificate.whole_output_lower == 0.9 <= 1 - n_wrong / 400
    assert certificate.note == ""


def test_the_column_of_a_class_is_the_rows_predicted_as_it():
    scores, agree, codes = world(300, seed=2)
    other_scores, _, other_codes = world(700, seed=3)
    certificate = certify((scores, agree, codes), others=(other_scores, other_codes))
    thresholds = np.array([part.threshold for part in certificate.classes])
    everyone, all_codes = np.r_[scores, other_scores], np.r_[codes, other_codes]
    handled = everyone >= thresholds[all_codes]
    assert certificate.method == "column, per class"
    assert certificate.certified
    assert certificate.n_population == 1000
    assert certificate.n_population_handled == handled.sum()
    assert certificate.coverage == handled.mean()
    assert certificate.n_handled == handled[:300].sum()
    assert certificate.agreement_lower <= certificate.agreement
    assert certificate.whole_output_lower == pytest.approx(1 - 0.1 * certificate.coverage)


def test_the_budget_is_split_only_over_classes_that_are_large_enough():
    """At delta / 2 = .05 a class needs 29 rows; c may expect 5, and costs the others nothing."""
    shares = [0.6, 0.35, 0.05]
    of = pilot(drop=(0, 0, 0), shares=shares)
    codes = np.repeat([0, 1, 2], [60, 29, 11])
    certificate = certify((np.ones(100), np.ones(100, dtype=bool), codes), of=of)
    assert fewest_handled(0.9, 0.95) == 29
    assert fewest_handled(0.9, 1 - 0.1 / 3) == 33
    a, b, c = certificate.classes
    assert a.certified
    assert b.certified
    assert not c.certified
    assert (c.threshold, c.needed_rows) == (math.inf, 29)
    fewer = np.repeat([0, 1, 2], [60, 28, 12])
    certificate = certify((np.ones(100), np.ones(100, dtype=bool), fewer), of=of)
    assert [part.certified for part in certificate.classes] == [True, False, False]


def test_targets_share_the_budget_too():
    """Two classes and two targets: .025 each, hence 36 rows."""
    of = pilot(drop=(0, 0, 0), shares=[0.5, 0.5, 0.0])
    for n, passes in ((35, False), (36, True)):
        codes = np.repeat([0, 1], [n, 100 - n])
        rows = np.ones(100), np.ones(100, dtype=bool), codes
        certificate = certify(rows, of=of, n_targets=2)
        assert certificate.classes[0].certified is passes
        assert certificate.n_targets == 2


def test_a_class_that_may_expect_just_enough_rows_is_tried():
    """Two halves of 58 rows have 29 each, which pass at half of the error budget."""
    of = Pilot(np.ones(700), np.ones(700, dtype=bool), np.arange(700) % 2)
    rows = np.ones(58), np.ones(58, dtype=bool), np.arange(58) % 2
    assert [part.certified for part in certify(rows, of=of).classes] == [True, True, False]


def test_of_classes_of_one_size_the_first_ones_are_tried():
    """Whatever the machine: 40 classes with 50 rows each, and at .1 / 20 a class needs 51."""
    codes = np.arange(2000) % 40
    everyone = np.ones(2000), np.ones(2000, dtype=bool), codes
    evidence = Evidence(Pilot(*everyone), Rows(*everyone))
    found = certify_classes(Promise(**LEVELS), evidence, [str(code) for code in range(40)])
    n_tried = max(k for k in range(1, 41) if fewest_handled(0.9, 1 - 0.1 / k) <= 50)
    assert 1 < n_tried < 39
    assert [part.certified for part in found.classes] == [code < n_tried for code in range(40)]


def test_costs_do_not_choose_the_thresholds_of_classes():
    """Of each class its rows count, so one dear row is not worth the chain of the others."""
    scores, agree, codes = world(700, seed=1)
    dear = Pilot(scores, agree, codes, costs=np.where(scores < 0.05, 1e9, 1.0))
    rows = world(400, seed=2)
    assert repr(certify(rows, of=dear)) == repr(certify(rows))


def test_refused_classes_are_diagnosed():
    scores, agree, codes = world(400, drop=(0.1, 1.0, 0.1), seed=2)
    agree[codes == 1] = np.arange((codes == 1).sum()) % 2 == 0
    certificate = certify((scores, agree, codes))
    b = certificate.classes[1]
    assert not b.certified
    assert b.threshold == math.inf
    # Of all its rows, handled or not: half of them agree.
    assert b.n_handled == b.n_calibration == (codes == 1).sum()
    assert b.n_agree == agree[codes == 1].sum()
    assert b.agreement_low < 0.5 < b.agreement_high
    assert b.needed_rows >= 29
    assert certificate.certified
    assert certificate.n_handled <= (codes != 1).sum()


def test_a_class_without_a_calibration_row():
    rows = np.ones(60), np.ones(60, dtype=bool), np.zeros(60, dtype=int)
    certificate = certify(rows, of=pilot(shares=[1.0, 0.0, 0.0]))
    a, b, _ = certificate.classes
    assert a.certified
    assert (b.n_calibration, b.n_handled, b.n_agree) == (0, 0, 0)
    assert (b.agreement_low, b.agreement_high) == (0.0, 1.0)


def test_nothing_is_certified_without_large_classes():
    certificate = certify(world(40, seed=2))
    assert not certificate.certified
    assert certificate.threshold == math.inf
    assert certificate.n_handled == certificate.n_tested == 0
    assert certificate.coverage == 0.0
    assert math.isnan(certificate.agreement)
    assert certificate.note == (
        "no class has enough calibration rows for a certificate of its own (at least 22 without a "
        "disagreement); label more rows, or certify all classes together"
    )
    assert {part.needed_rows for part in certificate.classes} == {22}


def test_a_refusal_names_the_rows_that_the_only_class_needs():
    nothing_to_try = Rows(np.ones(20), np.ones(20, dtype=bool), np.zeros(20, dtype=int))
    of = Pilot(np.ones(20), np.ones(20, dtype=bool), np.zeros(20, dtype=int))
    found = certify_classes(Promise(**LEVELS), Evidence(of, nothing_to_try), ["a"])
    assert "(at least 22 without a disagreement)" in found.note


def test_a_job_without_labels_is_refused_too():
    nothing = np.array([]), np.array([], dtype=bool), np.array([], dtype=int)
    found = certify_classes(Promise(**LEVELS), Evidence(Pilot(*nothing), Rows(*nothing)), [])
    assert (found.certified, found.classes) == (False, ())
    assert found.note.startswith("no class has enough calibration rows")


@pytest.mark.parametrize(("n_classes", "which"), [(1, "one class"), (2, "2 classes")])
def test_a_refusal_names_how_many_classes_were_tried(n_classes, which):
    codes = np.arange(200) % n_classes
    of = Pilot(np.ones(200), np.ones(200, dtype=bool), codes)
    certificate = certify((np.ones(200), np.zeros(200, dtype=bool), codes), of=of)
    assert certificate.note == (f"no test was passed by the {which} with enough calibration rows")


def test_nothing_is_certified_when_every_class_fails():
    scores, _, codes = world(400, seed=2)
    certificate = certify((scores, np.zeros(400, dtype=bool), codes))
    assert not certificate.certified
    assert certificate.note in {
        f"no test was passed by the {k} classes with enough calibration rows" for k in (2, 3)
    }


def test_no_rows_at_all():
    nothing = np.array([]), np.array([], dtype=bool), np.array([], dtype=int)
    certificate = certify(nothing, others=(np.array([]), np.array([], dtype=int)))
    assert not certificate.certified
    assert (certificate.n_population, certificate.coverage) == (0, 0.0)


def test_rows_at_minus_infinity_are_never_handled():
    scores, agree, codes = world(400, seed=2)
    far = np.arange(400) % 10 == 0
    scores = np.where(far, -np.inf, scores)
    certificate = certify((scores, agree, codes), thresholds=np.zeros(1))
    certified = [code for code, part in enumerate(certificate.classes) if part.certified]
    assert certified
    assert certificate.n_handled == (np.isin(codes, certified) & ~far).sum()
    assert certificate.coverage == certificate.n_handled / 400


def test_a_fixed_threshold_is_tested_in_every_class():
    certificate = certify(world(400, seed=2), thresholds=np.array([0.6]))
    assert {p.threshold for p in certificate.classes if p.certified} == {0.6}
    assert certificate.n_tested in {2, 3}


def test_rows_at_the_threshold_are_handled_in_the_whole_too():
    """As routing handles them, and as each class was tested."""
    rows = np.full(100, 0.6), np.ones(100, dtype=bool), np.arange(100) % 2
    others = np.r_[np.full(40, 0.6), np.full(60, 0.5)], np.arange(100) % 2
    found = certify(rows, others=others, thresholds=np.array([0.6]))
    assert [part.n_handled for part in found.classes] == [50, 50, 0]
    assert (found.n_handled, found.n_population_handled, found.n_population) == (100, 140, 200)


@given(st.integers(0, 2**32 - 1))
def test_calibration_labels_do_not_choose_the_classes(seed):
    """Whatever agrees, the same classes share the budget: a refused one needs as many rows."""
    scores, _, codes = world(150, seed=2)
    rng = np.random.default_rng(seed)
    agree = rng.random(150) < rng.random()
    none = certify((scores, np.zeros(150, dtype=bool), codes))
    some = certify((scores, agree, codes))
    for before, after in zip(none.classes, some.classes, strict=True):
        assert after.needed_rows in {None, before.needed_rows}


@pytest.mark.parametrize("column", [False, True])
def test_order_of_the_rows_is_irrelevant(column):
    scores, agree, codes = world(400, seed=2)
    other_scores, _, other_codes = world(300, seed=3)
    order = np.random.default_rng(0).permutation(400)
    others = (other_scores, other_codes) if column else None
    one = certify((scores, agree, codes), others=others)
    two = certify((scores[order], agree[order], codes[order]), others=others)
    assert repr(one) == repr(two)  # nan is not equal to itself


def test_of_classes_with_as_many_rows_the_first_ones_are_tried():
    """40 classes with 25 of 1,000 rows each, of which so many cannot share the budget."""
    codes = np.tile(np.arange(40), 25)
    even = Pilot(np.ones(1000), np.ones(1000, dtype=bool), codes)
    tried = _large_classes(Promise(0.9, 0.9), even, 1000, 40)
    assert tried == {0}  # 22 rows for one, 29 each for two
    one = Pilot(np.ones(1), np.ones(1, dtype=bool), np.zeros(1, dtype=int))
    assert _large_classes(Promise(0.5, 0.5), one, 1, 1) == {0}
