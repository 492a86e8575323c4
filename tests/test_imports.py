"""What importing a part of tracer_nb loads; who may import whom is checked by ``lint-imports``."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tracer_nb

SHOWING = ["IPython", "ipywidgets", "anywidget", "altair", "vl_convert"]
NETWORK = ["openai", "httpx", "httpx2", "aiohttp"]
HEAVY = ["numpy", "scipy", "sklearn", "pandas", "narwhals", "polars", "xgboost", "fastembed"]


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
    assert parts == {"engine", "errors", "labelsets", "records"}


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
