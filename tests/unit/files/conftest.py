"""A router in a file, fitted once for all tests of files, and messages to route with it."""

from __future__ import annotations

import numpy as np
import pytest

import tracer_nb
from tracer_nb import Tracer
from tracer_nb.datasets import load


@pytest.fixture(scope="session")
def router(tmp_path_factory):
    """Of the stand-in's answers; it handles most of the messages, and defers the others."""
    folder = tmp_path_factory.mktemp("router")
    messages = load("support").head(900)
    tracer = Tracer(
        "standin:support",
        sorted(messages["label"].unique()),
        "Choose the intent.",
        target=0.7,
        confidence=0.9,
        store=folder / "labels.sqlite",
        features="lsa",
        surrogate="logistic",
        gate="margin",
        pipeline="single",
        labelling="random",
    )
    tracer.label(messages["text"], sample=400, max_cost=5.0)
    tracer.fit()
    tracer.calibrate()
    path = folder / "intents.tracer"
    tracer.save(path)
    return path


@pytest.fixture(scope="session")
def messages():
    """300 new messages, some twice, some cells without text."""
    frame = load("support")[["text"]].iloc[2000:2300].reset_index(drop=True)
    frame["n"] = np.arange(len(frame))
    frame["price"] = frame["n"] / 8
    frame["note"] = [f'7,5 "inches"\nof {n}' if n % 9 else "" for n in frame["n"]]
    frame.loc[40:79, "text"] = frame.loc[0:39, "text"].to_numpy()
    frame.loc[[5, 299], "text"] = None
    frame.loc[7, "text"] = "   "
    return frame


@pytest.fixture(scope="session")
def expected(router, messages, tmp_path_factory):
    """What ``router.route(df)`` says, row for row."""
    store = tmp_path_factory.mktemp("expected") / "labels.sqlite"
    loaded = tracer_nb.load(router, teacher="standin:support", store=store)
    return loaded.route(messages["text"], ask_teacher=False)
