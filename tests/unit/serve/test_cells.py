"""Cells of the columns that a prompt names go beside the text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.serve.running import serving
from tests.unit.serve.test_teaching import Asked
from tracer_nb import Tracer
from tracer_nb.records import Caps
from tracer_nb.serve.teaching import Teachings

PRODUCTS = ("kettle", "lamp", "radio")


@pytest.fixture(scope="module")
def file(vector_world, tmp_path_factory):
    """A router whose prompt names a column beside the text."""
    world = vector_world
    table = pd.DataFrame({"text": world.texts, "product": np.resize(PRODUCTS, len(world.texts))})
    teacher = Asked(world, lambda document: world.truth[document.split('"')[3]])
    teacher.columns = ("product",)  # as a prompt names it: {{product}}
    tracer = Tracer(teacher, features=world.X, target=0.9, store=":memory:", labelling="random")
    tracer.run(table["text"], table=table, sample=300, ask_teacher=False, max_rows=400)
    path = tmp_path_factory.mktemp("cells") / "cells.tracer"
    tracer.save(path)
    return path


def test_cells_are_part_of_what_is_decided_and_asked_about(file, vector_world, tmp_path):
    teacher = Asked(vector_world)
    options = {"teacher": teacher, "store": tmp_path / "labels.sqlite"}
    far = [-1.0, -1.0, -1.0]  # deferred
    with serving({"a": file}, teachings=Teachings(options, Caps())) as running:
        row = {"text": "it broke", "vector": far, "cells": {"product": "kettle"}}
        (one,) = running.results(row, "/predict")
        body = {
            "texts": ["it broke"] * 2,
            "vectors": [far] * 2,
            "cells": {"product": ["lamp", None]},
        }
        both = running.results(body)
        assert [r["source"] for r in [one, *both]] == ["teacher"] * 3
        assert teacher.texts == [
            '{"text": "it broke", "product": "kettle"}',
            '{"text": "it broke", "product": "lamp"}',
            '{"text": "it broke", "product": null}',
        ]
        status, said = running.post("/predict", {"text": "it broke", "vector": far})
        assert status == 422
        assert "product" in said["error"]
        status, said = running.post("/predict", {**row, "cells": {"producer": "x"}})
        assert status == 422
        assert said["error"].endswith("the prompt names are: product; leave it out")
