import numpy as np
import pytest
from scipy import stats

from tracer_nb.engine.slicing import Candidate, find_slices, propose
from tracer_nb.errors import InvalidInput

TEXTS = [
    f"{'refund' if i % 5 == 0 else 'card'} {'very ' * (i % 4)}number {i % 40}" for i in range(400)
]


def named(candidates, kind):
    return {c.name: c.rows for c in candidates if c.kind == kind}


def test_words_and_pairs_of_words_are_proposed():
    words = named(propose(TEXTS), "word")
    assert words["refund"].tolist() == list(range(0, 400, 5))
    assert "very very" in words
    assert "number" not in words  # in all rows: nothing is outside


def test_ranges_of_length_cover_every_row_once():
    texts = [" ".join(f"w{(i * j) % 101}" for j in range(1 + i % 11)) for i in range(400)]
    rows = np.concatenate(list(named(propose(texts), "length").values()))
    assert sorted(rows) == list(range(400))


def test_other_columns_by_value_and_by_range():
    columns = {
        "country": ["DE", "FR", None, "DE"] * 100,
        "age": [float(i % 80) for i in range(400)],
        "id": [f"row {i}" for i in range(400)],
    }
    found = named(propose(TEXTS, columns=columns), "column")
    assert found["country = DE"].tolist() == [i for i in range(400) if i % 4 in (0, 3)]
    assert "country = missing" in found
    assert sum(name.startswith("age ") for name in found) == 5
    assert not any(name.startswith("id") for name in found)


def test_rows_that_are_alike_are_named_by_one_of_them():
    rng = np.random.default_rng(0)
    X = np.repeat(np.eye(5), 80, axis=0) + 0.01 * rng.normal(size=(400, 5))
    found = named(propose(TEXTS, X=X), "likeness")
    assert max(len(rows) for rows in found.values()) <= 80
    assert all(name.startswith("like “") for name in found)


def test_groups_of_too_few_rows_inside_or_outside_are_not_proposed():
    for candidate in propose(TEXTS, fewest=30):
        assert 30 <= len(candidate.rows) <= 370


def test_texts_without_words():
    assert all(c.kind != "word" for c in propose(["?"] * 50))


def group(rows, name="g"):
    return Candidate("word", name, np.array(rows))


def test_figures_of_a_slice():
    wrong = np.zeros(200, dtype=bool)
    wrong[:12] = True  # of the group's 20 rows
    wrong[100:105] = True
    (found,) = find_slices([group(range(20)), group(range(60, 90))], wrong)
    assert (found.n_rows, found.n_disagree) == (20, 12)
    assert found.agreement == pytest.approx(0.4)
    assert found.lower < 0.4 < found.upper
    assert found.agreement_elsewhere == pytest.approx(1 - 5 / 180)
    assert found.excess == pytest.approx(12 - 20 * 5 / 180)
    table = [[12, 8], [5, 175]]
    assert found.p_value == pytest.approx(stats.fisher_exact(table, "greater").pvalue)
    assert found.adjusted == pytest.approx(found.p_value * 2 * 1.5)


def test_a_group_inside_a_surer_one_is_not_told_twice():
    wrong = np.zeros(300, dtype=bool)
    wrong[:30] = True
    found = find_slices([group(range(25), "part"), group(range(30), "whole")], wrong)
    assert [s.name for s in found] == ["whole"]


def test_nothing_to_find():
    assert find_slices([], np.ones(5, dtype=bool)) == ()
    assert find_slices([group(range(10))], np.zeros(50, dtype=bool)) == ()
    with pytest.raises(InvalidInput, match="one value for each row"):
        find_slices([group(range(10))], np.zeros(5, dtype=bool))
