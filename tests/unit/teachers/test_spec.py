import importlib
import inspect
import pkgutil
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import tracer_nb.teachers as package
from tracer_nb.errors import InvalidInput
from tracer_nb.teachers import (
    OF_JOB,
    SCHEMES,
    FunctionTeacher,
    ReplayTeacher,
    Teacher,
    make_teacher,
    register_scheme,
)
from tracer_nb.teachers.chat.teacher import ChatTeacher
from tracer_nb.tracer import Tracer

LABELS = ["no", "yes"]


def test_a_model_name():
    teacher = make_teacher("openai: qwen2.5:7b", LABELS, "Is it?", base_url="http://localhost/v1")
    assert isinstance(teacher, ChatTeacher)
    assert teacher.model == "qwen2.5:7b"
    assert teacher.identity["server"] == "http://localhost/v1"
    assert teacher.identity["prompt"].startswith("Is it?")


def test_functions_records_and_teachers():
    assert isinstance(make_teacher(len, LABELS), FunctionTeacher)
    for record in ({"a": "yes", "b": "no"}, pd.Series({"a": "yes", "b": "no"})):
        teacher = make_teacher(record, LABELS)
        assert isinstance(teacher, ReplayTeacher)
        assert teacher.labels == ("no", "yes")
        assert make_teacher(teacher, LABELS) is teacher
        assert make_teacher(teacher) is teacher


@pytest.mark.parametrize(
    "teacher",
    [
        ChatTeacher("m", LABELS, "", base_url="http://x/v1"),
        FunctionTeacher(len, LABELS),
        ReplayTeacher({}, labels=LABELS),
    ],
)
def test_all_teachers_keep_the_protocol(teacher):
    assert isinstance(teacher, Teacher)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("gpt-5-mini", {}, "openai:gpt-5-mini"),
        ("openai:", {}, "SCHEME:NAME"),
        ("opnai:gpt-5", {}, "did you mean 'openai'"),
        ("openai:m", {"bse_url": "x"}, "did you mean 'base_url'"),
        (len, {"base_url": "x"}, "option of this teacher"),
        ({"a": "no"}, {"price": 1}, "option of this teacher"),
        (3, {}, "got int"),
        (pd.DataFrame({"a": ["no"]}), {}, "teacher is a DataFrame"),
        (ReplayTeacher({"a": "x", "b": "y"}), {}, "has its own labels"),
    ],
)
def test_mistakes_are_explained(spec, options, message):
    with pytest.raises(InvalidInput, match=message):
        make_teacher(spec, LABELS, "", **options)


@pytest.mark.parametrize("spec", ["openai:m", len])
def test_labels_are_needed(spec):
    with pytest.raises(
        InvalidInput, match=r"labels are missing.*\[…\], or --labels on the line that has --teacher"
    ):
        make_teacher(spec)


def test_the_options_of_a_job_are_those_of_the_tracer():
    own = inspect.signature(Tracer).parameters.values()
    assert {p.name for p in own if p.kind is p.KEYWORD_ONLY} == set(OF_JOB)


def test_another_module_adds_a_scheme(monkeypatch):
    monkeypatch.setattr("tracer_nb.teachers.SCHEMES", dict(SCHEMES))

    def maker(name, labels, prompt, *, latency=0.0):
        return ReplayTeacher({name: labels[0]}, labels=labels, name=f"{prompt} {latency}")

    register_scheme("echo", maker)
    assert make_teacher("echo:hi", LABELS, "p", latency=1.0).name == "p 1.0"
    with pytest.raises(InvalidInput, match="did you mean 'latency'"):
        make_teacher("echo:hi", LABELS, latncy=1.0)


def test_importing_loads_no_network_client():
    code = (
        "import sys, tracer_nb.teachers as t\n"
        "t.make_teacher('openai:gpt-5', ['a', 'b']).cost_estimate('x')\n"
        "print([m for m in ('openai', 'aiohttp', 'httpx', 'IPython') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "[]"


def test_all_names_the_public_names():
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"tracer_nb.teachers.{found.name}")
        own = {
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and getattr(value, "__module__", None) == module.__name__
            and hasattr(value, "__qualname__")
        }
        assert own <= set(module.__all__), found.name
        assert all(hasattr(module, name) for name in module.__all__), found.name
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError):
        _ = package.Nonsense


COLUMN = ["no", "yes", "no"]


@pytest.mark.parametrize(
    "column",
    [pl.Series(COLUMN), pa.chunked_array([COLUMN]), np.array(COLUMN), COLUMN],
    ids=["polars", "arrow", "numpy", "list"],
)
def test_a_column_of_labels_alone_is_told_to_need_its_texts(column):
    with pytest.raises(InvalidInput, match=r"labels need their texts, got a \w+ alone; give dict"):
        Tracer(column, LABELS)


def test_the_index_of_a_series_must_be_the_texts():
    with pytest.raises(InvalidInput, match=r"need their texts, got 0 \(int\) for one; give dict"):
        Tracer(pd.Series(COLUMN))


@pytest.mark.parametrize("labels", [[1, 0], [True, False], [1.5, 2.0]])
def test_recorded_labels_that_are_no_text_are_shown_with_their_text(labels):
    with pytest.raises(InvalidInput, match=r"must be text, got .* for 'a'; convert them first"):
        Tracer(dict(zip("ab", labels, strict=True)))


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]})])
def test_a_frame_is_no_teacher(frame):
    with pytest.raises(InvalidInput, match="teacher is a DataFrame; of recorded labels give dict"):
        Tracer(frame)


@pytest.mark.parametrize("prompt", [5, pd.Series(["a", "b"]), ["a"], {"a": "b"}])
def test_a_prompt_that_is_no_text(prompt):
    with pytest.raises(InvalidInput, match="prompt must be text, the task in words, got a"):
        Tracer(str, LABELS, prompt)


@pytest.mark.parametrize("price", ["0,0", (0, 0), [0, 0.0], "0, 0"])
def test_a_price_of_nothing_as_it_is_written(price):
    teacher = make_teacher("openai:m", LABELS, base_url="http://localhost/v1", price=price)
    assert teacher.cost_bound("a") == 0.0


@pytest.mark.parametrize("price", [0, (1,), (1, 2, 3), (1, "x"), (-1, 0), {"a": 1}])
def test_what_is_no_price_is_told_how_to_write_one(price):
    with pytest.raises(InvalidInput, match=r'write batch_price="0.25,2" \(on a line --batch-price'):
        make_teacher("openai:m", LABELS, base_url="http://localhost/v1", batch_price=price)
