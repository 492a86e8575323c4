"""Imports point one way: the engine and the records know nothing of what shows or calls them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tracer_nb

ROOT = Path(tracer_nb.__file__).parent

BASE = {"errors", "records", "labelset", "documents", "settings"}
FACADE = {"steps", "tracer", "words"}
WORK = {"draws", "engine", "labelling", "live", "logs", "store", "teachers"}

# What each part of tracer_nb may import of the others; a new part needs a line here.
MAY_IMPORT = {
    "errors": set(),
    "records": set(),
    "labelset": {"errors"},
    "documents": set(),
    "settings": {"errors"},
    "engine": {"errors", "records"},
    "store": {"errors", "records", "documents"},
    "teachers": BASE | {"store"},
    "labelling": BASE | {"store", "teachers"},
    "datasets": {"errors"},
    "draws": {"errors", "records", "engine", "store"},
    "live": {"errors", "records", "labelling", "teachers"},
    "standin": {"errors", "datasets"},
    "logs": {"errors"},
    **dict.fromkeys(FACADE, BASE | FACADE | WORK),
    "charts": {"errors", "records", "words"},
    "widgets": {"errors", "records", "words", "charts"},
    "magics": BASE | FACADE | {"live", "charts", "widgets"},
    "__init__": set(),
    "__main__": BASE | FACADE | {"charts", "widgets", "datasets"},
}
# Single modules that may do more.
EXCEPTIONS = {
    # The stand-in is a teacher: it starts the server and then talks to it like to any other.
    "standin.teacher": {"teachers"},
    # "standin:NAME" is one way to name a teacher; imported when it is asked for.
    "teachers.spec": {"standin"},
    # What the label store holds, shown on a line.
    "magics.handlers.stored": {"labelling", "store"},
    # Keys are read, and taken out of messages, as teachers do it.
    "magics.job": {"teachers"},
    "magics.magic": {"teachers"},
    "magics.workspace": {"teachers"},
    # A report is written by what shows it; imported when it is asked for.
    "tracer": {"widgets"},
    # Public names, imported when they are first used.
    "__init__": {"engine", "tracer", "magics", "steps"},
}

SHOWING = ["IPython", "ipywidgets", "anywidget", "altair", "vl_convert"]
NETWORK = ["openai", "httpx", "httpx2", "aiohttp"]
HEAVY = ["numpy", "scipy", "sklearn", "pandas", "narwhals", "polars", "xgboost", "fastembed"]


# Dotted name below tracer_nb, and file, of each module.
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
}


def imported(tree):
    """Modules of tracer_nb that a tree imports, as dotted names below tracer_nb."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # "from tracer_nb import x" names a part of it; Tracer is short for its module.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "tracer_nb" and not rest.startswith("__version__"):
                yield rest.replace("Tracer", "tracer", 1) if rest.startswith("Tracer") else rest


def part(name):
    return name.split(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    assert part(name) in MAY_IMPORT, f"{part(name)} is new: say in MAY_IMPORT what it may import"
    allowed = MAY_IMPORT[part(name)] | EXCEPTIONS.get(name, set()) | {part(name)}
    wrong = {part(other) for other in imported(tree)} - allowed
    assert not wrong, f"tracer_nb.{name} imports {', '.join(sorted(wrong))}"


def test_the_table_names_what_there_is():
    assert set(MAY_IMPORT) == {part(name) for name in MODULES}
    assert set(EXCEPTIONS) <= set(MODULES)


def test_the_table_would_catch_a_wrong_import():
    source = (
        "def f():\n    from tracer_nb.engine.router import fit_router\nimport tracer_nb.teachers"
    )
    found = {part(name) for name in imported(ast.parse(source))}
    assert found == {"engine", "teachers"}
    assert found.isdisjoint(MAY_IMPORT["widgets"] | MAY_IMPORT["charts"])
    assert {part(n) for n in imported(ast.parse("from tracer_nb import Tracer, records"))} == {
        "tracer",
        "records",
    }


def loaded_by(statement):
    """Top-level packages, and modules of tracer_nb, in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(ran.stdout.split())
    return {n for n in names if "." not in n or n.startswith("tracer_nb.")}


def test_the_engine_shows_nothing_and_calls_nobody():
    loaded = loaded_by("import tracer_nb.engine, tracer_nb.engine.features")
    unwanted = {*SHOWING, *NETWORK, "polars", "xgboost", "fastembed"}
    assert not loaded & unwanted
    assert "sklearn" in loaded
    parts = {name.split(".")[1] for name in loaded if name.startswith("tracer_nb.")}
    assert parts == {"engine", "errors", "records"}


def test_the_package_itself_is_light():
    loaded = loaded_by("import tracer_nb")
    assert not loaded & {*SHOWING, *NETWORK, *HEAVY}
    assert not {name for name in loaded if name.startswith("tracer_nb.")}


def test_public_names_are_loaded_when_they_are_used():
    assert "tracer_nb.tracer" in loaded_by("import tracer_nb; tracer_nb.Tracer")
    assert "tracer_nb.engine" in loaded_by("from tracer_nb import fit_router, Router")


@pytest.mark.parametrize("name", ["records", "charts", "widgets", "words"])
def test_what_shows_records_does_not_load_what_makes_them(name):
    loaded = loaded_by(f"import tracer_nb.{name}")
    assert f"tracer_nb.{name}" in loaded
    assert not loaded & {"tracer_nb.engine", "tracer_nb.teachers", "sklearn", *NETWORK}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tracer_nb' has no attribute 'tracers'"):
        tracer_nb.tracers  # noqa: B018
