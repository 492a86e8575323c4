"""Which rows an update tests on, learns from, and speaks about."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.draws.rounds import Trail, draw_round

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
