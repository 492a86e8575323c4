"""Fitting and calibration rows: disjoint, in order, equal texts on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.engine.split import FIT_SHARE, split_rows


def test_distinct_rows_split_at_the_share():
    fit, calibration = split_rows(np.arange(10))
    assert fit.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert calibration.tolist() == [7, 8, 9]
    assert FIT_SHARE == 0.7


def test_later_copies_of_fitting_rows_are_in_neither():
    fit, calibration = split_rows(np.array([5, 6, 5, 7, 6, 8, 8]), fit_share=0.5)
    assert fit.tolist() == [0, 1, 2]
    assert calibration.tolist() == [3, 5, 6]  # 7, 8 and 8; the second 6 is a fitting text


def test_copies_of_one_text_leave_nothing_to_calibrate():
    fit, calibration = split_rows(np.zeros(10))
    assert len(fit) == 7
    assert len(calibration) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_almost_no_rows(n):
    fit, calibration = split_rows(np.arange(n))
    assert (len(fit), len(calibration)) == (0, n)


def test_groups_may_be_texts():
    fit, calibration = split_rows(np.array(["x", "y", "z", "x"]), fit_share=0.5)
    assert (fit.tolist(), calibration.tolist()) == ([0, 1], [2])


@given(st.lists(st.integers(0, 30), max_size=100), st.floats(0.1, 0.9))
def test_split_laws(groups, fit_share):
    values = np.array(groups, dtype=int)
    fit, calibration = split_rows(values, fit_share=fit_share)
    assert not set(fit) & set(calibration)
    assert not set(values[fit]) & set(values[calibration])
    assert len(fit) <= fit_share * len(values)
    # What is in neither is a copy of a fitting row.
    neither = np.setdiff1d(np.arange(len(values)), np.r_[fit, calibration])
    assert set(values[neither]) <= set(values[fit])
