"""Certificates for a model of one's own: the arrays that users have, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tracer_nb
from tracer_nb import certify, certify_column
from tracer_nb.engine import certificates
from tracer_nb.engine.certificates import Evidence, Promise, Rows
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Pilot

rng = np.random.default_rng(0)
SCORES = rng.random(800)
AGREE = rng.random(800) < 0.75 + 0.25 * SCORES
PILOT = (SCORES[:200], AGREE[:200])
TESTED = (SCORES[200:], AGREE[200:])


def test_they_are_public():
    assert {"certify", "certify_column", "DeferralClassifier"} <= set(tracer_nb.__all__)


def test_it_is_the_certificate_of_the_engine():
    mine = certify(*TESTED, target=0.9, confidence=0.9, pilot=PILOT)
    evidence = Evidence(Pilot(*PILOT), Rows(*TESTED))
    assert mine == certificates.certify(Promise(0.9, 0.9), evidence)
    assert mine.certified
    assert (mine.method, mine.n_fit, mine.n_calibration) == ("held-out", 200, 600)
    others = rng.random(3000)
    column = certify_column(*TESTED, others, target=0.9, confidence=0.9, pilot=PILOT)
    evidence = Evidence(Pilot(*PILOT), Rows(*TESTED), Rows(others))
    assert column == certificates.certify(Promise(0.9, 0.9), evidence)
    assert (column.method, column.n_population) == ("column", 3600)


def test_without_a_pilot_a_quarter_orders_and_is_in_no_test():
    mine = certify(SCORES, AGREE, target=0.85)
    assert (mine.n_fit, mine.n_calibration) == (200, 600)
    assert mine == certify(SCORES, AGREE, target=0.85)
    assert mine != certify(SCORES, AGREE, target=0.85, seed=1)
    # Drawn at random: rows in any order will do.
    order = np.argsort(SCORES)
    ordered = certify(SCORES[order], AGREE[order], target=0.85)
    assert ordered.certified
    assert ordered.coverage == pytest.approx(mine.coverage, abs=0.2)
    column = certify_column(SCORES, AGREE, rng.random(1000), target=0.9)
    assert (column.n_fit, column.n_calibration, column.n_population) == (200, 600, 1600)


def test_the_quarter_does_not_depend_on_what_agrees():
    """Or the others were no random sample of rows."""
    none = certify(SCORES, np.zeros(800, dtype=bool), target=0.9)
    every = certify(SCORES, np.ones(800, dtype=bool), target=0.9)
    assert (none.n_handled, none.certified) == (0, False)
    assert every.n_agree == every.n_handled > 500  # the pilot's lowest score is the last threshold


def test_a_threshold_of_ones_own_is_the_only_test():
    mine = certify(SCORES, AGREE, target=0.8, threshold=0.5)
    assert (mine.threshold, mine.n_tested, mine.n_calibration) == (0.5, 1, 800)
    assert mine.n_handled == (SCORES >= 0.5).sum()
    refused = certify(SCORES, AGREE, target=0.99, threshold=0.5)
    assert not refused.certified
    assert "at the threshold 0.5" in refused.note


def test_forms_of_the_same_rows_are_equal():
    mine = certify(SCORES, AGREE, target=0.9)
    for scores, agree in (
        (SCORES.tolist(), AGREE.tolist()),
        (pd.Series(SCORES, index=SCORES), pd.Series(AGREE, index=SCORES)),
        (SCORES, AGREE.astype(int)),
        (SCORES, AGREE.astype(object)),
    ):
        assert certify(scores, agree, target=0.9) == mine


def test_too_few_rows_are_refused_with_the_number_that_is_needed():
    few = certify(SCORES[:20], np.ones(20, dtype=bool))
    assert not few.certified
    assert "at least 59" in certify(SCORES[:20], np.ones(20, dtype=bool), target=0.95).note
    assert certify([], []).threshold == np.inf


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((SCORES, AGREE[:5]), {}, "equally long, got 800 and 5"),
        (([0.1, 1.2], [True, False]), {}, "1 are not, 1.2 for one; a margin m may be given as"),
        (([0.1, np.nan], [True, False]), {}, "1 are not, nan for one"),
        (([0.1, 0.2], [True, None]), {}, "a row without a label is False"),
        (([0.1, 0.2], pd.array([True, None])), {}, "got <NA>; a row without a label is False"),
        (([0.1, 0.2], ["yes", "no"]), {}, "must be True or False for each row, got 'yes'"),
        (([0.1, 0.2], [1.0, np.nan]), {}, "must be True or False for each row, got nan"),
        ((["a"], [True]), {}, "scores must be numbers, got list"),
        (([[0.1]], [True]), {}, r"one entry per row, got shape \(1, 1\)"),
        ((SCORES, AGREE), {"target": 92}, "for 92 % write 0.92"),
        ((SCORES, AGREE), {"confidence": 1.0}, "confidence must be in"),
        ((SCORES, AGREE), {"pilot": SCORES}, "pilot must be a pair"),
        ((SCORES, AGREE), {"pilot": (SCORES, AGREE[:3])}, "pilot scores and pilot agree"),
        ((SCORES, AGREE), {"threshold": 2}, "threshold must be in"),
        ((SCORES, AGREE), {"seed": -1}, "seed must be"),
    ],
)
def test_what_cannot_be_certified_is_one_clear_line(arguments, options, said):
    with pytest.raises(InvalidInput, match=said) as error:
        certify(*arguments, **options)
    assert "\n" not in str(error.value)
    with pytest.raises(InvalidInput, match=said):
        certify_column(*arguments, [0.5], **options)


def test_other_scores_are_looked_at_too():
    with pytest.raises(InvalidInput, match="other_scores must be in"):
        certify_column(SCORES, AGREE, [0.5, np.inf])
