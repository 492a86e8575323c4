import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.labelset import clean_labels, explain_labels


def test_labels_are_stripped_and_keep_their_order():
    assert clean_labels([" refund ", "card\n lost", "a"]) == ("refund", "card lost", "a")


@pytest.mark.parametrize(
    "labels",
    [("b", "a"), iter(["b", "a"]), np.array(["b", "a"]), pd.Series(["b", "a"]), {"b": 1, "a": 2}],
)
def test_any_iterable_of_names_will_do(labels):
    assert clean_labels(labels) == ("b", "a")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["refund", " Refund"], "labels 'refund' and ' Refund' are the same after stripping"),
        (["card lost", "card  lost"], "are the same"),
        (["straße", "STRASSE"], "are the same"),
        ([], r"at least two, got \[\]"),
        (["refund"], r"at least two, got \['refund'\]"),
        (["refund", "  "], "a label is empty"),
        (["refund", "caf\ud83d"], "holds a control character or half of a character"),
        (["refund", "yes\x00no"], r"label 'yes\\x00no' holds a control character"),
        (["refund", None], r"a label is missing \(None\)"),
        (["refund", float("nan")], r"a label is missing \(nan\)"),
        ([1, 2], r"must be text, got 1 \(int\); write \[str"),
        ("refund", "got the one string 'refund'"),
        (5, "must be a list of names, got 5"),
        (None, "must be a list of names, got None"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        clean_labels(labels)
    assert "\n" not in str(caught.value)


def test_meanings_go_behind_the_task():
    told = explain_labels({" card  lost": "cannot find\nthe card", "other": None}, "Choose.")
    assert told == "Choose.\n\nWhat the labels mean:\n- card lost: cannot find the card"
    assert explain_labels({"a": "x"}, "") == "What the labels mean:\n- a: x"
    assert explain_labels({"a": "", "b": None}, "Choose.") == "Choose."
    with pytest.raises(InvalidInput, match="the description of label 'a' must be text, got 3"):
        explain_labels({"a": 3}, "Choose.")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "got a DataFrame; name one of its columns"),
        (pl.DataFrame({"a": ["x"], "b": ["y"]}), "got a DataFrame; name one of its columns"),
        (pd.Series(["refund", "other", "refund"]), "label 'refund' stands twice"),
        (pl.Series([1, 2]), r"got 1 \(int\); write \[str\(label\) for label in labels\]"),
        (pd.Series(["refund", None, "other"]), "a label is missing"),
        ([float("nan"), "refund"], "a label is missing"),
        (np.array([["a", "b"]]), "labels must be text"),
    ],
)
def test_what_is_no_list_of_names_is_told_what_it_is(labels, says):
    with pytest.raises(InvalidInput, match=says):
        clean_labels(labels)


def test_labels_in_an_arrow_array():
    assert clean_labels(pa.chunked_array([["a", "b"]])) == ("a", "b")
