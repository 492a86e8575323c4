"""One archive for the tests, and warnings as errors."""

from __future__ import annotations

import warnings

import pytest

from tracer_nb.engine.saving import write_archive

from .samples import ARRAYS, MANIFEST


@pytest.fixture(autouse=True)
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "intents.tracer"
    write_archive(path, MANIFEST, ARRAYS)
    return path
