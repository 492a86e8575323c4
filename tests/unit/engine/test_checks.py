"""What users pass: every message, and what must be recognised as the same row or no label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tracer_nb.engine.checks import (
    check_blocks,
    check_groups,
    check_labels,
    check_matrix,
    check_seed,
    check_soft_labels,
    label_codes,
    missing_labels,
    row_groups,
)
from tracer_nb.errors import InvalidInput, NotEnoughData

AB = ["a", "b"] * 10


def message(kind, call):
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


# --- matrix ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        [[1, 2], [3, 4]],
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        np.array([[1, 2], [3, 4]], dtype=object),
        pd.DataFrame({"u": [1, 3], "v": [2.0, 4.0]}),
    ],
)
def test_matrix_becomes_single_precision(X):
    matrix = check_matrix(X, n_features=2)
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("make", [sparse.coo_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_matrix_stays_sparse(make):
    matrix = check_matrix(make([[0.0, 1.0], [2.0, 0.0]]))
    assert sparse.issparse(matrix)
    assert matrix.format == "csr"
    assert matrix.dtype == np.float32
    assert matrix.toarray().tolist() == [[0, 1], [2, 0]]


@pytest.mark.parametrize(
    ("X", "text"),
    [
        ([["text"]], "X must be a numeric matrix, got list; turn texts into features first"),
        (
            np.array([[{}]], dtype=object),
            "X must be a numeric matrix, got ndarray; turn texts into features first",
        ),
        (
            [1.0, 2.0],
            "X must have shape (rows, features), got (2,); for one row write X[None, :]",
        ),
        (
            np.empty((3, 0)),
            "X must have shape (rows, features), got (3, 0); for one row write X[None, :]",
        ),
        (
            [[1.0, 2.0, 3.0]],
            "X must have the 2 features the router was fitted on, got 3; use the same features",
        ),
        (
            [[np.nan, np.inf]],
            "X holds 2 NaN or infinite values (limit 3e38); fill or drop those rows",
        ),
        (
            [[1e300, 1.0]],
            "X holds 1 NaN or infinite values (limit 3e38); fill or drop those rows",
        ),
        (
            sparse.csr_matrix([[np.nan, 0.0]]),
            "X holds 1 NaN or infinite values (limit 3e38); fill or drop those rows",
        ),
    ],
)
def test_other_matrices_are_refused(X, text):
    assert message(InvalidInput, lambda: check_matrix(X, n_features=2)) == text


# --- blocks of features ------------------------------------------------------------------


def test_one_matrix_is_one_block():
    for X in (np.eye(3), [np.eye(3)], (np.eye(3),), np.eye(3).tolist(), pd.DataFrame(np.eye(3))):
        (block,) = check_blocks(X, n_features=(3,))
        assert block.tolist() == np.eye(3).tolist()
        assert block.dtype == np.float32


def test_blocks_keep_their_order_and_kind():
    A, B = check_blocks([np.eye(3), sparse.coo_matrix(np.ones((3, 2)))], n_features=(3, 2))
    assert A.shape == (3, 3)
    assert sparse.issparse(B)
    assert B.shape == (3, 2)


@pytest.mark.parametrize(
    ("X", "text"),
    [
        (
            np.eye(3),
            "X must have the 2 blocks of features the router was fitted on, got 1; use the same features",
        ),
        (
            [np.eye(3)] * 3,
            "X must have the 2 blocks of features the router was fitted on, got 3; use the same features",
        ),
        (
            [np.eye(3), np.eye(3)],
            "X must have the 2 features the router was fitted on, got 3; use the same features",
        ),
        (
            [np.ones((4, 3)), np.ones((5, 2))],
            "the blocks of X have 4, 5 rows; all need the same rows",
        ),
    ],
)
def test_other_blocks_are_refused(X, text):
    assert message(InvalidInput, lambda: check_blocks(X, n_features=(3, 2))) == text


# --- labels ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (AB, ["a", "b"]),
        (np.array(AB), ["a", "b"]),
        (np.array(AB, dtype=object), ["a", "b"]),
        (pd.Series(AB, dtype="category"), ["a", "b"]),
        ([np.str_("a"), "b"] * 10, ["a", "b"]),
        (np.array([np.str_("a"), "b"] * 10, dtype=object), ["a", "b"]),
        ([True, False] * 10, [False, True]),
        ([3, 1] * 10, [1, 3]),
    ],
)
def test_labels_are_sorted_and_coded(y, classes):
    found, codes = check_labels(y, 20)
    assert found.tolist() == classes
    assert found[codes].tolist() == list(y)


@pytest.mark.parametrize(
    "y",
    [
        [None, "a", "b"] * 7,
        [float("nan"), "a", "b"] * 7,  # numpy alone would read the label "nan"
        (None, *(["a", "b", None] * 6), "a", "b"),
        np.array([None, "a", "b"] * 7, dtype=object),
        pd.Series([None, "a", "b"] * 7, dtype="string"),
        pd.Series([np.nan, "a", "b"] * 7, dtype=object),
        pd.Series([None, "a", "b"] * 7, dtype="category"),
        pd.Series([None, 1, 2] * 7, dtype="Int64"),
        np.array([np.nan, 1.0, 2.0] * 7),
        [np.nan, 1.0, 2.0] * 7,
        np.array(["NaT", "2020-01-01", "2020-01-02"] * 7, dtype="datetime64[D]"),
    ],
    ids=str,
)
def test_missing_labels_have_code_minus_one(y):
    classes, codes = check_labels(y, 21)
    assert len(classes) == 2
    assert codes.tolist() == [-1, 0, 1] * 7


def test_the_word_nan_is_a_label():
    classes, codes = check_labels(["nan", "None"] * 10, 20)
    assert classes.tolist() == ["None", "nan"]
    assert (codes >= 0).all()


def test_missing_labels_by_type():
    assert missing_labels(np.array([1, 2])).tolist() == [False, False]
    assert missing_labels(np.array(["nan", ""])).tolist() == [False, False]
    assert missing_labels(
        np.array([None, np.nan, pd.NA, pd.NaT, "", 0], dtype=object)
    ).tolist() == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("y", "kind", "text"),
    [
        (
            AB[:19],
            InvalidInput,
            "y must have one label for each of the 20 rows of X, got shape (19,)",
        ),
        (
            np.array([AB]).T,
            InvalidInput,
            "y must have one label for each of the 20 rows of X, got shape (20, 1)",
        ),
        ("label", InvalidInput, "y must have one label for each of the 20 rows of X, got shape ()"),
        (
            ["a", "b"] * 4 + [None] * 12,
            NotEnoughData,
            "8 labelled rows are too few; label at least 10",
        ),
        (
            [1, "a"] * 10,
            InvalidInput,
            "y mixes int, str; use one type of label",
        ),
        (
            [None, 1.5, "a", "b"] * 5,
            InvalidInput,
            "y mixes float, str; use one type of label",
        ),
        (
            ["a"] * 15 + [None] * 5,
            NotEnoughData,
            (
                "all 15 labelled rows have the one label 'a'; nothing can be learned: "
                "label more rows, or check the prompt"
            ),
        ),
        (
            np.array(["a"] * 20),
            NotEnoughData,
            (
                "all 20 labelled rows have the one label 'a'; nothing can be learned: "
                "label more rows, or check the prompt"
            ),
        ),
        (
            [f"text {i}" for i in range(20)],
            InvalidInput,
            "20 rows have 20 different labels; y looks like texts or ids, pass labels",
        ),
        (
            [{"label": "a"}, {"label": "b"}] * 10,
            InvalidInput,
            "y holds dict values, which cannot be labels; use strings or numbers",
        ),
    ],
)
def test_other_labels_are_refused(y, kind, text):
    assert message(kind, lambda: check_labels(y, 20)) == text


def test_label_codes_know_only_the_classes():
    classes = np.array(["a", "b"])
    y = pd.Series(["b", None, "c", "a"], dtype="string")
    assert label_codes(y, classes, 4).tolist() == [1, -1, -1, 0]
    assert label_codes(["b", float("nan"), "nan", "a"], classes, 4).tolist() == [1, -1, -1, 0]
    assert label_codes(np.array([1.0, np.nan]), np.array([1.0, 2.0]), 2).tolist() == [0, -1]
    assert "got shape (4,)" in message(InvalidInput, lambda: label_codes(y, classes, 3))


# --- soft labels -------------------------------------------------------------------------


def test_soft_labels_are_optional_and_single_precision():
    assert check_soft_labels(None, 2, 2) is None
    soft = check_soft_labels([[0.5, 0.5], [1, 0]], 2, 2)
    assert soft.dtype == np.float32
    assert soft.tolist() == [[0.5, 0.5], [1, 0]]


def test_rows_of_nan_have_no_distribution():
    soft = check_soft_labels([[0.5, 0.5], [np.nan, np.nan]], 2, 2)
    assert soft[0].tolist() == [0.5, 0.5]
    assert np.isnan(soft[1]).all()
    assert np.isnan(check_soft_labels(np.full((2, 2), np.nan), 2, 2)).all()


@pytest.mark.parametrize(
    ("soft", "text"),
    [
        (
            [[0.5, 0.5]],
            "soft_labels must have shape (2, 2), one column per label in sorted order, got (1, 2)",
        ),
        (
            [[0.5, 0.5], [1.5, -0.5]],
            "soft_labels must be probabilities, got negative or non-finite values",
        ),
        (
            [[0.5, 0.5], [np.nan, 1.0]],
            "soft_labels must be probabilities, got negative or non-finite values",
        ),
        (
            [[0.5, 0.5], [0.9, 0.3]],
            "each row of soft_labels must sum to 1, one is off by 0.2; divide by its sum",
        ),
    ],
)
def test_other_soft_labels_are_refused(soft, text):
    assert message(InvalidInput, lambda: check_soft_labels(soft, 2, 2)) == text


# --- groups and seed ---------------------------------------------------------------------


def test_groups_become_numbers():
    assert check_groups(["x", "y", "x"], 3).tolist() == [0, 1, 0]
    assert check_groups([5, 5, 2], 3).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        ([1, 2], "groups must have one entry for each of the 3 rows, got shape (2,)"),
        (
            [[1], [2], [3]],
            "groups must have one entry for each of the 3 rows, got shape (3, 1)",
        ),
        ([None, "x", "y"], "groups mixes types; use one type of value"),
    ],
)
def test_other_groups_are_refused(groups, text):
    assert message(InvalidInput, lambda: check_groups(groups, 3)) == text


def test_seed():
    assert check_seed(0) == 0
    assert check_seed(np.int64(7)) == 7
    for bad in (-1, 2**32, 1.5, None, True, "0"):
        text = f"seed must be a whole number from 0 to 2**32 - 1, got {bad!r}"
        assert message(InvalidInput, lambda bad=bad: check_seed(bad)) == text


# --- equal rows --------------------------------------------------------------------------


def test_row_groups_of_dense_rows():
    X = np.array([[1, 2], [3, 4], [1, 2], [2, 1]], dtype=np.float32)
    assert row_groups(X).tolist() == [0, 1, 0, 2]
    assert row_groups(np.asfortranarray(X)).tolist() == [0, 1, 0, 2]


def test_minus_zero_is_zero():
    assert row_groups(np.array([[0.0, 1.0], [-0.0, 1.0]], dtype=np.float32)).tolist() == [0, 0]


def test_row_groups_of_sparse_rows_see_values_not_storage():
    """The same row four ways: plain, unsorted, with a stored zero, with a split entry."""
    X = sparse.csr_matrix(
        (
            np.array([1, 2, 2, 1, 1, 0, 2, 1, 1, 1, 3], dtype=np.float32),
            np.array([0, 2, 2, 0, 0, 1, 2, 0, 2, 2, 0]),
            np.array([0, 2, 4, 7, 10, 11]),
        ),
        shape=(5, 3),
    )
    assert X.toarray()[:4].tolist() == [[1, 0, 2]] * 4
    stored = X.indices.copy()
    assert row_groups(X).tolist() == [0, 0, 0, 0, 1]
    assert X.indices.tolist() == stored.tolist()  # the caller's matrix is left alone
