"""Columns of pandas and polars with ``.tracer``: thin, and registered without importing either."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from tracer_nb import Tracer, load, register_accessors
from tracer_nb.errors import InvalidInput

HOW = {"labelling": "random", "surrogate": "logistic", "features": "lsa", "store": ":memory:"}


@pytest.fixture(scope="module", autouse=True)
def _registered():
    register_accessors()
    register_accessors()  # no warning, no second finder


@pytest.fixture(scope="module")
def texts():
    return [f"{word} {i}" for i in range(300) for word in ("refund money", "parcel late")]


def teach(text):
    return text.split()[0]


@pytest.fixture(scope="module")
def file(texts, tmp_path_factory):
    tracer = Tracer(teach, ["refund", "parcel"], target=0.8, **HOW)
    tracer.run(texts, sample=200, ask_teacher=False)
    path = tmp_path_factory.mktemp("saved") / "r.tracer"
    tracer.save(path)
    return path


def frames(texts):
    return [
        pd.DataFrame({"text": texts}, index=range(9, 9 + len(texts))),
        pl.DataFrame({"text": texts}),
    ]


@pytest.mark.parametrize("library", [0, 1], ids=["pandas", "polars"])
def test_the_job_is_that_of_a_tracer(texts, library):
    df = frames(texts)[library]
    column = df["text"].tracer
    routed = column.run(
        teach, ["refund", "parcel"], target=0.8, sample=200, ask_teacher=False, **HOW
    )
    own = Tracer(teach, ["refund", "parcel"], target=0.8, **HOW)
    same = own.run(df["text"], sample=200, ask_teacher=False)
    assert routed.equals(same)
    assert column.tracer.router.certificate.n_agree == own.router.certificate.n_agree
    again = df["text"].tracer.run(own, sample=200, ask_teacher=False)
    assert again.equals(same)


def test_an_attribute_of_a_frame_is_a_column_too(texts, file):
    df = frames(texts)[0]
    assert_frame_equal(df.text.tracer.route(str(file)), load(file).route(df.text))


@pytest.mark.parametrize("library", [0, 1], ids=["pandas", "polars"])
def test_a_router_is_a_file_or_what_was_made_of_it(texts, file, library):
    column = frames(texts)[library]["text"]
    expected = load(file).route(column)
    assert column.tracer.route(file).equals(expected)
    assert column.tracer.route(load(file)).equals(expected)
    assert column.tracer.route(load(file), target=0.8).equals(expected)


def test_an_expression_gives_a_struct_in_eager_and_lazy_queries(texts, file):
    df = frames([*texts, None, "", "qqq zzz"])[1]
    expected = load(file).route(df["text"])
    answer = pl.col("text").tracer.route(file).alias("answer")
    for query in (df.lazy().with_columns(answer).collect(), df.with_columns(answer)):
        got = query.unnest("answer")
        for name in ("label", "label_source", "label_score", "label_reason"):
            assert got[name].to_list() == expected[name].cast(got[name].dtype).to_list()
    schema = df.lazy().with_columns(answer).unnest("answer").collect_schema()
    assert schema["label_score"] == pl.Float64
    assert df.head(0).with_columns(answer).height == 0
    empty = pl.DataFrame({"text": [None, None]}, {"text": pl.String}).with_columns(answer)
    assert empty["answer"].struct.field("label").to_list() == [None, None]


def test_a_query_never_asks_a_teacher(texts, file):
    asked = []
    router = load(file, teacher=lambda text: asked.append(text) or "refund")
    strange = pl.DataFrame({"text": ["qqq zzz", "xxx"]})
    got = strange.with_columns(pl.col("text").tracer.route(router).alias("a")).unnest("a")
    assert asked == []
    assert set(got["label_source"].to_list()) <= {None, "surrogate"}
    assert pl.Series(texts).tracer.route(router, ask_teacher=False).height == len(texts)


def test_settings_beside_a_tracer_are_refused(texts):
    tracer = Tracer(teach, ["refund", "parcel"], **HOW)
    with pytest.raises(InvalidInput, match=r"^labels, target: a Tracer has its own settings"):
        pd.Series(texts).tracer.run(tracer, ["refund"], target=0.8)


def test_what_is_no_router_and_no_option_is_refused(texts):
    with pytest.raises(InvalidInput, match=r"a router is a file that was saved, .* got int"):
        pd.Series(texts).tracer.route(3)
    with pytest.raises(InvalidInput, match="did you mean 'target'"):
        pd.Series(texts).tracer.run(teach, ["refund", "parcel"], targt=0.8, store=":memory:")
    with pytest.raises(InvalidInput, match="row 0 holds 1"):
        pd.Series([1, 2]).tracer.run(teach, ["refund", "parcel"], store=":memory:")


LATER = """
import sys
import tracer_nb
{first}
assert not {{"pandas", "polars", "sklearn"}} & set(sys.modules)
import pandas, polars
assert {seen} == hasattr(pandas.Series, "tracer") == hasattr(polars.Expr, "tracer")
assert "sklearn" not in sys.modules
assert type(pandas.__spec__.loader) is type(polars.__spec__.loader)
assert "accessors" not in type(pandas.__loader__).__module__
import importlib.util
assert importlib.util.find_spec("pandas") is not None
"""
REGISTER = "tracer_nb.register_accessors()"
EXTENSION = """
from IPython.core.interactiveshell import InteractiveShell
assert InteractiveShell.instance().run_line_magic("load_ext", "tracer_nb") is None
"""


@pytest.mark.parametrize(
    ("first", "seen"),
    [(REGISTER, True), (EXTENSION, True), ("", False)],
    ids=["called", "extension", "neither"],
)
def test_nothing_is_imported_and_what_is_imported_later_has_it(first, seen, tmp_path):
    code = LATER.format(first=first, seen=seen)
    env = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    how = {"capture_output": True, "text": True, "env": env}
    ran = subprocess.run([sys.executable, "-c", code], check=False, **how)
    assert ran.returncode == 0, ran.stderr
