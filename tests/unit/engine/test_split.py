"""Fitting and calibration rows: disjoint, in order, equal texts on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.split import (
    FIT_SHARE,
    PILOT_SHARE,
    cross_split,
    is_calibration,
    split_rows,
)

GROUPS = st.lists(st.integers(0, 30), max_size=100)


# --- which rows are for calibration ------------------------------------------------------


def test_three_of_ten_rows_are_for_calibration():
    assert np.flatnonzero(is_calibration(10)).tolist() == [0, 3, 6]
    assert (FIT_SHARE, PILOT_SHARE) == (0.7, 0.25)
    assert np.flatnonzero(~is_calibration(12, PILOT_SHARE)).tolist() == [3, 7, 11]
    assert is_calibration(0).tolist() == []


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0.05, 0.95))
def test_rows_keep_their_part_when_more_arrive(n, more, share):
    part = is_calibration(n, share)
    assert is_calibration(n + more, share)[:n].tolist() == part.tolist()


@given(st.integers(0, 2000), st.floats(0.05, 0.95))
def test_any_beginning_has_the_right_share(n, share):
    part = is_calibration(n, share)
    assert len(part) == n
    assert part.sum() == np.ceil((1 - share) * n - 1e-9)


@pytest.mark.parametrize("n", [10, 100, 1000, 100_000])
def test_shares_are_exact_where_they_can_be(n):
    assert is_calibration(n).sum() == round(0.3 * n)
    assert is_calibration(4 * n, PILOT_SHARE).sum() == 3 * n


# --- held-out ----------------------------------------------------------------------------


def test_distinct_rows_split_as_drawn():
    split = split_rows(np.arange(5), np.array([False, True, False, True, True]))
    assert split.fit.tolist() == [0, 2]
    assert split.calibration.tolist() == [1, 3, 4]
    assert split.set_aside.tolist() == []


def test_copies_of_fitting_rows_are_set_aside():
    groups = np.array([5, 6, 5, 7, 6, 8, 8])
    split = split_rows(groups, np.arange(7) >= 3)
    assert split.fit.tolist() == [0, 1, 2]
    assert split.calibration.tolist() == [3, 5, 6]  # 7, 8 and 8; the second 6 is a fitting text
    assert split.set_aside.tolist() == [4]
    # A copy that comes before its fitting row is one too.
    early = split_rows(np.array([1, 2, 1]), np.array([True, True, False]))
    assert (early.calibration.tolist(), early.set_aside.tolist()) == ([1], [0])


def test_copies_of_one_text_leave_nothing_to_calibrate():
    split = split_rows(np.zeros(10), is_calibration(10))
    assert (len(split.fit), len(split.calibration), len(split.set_aside)) == (7, 0, 3)


def test_copies_of_texts_that_are_fitted_on_elsewhere_are_set_aside_too():
    """5 is a fitting row's text, and 7 one that an update learned from."""
    groups, drawn = np.array([5, 6, 5, 7, 8]), np.array([False, True, True, True, True])
    split = split_rows(groups, drawn, extra=np.array([7, 9]))
    assert split.fit.tolist() == [0]
    assert split.calibration.tolist() == [1, 4]
    assert split.set_aside.tolist() == [2, 3]


def test_groups_may_be_texts():
    groups = np.array(["x", "y", "z", "x"])
    split = split_rows(groups, np.array([False, False, True, True]))
    assert (split.fit.tolist(), split.calibration.tolist()) == ([0, 1], [2])


@given(GROUPS, st.floats(0.1, 0.9))
def test_split_laws(groups, share):
    values = np.array(groups, dtype=int)
    drawn = is_calibration(len(values), share)
    split = split_rows(values, drawn)
    together = np.r_[split.fit, split.calibration, split.set_aside]
    assert sorted(together.tolist()) == list(range(len(values)))
    assert split.fit.tolist() == np.flatnonzero(~drawn).tolist()
    assert not set(values[split.fit]) & set(values[split.calibration])
    assert set(values[split.set_aside]) <= set(values[split.fit])


# --- cross-fitting -----------------------------------------------------------------------


def test_texts_of_two_rows_are_not_tested():
    """A row's copy stays in the fit when the row is left out."""
    groups = np.array([1, 2, 3, 1, 4, 4, 5])
    split = cross_split(groups, np.array([False, False, True, True, True, True, True]))
    assert split.fit.tolist() == [0, 1]
    assert split.calibration.tolist() == [2, 6]
    assert split.set_aside.tolist() == [3, 4, 5]


@given(GROUPS)
def test_cross_split_laws(groups):
    values = np.array(groups, dtype=int)
    tested = is_calibration(len(values), PILOT_SHARE)
    split = cross_split(values, tested)
    together = np.r_[split.fit, split.calibration, split.set_aside]
    assert sorted(together.tolist()) == list(range(len(values)))
    assert split.fit.tolist() == np.flatnonzero(~tested).tolist()
    for row in split.calibration:
        assert (values == values[row]).sum() == 1
    for row in split.set_aside:
        assert (values == values[row]).sum() > 1
