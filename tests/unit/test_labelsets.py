"""Sets of labels as texts and as numbers."""

import itertools
import pickle

import numpy as np
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.labelset import clean_labels
from tracer_nb.labelsets import LabelSets, codes_of, names_of, numbers_of, shown


def test_every_subset_has_a_number_of_its_own():
    labels = ["b", 'a "quoted"', "ü;x", "[c]", "d"]
    sets = LabelSets(labels)
    subsets = [s for k in range(6) for s in itertools.combinations(labels, k)]
    names = [sets.spelled(s) for s in subsets]
    assert sorted(map(sets.number, names)) == list(range(32))
    assert [sets.name(sets.number(name)) for name in names] == names
    members = np.array([[label in s for label in labels] for s in subsets])
    assert sets.numbers(members).tolist() == [sets.number(name) for name in names]
    assert (sets.members(sets.numbers(members)) == members).all()


@pytest.mark.parametrize("n_labels", [60, 77, 1000])
def test_numbers_stay_in_range_however_many_labels_there_are(n_labels):
    sets = LabelSets(f"l{i:04d}" for i in range(n_labels))
    last = np.zeros((2, n_labels), dtype=bool)
    last[0, -sets.largest :] = True
    last[1, : sets.largest + 1] = True
    top, beyond = sets.numbers(last).tolist()
    assert 0 < top < 2**62
    assert sets.members(np.array([top]))[0].tolist() == last[0].tolist()
    assert beyond == (-1 if sets.largest < n_labels else top)


def test_what_is_written_otherwise_is_no_set():
    sets = LabelSets(["a", "b"])
    for odd in ('["b", "a"]', '["a","b"]', '["a", "a"]', '["c"]', "a", "", "[", "[1]", None, 3):
        assert sets.number(odd) == -1, odd
    assert LabelSets(["a", "b"], "some").number("[]") == -1
    assert sets.number("[]") == 0


def test_labels_and_sets_are_numbered_by_the_same_functions():
    names = np.array(['["a"]', None, "?"], dtype=object)
    assert codes_of(LabelSets(["a", "b"]), names).tolist() == [1, -1, -1]
    assert names_of(LabelSets(["a", "b"]), np.array([3, -1])).tolist() == ['["a", "b"]', None]
    assert codes_of(("?", "b"), names).tolist() == [-1, -1, 0]
    assert numbers_of(LabelSets(["a", "b"])).get("a") is None
    with pytest.raises(TypeError):
        list(numbers_of(LabelSets(["a", "b"])))


def test_a_label_set_keeps_what_it_is():
    sets = LabelSets(["a", "b"], "some")
    again = pickle.loads(pickle.dumps(sets))
    assert (type(again), again.how_many, tuple(again)) == (LabelSets, "some", ("a", "b"))
    assert clean_labels(sets) is sets
    assert shown('["a", "b"]') == "a; b"
    with pytest.raises(InvalidInput, match="no number of labels a row 'few'"):
        LabelSets(["a", "b"], "few")
