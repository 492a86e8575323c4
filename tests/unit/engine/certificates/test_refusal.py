"""What a certificate says when nothing passes: why, and how many labels would change that."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.bounds import agreement_lower, held_out_p_value
from tracer_nb.engine.certificates.certify import _needed_calibration_rows
from tracer_nb.engine.sequence import threshold_grid
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

from .worlds import LEVELS, NOTHING, PILOT, column, held_out, world

# The package has a function of the same name.
certifying = sys.modules["tracer_nb.engine.certificates.certify"]
HOPELESS = "; the surrogate does not agree often enough for more rows alone to help"


def test_too_few_rows_are_named():
    certificate = held_out(PILOT, np.linspace(0, 1, 20), np.ones(20, dtype=bool), **LEVELS)
    assert not certificate.certified
    assert certificate.threshold == math.inf
    assert certificate.coverage == certificate.cost_coverage == 0.0
    assert certificate.n_handled == certificate.n_agree == 0
    assert math.isnan(certificate.agreement)
    assert certificate.agreement_lower == 0.0
    assert certificate.note == (
        "20 calibration rows cannot certify 90 % at 90 % confidence, "
        "which needs at least 22 handled ones"
    )
    assert certificate.needed_rows > 720
    assert certificate.whole_output_agreement == 1.0


def test_several_targets_need_more_rows():
    """22 at delta = .1, and 29 at half of it."""
    certificate = held_out(
        PILOT, np.linspace(0, 1, 25), np.ones(25, dtype=bool), n_targets=2, **LEVELS
    )
    assert certificate.note.endswith("which needs at least 29 handled ones")


def test_needed_rows_do_make_it_likely():
    """By its own figure, four of five fresh draws should be certified; most are."""
    poor = world(40, seed=4)
    needed = held_out(PILOT, *poor, target=0.97, confidence=0.95).needed_rows
    n_calibration = round(needed * 40 / 740)
    certified = [
        held_out(PILOT, *world(n_calibration, seed=s), target=0.97, confidence=0.95).certified
        for s in range(100, 140)
    ]
    assert np.mean(certified) > 0.6


@pytest.mark.parametrize(("n_agree", "target"), [(190, 0.9), (180, 0.8), (120, 0.5), (80, 0.3)])
def test_rows_that_are_needed_pass_in_about_four_of_five_draws(n_agree, target):
    """Of a surrogate that agrees as often everywhere as on 200 rows of the pilot."""
    pilot = Pilot(np.full(200, 0.5), np.arange(200) < n_agree)
    n = _needed_calibration_rows(pilot, np.array([0.5]), target, 0.9)
    agreement = (n_agree + 0.5) / 201
    k = np.arange(n + 1)
    passes = held_out_p_value(k, np.full(n + 1, n), target) <= 0.1
    power = stats.binom.pmf(k, n, agreement)[passes].sum()
    assert 0.72 < power < 0.9


def test_bad_luck_asks_for_half_as_many_again():
    pilot = Pilot(*world(700, drop=0.0, seed=6))
    scores, _ = world(300, seed=7)
    unlucky = held_out(pilot, scores, np.arange(300) % 3 > 0, **LEVELS)
    assert unlucky.needed_rows == 1500
    assert unlucky.note == "no threshold passed the test for 90 % agreement at 90 % confidence"


def test_hopeless_surrogates_are_told_from_small_samples():
    hopeless = Pilot(world(700)[0], np.arange(700) % 2 == 0)
    certificate = held_out(hopeless, *world(300), **LEVELS)
    assert certificate.needed_rows is None
    assert certificate.note.endswith(HOPELESS)


@pytest.mark.parametrize("n_pilot", [5, 280])
def test_flawless_pilots_are_not_called_hopeless(n_pilot):
    """Without one disagreement no target is refuted, however high."""
    pilot = Pilot(np.linspace(0, 1, n_pilot), np.ones(n_pilot, dtype=bool))
    certificate = held_out(
        pilot, np.linspace(0, 1, 9), np.ones(9, dtype=bool), target=0.999, confidence=0.95
    )
    assert certificate.needed_rows > 2995
    assert "often enough" not in certificate.note


def test_no_calibration_row():
    certificate = held_out(PILOT, *NOTHING, **LEVELS)
    assert not certificate.certified
    assert (certificate.coverage, certificate.n_calibration) == (0.0, 0)
    assert certificate.note.startswith("0 calibration rows cannot certify")
    # Judged by the split's usual share, as there are none to go by.
    assert 700 < certificate.needed_rows <= 1050
    assert math.isnan(certificate.whole_output_agreement)


def test_without_a_calibration_row_three_of_ten_labels_are_taken_to_be_one():
    pilot = Pilot(*world(40, drop=0.0, seed=1))
    certificate = held_out(pilot, *NOTHING, **LEVELS)
    calibration = _needed_calibration_rows(pilot, threshold_grid(pilot.scores), 0.9, 0.9)
    assert 22 <= calibration < 100
    assert certificate.needed_rows == pytest.approx(calibration / 0.3, abs=1)


def test_no_pilot_certifies_nothing():
    certificate = held_out(Pilot(*NOTHING), *world(300), **LEVELS)
    assert not certificate.certified
    assert certificate.n_tested == 0
    assert certificate.needed_rows is None


def test_levels_are_printed_as_they_were_given():
    certificate = held_out(PILOT, *NOTHING, target=0.929, confidence=0.9999)
    assert "92.9 % at 99.99 % confidence" in certificate.note


def test_column_refusal_says_why():
    scores = world(150)[0]
    certificate = column(PILOT, scores, np.arange(150) % 2 == 0, world(300)[0], **LEVELS)
    assert not certificate.certified
    assert certificate.threshold == math.inf
    assert certificate.coverage == certificate.agreement_lower == 0.0
    assert certificate.n_population_handled == 0
    assert certificate.note.startswith("no threshold passed the test")


@pytest.mark.parametrize(("n", "enough"), [(17, False), (18, True)])
def test_too_few_rows_of_a_column_are_told_from_a_failed_test(n, enough):
    """Of 100 rows, 17 that all agree have p = C(89, 17) / C(100, 17) = .114, and 18 have .099."""
    certificate = column(PILOT, np.ones(n), np.zeros(n, dtype=bool), np.ones(100 - n), **LEVELS)
    assert certificate.note.startswith(
        "no threshold passed" if enough else f"{n} calibration rows cannot certify 90 %"
    )


def test_a_column_that_has_too_few_rows_for_a_certificate_is_not_asked_for_more_labels():
    """More than half of what the pilot would need is not there to be labelled."""
    pilot = Pilot(np.linspace(0, 1, 40), np.arange(40) != 3)
    rows = np.linspace(0, 1, 30), np.arange(30) % 4 > 0
    large, small = (column(pilot, *rows, np.full(n, 0.5), **LEVELS) for n in (5000, 10))
    assert large.needed_rows is not None
    assert large.needed_rows > 40 + 30 + 10
    assert small.needed_rows is None
    assert "more labels than the column has rows" in small.note
    assert "more labels" not in large.note


# --- thresholds that are fixed -----------------------------------------------------------


def test_a_refused_fixed_threshold_shows_what_was_seen():
    """50 handled, 44 agree: 88 %, and a lower bound."""
    scores = np.r_[np.full(50, 0.8), np.full(50, 0.1)]
    agree = np.r_[np.arange(50) >= 6, np.ones(50, dtype=bool)]
    fixed = {"thresholds": np.array([0.75]), **LEVELS}
    lower = 100 * agreement_lower(44, 50, 0.9)
    for certificate in (
        held_out(PILOT, scores, agree, **fixed),
        column(PILOT, scores, agree, np.full(900, 0.8), **fixed),
    ):
        assert not certificate.certified
        assert certificate.threshold == math.inf
        assert certificate.n_tested == 1
        assert certificate.note == (
            "at the threshold 0.75 44 of 50 handled calibration rows agree (88.0 %, lower bound "
            f"{lower:.1f} %), which does not certify 90 % agreement at 90 % confidence"
        )
        assert certificate.needed_rows > 800


def test_a_fixed_threshold_above_all_scores():
    scores, agree = world(100)
    certificate = held_out(PILOT, scores, agree, thresholds=np.ones(1), **LEVELS)
    # It is the threshold that is wrong, not the surrogate.
    assert certificate.note == (
        "at the threshold 1 no calibration row is handled, "
        "which does not certify 90 % agreement at 90 % confidence"
    )
    assert certificate.needed_rows is None


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_a_fixed_threshold_that_no_number_of_rows_certifies(threshold):
    pilot = Pilot(np.full(700, 0.8), np.arange(700) % 5 > 0)
    certificate = held_out(
        pilot,
        np.full(100, 0.8),
        np.arange(100) % 5 > 0,
        thresholds=np.array([threshold]),
        **LEVELS,
    )
    assert certificate.needed_rows is None
    assert certificate.note.endswith(HOPELESS)
    assert "80 of 100 handled calibration rows agree (80.0 %" in certificate.note


# --- at the limits ---------------------------------------------------------------------------


def test_rows_that_just_carry_a_certificate_are_not_too_few():
    """Three that agree have a p-value of 1 / 8 at a target of 1 / 2."""
    found = held_out(
        PILOT, np.full(3, 0.5), np.array([True, True, False]), target=0.5, confidence=0.875
    )
    assert found.note.startswith("no threshold passed")
    more = held_out(PILOT, np.full(3, 0.5), np.array([True] * 3), target=0.5, confidence=0.876)
    assert more.note.startswith("3 calibration rows cannot certify")


def test_a_need_of_the_rows_that_are_there_is_bad_luck(monkeypatch):
    monkeypatch.setattr(certifying, "_needed_calibration_rows", lambda *_: 100)
    found = held_out(PILOT, np.full(100, 0.5), np.zeros(100, dtype=bool), **LEVELS)
    assert found.needed_rows == 1200  # and not the 800 that there are


@pytest.mark.parametrize(("n_others", "needed"), [(200, None), (201, 400)])
def test_more_labels_than_the_column_has_rows_are_named(monkeypatch, n_others, needed):
    """400 labels are all rows of a column of 100 fitting, 100 calibration and 200 other ones."""
    monkeypatch.setattr(certifying, "_needed_calibration_rows", lambda *_: 200)
    pilot = Pilot(*world(100, seed=1))
    scores, agree = np.full(100, 0.5), np.zeros(100, dtype=bool)
    found = column(pilot, scores, agree, np.full(n_others, 0.5), **LEVELS)
    assert found.needed_rows == needed
    words = "; it would take more labels than the column has rows"
    assert found.note.endswith(words) == (needed is None)


def test_without_a_pilot_nothing_is_known_of_the_need():
    found = held_out(
        Pilot(*NOTHING), np.full(50, 0.5), np.zeros(50, bool), thresholds=np.array([0.4]), **LEVELS
    )
    assert (found.certified, found.needed_rows) == (False, None)


def test_the_need_is_the_first_of_its_sizes_that_passes():
    flawless = Pilot(np.full(50, 0.5), np.ones(50, dtype=bool))
    assert _needed_calibration_rows(flawless, np.array([0.4]), 0.5, 0.9) == 10
    grid = threshold_grid(PILOT.scores)
    share = np.array([(PILOT.scores >= t).mean() for t in grid])
    agreement = np.array([(PILOT.agree[PILOT.scores >= t].sum() + 0.5) for t in grid])
    agreement /= share * 700 + 1
    flawless = np.array([PILOT.agree[PILOT.scores >= t].all() for t in grid]) & (share * 700 >= 5)
    agreement[flawless] = np.maximum(agreement[flawless], 0.96)
    sizes = [int(n) for n in np.geomspace(10, 1e6, 200)]

    def passes(n):
        m = np.floor(n * share + 1e-9)
        k = np.floor(m * agreement - 0.84 * np.sqrt(m * agreement * (1 - agreement)))
        return (held_out_p_value(k, m, 0.92) <= 0.05).any()

    expected = next(n for n in sizes if passes(n))
    assert _needed_calibration_rows(PILOT, grid, 0.92, 0.95) == expected


def test_evidence_says_what_a_row_without_a_label_is():
    with pytest.raises(InvalidInput) as refused:
        held_out(PILOT, np.full(3, 0.5), np.array([1, 0, 1]), **LEVELS)
    assert str(refused.value) == (
        "agree must be bool, got int64; a row without a label is a disagreement"
    )
