"""A promise is a record: another kind of it is counted and tested by what the record says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.certificates import (
    OUTPUT,
    Evidence,
    Promise,
    Rows,
    agreement_of,
    certify,
    kind_of,
    precision_of,
    recall_of,
    teacher_codes,
    with_promised,
)
from tracer_nb.engine.sequence import threshold_grid
from tracer_nb.errors import InvalidInput
from tracer_nb.records import HANDLED, Pilot, PromiseName

from .worlds import LEVELS, PILOT, world


def test_levels_and_words_of_a_promise():
    promise = Promise(0.92, 0.9, n_shares=4, kind=OUTPUT)
    assert promise.level == pytest.approx(0.975)
    assert promise.words == "92 % whole-output agreement at 90 % confidence"
    assert Promise(0.929, 0.9999).words == "92.9 % agreement at 99.99 % confidence"
    # Of a class too: its certificate names it.
    assert Promise(0.9, 0.9, kind=agreement_of(3)).words == "90 % agreement at 90 % confidence"


def test_of_all_rows_every_threshold_is_tried():
    """The first of the grid that fails ends it, and wrong rows are counted against all rows."""
    scores, agree = world(300, drop=0.6, seed=2)
    certificate = certify(Promise(kind=OUTPUT, **LEVELS), Evidence(PILOT, Rows(scores, agree)))
    grid = threshold_grid(PILOT.scores, 200)
    wrong = np.array([(~agree[scores >= t]).sum() for t in grid])
    passed = stats.binom.cdf(wrong, 300, 0.1) <= 0.1
    n_passed = int(np.argmin(passed)) if not passed.all() else len(grid)
    assert 0 < n_passed < len(grid)
    assert certificate.threshold == grid[n_passed - 1]
    shown = [s.threshold for s in certificate.settings]
    assert 25 < len(shown) <= 50
    assert shown == grid[:n_passed][::-4][::-1].tolist()
    selective = certify(Promise(**LEVELS), Evidence(PILOT, Rows(scores, agree)))
    assert certificate.coverage > selective.coverage


def test_of_all_rows_of_a_column():
    """5 wrong among 100 tested of 400 rows: hypergeometric with all rows in every count."""
    scores, agree = np.r_[np.full(60, 0.9), np.full(40, 0.5)], np.arange(100) >= 5
    evidence = Evidence(PILOT, Rows(scores, agree), Rows(np.full(300, 0.9)))
    found = certify(Promise(0.9, 0.9, kind=OUTPUT), evidence, thresholds=np.array([0.9]))
    p = stats.hypergeom.cdf(5, 400, 41, 100)
    assert p <= 0.1
    assert found.certified
    assert not certify(
        Promise(0.9, 1 - p + 1e-9, kind=OUTPUT), evidence, thresholds=np.array([0.9])
    ).certified
    assert certify(
        Promise(0.9, 1 - p - 1e-9, kind=OUTPUT), evidence, thresholds=np.array([0.9])
    ).certified


@pytest.mark.parametrize("others", [None, Rows(np.full(300, 0.2))])
def test_of_all_rows_where_none_is_handled(others):
    """Nothing handled is never wrong, and nothing to certify."""
    evidence = Evidence(PILOT, Rows(np.full(100, 0.2), np.ones(100, dtype=bool)), others)
    found = certify(Promise(0.9, 0.9, kind=OUTPUT), evidence, thresholds=np.array([0.9]))
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


def test_of_the_whole_output_rows_that_were_answered_count():
    """D0 = 10 % of all 1,000 rows that come out, among 400 that may be wrong: 12 of 100 pass."""
    scores, agree = np.full(100, 0.9), np.arange(100) >= 12
    at = np.array([0.9])

    def found(confidence, n_delivered=1000):
        evidence = Evidence(PILOT, Rows(scores, agree), Rows(np.full(300, 0.9)), n_delivered)
        return certify(Promise(0.9, confidence, kind=OUTPUT), evidence, thresholds=at)

    p = stats.hypergeom.cdf(12, 400, 101, 100)
    assert p < 0.01
    assert found(1 - p - 1e-9).certified
    assert not found(1 - p + 1e-9).certified
    assert not found(0.9, None).certified  # of these 400 rows alone
    said = found(0.9)
    assert (said.promise, said.n_delivered) == (PromiseName("output"), 1000)
    assert (said.n_counted, said.n_wrong, said.n_agree) == (100, 12, 88)
    assert said.whole_output_lower == 0.9
    # 101 wrong rows cannot be among 80 that are open: nothing needs to be tested.
    evidence = Evidence(PILOT, Rows(scores[:20], agree[:20]), Rows(np.full(60, 0.9)), 1000)
    assert certify(Promise(0.9, 0.999, kind=OUTPUT), evidence, thresholds=at).certified
    with pytest.raises(InvalidInput, match="fewer than the 80"):
        Evidence(PILOT, Rows(scores[:20], agree[:20]), Rows(np.full(60, 0.9)), 79)


def test_strict_thresholds_that_handle_nothing_stop_nothing():
    """The pilot's surest rows are surer than every tested one."""
    scores, agree = world(300, seed=2)
    evidence = Evidence(PILOT, Rows(0.8 * scores, agree))
    found = certify(Promise(kind=OUTPUT, **LEVELS), evidence)
    assert found.certified
    assert found.settings[0].threshold < 0.8
    assert all(s.coverage > 0 for s in found.settings)


def rare(n, *, missed, answered=True):
    """A hundred wanted rows (code 1) of ``n``, some of them handled with label 0."""
    teacher, codes = (np.arange(n) < 100).astype(int), (np.arange(n) < 100).astype(int)
    codes[:missed] = 0
    if not answered:
        teacher[-3:] = -1
    agree = codes == teacher
    return Rows(np.full(n, 0.9), agree, codes, teacher=teacher)


@pytest.mark.parametrize("others", [None, Rows(np.full(300, 0.9), codes=np.zeros(300, dtype=int))])
def test_recall_counts_missed_rows_of_the_wanted_ones(others):
    at, p = np.array([0.9]), stats.binom.cdf(2, 100, 0.05)
    pilot = Pilot(PILOT.scores, PILOT.agree)  # recall is not planned: it needs no labels of these

    def found(confidence, rows):
        evidence = Evidence(pilot, rows, others)
        return certify(Promise(0.95, confidence, kind=recall_of(1, "x")), evidence, thresholds=at)

    assert found(1 - p - 1e-9, rare(500, missed=2)).certified
    assert not found(1 - p + 1e-9, rare(500, missed=2)).certified
    said = found(0.8, rare(500, missed=2))
    assert (said.promise, said.n_counted, said.n_wrong) == (PromiseName("recall", "x"), 100, 2)
    assert (said.n_handled, said.n_agree, said.whole_output_lower) == (500, 498, 0.0)
    # Three rows without a label that are handled with another one: missed, and wanted.
    said = found(0.3, rare(500, missed=2, answered=False))
    assert (said.n_counted, said.n_wrong) == (103, 5)
    deferred = rare(500, missed=2, answered=False)
    scores = np.where(np.arange(500) >= 497, 0.1, 0.9)
    said = found(0.8, Rows(scores, deferred.agree, deferred.codes, teacher=deferred.teacher))
    assert (said.certified, said.n_counted, said.n_wrong) == (True, 100, 2)


def test_recall_tries_every_threshold():
    """P grows along the path, so the loosest threshold is the last before it exceeds delta."""
    rng = np.random.default_rng(5)
    teacher = (rng.random(2000) < 0.2).astype(int)
    scores = rng.random(2000)
    codes = np.where(rng.random(2000) < 0.3 * (1 - scores), 1 - teacher, teacher)
    rows = Rows(scores, codes == teacher, codes, teacher=teacher)
    found = certify(Promise(0.95, 0.9, kind=recall_of(1)), Evidence(PILOT, rows))
    grid = threshold_grid(PILOT.scores, 200)
    missed = np.array([((teacher == 1) & (codes == 0) & (scores >= t)).sum() for t in grid])
    p = stats.binom.cdf(missed, teacher.sum(), 0.05)
    assert (np.diff(p) >= 0).all()
    assert found.threshold == grid[p <= 0.1][-1]
    assert 0 < len(found.settings) < len(grid)


def test_recall_without_labels_is_refused():
    evidence = Evidence(PILOT, Rows(*world(100, seed=2)))
    with pytest.raises(InvalidInput, match="pass codes and teacher"):
        certify(Promise(0.9, 0.9, kind=recall_of(1, "urgent")), evidence)


@pytest.mark.parametrize(
    ("n_wanted", "n_others", "said", "needed"),
    [
        (0, 0, "of 200 none of them is", None),
        (1, 0, "of 200 1 of them is", 29 * 900),
        (20, 0, "of 200 20 of them are", 1305),
        (20, 50, "it would take more labels than the column has rows", None),
    ],
)
def test_recall_needs_rows_with_the_label(n_wanted, n_others, said, needed):
    teacher = (np.arange(200) < n_wanted).astype(int)
    rows = Rows(np.full(200, 0.9), np.ones(200, dtype=bool), teacher, teacher=teacher)
    others = Rows(np.full(n_others, 0.9)) if n_others else None
    found = certify(Promise(0.9, 0.95, kind=recall_of(1, "x")), Evidence(PILOT, rows, others))
    start = "90 % recall of x at 95 % confidence needs at least 29 calibration rows"
    assert found.note.startswith(start)
    assert said in found.note
    assert (found.certified, found.needed_rows) == (False, needed)


def test_precision_is_the_chain_of_one_class_and_others_are_deferred():
    scores, agree = world(400, seed=2)
    codes = np.arange(400) % 2
    pilot = Pilot(PILOT.scores, PILOT.agree, np.arange(700) % 2)
    evidence = Evidence(pilot, Rows(scores, agree, codes))
    chain = certify(Promise(kind=agreement_of(1), **LEVELS), evidence)
    found = certify(Promise(kind=precision_of(1, "b"), **LEVELS), evidence)
    assert found.promise == PromiseName("precision", "b")
    assert found.certified
    assert chain.certified
    handled = (codes == 1) & (scores >= found.threshold)
    assert (found.n_handled, found.coverage) == (handled.sum(), handled.mean())
    assert (found.n_counted, found.n_wrong) == (found.n_handled, (handled & ~agree).sum())


@pytest.mark.parametrize(
    ("name", "noun", "of_handled"),
    [
        (HANDLED, "agreement", True),
        (PromiseName("output"), "whole-output agreement", False),
        (PromiseName("recall", "b"), "recall of b", False),
        (PromiseName("precision", "b"), "precision of b", True),
    ],
)
def test_the_kind_of_a_name(name, noun, of_handled):
    kind = kind_of(name, ["a", "b"])
    assert (kind.name, kind.noun, kind.of_handled) == (name, noun, of_handled)


def test_a_label_that_the_surrogate_does_not_know_can_be_wanted():
    """Every handled row of it is missed."""
    name = PromiseName("recall", "c")
    known = with_promised(["a", "b"], [name])
    labels = np.array(["a", "c", None, "d"], dtype=object)
    rows = Rows(
        np.full(4, 0.9),
        np.array([True, False, False, False]),
        np.zeros(4, dtype=int),
        teacher=teacher_codes(labels, known),
    )
    found = certify(Promise(0.1, 0.1, kind=kind_of(name, known)), Evidence(PILOT, rows))
    assert not found.certified
    at = certify(
        Promise(0.1, 0.1, kind=kind_of(name, known)),
        Evidence(PILOT, rows),
        thresholds=np.array([0.5]),
    )
    assert "2 of 2 calibration rows that the promise counts break it" in at.note
