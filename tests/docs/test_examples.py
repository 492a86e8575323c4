"""Python on the pages is run: with a teacher that answers, where it needs one."""

from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import pytest

import tracer_nb
from tests.docs.pages import ARCHITECTURE, GUIDE, README, blocks
from tracer_nb.engine.gates import STATISTICS, fit_gates
from tracer_nb.engine.saving.router_state import router_from_state, router_state
from tracer_nb.engine.zoo import MODELS, SURROGATES
from tracer_nb.teachers import SCHEMES, make_teacher


@pytest.fixture(scope="module")
def built():
    """What the blocks of the architecture page leave behind, in one namespace."""
    tables = (SURROGATES, MODELS, STATISTICS, SCHEMES)
    before = [dict(table) for table in tables]
    rng = np.random.default_rng(3)
    codes = rng.integers(3, size=600)
    X = np.eye(3)[codes] + 0.3 * rng.normal(size=(600, 3))
    y = np.array(["login", "parcel", "refund"])[codes]
    routing = tracer_nb.fit_router(X, y, target=0.9).route(X)
    names = {"__name__": "architecture", "X": X, "y": y, "routing": routing}
    for code in blocks(ARCHITECTURE, "python"):
        exec(compile(code, ARCHITECTURE.name, "exec", dont_inherit=True), names)
    yield names
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)


def test_the_page_shows_five_things():
    assert len(blocks(ARCHITECTURE, "python")) == 5
    for code in blocks(ARCHITECTURE, "python"):
        assert code.isascii()


def test_the_surrogate_is_certified_and_kept_in_plain_arrays(built):
    router, X = built["router"], built["X"]
    assert router.certificate.certified
    assert router.route(X).handled.mean() > 0.5
    again = router_from_state(*router_state(router))
    assert again.route(X).scores.tolist() == router.route(X).scores.tolist()


def test_the_gate_ranks_rows(built):
    codes = np.unique(built["y"], return_inverse=True)[1]
    outputs = np.maximum(built["X"], 0).astype(np.float32)
    agree = outputs.argmax(axis=1) == codes
    ((gate, scores),) = fit_gates(("top-share",), outputs, agree, built["X"], codes, seed=0)
    assert gate.name == "top-share"
    assert scores[agree].mean() > scores[~agree].mean() + 0.05


def test_the_larger_promise_is_certified(built):
    larger, selective = built["larger"], built["router"].certificate
    assert larger.certified
    assert larger.n_calibration == selective.n_calibration
    assert larger.n_handled >= selective.n_handled


def test_the_teacher_labels(built):
    texts = [f"{w} {i}" for i in range(200) for w in ("my refund", "a parcel", "nothing")]
    labels = built["tracer"].label(texts, sample=600)
    given = [labels.classes[code] if code >= 0 else None for code in labels.codes]
    named = [("refund", "parcel", None)[row % 3] for row in labels.rows]
    assert given == named
    assert 20 < given.count(None) < len(given)


def test_the_chart_is_drawn(built):
    assert built["svg"].startswith("<svg")
    assert "Gate scores of 600 rows" in built["svg"]


# --- README and guide -----------------------------------------------------------------------------------


@pytest.fixture
def guide(monkeypatch, tmp_path):
    """Blocks of the guide, to be run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    twenty, engine, *others = blocks(GUIDE, "python")
    assert len(others) == 3
    assert len([line for line in twenty.splitlines() if line.strip()]) <= 22
    return twenty, engine, *others


def test_the_twenty_lines_run_as_they_stand(guide, capsys, tmp_path):
    names = {"__name__": "guide"}
    # Fewer rows and an easier target, to be quick.
    code = guide[0]
    for long, short in (
        ('load("support")', 'load("support").head(1200)'),
        ("target=0.90", "target=0.80"),
    ):
        assert long in code
        code = code.replace(long, short)
    exec(compile(code, GUIDE.name, "exec", dont_inherit=True), names)
    said = capsys.readouterr().out
    assert "With 95 % confidence" in said
    assert "stand-in" in said
    assert set(names["routed"]["label_source"]) == {"surrogate", "teacher"}
    assert (tmp_path / "intents.tracer").exists()


def test_a_function_of_ones_own_does_the_job(shell):
    teach = blocks(README, "python")[0]
    (line,) = (b.splitlines()[1] for b in blocks(README, "") if "--teacher teach" in b)
    texts = [f"{w} {i}" for i in range(400) for w in ("money back please", "where is it")]
    shell["df"] = pd.DataFrame({"text": texts})
    shell.run(teach)
    assert "With 95 % confidence" in shell.run(line)
    assert set(shell["routed"]["label"]) == {"refund", "delivery"}


def test_a_function_says_how_sure_it_is():
    names = {"__name__": "guide"}
    exec(compile(blocks(GUIDE, "python")[4], GUIDE.name, "exec", dont_inherit=True), names)
    teacher = make_teacher(names["unsure"], ["refund", "delivery"])
    (answer,) = asyncio.run(teacher.label(["money back, or is it on its way?"]))
    assert answer.label == "refund"
    assert sum(answer.probabilities.values()) == 1


def test_the_engine_alone_routes(guide, capsys):
    rng = np.random.default_rng(3)
    codes = rng.integers(3, size=900)
    X = np.eye(3)[codes] + 0.3 * rng.normal(size=(900, 3))
    names = {"__name__": "guide", "X": X[:600], "X_new": X[600:]}
    names["y"] = np.array(["login", "parcel", "refund"])[codes[:600]]
    exec(compile(guide[1], GUIDE.name, "exec", dont_inherit=True), names)
    assert capsys.readouterr().out.startswith("True ")
    routing = names["routing"]
    assert routing.handled.shape == routing.labels.shape == routing.scores.shape == (300,)


def test_one_row_is_asked_about(guide, capsys, tmp_path):
    words = {"parcel": "where is my parcel", "refund": "money back please"}
    truth = {f"{text} {i}": label for i in range(300) for label, text in words.items()}
    tracer = tracer_nb.Tracer(truth, target=0.8, labelling="random", store=":memory:")
    tracer.run(list(truth), sample=400)
    tracer.save(tmp_path / "intents.tracer")
    names = {"__name__": "guide", "ask": lambda text: "parcel" if "parcel" in text else "refund"}
    exec(compile(guide[2], GUIDE.name, "exec", dont_inherit=True), names)
    assert capsys.readouterr().out.startswith("parcel ")
    assert [found.source for found in names["several"]] == ["surrogate", "surrogate"]


def test_a_model_of_ones_own_is_certified(guide, capsys):
    rng = np.random.default_rng(3)
    codes = rng.integers(3, size=2400)
    X = np.eye(3)[codes] + 0.3 * rng.normal(size=(2400, 3))
    y = np.array(["login", "parcel", "refund"])[codes]
    scores = rng.random(900)
    names = {"__name__": "guide", "X": X[:1500], "y": y[:1500], "X_new": X[1500:]}
    names |= {"scores": scores, "agree": rng.random(900) < 0.9 + 0.1 * scores}
    exec(compile(guide[3], GUIDE.name, "exec", dont_inherit=True), names)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("True ")
    assert second.startswith("True ")
    assert names["labels"].shape == names["handled"].shape == (900,)
