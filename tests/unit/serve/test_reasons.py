"""A row has one reason, in the same words, whoever says it: frame, single row, service, file, cluster."""

from __future__ import annotations

import asyncio

import pandas as pd
import pytest

import tracer_nb
from tests.unit.serve.running import serving
from tracer_nb import scale
from tracer_nb.records import Audit
from tracer_nb.steps.files.step import route_file
from tracer_nb.teachers import ReplayTeacher


@pytest.fixture(scope="module")
def frame(messages):
    texts = [*messages["text"][500:560], None, " ", "zzz qqq", "=1+1"]
    return pd.DataFrame({"text": pd.Series(texts, dtype=object)})


def said_by_all(path, store, frame):
    """Reasons of each row, by who says them."""
    texts = frame["text"].tolist()
    saved = tracer_nb.load(path, store=store)
    yield "frame", saved.route(frame["text"])["label_reason"].tolist()
    yield "predict", [saved.predict(text).reason for text in texts]
    yield "apredict", [asyncio.run(saved.apredict(text)).reason for text in texts[-8:]]
    yield "predict_batch", [p.reason for p in saved.predict_batch(frame["text"])]
    with serving({"a": path}, store=store) as running:
        batch = running.results({"texts": texts})
        yield "service, a batch", [r["reason"] for r in batch]
        ones = [running.results({"text": text}, "/predict")[0] for text in texts[-8:]]
        yield "service, a row", [r["reason"] for r in ones]
    source = store.with_name("in.jsonl")
    frame.to_json(source, orient="records", lines=True)
    for out in ("out.jsonl", "out.parquet"):
        route_file(source, path, store.with_name(out), store=store, overwrite=True)
    yield "lines", pd.read_json(store.with_name("out.jsonl"), lines=True)["label_reason"].tolist()
    yield "Parquet", pd.read_parquet(store.with_name("out.parquet"))["label_reason"].tolist()
    if not saved.warning:  # clusters read no store
        told = {"digest": str(path), "target": None, "column": "text"}
        yield "cluster", scale._routed(frame, told, path.read_bytes)["label_reason"].tolist()


def same(path, store, frame):
    """The reasons, when they are the same everywhere."""
    reasons = None
    for who, found in said_by_all(path, store, frame):
        reasons = reasons or found
        assert found == reasons[-len(found) :], who
    return reasons


def test_every_row_has_one_reason_everywhere(text_file, frame, tmp_path):
    reasons = same(text_file, tmp_path / "labels.sqlite", frame)
    kinds = {reason.partition(" 0.")[0] for reason in reasons}
    assert {"handled: score at least", "deferred: score below"} <= kinds
    assert {"missing text", "empty text"} <= kinds
    assert any(reason.endswith("; teacher not asked") for reason in reasons)


def test_what_the_teacher_said_before_has_its_own(text_file, frame, messages, tmp_path):
    column = frame["text"][:60]
    alone = tracer_nb.load(text_file, store=":memory:")
    recorded = dict(zip(messages["text"], messages["label"], strict=True))
    teacher = ReplayTeacher(recorded, labels=sorted(set(messages["label"])))
    heard = tracer_nb.load(text_file, teacher=teacher, store=tmp_path / "labels.sqlite")
    heard.route(column)
    heard.audit(0.5)
    routed = heard.route(column)
    each = [heard.predict(text) for text in column]
    assert [p.reason for p in each] == routed["label_reason"].tolist()
    asked = {True: 0, False: 0}
    for text, p in zip(column, each, strict=True):
        before = alone.predict(text)
        if p.source == "teacher":
            handled = before.source == "surrogate"
            words = "answered before" if handled else before.reason.partition("; ")[0]
            assert p.reason == words
            asked[handled] += 1
    assert asked[True] > 5
    assert asked[False] > 5


def test_an_alarm_is_the_reason_of_all(text_file, frame, tmp_path):
    store = tmp_path / "labels.sqlite"
    saved = tracer_nb.load(text_file, store=store)
    promise = saved._promise(saved.certificate)
    saved._auditor._store.put(promise.key, [Audit(f"t{i}", "a", "b") for i in range(60)])
    reasons = same(text_file, store, frame)
    alarmed = "deferred: an audit raised an alarm; teacher not asked"
    assert set(reasons) == {alarmed, "missing text", "empty text"}


def test_where_nothing_is_certified_all_say_so(messages, frame, tmp_path):
    recorded = dict(zip(messages["text"], messages["label"], strict=True))
    how = {"features": "lsa", "store": ":memory:", "labelling": "random", "target": 0.999}
    tracer = tracer_nb.Tracer(recorded, surrogate="kernel-ridge", **how)
    tracer.label(messages["text"], sample=400)
    tracer.fit()
    tracer.calibrate()
    assert not tracer.router.certificate.certified
    tracer.save(tmp_path / "none.tracer")
    reasons = same(tmp_path / "none.tracer", tmp_path / "labels.sqlite", frame)
    nothing = "deferred: nothing was certified; teacher not asked"
    assert set(reasons) == {nothing, "missing text", "empty text"}
