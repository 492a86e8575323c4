"""Near-identical rows that were treated differently, in examples worked out by hand."""

import numpy as np
import pytest
from scipy import sparse

from tests.unit.engine.gaps.judgements import judged
from tracer_nb.engine.gaps import boundary_pairs, joined_rows

# Angles in degrees; the cosine of 10 is 0.985, of 20 is 0.940, of 30 is 0.866.
EYE = [[np.cos(a), np.sin(a)] for a in np.radians([0, 10, 30, 90])]


def test_rows_have_length_one_and_products_are_mean_cosines():
    blocks = [np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 0.0]]), np.array([[2.0], [5.0], [1.0]])]
    unit = joined_rows(blocks)
    cosines = unit @ unit.T
    assert cosines[0, 0] == pytest.approx(1, abs=1e-6)
    # 24 / 25 in the first block, 1 in the second.
    assert cosines[0, 1] == pytest.approx(0.98, abs=1e-6)
    assert cosines[0, 2] == pytest.approx(0.5, abs=1e-6)
    thin = joined_rows([sparse.csr_matrix(blocks[0]), blocks[1]])
    assert thin.toarray() == pytest.approx(unit)


@pytest.mark.parametrize("form", [np.array, sparse.csr_matrix])
def test_the_nearest_row_of_another_label_is_found_once(form):
    rows = judged("abaa", "aaaa")
    pairs = boundary_pairs(rows, joined_rows([form(EYE)]), np.arange(4))
    # 0 and 1 are 10 degrees apart, 1 and 2 are 20; 0 and 2 have one label; 3 is far.
    assert [pair[:2] for pair in pairs] == [(0, 1), (1, 2)]
    assert [pair[2] for pair in pairs] == pytest.approx(np.cos(np.radians([10, 20])), abs=1e-6)


def test_of_one_label_a_handled_and_a_deferred_row_make_a_pair():
    rows = judged("aaaa", "aaaa", handled=[True, True, False, False])
    pairs = boundary_pairs(rows, joined_rows([EYE]), np.arange(4))
    # Of both handled rows the nearest deferred one is row 2.
    assert [pair[:2] for pair in pairs] == [(1, 2), (0, 2)]
    assert boundary_pairs(judged("aaaa", "abab"), joined_rows([EYE]), np.arange(4)) == []


def test_equal_texts_rows_without_a_label_and_far_rows_make_no_pair():
    unit = joined_rows([EYE])
    assert boundary_pairs(judged("abaa", "aaaa"), unit, np.array([0, 0, 1, 2])) == []
    assert boundary_pairs(judged("a-aa", "aaaa"), unit, np.arange(4)) == []
    assert len(boundary_pairs(judged("abaa", "aaaa"), unit, np.arange(4), least=0.95)) == 1
    assert len(boundary_pairs(judged("abaa", "aaaa"), unit, np.arange(4), most=1)) == 1
    assert boundary_pairs(judged("", ""), unit[:0], np.arange(0)) == []


def test_blocks_of_rows_give_what_all_rows_at_once_give():
    rng = np.random.default_rng(3)
    X, codes = rng.normal(size=(1300, 3)), rng.integers(2, size=1300)
    rows = judged("".join("ab"[c] for c in codes), "a" * 1300)
    cosine = joined_rows([X]) @ joined_rows([X]).T
    cosine[codes[:, None] == codes] = -1
    a, b = np.unravel_index(cosine.argmax(), cosine.shape)
    nearest = boundary_pairs(rows, joined_rows([X]), np.arange(1300))[0]
    assert nearest[2] == pytest.approx(cosine[a, b], abs=1e-6)
    assert codes[nearest[0]] != codes[nearest[1]]
