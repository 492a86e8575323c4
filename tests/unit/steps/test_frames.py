"""One column in, label columns out: pandas, polars, pyarrow, arrays and lists."""

import decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tracer_nb.errors import InvalidInput
from tracer_nb.steps.column.frames import (
    OUTPUT_COLUMNS,
    column_names,
    is_frame,
    label_frame,
    read_cells,
    read_column,
    read_texts,
)

try:
    import pyarrow as pa
except ImportError:
    pa = None

TEXTS = ["hello", None, "bye", "hello"]
OUTPUT = {
    "label": ["a", None, "b", "a"],
    "label_source": ["teacher", None, "surrogate", "teacher"],
    "label_score": [0.5, None, 0.25, 0.5],
    "label_reason": [None, "missing text", None, None],
}
TABLES = {
    "pandas": pd.DataFrame,
    "pandas-object": lambda d: pd.DataFrame(d, dtype=object),
    "pandas-nullable": lambda d: pd.DataFrame(d).convert_dtypes(),
    "polars": pl.DataFrame,
}
if pa is not None:
    TABLES["pyarrow"] = pa.table
every_library = pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)


def as_lists(frame):
    if isinstance(frame, pd.DataFrame):
        cells = {str(n): frame[n].tolist() for n in frame.columns}
    elif isinstance(frame, pl.DataFrame):
        cells = frame.to_dict(as_series=False)
    else:
        cells = frame.to_pydict()
    return {n: [None if pd.isna(c) else c for c in column] for n, column in cells.items()}


# --- in -------------------------------------------------------------------------------


@every_library
def test_a_column_is_read_with_each_text_once(make):
    texts = read_texts(read_column(make({"text": TEXTS, "n": [1, 2, 3, 4]}), "text"))
    assert texts.unique == ("hello", "bye")
    assert texts.codes.tolist() == [0, -1, 1, 0]
    assert texts.usable.tolist() == [0, 2, 3]
    assert texts.reasons == {1: "missing text"}
    assert texts.n_rows == 4


@pytest.mark.parametrize(
    "column",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS, dtype=object),
        pd.Series(TEXTS, dtype="category"),
        pl.Series(TEXTS, dtype=pl.Categorical),
    ],
    ids=lambda c: type(c).__module__,
)
def test_columns_without_a_frame(column):
    assert read_texts(column).codes.tolist() == [0, -1, 1, 0]


def test_numpy_strings():
    assert read_texts(np.array([" a", "b"])).unique == ("a", "b")


def test_missing_and_empty_cells_are_rows_without_text():
    missing = [None, np.nan, float("nan"), np.float32("nan"), decimal.Decimal("nan"), pd.NA, pd.NaT]
    texts = read_texts(["a", *missing, "", " \t\n", " a "])
    assert texts.unique == ("a",)
    assert texts.codes.tolist() == [0, *[-1] * 9, 0]
    assert [texts.reasons[i] for i in range(1, 10)] == [*["missing text"] * 7, *["empty text"] * 2]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (5, "5 (int)"),
        (1.5, "1.5 (float)"),
        (True, "True (bool)"),
        (b"bytes", "b'bytes' (bytes)"),
        (["a"], "['a'] (list)"),
        (np.array([1, 2]), "array([1, 2]) (ndarray)"),
        (pd.Timestamp("2020-01-01"), "(Timestamp)"),
        (np.eye(30), "(ndarray)"),
        ({"a": "x" * 5000}, "(dict)"),
    ],
    ids=lambda c: type(c).__name__,
)
def test_a_cell_that_is_not_text_is_named_in_one_short_line(cell, kind):
    with pytest.raises(InvalidInput) as caught:
        read_texts(["fine", cell])
    message = str(caught.value)
    assert message.startswith("row 1 holds ")
    assert kind in message
    assert "astype(str)" in message
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "column",
    [
        "hello",
        None,
        5,
        {"a": 1},
        {"a"},
        (c for c in "ab"),
        np.array([["a"]]),
        pd.DataFrame({"a": ["b"]}),
        pl.LazyFrame({"a": ["b"]}),
    ],
    ids=lambda c: type(c).__name__,
)
def test_what_is_no_column_is_refused(column):
    with pytest.raises(InvalidInput, match=r"expected a column of texts, got .*write df\['text'\]"):
        read_texts(column)


def test_columns_without_any_text_are_refused():
    with pytest.raises(InvalidInput, match="no rows"):
        read_texts([])
    with pytest.raises(InvalidInput, match="all 3 cells are empty or missing"):
        read_texts(["", None, "  "])


@every_library
def test_an_unknown_column_comes_with_the_nearest_name(make):
    with pytest.raises(
        InvalidInput, match=r"no column 'txet'; did you mean 'text'\? There are: te"
    ):
        read_column(make({"text": TEXTS}), "txet")


@pytest.mark.parametrize("frame", [{"a": ["b"]}, [["a"]], pl.LazyFrame({"a": ["b"]}), None])
def test_what_is_no_dataframe_is_refused(frame):
    assert not is_frame(frame)
    with pytest.raises(InvalidInput, match="expected a dataframe with a column 'a', got"):
        read_column(frame, "a")


def test_duplicated_column_names_matter_only_for_the_column_asked_for():
    frame = pd.DataFrame([["a", 1, 2], ["b", 3, 4]], columns=["text", "n", "n"])
    assert is_frame(frame)
    assert column_names(frame) == ["text", "n", "n"]
    assert read_column(frame, "text").tolist() == ["a", "b"]
    with pytest.raises(InvalidInput, match="2 columns named 'n'; rename one"):
        read_column(frame, "n")


def test_column_names_that_are_not_text():
    assert read_column(pd.DataFrame({0: ["a"]}), "0").tolist() == ["a"]
    nested = pd.DataFrame({("a", "b"): ["x"]})
    assert read_column(nested, "('a', 'b')").tolist() == ["x"]


def test_cells_of_lists_of_lists_are_left_alone():
    assert read_cells((["a"], None)) == [["a"], None]


# --- out ------------------------------------------------------------------------------


@every_library
def test_the_frame_comes_back_with_the_columns_and_the_users_own_is_untouched(make):
    frame = make({"text": TEXTS, "label": ["w", "x", "y", "z"]})
    before = as_lists(frame)
    labelled = label_frame(frame, OUTPUT)
    assert type(labelled) is type(frame)
    assert as_lists(labelled) == {"text": TEXTS, **OUTPUT}
    assert as_lists(frame) == before


@pytest.mark.parametrize(
    "index",
    [
        [7, 7, 7, 7],
        [3, 2, 1, 0],
        ["d", "a", "a", "c"],
        pd.MultiIndex.from_tuples([(1, "a"), (1, "a"), (0, "b"), (0, "c")]),
        pd.date_range("2020-01-01", periods=4),
    ],
    ids=["one-value", "reversed", "text", "multi", "dates"],
)
@pytest.mark.parametrize("as_series", [False, True])
def test_no_pandas_index_can_misplace_a_label(index, as_series):
    frame = pd.DataFrame({"text": TEXTS}, index=index)
    labelled = label_frame(frame["text"] if as_series else frame, OUTPUT)
    assert as_lists(labelled) == {"text": TEXTS, **OUTPUT}
    assert labelled.index.equals(frame.index)
    assert list(frame.columns) == ["text"]


def test_pandas_types_keep_missing_cells_missing():
    labelled = label_frame(pd.DataFrame({"text": TEXTS}), OUTPUT)
    assert [str(labelled[n].dtype) for n in OUTPUT_COLUMNS] == [
        "string",
        "string",
        "Float64",
        "string",
    ]
    assert labelled["label"].isna().tolist() == [False, True, False, False]


def test_duplicated_and_nested_column_names_survive():
    frame = pd.DataFrame([[t, 1, 2] for t in TEXTS], columns=["text", "n", "n"])
    labelled = label_frame(frame, OUTPUT)
    assert list(labelled.columns) == ["text", "n", "n", *OUTPUT_COLUMNS]
    assert labelled["label_score"].tolist()[0] == 0.5
    nested = label_frame(pd.DataFrame({("a", "b"): TEXTS}), OUTPUT)
    assert nested[("label", "")].tolist()[0] == "a"


@pytest.mark.parametrize("column", [TEXTS, tuple(TEXTS), np.array(TEXTS, dtype=object)])
def test_lists_and_arrays_give_a_pandas_frame(column):
    labelled = label_frame(column, OUTPUT)
    assert isinstance(labelled, pd.DataFrame)
    assert as_lists(labelled) == {"text": TEXTS, **OUTPUT}


@pytest.mark.parametrize(
    ("column", "name", "kind"),
    [
        (pd.Series(TEXTS), "text", pd.DataFrame),
        (pd.Series(TEXTS, name=7), "7", pd.DataFrame),
        (pl.Series(TEXTS), "text", pl.DataFrame),
        (pl.Series("message", TEXTS), "message", pl.DataFrame),
    ],
    ids=["pandas", "pandas-int", "polars", "polars-named"],
)
def test_a_series_gives_a_frame_of_its_library(column, name, kind):
    labelled = label_frame(column, OUTPUT)
    assert isinstance(labelled, kind)
    assert as_lists(labelled) == {name: TEXTS, **OUTPUT}


@pytest.mark.skipif(pa is None, reason="pyarrow is not installed")
def test_a_pyarrow_column_without_a_table():
    column = pa.chunked_array([TEXTS[:1], TEXTS[1:]])
    assert read_texts(column).codes.tolist() == [0, -1, 1, 0]
    labelled = label_frame(column, OUTPUT)
    assert isinstance(labelled, pa.Table)
    assert as_lists(labelled) == {"text": TEXTS, **OUTPUT}


def test_half_a_surrogate_pair_does_not_lose_the_labels():
    column = ["\ud800 a", "b", "c", "d"]
    assert read_texts(column).unique == tuple(column)
    labelled = label_frame(column, OUTPUT)
    assert labelled["text"].tolist() == column
    assert labelled["label"].tolist()[0] == "a"


def test_no_rows_labelled_at_all_still_makes_typed_columns():
    nothing = {name: [None] * 4 for name in OUTPUT}
    for frame in (pd.DataFrame({"text": TEXTS}), pl.DataFrame({"text": TEXTS})):
        assert as_lists(label_frame(frame, nothing)) == {"text": TEXTS, **nothing}
    assert label_frame(pl.DataFrame({"text": TEXTS}), nothing)["label"].dtype == pl.String
