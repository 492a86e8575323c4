"""Sets of labels, looked at label by label."""

import numpy as np

from tracer_nb.engine.gaps import Judged, confusion, label_by_label, single_labels
from tracer_nb.labelsets import NO_LABEL, LabelSets, SetsSeen

LABELS = LabelSets(["a", "b", "c"])
WRITTEN = ("[]", '["a", "b"]', '["a", "c"]', '["b"]')
SEEN = SetsSeen(WRITTEN, LABELS)


def test_what_one_side_gives_stands_against_what_the_other_gives():
    teacher, surrogate = np.array([1, 1, 1, 0, -1, 0]), np.array([1, 2, 0, 3, 2, 0])
    judged = Judged(SEEN, teacher, surrogate, np.arange(6.0), np.ones(6, dtype=bool), "calibration")
    each = label_by_label(judged)
    assert each.names == ("a", "b", "c", NO_LABEL)
    assert [*zip(each.teacher.tolist(), each.surrogate.tolist(), strict=True)] == [
        *((0, 0), (1, 1)),  # the same set
        *((0, 0), (1, 2)),  # b, and the surrogate says c
        *((0, 3), (1, 3)),  # none of both
        (3, 1),  # b too much
        *((-1, 0), (-1, 2)),  # no answer
        (3, 3),  # nothing, twice
    ]
    assert each.scores.tolist() == [0, 0, 1, 1, 2, 2, 3, 4, 4, 5]
    counted = confusion(each)
    assert (counted.n_agree, counted.n_missing) == (4, 2)


def test_labels_are_counted_out_of_their_sets():
    assert single_labels(SEEN, np.array([1, 0, -1, 3])).tolist() == [-1, 0, 1, 3, 1]
    assert single_labels(("a", "b"), np.array([1, -1])).tolist() == [1, -1]
    assert tuple(SEEN) == ("none", "a; b", "a; c", "b")


def test_one_label_a_row_stays_as_it_is():
    judged = Judged(("a",), np.array([0]), np.array([0]), np.ones(1), np.ones(1, dtype=bool), "")
    assert label_by_label(judged) is judged
