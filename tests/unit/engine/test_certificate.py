"""The walk along the thresholds, and what a certificate says when it passes and when not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine import certificate as module
from tracer_nb.engine.bounds import agreement_lower, column_agreement_lower, held_out_p_value
from tracer_nb.engine.certificate import certify_column, certify_held_out, check_level
from tracer_nb.engine.sequence import plan_sequence
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

LEVELS = {"target": 0.9, "confidence": 0.9}
NOTHING = np.array([]), np.array([], dtype=bool)

# Thresholds lie 0.001 in log-odds below the score that they stand for.
HAIR_BELOW_SEVEN_TENTHS = pytest.approx(0.69979, abs=1e-6)


def world(n, *, drop=0.25, seed=0):
    rng = np.random.default_rng(seed)
    q = rng.random(n)
    return 1 - q, rng.random(n) < 1 - drop * q**3


PILOT = Pilot(*world(700, seed=1))

# --- levels ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.5, 1e-9, np.float32(0.25), np.float64(0.999)])
def test_levels_in_the_open_interval_pass(value):
    assert check_level("target", value) == float(value)
    assert type(check_level("target", value)) is float


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (92, "target must be in (0, 1), got 92; for 92 % write 0.92"),
        (99.5, "target must be in (0, 1), got 99.5; for 99.5 % write 0.995"),
        (1.0, "target must be in (0, 1), got 1; write a fraction such as 0.92"),
        (0, "target must be in (0, 1), got 0; write a fraction such as 0.92"),
        (-0.1, "target must be in (0, 1), got -0.1; write a fraction such as 0.92"),
        (math.nan, "target must be in (0, 1), got nan; write a fraction such as 0.92"),
        (math.inf, "target must be in (0, 1), got inf; write a fraction such as 0.92"),
        ("92%", "target must be a number in (0, 1), got '92%'; for 92 % write 0.92"),
        (True, "target must be a number in (0, 1), got True; for 92 % write 0.92"),
        (None, "target must be a number in (0, 1), got None; for 92 % write 0.92"),
    ],
)
def test_other_levels_are_refused(value, message):
    with pytest.raises(InvalidInput) as error:
        check_level("target", value)
    assert str(error.value) == message


# --- the walk ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "threshold", "n_tested"),
    [
        ([0.01, 0.09, 0.5, 0.01], 0.8, 3),  # later passes do not count
        ([0.2, 0.01, 0.01, 0.01], math.inf, 1),
        ([0.09, 0.09, 0.09, 0.09], 0.6, 4),
        ([0.01, math.nan, 0.01, 0.01], 0.9, 2),
    ],
)
def test_walk_stops_at_the_first_failure(p, threshold, n_tested):
    thresholds = np.array([0.9, 0.8, 0.7, 0.6])
    assert module._walk(thresholds, np.array(p), 0.9) == (threshold, n_tested)


def test_walk_along_nothing():
    assert module._walk(np.array([]), np.array([]), 0.9) == (math.inf, 0)


def test_held_out_certificate_retraced():
    """The certified threshold is the last of the planned ones before the first failed test."""
    pilot = Pilot(*world(700, drop=0.6, seed=1))
    scores, agree = world(300, drop=0.6, seed=2)
    certificate = certify_held_out(pilot, scores, agree, **LEVELS)
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
    assert certificate.method == "held-out"
    assert certificate.n_fit == 700
    assert certificate.n_calibration == 300
    assert certificate.n_handled == handled.sum()
    assert certificate.n_agree == agree[handled].sum()
    assert certificate.coverage == handled.mean()
    assert certificate.agreement == agree[handled].mean()
    assert certificate.agreement_lower == agreement_lower(
        certificate.n_agree, certificate.n_handled, 0.9
    )
    assert certificate.agreement_lower >= 0.9
    assert certificate.whole_output_agreement == 1 - (~agree[handled]).sum() / 300
    assert (certificate.note, certificate.needed_rows) == ("", None)
    assert certificate.n_population is None


def test_ties_are_handled_together():
    """Rows with the threshold's own score count in the test, as they do in routing."""
    pilot = Pilot(np.full(200, 0.7), np.ones(200, dtype=bool))
    scores = np.r_[np.full(60, 0.7), np.full(40, 0.6)]
    certificate = certify_held_out(pilot, scores, np.ones(100, dtype=bool), **LEVELS)
    assert certificate.threshold == HAIR_BELOW_SEVEN_TENTHS
    assert certificate.n_handled == (scores >= certificate.threshold).sum() == 60


def test_one_score_for_all_rows_is_all_or_nothing():
    pilot = Pilot(np.full(200, 0.7), np.arange(200) % 100 > 0)
    good = certify_held_out(pilot, np.full(100, 0.7), np.arange(100) > 0, **LEVELS)
    assert (good.threshold, good.coverage) == (HAIR_BELOW_SEVEN_TENTHS, 1.0)
    bad = certify_held_out(pilot, np.full(100, 0.7), np.arange(100) > 9, **LEVELS)
    assert (bad.threshold, bad.coverage) == (math.inf, 0.0)


@given(st.permutations(range(60)))
def test_order_of_the_rows_is_irrelevant(order):
    scores, agree = world(60, drop=0.05, seed=5)
    shuffled = certify_held_out(PILOT, scores[order], agree[order], **LEVELS)
    assert shuffled == certify_held_out(PILOT, scores, agree, **LEVELS)


def test_same_seed_same_certificate():
    scores, agree = world(300, seed=2)
    a, b = (certify_held_out(PILOT, scores, agree, **LEVELS, seed=9) for _ in range(2))
    assert a == b


def test_raising_the_target_never_certifies_more_of_these_rows():
    scores, agree = world(500, seed=3)
    coverage = [
        certify_held_out(PILOT, scores, agree, target=t, confidence=0.9).coverage
        for t in (0.8, 0.9, 0.97, 0.999)
    ]
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[0] == pytest.approx(1.0, abs=0.02)
    assert coverage[-1] == 0.0


# --- nothing certified -------------------------------------------------------------------


def test_too_few_rows_are_named():
    certificate = certify_held_out(PILOT, np.linspace(0, 1, 20), np.ones(20, dtype=bool), **LEVELS)
    assert not certificate.certified
    assert certificate.threshold == math.inf
    assert certificate.coverage == 0.0
    assert certificate.n_handled == certificate.n_agree == 0
    assert math.isnan(certificate.agreement)
    assert certificate.agreement_lower == 0.0
    assert certificate.note == (
        "20 calibration rows cannot certify 90 % at 90 % confidence, "
        "which needs at least 22 handled ones"
    )
    assert certificate.needed_rows > 720
    assert certificate.whole_output_agreement == 1.0


def test_needed_rows_do_make_it_likely():
    """By its own figure, four of five fresh draws should be certified; most are."""
    poor = world(40, seed=4)
    needed = certify_held_out(PILOT, *poor, target=0.97, confidence=0.95).needed_rows
    n_calibration = round(needed * 40 / 740)
    certified = [
        certify_held_out(
            PILOT, *world(n_calibration, seed=s), target=0.97, confidence=0.95
        ).certified
        for s in range(100, 140)
    ]
    assert np.mean(certified) > 0.6


def test_bad_luck_asks_for_half_as_many_again():
    pilot = Pilot(*world(700, drop=0.0, seed=6))
    scores, _ = world(300, seed=7)
    unlucky = certify_held_out(pilot, scores, np.arange(300) % 3 > 0, **LEVELS)
    assert unlucky.needed_rows == 1500
    assert unlucky.note == "no threshold passed the test for 90 % agreement at 90 % confidence"


def test_hopeless_surrogates_are_told_from_small_samples():
    hopeless = Pilot(world(700)[0], np.arange(700) % 2 == 0)
    certificate = certify_held_out(hopeless, *world(300), **LEVELS)
    assert certificate.needed_rows is None
    assert certificate.note.endswith(
        "; the surrogate does not agree often enough for more rows alone to help"
    )


@pytest.mark.parametrize("n_pilot", [7, 280])
def test_flawless_pilots_are_not_called_hopeless(n_pilot):
    """Without one disagreement no target is refuted, however high."""
    pilot = Pilot(np.linspace(0, 1, n_pilot), np.ones(n_pilot, dtype=bool))
    certificate = certify_held_out(
        pilot, np.linspace(0, 1, 9), np.ones(9, dtype=bool), target=0.999, confidence=0.95
    )
    assert certificate.needed_rows > 2995
    assert "often enough" not in certificate.note


def test_no_calibration_row():
    certificate = certify_held_out(PILOT, *NOTHING, **LEVELS)
    assert not certificate.certified
    assert (certificate.coverage, certificate.n_calibration) == (0.0, 0)
    assert certificate.note.startswith("0 calibration rows cannot certify")
    # Judged by the split's usual share, as there are none to go by.
    assert 700 < certificate.needed_rows <= 1050
    assert math.isnan(certificate.whole_output_agreement)


def test_no_pilot_certifies_nothing():
    certificate = certify_held_out(Pilot(*NOTHING), *world(300), **LEVELS)
    assert not certificate.certified
    assert certificate.n_tested == 0
    assert certificate.needed_rows is None


def test_levels_are_printed_as_they_were_given():
    certificate = certify_held_out(PILOT, *NOTHING, target=0.929, confidence=0.9999)
    assert "92.9 % at 99.99 % confidence" in certificate.note


# --- column ------------------------------------------------------------------------------


def test_column_counts_every_row_it_speaks_about():
    scores, agree = world(150, seed=2)
    others = world(450, seed=8)[0]
    certificate = certify_column(PILOT, scores, agree, others, **LEVELS)
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
    assert np.abs(everyone - certificate.threshold).min() < 3e-4


def test_column_of_labelled_rows_only_is_counted_not_estimated():
    """All M rows are labelled: certified is exactly what agrees often enough."""
    scores = np.arange(100) / 100
    agree = np.arange(100) % 10 != 0
    certificate = certify_column(PILOT, scores, agree, np.array([]), **LEVELS)
    assert certificate.coverage == 1.0
    assert certificate.agreement_lower == pytest.approx(0.9)
    agree[5] = False
    worse = certify_column(PILOT, scores, agree, np.array([]), **LEVELS)
    assert worse.coverage < 1.0


def test_column_does_not_need_the_pilot_on_its_scale():
    """Only ranks of the pilot count, so out-of-fold scores may sit lower than deployed ones."""
    scores, agree = world(150, seed=2)
    others = world(450, seed=8)[0]
    low = Pilot(PILOT.scores / 10, PILOT.agree)
    assert certify_column(low, scores, agree, others, **LEVELS) == certify_column(
        PILOT, scores, agree, others, **LEVELS
    )


def test_column_without_rows_or_labels():
    nobody = certify_column(PILOT, *NOTHING, np.array([]), **LEVELS)
    assert not nobody.certified
    assert (nobody.n_population, nobody.n_population_handled, nobody.coverage) == (0, 0, 0.0)
    unlabelled = certify_column(PILOT, *NOTHING, world(50)[0], **LEVELS)
    assert not unlabelled.certified
    assert (unlabelled.n_population, unlabelled.n_population_handled) == (50, 0)


def test_column_refusal_says_why():
    scores = world(150)[0]
    certificate = certify_column(PILOT, scores, np.arange(150) % 2 == 0, world(300)[0], **LEVELS)
    assert not certificate.certified
    assert certificate.threshold == math.inf
    assert certificate.coverage == certificate.agreement_lower == 0.0
    assert certificate.n_population_handled == 0
    assert certificate.note.startswith("no threshold passed the test")


# --- inputs that would make a wrong certificate --------------------------------------------


def test_lengths_must_match():
    with pytest.raises(InvalidInput, match="equally long, got 3 and 2; pass one entry per"):
        certify_held_out(PILOT, np.ones(3), np.ones(2, dtype=bool), **LEVELS)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.5, -0.1])
def test_scores_must_be_in_the_unit_interval(bad):
    """A NaN would sort as the highest score but fail score >= threshold in routing."""
    scores, agree = world(200)
    broken = scores.copy()
    broken[3] = bad
    for name, call in {
        "scores": lambda: certify_held_out(PILOT, broken, agree, **LEVELS),
        "pilot.scores": lambda: certify_held_out(Pilot(broken, agree), scores, agree, **LEVELS),
        "other_scores": lambda: certify_column(PILOT, scores, agree, broken, **LEVELS),
    }.items():
        with pytest.raises(InvalidInput, match=f"^{name} holds 1 values that are not in"):
            call()


def test_agreement_must_be_bool():
    scores, agree = world(200)
    with pytest.raises(InvalidInput, match="agree must be bool, got float64"):
        certify_held_out(PILOT, scores, np.where(agree, 1.0, np.nan), **LEVELS)


def test_levels_are_checked():
    with pytest.raises(InvalidInput, match="confidence must be in"):
        certify_held_out(PILOT, *world(20), target=0.9, confidence=95)
    with pytest.raises(InvalidInput, match="target must be in"):
        certify_column(PILOT, *world(20), np.array([]), target=90, confidence=0.9)
