"""The walk along the thresholds, and what a certificate over all rows says."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.bounds import agreement_lower, column_agreement_lower, held_out_p_value
from tracer_nb.engine.certificates import Evidence, Promise, Rows
from tracer_nb.engine.certificates.certify import walk
from tracer_nb.engine.certificates.tally import Tally, _match_ranks
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot, Setting

from .worlds import LEVELS, NOTHING, PILOT, column, held_out, world

# Thresholds lie 0.001 in log-odds below the score that they stand for.
HAIR_BELOW_SEVEN_TENTHS = pytest.approx(0.69979, abs=1e-6)

ROWS = st.lists(
    st.tuples(st.sampled_from([-math.inf, 0.0, 0.3, 0.5, 0.9, 1.0]), st.booleans()), max_size=80
)


def columns_of(rows):
    return np.array([s for s, _ in rows]), np.array([a for _, a in rows], dtype=bool)


# --- the walk ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "passed", "n_tested"),
    [
        ([0.01, 0.09, 0.5, 0.01], [0.9, 0.8], 3),  # later passes do not count
        ([0.2, 0.01, 0.01, 0.01], [], 1),
        ([0.09, 0.09, 0.09, 0.09], [0.9, 0.8, 0.7, 0.6], 4),
        ([0.01, math.nan, 0.01, 0.01], [0.9], 2),
    ],
)
def test_walk_stops_at_the_first_failure(p, passed, n_tested):
    tally = SimpleNamespace(promise=Promise(0.8, 0.9), p_values=lambda _: np.array(p))
    found, n = walk(tally, np.array([0.9, 0.8, 0.7, 0.6]))
    assert (found.tolist(), n) == (passed, n_tested)


def test_walk_along_nothing():
    found, n = walk(SimpleNamespace(promise=Promise(0.8, 0.9), p_values=lambda t: t), np.array([]))
    assert (found.tolist(), n) == ([], 0)


def test_held_out_certificate_retraced():
    """The certified threshold is the last of the planned ones before the first failed test."""
    pilot = Pilot(*world(700, drop=0.6, seed=1))
    scores, agree = world(300, drop=0.6, seed=2)
    certificate = held_out(pilot, scores, agree, **LEVELS)
    planned = plan_sequence(pilot, 300, **LEVELS).thresholds
    p = np.array(
        [
            float(held_out_p_value(agree[scores >= t].sum(), (scores >= t).sum(), 0.9))
            for t in planned
        ]
    )
    n_passed = int(np.argmax(p > 0.1))
    assert certificate.threshold == planned[n_passed - 1]
    assert certificate.n_tested == n_passed + 1
    handled = scores >= certificate.threshold
    assert certificate.certified
    assert (certificate.method, certificate.strategy) == ("held-out", "adaptive-threshold")
    assert (certificate.by_simulation, certificate.n_targets) == (False, 1)
    assert certificate.n_fit == 700
    assert certificate.n_calibration == 300
    assert certificate.n_handled == handled.sum()
    assert certificate.n_agree == agree[handled].sum()
    assert certificate.coverage == certificate.cost_coverage == handled.mean()
    assert certificate.agreement == agree[handled].mean()
    assert certificate.agreement_lower == agreement_lower(
        certificate.n_agree, certificate.n_handled, 0.9
    )
    assert certificate.agreement_lower >= 0.9
    n_wrong = (~agree[handled]).sum()
    assert certificate.whole_output_agreement == 1 - n_wrong / 300
    # Any share of the new rows may be handled, so nothing more follows from the promise.
    assert certificate.whole_output_lower == 0.9
    assert (certificate.note, certificate.needed_rows) == ("", None)
    assert certificate.n_population is None
    assert certificate.classes == ()


def test_ties_are_handled_together():
    """Rows with the threshold's own score count in the test, as they do in routing."""
    pilot = Pilot(np.full(200, 0.7), np.ones(200, dtype=bool))
    scores = np.r_[np.full(60, 0.7), np.full(40, 0.6)]
    certificate = held_out(pilot, scores, np.ones(100, dtype=bool), **LEVELS)
    assert certificate.threshold == HAIR_BELOW_SEVEN_TENTHS
    assert certificate.n_handled == (scores >= certificate.threshold).sum() == 60


def test_one_score_for_all_rows_is_all_or_nothing():
    pilot = Pilot(np.full(200, 0.7), np.arange(200) % 100 > 0)
    good = held_out(pilot, np.full(100, 0.7), np.arange(100) > 0, **LEVELS)
    assert (good.threshold, good.coverage) == (HAIR_BELOW_SEVEN_TENTHS, 1.0)
    bad = held_out(pilot, np.full(100, 0.7), np.arange(100) > 9, **LEVELS)
    assert (bad.threshold, bad.coverage) == (math.inf, 0.0)


@given(st.permutations(range(60)))
def test_order_of_the_rows_is_irrelevant(order):
    scores, agree = world(60, drop=0.05, seed=5)
    shuffled = held_out(PILOT, scores[order], agree[order], **LEVELS)
    assert shuffled == held_out(PILOT, scores, agree, **LEVELS)


def test_same_seed_same_certificate():
    scores, agree = world(300, seed=2)
    a, b = (held_out(PILOT, scores, agree, **LEVELS, seed=9) for _ in range(2))
    assert a == b


def test_raising_the_target_never_certifies_more_of_these_rows():
    scores, agree = world(500, seed=3)
    coverage = [
        held_out(PILOT, scores, agree, target=t, confidence=0.9).coverage
        for t in (0.8, 0.9, 0.97, 0.999)
    ]
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[0] == pytest.approx(1.0, abs=0.02)
    assert coverage[-1] == 0.0


# --- all settings that passed ------------------------------------------------------------


def test_settings_are_all_thresholds_that_passed():
    pilot = Pilot(*world(700, drop=0.6, seed=1))
    scores, agree = world(300, drop=0.6, seed=2)
    certificate = held_out(pilot, scores, agree, **LEVELS)
    planned = plan_sequence(pilot, 300, **LEVELS).thresholds
    settings = certificate.settings
    assert [s.threshold for s in settings] == planned[: certificate.n_tested - 1].tolist()
    assert len(settings) > 1
    assert settings[-1] == Setting(
        certificate.threshold, certificate.coverage, certificate.cost_coverage
    )
    for setting in settings:
        assert setting.coverage == (scores >= setting.threshold).mean()
        assert type(setting.threshold) is float
    coverages = [s.coverage for s in settings]
    assert coverages == sorted(coverages)


def test_a_refusal_has_no_setting():
    assert held_out(PILOT, *NOTHING, **LEVELS).settings == ()


# --- rows that are never handled ---------------------------------------------------------


def test_rows_at_minus_infinity_are_never_handled_and_always_counted():
    """At the threshold 0 all other rows are handled: 80 of 100."""
    scores = np.r_[np.zeros(40), np.ones(40), np.full(20, -np.inf)]
    agree = np.r_[np.ones(80, dtype=bool), np.zeros(20, dtype=bool)]
    fixed = {"thresholds": np.zeros(1), **LEVELS}
    certificate = held_out(PILOT, scores, agree, **fixed)
    assert (certificate.n_calibration, certificate.n_handled, certificate.n_agree) == (100, 80, 80)
    assert certificate.coverage == certificate.cost_coverage == 0.8
    assert certificate.whole_output_agreement == 1.0
    others = np.r_[np.ones(50), np.full(50, -np.inf)]
    known = column(PILOT, scores, agree, others, **fixed)
    assert (known.n_population, known.n_population_handled) == (200, 130)
    assert known.coverage == 0.65


def test_minus_infinity_alone_certifies_nothing():
    far = np.full(100, -np.inf)
    agree = np.ones(100, dtype=bool)
    for pilot in (PILOT, Pilot(far, agree)):
        for thresholds in (None, np.zeros(1)):
            fixed = {"thresholds": thresholds, **LEVELS}
            assert not held_out(pilot, far, agree, **fixed).certified
            assert not column(pilot, far, agree, far, **fixed).certified


@given(ROWS, ROWS)
def test_laws_of_both_certificates(rows, others):
    scores, agree = columns_of(rows)
    other_scores = columns_of(others)[0]
    for certificate, everyone in (
        (held_out(PILOT, scores, agree, **LEVELS), scores),
        (
            column(PILOT, scores, agree, other_scores, **LEVELS),
            np.r_[scores, other_scores],
        ),
    ):
        handled = scores >= certificate.threshold
        assert certificate.n_handled == handled.sum()
        assert certificate.n_agree == agree[handled].sum()
        assert certificate.coverage * max(len(everyone), 1) == pytest.approx(
            (everyone >= certificate.threshold).sum()
        )
        assert certificate.certified == math.isfinite(certificate.threshold)
        assert certificate.certified == (certificate.n_handled > 0)
        assert certificate.certified == (certificate.note == "")
        assert certificate.target <= certificate.whole_output_lower <= 1.0
        if certificate.certified:
            assert certificate.agreement_lower <= certificate.agreement + 1e-12
            assert certificate.whole_output_agreement >= certificate.agreement - 1e-12


# --- costs -------------------------------------------------------------------------------


def test_cost_coverage_weighs_rows_by_what_asking_costs():
    """The 60 handled of 100 rows cost 3 each, the others 1: 180 of 220."""
    scores = np.r_[np.full(60, 0.8), np.full(40, 0.2)]
    agree, costs = np.ones(100, dtype=bool), np.r_[np.full(60, 3.0), np.ones(40)]
    fixed = {"thresholds": np.array([0.5]), **LEVELS}
    certificate = held_out(PILOT, scores, agree, costs=costs, **fixed)
    assert certificate.coverage == 0.6
    assert certificate.cost_coverage == pytest.approx(180 / 220)
    assert certificate.settings == (Setting(0.5, 0.6, certificate.cost_coverage),)
    # And 10 other rows of 22 each that are deferred: 180 of 440.
    known = column(
        PILOT, scores, agree, np.zeros(10), costs=costs, other_costs=np.full(10, 22.0), **fixed
    )
    assert known.cost_coverage == pytest.approx(180 / 440)
    # With costs of only some rows every row counts the same.
    unknown = column(PILOT, scores, agree, np.zeros(10), costs=costs, **fixed)
    assert unknown.cost_coverage == unknown.coverage == pytest.approx(60 / 110)


def test_costs_do_not_change_what_is_tested():
    scores, agree = world(300, drop=0.6, seed=2)
    plain = held_out(PILOT, scores, agree, **LEVELS)
    costs = np.random.default_rng(0).random(300) + 0.1
    dear = held_out(PILOT, scores, agree, costs=costs, **LEVELS)
    assert dear.threshold == plain.threshold
    assert dear.cost_coverage != plain.cost_coverage


# --- several targets ---------------------------------------------------------------------


def test_targets_share_the_error_budget():
    """28 of 28 pass T = .9 at p = .9 ** 28 = .0523, which is within .1 and not within .05."""
    scores, agree = np.ones(28), np.ones(28, dtype=bool)
    fixed = {"thresholds": np.array([0.5]), **LEVELS}
    assert held_out(PILOT, scores, agree, **fixed).certified
    two = held_out(PILOT, scores, agree, n_targets=2, **fixed)
    assert (two.certified, two.n_targets) == (False, 2)
    # One row more: .0471.
    scores, agree = np.ones(29), np.ones(29, dtype=bool)
    two = held_out(PILOT, scores, agree, n_targets=2, **fixed)
    assert two.certified
    assert two.agreement_lower == agreement_lower(29, 29, 0.95)
    assert two.confidence == 0.9
    assert not held_out(PILOT, scores, agree, n_targets=3, **fixed).certified


def test_targets_share_the_error_budget_of_a_column():
    """26 drawn of 100 rows, none wrong: p = C(89, 26) / C(100, 26) is .026 with 11 wrong ones."""
    scores, agree, others = np.ones(26), np.ones(26, dtype=bool), np.ones(74)
    fixed = {"thresholds": np.array([0.5]), **LEVELS}
    p = math.comb(89, 26) / math.comb(100, 26)
    for n_targets in (1, 2, 3, 4, 5, 6):
        certificate = column(PILOT, scores, agree, others, n_targets=n_targets, **fixed)
        assert certificate.certified == (p <= 0.1 / n_targets)


# --- thresholds that are fixed -----------------------------------------------------------


def test_a_fixed_threshold_is_the_only_one_tested():
    scores, agree = world(300, seed=2)
    certificate = held_out(PILOT, scores, agree, thresholds=np.array([0.4]), **LEVELS)
    assert certificate.certified
    assert (certificate.threshold, certificate.n_tested) == (0.4, 1)
    assert certificate.n_handled == (scores >= 0.4).sum()


def test_a_fixed_sequence_is_walked_as_it_is():
    scores = np.r_[np.full(50, 0.9), np.full(50, 0.5)]
    agree = np.arange(100) < 50
    certificate = held_out(PILOT, scores, agree, thresholds=np.array([0.9, 0.7, 0.5]), **LEVELS)
    assert certificate.threshold == 0.7
    assert [s.threshold for s in certificate.settings] == [0.9, 0.7]
    assert certificate.n_tested == 3


def test_the_pilot_plays_no_part_in_a_fixed_test():
    scores, agree = world(300, seed=2)
    fixed = {"thresholds": np.array([0.4]), **LEVELS}
    with_pilot, without = (held_out(p, scores, agree, **fixed) for p in (PILOT, Pilot(*NOTHING)))
    assert (with_pilot.threshold, with_pilot.n_agree) == (without.threshold, without.n_agree)


# --- column ------------------------------------------------------------------------------


def test_column_counts_every_row_it_speaks_about():
    scores, agree = world(150, seed=2)
    others = world(450, seed=8)[0]
    certificate = column(PILOT, scores, agree, others, **LEVELS)
    everyone = np.r_[scores, others]
    handled = everyone >= certificate.threshold
    assert certificate.certified
    assert certificate.method == "column"
    assert certificate.n_population == 600
    assert certificate.n_population_handled == handled.sum()
    assert certificate.coverage == handled.mean()
    assert certificate.n_calibration == 150
    assert certificate.n_handled == (scores >= certificate.threshold).sum()
    assert certificate.n_agree == agree[scores >= certificate.threshold].sum()
    assert certificate.agreement_lower == column_agreement_lower(
        certificate.n_agree, certificate.n_handled, int(handled.sum()), 0.9
    )
    assert certificate.agreement_lower >= 0.9
    n_wrong = certificate.n_handled - certificate.n_agree
    assert n_wrong <= 15
    # At most a tenth of the handled rows disagree.
    assert certificate.whole_output_lower == pytest.approx(1 - 0.1 * certificate.coverage)
    assert np.abs(everyone - certificate.threshold).min() < 3e-4
    for setting in certificate.settings:
        assert setting.coverage == (everyone >= setting.threshold).mean()


def test_column_of_labelled_rows_only_is_counted_not_estimated():
    """All M rows are labelled: certified is exactly what agrees often enough."""
    scores = np.arange(100) / 100
    agree = np.arange(100) % 10 != 0
    certificate = column(PILOT, scores, agree, np.array([]), **LEVELS)
    assert certificate.coverage == 1.0
    assert certificate.agreement_lower == pytest.approx(0.9)
    assert certificate.whole_output_lower == pytest.approx(0.9)
    agree[5] = False
    worse = column(PILOT, scores, agree, np.array([]), **LEVELS)
    assert worse.coverage < 1.0


def test_column_does_not_need_the_pilot_on_its_scale():
    """Only ranks of the pilot count, so out-of-fold scores may sit lower than deployed ones."""
    scores, agree = world(150, seed=2)
    others = world(450, seed=8)[0]
    low = Pilot(PILOT.scores / 10, PILOT.agree)
    assert column(low, scores, agree, others, **LEVELS) == column(
        PILOT, scores, agree, others, **LEVELS
    )


def test_rows_of_the_pilot_stand_for_those_of_their_rank():
    """Of 4 the second lowest is at 3 / 8 of the way up, and so is the fourth of 8 rows."""
    pilot = Pilot(
        np.array([0.3, 0.1, 0.4, 0.2]),
        np.array([False, True, False, True]),
        costs=np.array([3.0, 1.0, 4.0, 2.0]),
    )
    matched = _match_ranks(pilot, np.arange(8) / 10)
    assert matched.scores.tolist() == [0.1, 0.3, 0.5, 0.7]
    assert matched.agree.tolist() == [True, True, False, False]
    assert matched.costs.tolist() == [1.0, 2.0, 3.0, 4.0]
    fewer = _match_ranks(Pilot(pilot.scores, pilot.agree), np.array([0.6, 0.9]))
    assert fewer.scores.tolist() == [0.6, 0.6, 0.9, 0.9]
    assert fewer.costs is None
    assert _match_ranks(Pilot(*NOTHING), np.ones(3)).scores.tolist() == []
    assert _match_ranks(pilot, np.empty(0)) is pilot


def test_rows_of_the_pilot_that_tie_take_ranks_in_their_order():
    """Whatever the machine: another order would be another plan for the same labels."""
    agree = np.random.default_rng(0).random(500) < 0.5
    scores = np.arange(500) % 2 / 2
    matched = _match_ranks(Pilot(scores, agree), np.arange(500.0))
    assert matched.agree.tolist() == [*agree[::2].tolist(), *agree[1::2].tolist()]


def test_a_column_is_planned_by_what_its_pilot_saw():
    """Pilots that agree at the top alone start strictly, those that agree everywhere loosely."""
    known = np.arange(1000) / 1000
    tested = Rows(known[::4], np.ones(250, dtype=bool))
    others = Rows(np.delete(known, np.s_[::4]))
    starts = []
    for good in (0.0, 0.7):
        pilot = Pilot(np.arange(700) / 7000, np.arange(700) >= 700 * good)
        tally = Tally.of(Promise(**LEVELS), Evidence(pilot, tested, others))
        starts.append(tally.sequence(0)[0])
    assert starts[0] < 0.6
    assert starts[1] > 0.69


def test_column_without_rows_or_labels():
    nobody = column(PILOT, *NOTHING, np.array([]), **LEVELS)
    assert not nobody.certified
    assert (nobody.n_population, nobody.n_population_handled, nobody.coverage) == (0, 0, 0.0)
    unlabelled = column(PILOT, *NOTHING, world(50)[0], **LEVELS)
    assert not unlabelled.certified
    assert (unlabelled.n_population, unlabelled.n_population_handled) == (50, 0)


def test_a_column_without_a_handled_row_is_not_certified():
    """About no row the promise is kept, but a certificate that says so would mislead."""
    scores, agree = world(150, seed=2)
    certificate = column(PILOT, scores, agree, world(300)[0], thresholds=np.ones(1), **LEVELS)
    assert not certificate.certified
    assert certificate.note.startswith("at the threshold 1 no calibration row is handled")


# --- inputs that would make a wrong certificate --------------------------------------------


def test_lengths_must_match():
    with pytest.raises(InvalidInput, match="equally long, got 3 and 2; pass one entry per"):
        held_out(PILOT, np.ones(3), np.ones(2, dtype=bool), **LEVELS)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.5, -0.1])
def test_scores_must_be_in_the_unit_interval(bad):
    """A NaN would sort as the highest score but fail score >= threshold in routing."""
    scores, agree = world(200)
    broken = scores.copy()
    broken[3] = bad
    for name, call in {
        "scores": lambda: held_out(PILOT, broken, agree, **LEVELS),
        "pilot.scores": lambda: held_out(Pilot(broken, agree), scores, agree, **LEVELS),
        "other_scores": lambda: column(PILOT, scores, agree, broken, **LEVELS),
    }.items():
        with pytest.raises(InvalidInput, match=f"^{name} holds 1 values that are not in"):
            call()


def test_agreement_must_be_bool():
    scores, agree = world(200)
    with pytest.raises(InvalidInput, match="agree must be bool, got float64"):
        held_out(PILOT, scores, np.where(agree, 1.0, np.nan), **LEVELS)


def test_levels_are_checked():
    with pytest.raises(InvalidInput, match="confidence must be in"):
        held_out(PILOT, *world(20), target=0.9, confidence=95)
    with pytest.raises(InvalidInput, match="target must be in"):
        column(PILOT, *world(20), np.array([]), target=90, confidence=0.9)
