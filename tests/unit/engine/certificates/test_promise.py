"""A promise is a record: another kind of it is counted and tested by what the record says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.certificates import (
    AGREEMENT,
    Evidence,
    Kind,
    Promise,
    Rows,
    agreement_of,
    certify,
)
from tracer_nb.engine.sequence import threshold_grid
from tracer_nb.records import Pilot

from .worlds import LEVELS, PILOT, world

WHOLE = Kind("whole-output agreement", AGREEMENT.among, AGREEMENT.wrong, of_handled=False)


def test_levels_and_words_of_a_promise():
    promise = Promise(0.92, 0.9, n_shares=4, kind=WHOLE)
    assert promise.level == pytest.approx(0.975)
    assert promise.words == "92 % whole-output agreement at 90 % confidence"
    assert Promise(0.929, 0.9999).words == "92.9 % agreement at 99.99 % confidence"
    # Of a class too: its certificate names it.
    assert Promise(0.9, 0.9, kind=agreement_of(3)).words == "90 % agreement at 90 % confidence"


def test_of_all_rows_every_threshold_is_tried():
    """The first of the grid that fails ends it, and wrong rows are counted against all rows."""
    scores, agree = world(300, drop=0.6, seed=2)
    certificate = certify(Promise(kind=WHOLE, **LEVELS), Evidence(PILOT, Rows(scores, agree)))
    grid = threshold_grid(PILOT.scores)
    wrong = np.array([(~agree[scores >= t]).sum() for t in grid])
    passed = stats.binom.cdf(wrong, 300, 0.1) <= 0.1
    n_passed = int(np.argmin(passed)) if not passed.all() else len(grid)
    assert 0 < n_passed < len(grid)
    assert certificate.threshold == grid[n_passed - 1]
    assert [s.threshold for s in certificate.settings] == grid[:n_passed].tolist()
    selective = certify(Promise(**LEVELS), Evidence(PILOT, Rows(scores, agree)))
    assert certificate.coverage > selective.coverage


def test_of_all_rows_of_a_column():
    """5 wrong among 100 tested of 400 rows: hypergeometric with all rows in every count."""
    scores, agree = np.r_[np.full(60, 0.9), np.full(40, 0.5)], np.arange(100) >= 5
    evidence = Evidence(PILOT, Rows(scores, agree), Rows(np.full(300, 0.9)))
    found = certify(Promise(0.9, 0.9, kind=WHOLE), evidence, thresholds=np.array([0.9]))
    p = stats.hypergeom.cdf(5, 400, 41, 100)
    assert p <= 0.1
    assert found.certified
    assert not certify(
        Promise(0.9, 1 - p + 1e-9, kind=WHOLE), evidence, thresholds=np.array([0.9])
    ).certified
    assert certify(
        Promise(0.9, 1 - p - 1e-9, kind=WHOLE), evidence, thresholds=np.array([0.9])
    ).certified


@pytest.mark.parametrize("others", [None, Rows(np.full(300, 0.2))])
def test_of_all_rows_where_none_is_handled(others):
    """Nothing handled is never wrong, and nothing to certify."""
    evidence = Evidence(PILOT, Rows(np.full(100, 0.2), np.ones(100, dtype=bool)), others)
    found = certify(Promise(0.9, 0.9, kind=WHOLE), evidence, thresholds=np.array([0.9]))
    assert (found.certified, found.threshold) == (False, math.inf)


def test_a_promise_about_a_class_counts_its_rows_alone():
    scores, agree = world(400, seed=2)
    codes = np.arange(400) % 2
    pilot = Pilot(PILOT.scores, PILOT.agree, np.arange(700) % 2)
    others = Rows(world(200, seed=3)[0], codes=np.arange(200) % 2)
    own = codes == 1
    whole = certify(
        Promise(kind=agreement_of(1), **LEVELS), Evidence(pilot, Rows(scores, agree, codes), others)
    )
    alone = certify(
        Promise(**LEVELS),
        Evidence(
            Pilot(pilot.scores[1::2], pilot.agree[1::2]),
            Rows(scores[own], agree[own]),
            Rows(others.scores[1::2]),
        ),
    )
    assert whole == alone
    assert whole.certified
    assert (whole.n_calibration, whole.n_population, whole.n_fit) == (200, 300, 350)
