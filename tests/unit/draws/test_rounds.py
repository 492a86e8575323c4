"""Which rows an update tests on, learns from, and speaks about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tracer_nb.draws.rounds import Elsewhere, Trail, draw_round, labelled_elsewhere
from tracer_nb.errors import NotEnoughData
from tracer_nb.records import Answer, Routing

# Ten texts in ten rows: 0 and 1 are the sample, 2 to 5 are kept for tests, 2 and 3 are tested now.
# Rows 6 and 7 were deferred, and a cap left 7 without an answer.
SENT = (6, 7)


def drawn(answered, *, sent=SENT, codes=None, unlabelled=()):
    trail = Trail(np.isin(np.arange(10), sent), start=2, stop=6)
    labelled = np.isin(np.arange(10), answered)
    return draw_round(
        np.arange(10) if codes is None else np.array(codes),
        np.arange(10),
        trail,
        2,
        answered=labelled | np.isin(np.arange(10), unlabelled),
        labelled=labelled,
    )


def open_texts(draw):
    return np.flatnonzero(draw.open).tolist()


def test_the_next_rows_of_the_order_are_tested():
    draw = drawn((0, 1, 6))
    assert draw.start == 2
    assert draw.fresh.tolist() == [2, 3]
    assert draw.kept.tolist() == [2, 3, 4, 5]


def test_what_is_learned_is_not_spoken_about_and_what_is_open_is():
    """Deferred and answered: learned. Deferred without an answer: in random order like the rest."""
    draw = drawn((0, 1, 6))
    assert np.flatnonzero(draw.learned).tolist() == [6]
    assert open_texts(draw) == [2, 3, 4, 5, 7, 8, 9]
    assert not draw.held_back.any()


def test_after_a_test_of_an_earlier_session_deferred_rows_stay_the_teachers():
    """Row 2 has an answer that nothing but such a test asked for: it asked about deferred rows too."""
    assert open_texts(drawn((0, 1, 2, 6))) == [2, 3, 4, 5, 8, 9]


def test_an_answer_without_a_label_is_from_such_a_test_as_well():
    assert open_texts(drawn((0, 1, 6), unlabelled=(3,))) == [2, 3, 4, 5, 8, 9]


@pytest.mark.parametrize("row", [2, 3])
def test_a_fresh_row_that_was_deferred_before_tells_of_no_test(row):
    """It was asked about for what it is: no learning from it before its own test."""
    draw = drawn((0, 1, row, 6), sent=(*SENT, row))
    assert open_texts(draw) == [i for i in (2, 3, 4, 5, 7, 8, 9) if i != row]
    assert np.flatnonzero(draw.held_back).tolist() == [row]
    assert np.flatnonzero(draw.learned).tolist() == [6]


def test_a_copy_of_a_sampled_text_tells_of_no_test():
    """Row 2 holds the text of row 0, which the sample asked about."""
    draw = drawn((0, 1, 6), codes=[0, 1, 0, 3, 4, 5, 6, 7, 8, 9])
    assert 7 in open_texts(draw)
    assert 0 not in open_texts(draw)


def test_answers_to_rows_behind_the_test_tell_of_no_test():
    assert 7 in open_texts(drawn((0, 1, 4, 9, 6)))


# --- what is remembered of a column ------------------------------------------------------

COLUMN = ["a", "b", "c", "d"]


def routing(rows):
    """Of rows written as ``"hd"``, handled and deferred."""
    n, handled = len(rows), np.array([row == "h" for row in rows])
    return Routing(handled, np.full(n, "x"), np.ones(n), np.zeros(n, dtype=bool))


def sent(trail):
    assert trail.sent.dtype == bool
    return np.flatnonzero(trail.sent).tolist()


def test_of_a_new_column_nothing_is_known():
    trail = Trail.of(4)
    assert len(trail.sent) == 4
    assert (sent(trail), trail.routed, trail.elsewhere) == ([], False, ())
    assert (trail.start, trail.stop, trail.pending) == (0, 0, None)


def test_what_was_deferred_once_stays_remembered():
    """A later router may handle it: its answer was still asked for because it was hard."""
    trail = Trail.of(4).follow(routing("hdhh"))
    assert (sent(trail), trail.routed) == ([1], True)
    assert sent(trail.follow(routing("hhdh"))) == [1, 2]


def test_what_was_audited_is_remembered_and_is_no_routing():
    trail = Trail.of(4).follow_audits(COLUMN, ["c", "of another column"])
    assert (sent(trail), trail.routed) == ([2], False)
    assert sent(trail.follow_audits(COLUMN, ["a"])) == [0, 2]


def test_rows_of_elsewhere_are_kept_with_their_features_unless_they_are_the_columns():
    """Handled: p. Deferred: q and r, and c, which the column has too."""
    blocks = [np.arange(8.0).reshape(4, 2), np.arange(4.0).reshape(4, 1)]
    trail = Trail.of(4).follow_audits(COLUMN, ["d"])
    after = trail.follow_elsewhere(COLUMN, routing("hddd"), ["p", "q", "c", "r"], blocks)
    assert (sent(after), sent(trail)) == ([2, 3], [3])
    (there,) = after.elsewhere
    assert there.texts == ("q", "r")
    assert [block.tolist() for block in there.X] == [[[2, 3], [6, 7]], [[1], [3]]]
    later = after.follow_elsewhere(COLUMN, routing("d"), ["s"], [np.ones((1, 2))])
    assert [kept.texts for kept in later.elsewhere] == [("q", "r"), ("s",)]
    # The first text of the column is one of its own like any other.
    own = later.follow_elsewhere(COLUMN, routing("d"), ["a"], [np.ones((1, 2))])
    assert (sent(own), len(own.elsewhere)) == ([0, 2, 3], 2)


def test_labels_of_elsewhere_are_found_where_they_stand_first():
    places = (Elsewhere(("q", "r", "s"), []), Elsewhere(("r", "t", "u"), []))
    trail = replace(Trail.of(4), elsewhere=places)
    known = {text: Answer("x") for text in ("a", "r", "u")}
    known["s"] = Answer(None, reason="refused")
    known["q"] = Answer("x")
    assert labelled_elsewhere(trail, known) == {"q": (0, 0), "r": (0, 1), "u": (1, 2)}
    assert labelled_elsewhere(trail, {}) == {}


# --- how many rows are tested, and kept for tests ----------------------------------------


@pytest.mark.parametrize(
    ("n_rows", "sample", "fewest", "kept"),
    [
        (10_000, None, 28, 300),  # ten times the 30 of 100 rows that a first test has
        (10_000, None, 45, 450),  # or what can be certified with at the least
        (10_000, 20, 28, 200),  # or what is asked for
        (500, None, 28, 200),  # half of the rest: the other half is learned from
        (501, None, 28, 200),
        (140, None, 28, 30),  # one test at the least
        (140, 35, 28, 35),
        (110, None, 28, 10),  # and no more than there is
        (100, None, 28, 0),
    ],
)
def test_rows_are_kept_for_ten_tests_and_half_of_them_at_most(n_rows, sample, fewest, kept):
    trail = Trail.of(4).prepare(100, n_rows, sample, fewest)
    assert (trail.start, trail.stop, trail.n_test) == (100, 100 + kept, 30)


def test_what_is_kept_is_decided_once():
    """Later updates may not move the rows of their tests by what they have seen."""
    trail = Trail.of(4).prepare(100, 500, None, 28)
    assert trail.prepare(100, 10_000, 90, 60) is trail


@pytest.mark.parametrize(
    ("sample", "fewest", "n"),
    [(None, 28, 30), (None, 45, 45), (40, 28, 40), (28, 28, 28), (200, 28, 60), (None, 60, 60)],
)
def test_a_test_has_the_rows_asked_for_or_those_of_the_first(sample, fewest, n):
    trail = replace(Trail.of(4), start=100, stop=160, n_test=30)
    assert trail.rows_of_test(sample, fewest) == n


@pytest.mark.parametrize(
    ("sample", "fewest", "message"),
    [
        (20, 28, r"^20 fresh rows .* at least 28 .* 60 are kept for tests; sample at least 28$"),
        (20, 60, r"^20 fresh rows .* at least 60 .* 60 are kept for tests; sample at least 60$"),
        (None, 61, r"^60 fresh rows .* at least 61 .* 60 are kept for tests; label\(column, sam"),
    ],
)
def test_a_test_that_cannot_pass_is_not_paid_for(sample, fewest, message):
    trail = replace(Trail.of(4), start=100, stop=160, n_test=30)
    with pytest.raises(NotEnoughData, match=message):
        trail.rows_of_test(sample, fewest)


def test_the_next_test_goes_on_behind_the_one_that_was_made():
    trail = replace(Trail.of(10), start=2, stop=6)
    args = np.arange(10), np.arange(10)
    nobody = {"answered": np.zeros(10, dtype=bool), "labelled": np.zeros(10, dtype=bool)}
    first = draw_round(*args, trail, 2, **nobody)
    trail = replace(trail, pending=first).passed(first, 0, taken=True)
    assert trail.pending is None
    second = draw_round(*args, trail, 2, **nobody)
    assert second.start == 4
    assert (first.fresh.tolist(), second.fresh.tolist()) == ([2, 3], [4, 5])
    assert trail.n_new(second, {}) == 2
    assert replace(trail).passed(second, 0, taken=False).n_new(second, {}) == 0
