"""Rows that the teacher may have labelled wrongly, in examples worked out by hand."""

import numpy as np
import pytest

from tests.unit.engine.gaps.judgements import judged
from tracer_nb.engine.gaps import likely_mistakes


def test_each_label_is_measured_by_how_sure_one_usually_is_of_it():
    #             both say a (0.9, 0.7)   both say b (0.3)   teacher b, surrogate a
    rows = judged("aabbba", "aabaab", scores=[0.9, 0.7, 0.3, 0.95, 0.79, 0.4])
    found, usual = likely_mistakes(rows)
    # Usually a has 0.8 and b 0.3: row 3 is above by 0.15, row 5 by 0.1, row 4 below.
    assert found.tolist() == [3, 5]
    assert usual == pytest.approx([0.8, 0.3])
    assert likely_mistakes(rows, most=1)[0].tolist() == [3]


def test_nobody_is_accused_without_agreement_a_label_or_a_score():
    assert likely_mistakes(judged("bb", "aa", scores=[0.9, 0.8]))[0].tolist() == []
    scores = [0.5, 0.9, -np.inf]
    assert likely_mistakes(judged("a-b", "aaa", scores=scores))[0].tolist() == []
    assert likely_mistakes(judged("", ""))[0].tolist() == []


def test_equal_suspects_come_in_the_order_of_rows():
    rows = judged("abb", "aaa", scores=[0.5, 0.9, 0.9])
    assert likely_mistakes(rows)[0].tolist() == [1, 2]
