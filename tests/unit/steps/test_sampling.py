import numpy as np
import pytest

from tracer_nb.errors import TeacherError
from tracer_nb.records import Answer, Spending, Superseded
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.steps.column.sample import collect_labels, distinct_texts, draw_rows, label_names

COLUMN = read_texts(["a", None, "b", "a", "", "c", "d", "e"])
FAILED = Answer(None, reason="no reply", keep=False)
REFUSED = Answer(None, reason="refused")


def collect(rows, answers, stopped=None):
    return collect_labels(
        COLUMN,
        np.array(rows),
        answers,
        classes=("x", "y"),
        spending=Spending(asked=len(answers)),
        stopped=stopped,
        superseded=Superseded(),
    )


def test_a_larger_sample_begins_with_the_smaller_one():
    whole = draw_rows(COLUMN, 100, seed=3)
    assert sorted(whole) == [0, 2, 3, 5, 6, 7]  # rows with text, each once
    for n in range(len(whole)):
        assert draw_rows(COLUMN, n, seed=3).tolist() == whole[:n].tolist()


def test_the_order_is_random_and_depends_on_the_seed_alone():
    texts = read_texts([f"t{i}" for i in range(1000)])
    rows = draw_rows(texts, 300, seed=0)
    assert rows.tolist() == draw_rows(texts, 300, seed=0).tolist()
    assert rows.tolist() != draw_rows(texts, 300, seed=1).tolist()
    # The mean position of a simple random sample: 499.5, with a standard error of 13.9.
    assert abs(rows.mean() - 499.5) < 4 * 13.9


def test_each_text_of_the_sample_is_asked_once_in_order():
    assert distinct_texts(COLUMN, np.array([5, 3, 0, 2, 3])) == ["c", "a", "b"]


def test_labels_end_at_the_first_row_that_was_not_asked():
    answers = {"a": Answer("x"), "b": Answer("y"), "d": Answer("y"), "e": Answer("x")}
    labels = collect([0, 2, 3, 5, 6, 7], answers, stopped="interrupted")
    assert labels.rows.tolist() == [0, 2, 3]  # row 5 is "c": what is behind it is not used
    assert labels.codes.tolist() == [0, 1, 0]
    assert labels.stopped == "interrupted"


def test_the_models_of_the_answers_that_are_used_are_counted():
    answers = {"a": Answer("x", model="m-1"), "b": Answer("y", model="m-2"), "d": Answer("x")}
    assert collect([0, 2, 3, 6], answers).models == (("m-1", 2), ("m-2", 1))


def test_rows_without_a_label_stay_in_the_sample():
    answers = {"a": Answer("y"), "b": FAILED, "c": REFUSED, "d": Answer("x")}
    labels = collect([0, 2, 5, 6], answers)
    assert labels.rows.tolist() == [0, 2, 5, 6]
    assert labels.codes.tolist() == [1, -1, -1, 0]
    assert labels.reasons == (None, "no reply", "refused", None)
    assert labels.n_failed == 1
    assert label_names(labels).tolist() == ["y", None, None, "x"]


@pytest.mark.parametrize("none", [FAILED, REFUSED])
def test_a_sample_without_any_label_says_the_first_reason(none):
    with pytest.raises(TeacherError, match=f"no label for any of 2 sampled rows; .*{none.reason}"):
        collect([0, 2], {"a": none, "b": none})
    # A stopped run is not the teacher's failure.
    assert collect([0, 2], {"a": none}, stopped="interrupted").rows.tolist() == [0]


def test_nothing_asked_is_an_empty_sample():
    labels = collect([0, 2], {}, stopped="cost cap")
    assert len(labels.rows) == len(labels.codes) == labels.n_failed == 0
    assert label_names(labels).shape == (0,)
