"""Targets and confidences: fractions, one or several."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tracer_nb.engine.certificates import check_level, check_targets
from tracer_nb.errors import InvalidInput


@pytest.mark.parametrize("value", [0.5, 1e-9, np.float32(0.25), np.float64(0.999)])
def test_levels_in_the_open_interval_pass(value):
    assert check_level("target", value) == float(value)
    assert type(check_level("target", value)) is float


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (92, "target must be in (0, 1), got 92; for 92 % write 0.92"),
        (2, "target must be in (0, 1), got 2; for 2 % write 0.02"),
        (99.5, "target must be in (0, 1), got 99.5; for 99.5 % write 0.995"),
        (1.5, "target must be in (0, 1), got 1.5; write a fraction such as 0.92"),
        (
            100,
            "target must be in (0, 1), got 100; no number of rows short of all promises 100 %: write a fraction such as 0.92",
        ),
        (
            1.0,
            "target must be in (0, 1), got 1; no number of rows short of all promises 100 %: write a fraction such as 0.92",
        ),
        (
            0,
            "target must be in (0, 1), got 0; that would promise nothing: write a fraction such as 0.92",
        ),
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


@pytest.mark.parametrize(
    ("given", "targets"),
    [
        (0.9, (0.9,)),
        ([0.9], (0.9,)),
        ((0.95, 0.9), (0.95, 0.9)),  # the first is the main one
        ([0.9, 0.95, 0.9], (0.9, 0.95)),
        (np.array([0.8, 0.9]), (0.8, 0.9)),
        ({0.8: 1, 0.9: 2}.keys(), (0.8, 0.9)),  # anything to go through
    ],
)
def test_one_target_or_several(given, targets):
    found = check_targets(given)
    assert found == targets
    assert all(type(t) is float for t in found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "target is empty; write a fraction such as 0.92, or a list of them"),
        ([0.9, 95], "target must be in (0, 1), got 95; for 95 % write 0.95"),
        ("0.9", "target must be a number in (0, 1), got '0.9'; for 92 % write 0.92"),
        (None, "target must be a number in (0, 1), got None; for 92 % write 0.92"),
        ([0.9, None], "target must be a number in (0, 1), got None; for 92 % write 0.92"),
    ],
)
def test_other_targets_are_refused(given, message):
    with pytest.raises(InvalidInput) as error:
        check_targets(given)
    assert str(error.value) == message
