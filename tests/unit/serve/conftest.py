"""Router files, made once: of vectors, and of texts."""

from __future__ import annotations

import pytest

from tests.conftest import World
from tests.unit.serve.running import serving
from tracer_nb import Tracer
from tracer_nb.datasets import load


@pytest.fixture(scope="session")
def vector_world():
    return World(600, noise=0.46)


@pytest.fixture(scope="session")
def vector_file(vector_world, tmp_path_factory):
    """A router of three numbers a row, which handles some rows and defers the others."""
    world = vector_world
    tracer = Tracer(
        world.teach,
        world.labels,
        "x",
        features=world.X,
        target=0.9,
        store=":memory:",
        labelling="random",
    )
    tracer.run(world.texts, sample=300, ask_teacher=False)
    assert tracer.router.certificate.certified
    path = tmp_path_factory.mktemp("serve") / "vectors.tracer"
    tracer.save(path)
    return path


@pytest.fixture(scope="session")
def messages():
    return load("support").head(700)


@pytest.fixture(scope="session")
def text_file(messages, tmp_path_factory):
    """A router of messages, with LSA features."""
    recorded = dict(zip(messages["text"], messages["label"], strict=True))
    tracer = Tracer(
        recorded,
        features="lsa",
        target=0.75,
        store=":memory:",
        labelling="random",
        surrogate="kernel-ridge",
    )
    tracer.label(messages["text"], sample=400)
    tracer.fit()
    tracer.calibrate()
    assert tracer.router.certificate.certified
    path = tmp_path_factory.mktemp("serve") / "texts.tracer"
    tracer.save(path)
    return path


@pytest.fixture(scope="module")
def service(vector_file, text_file):
    with serving({"vectors": vector_file, "texts": text_file}) as running:
        yield running
