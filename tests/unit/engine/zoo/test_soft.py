"""Soft labels as weighted entries."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb.engine.zoo.base import weighted_entries


def test_hard_labels_are_entered_once():
    rows, codes, weights = weighted_entries(np.eye(3, dtype=np.float32)[[2, 0]])
    assert rows.tolist() == [0, 1]
    assert codes.tolist() == [2, 0]
    assert weights.tolist() == [1.0, 1.0]


def test_soft_rows_are_entered_once_per_class():
    rows, codes, weights = weighted_entries(np.float32([[0.7, 0.295, 0.005], [0.0, 1.0, 0.0]]))
    assert rows.tolist() == [0, 0, 1]
    assert codes.tolist() == [0, 1, 1]
    assert weights == pytest.approx(np.array([0.7 / 0.995, 0.295 / 0.995, 1.0]), rel=1e-6)


def test_a_row_has_a_hundred_entries_at_most_and_one_at_least():
    spread = np.full((1, 1000), 0.001, dtype=np.float32)
    assert len(weighted_entries(spread)[0]) == 1
    assert len(weighted_entries(np.full((1, 100), 0.01, dtype=np.float32))[0]) == 100


def test_input_is_left_alone():
    Y = np.float32([[0.995, 0.005]])
    weighted_entries(Y)
    assert Y[0, 1] == np.float32(0.005)
