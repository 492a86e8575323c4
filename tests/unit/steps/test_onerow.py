"""One row at a time: never another decision than that of ``route``, whatever the router."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.errors import InvalidInput
from tracer_nb.records import Audit, Prediction
from tracer_nb.teachers import ReplayTeacher

from .routers import KINDS, LABELS, NEW, load_kind, load_texts, one_of

UNASKED = "; teacher not asked"


def asked_costs(loaded):
    return NEW.costs if loaded.router.fit.options.strategy == "cost-aware" else None


def cost_of(costs, i):
    return None if costs is None else costs[i]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_decided_as_among_all_others(kind, tmp_path):
    loaded, X = load_kind(kind, tmp_path)
    costs = asked_costs(loaded)
    for target in loaded.router.fit.options.targets:
        routing = loaded.router.route(X, target=target, costs=costs)
        if kind != "refused":  # or it shows nothing
            assert 15 < routing.handled.sum() < 145
        each = [
            loaded.predict(one_of(X, i), target=target, cost=cost_of(costs, i))
            for i in range(len(NEW.y))
        ]
        handled = [p.source == "surrogate" for p in each]
        assert handled == routing.handled.tolist()
        labels = np.where(routing.handled, routing.labels, None).tolist()
        assert [p.label for p in each] == labels
        # Products of another batch are added up in another order.
        assert [p.score for p in each] == pytest.approx(routing.scores.tolist(), abs=1e-4)
        batch = loaded.predict_batch(X, target=target, costs=costs)
        assert [p.score for p in batch] == routing.scores.tolist()
        assert [(p.label, p.source, p.reason) for p in batch] == [
            (p.label, p.source, p.reason) for p in each
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_alone_is_the_row_alone_to_the_last_digit(kind, tmp_path):
    loaded, X = load_kind(kind, tmp_path)
    costs = asked_costs(loaded)
    for i in range(0, len(NEW.y), 10):
        alone = [b[i : i + 1] for b in X] if isinstance(X, list) else X[i : i + 1]
        cost = None if costs is None else costs[i : i + 1]
        (score,) = loaded.router.route(alone, costs=cost).scores
        assert loaded.predict(one_of(X, i), cost=cost_of(costs, i)).score == score


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gate": "learned"},
        {"certificate": "per-class", "target": 0.7},
        {"about_it": {"abstain": {"unlike": True, "unsure": None}}, "guard": 0.05},
        {"target": 0.9999},
    ],
    ids=str,
)
def test_texts_come_out_as_in_a_routed_frame(options, tmp_path):
    loaded, texts = load_texts(tmp_path, **options)
    frame = loaded.route(texts)
    each = [loaded.predict(text) for text in texts]
    assert_same(frame, loaded.predict_batch(texts))
    assert_same(frame, each)
    sources = {p.source for p in each}
    assert {"deferred", None} <= sources
    if loaded.certificate.certified:
        assert "surrogate" in sources
    if loaded.reject.unlike:
        assert Prediction(None, "abstained", each[-3].score, "unlike every labelled row") in each


def assert_same(frame, each):
    """A frame and predictions, their reasons included."""
    frame = frame.astype(object).where(frame.notna(), None)
    assert [p.label for p in each] == frame["label"].tolist()
    scores = [-1.0 if score is None else score for score in frame["label_score"]]
    found = [-1.0 if p.score is None else p.score for p in each]
    assert found == pytest.approx(scores, abs=1e-4)
    sources = [None if p.source == "deferred" else p.source for p in each]
    assert sources == frame["label_source"].tolist()
    assert [p.reason for p in each] == frame["label_reason"].tolist()


def test_what_the_teacher_said_before_goes_first(tmp_path):
    _, texts = load_texts(tmp_path)
    said = {texts[0]: LABELS[0], texts[1]: LABELS[1], texts[2]: "no label at all"}
    teacher = ReplayTeacher(said | dict.fromkeys(texts[3:80], LABELS[2]), labels=LABELS)
    loaded, _ = load_texts(tmp_path, load={"teacher": teacher})
    frame = loaded.route(texts)
    each = [loaded.predict(text) for text in texts]
    assert_same(frame, each)
    assert sum(p.source == "teacher" for p in each) > 10
    deferred = next(t for t, p in zip(texts, each, strict=True) if p.source == "teacher")
    assert loaded.predict(deferred).label == teacher_says(teacher, deferred)


def teacher_says(teacher, text):
    import asyncio

    return asyncio.run(teacher.label([text]))[0].label


def test_an_alarm_is_heeded_and_nothing_is_read_again_without_need(tmp_path):
    loaded, texts = load_texts(tmp_path, load={"store": tmp_path / "labels.sqlite"})
    # In the same millisecond, or a week later by another process.
    other, _ = load_texts(tmp_path, load={"store": tmp_path / "labels.sqlite"})
    handled = next(t for t in texts if loaded.predict(t).source == "surrogate")
    promise = other._promise(other.certificate)
    other._auditor._store.put(promise.key, [Audit(f"t{i}", "a", "b") for i in range(60)])
    assert other._auditor.has_alarm(promise)
    found = loaded.predict(handled)
    assert (found.label, found.source) == (None, "deferred")
    assert found.reason == f"deferred: an audit raised an alarm{UNASKED}"
    assert set(loaded.route(texts)["label_source"].dropna()) == set()
    reads = []
    heed = loaded._auditor.heed
    loaded._auditor.heed = lambda *a: reads.append(1) or heed(*a)
    for text in texts[:5]:
        loaded.predict(text)
    assert len(reads) <= 1


def test_alarms_of_a_store_in_memory(tmp_path):
    loaded, X = load_kind("plain", tmp_path)
    at = next(i for i in range(99) if loaded.predict(X[i]).source == "surrogate")
    promise = loaded._promise(loaded.certificate)
    loaded._auditor._store.put(promise.key, [Audit(f"t{i}", "a", "b") for i in range(60)])
    assert loaded.predict(X[at]).source == "deferred"
    loaded._auditor._store.choose(promise.key, "tell")
    assert loaded.predict(X[at]).source == "surrogate"


def test_why_all_is_deferred(tmp_path):
    loaded, X = load_kind("refused", tmp_path)
    reasons = {p.reason for p in loaded.predict_batch(X)}
    assert reasons == {f"deferred: nothing was certified{UNASKED}"}


def test_rows_of_ones_own_features_have_text_and_vector(tmp_path):
    loaded, X = load_kind("plain", tmp_path)
    texts = [f"text {i}" for i in range(len(X))]
    frame = loaded.route(texts, features=X)
    each = [loaded.predict(t, features=x) for t, x in zip(texts, X, strict=True)]
    assert [p.label for p in each] == frame["label"].astype(object).where(
        frame["label"].notna(), None
    ).tolist()
    assert [p.label for p in loaded.predict_batch(texts, features=X)] == [p.label for p in each]
    with pytest.raises(InvalidInput, match=r"predict\(text, features=vector\)"):
        loaded.predict("a text")
    with pytest.raises(InvalidInput, match=r"predict_batch\(texts, features=matrix\)"):
        loaded.predict_batch(["a text"])


def test_forms_of_a_vector_are_equal(tmp_path):
    loaded, X = load_kind("plain", tmp_path)
    found = loaded.predict(X[7])
    row = X[7].astype(float)
    for same in (X[7:8], row, row.tolist(), tuple(row.tolist())):
        assert loaded.predict(same) == found
    entries = loaded.predict(sparse.csr_matrix(X[7:8]))
    assert (entries.label, entries.score) == (found.label, pytest.approx(found.score, abs=1e-4))
    assert loaded.predict_batch(X[7:9].tolist())[0].label == found.label
    assert loaded.predict_batch([X[7], X[8]]) == loaded.predict_batch(X[7:9])
    assert loaded.predict_batch(X[:0]) == loaded.predict_batch([]) == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (np.ones((2, 8)), "several rows go to predict_batch"),
        (np.ones(7), "must have the 8 features the router was fitted on, got 7"),
        (np.full(8, np.nan), "holds 8 NaN or infinite values"),
        ([1.0, "a"], "one text or one vector of features, got list"),
        ([[1.0], [1.0, 2.0]], "one text or one vector of features, got list"),
        (3, "one text or one vector of features, got int"),
        (b"text", "one text or one vector of features, got bytes"),
        ({"text": "x"}, "one text or one vector of features, got dict"),
    ],
)
def test_what_is_no_row_is_one_clear_line(row, said, tmp_path):
    loaded, _ = load_kind("plain", tmp_path)
    with pytest.raises(InvalidInput, match=said) as error:
        loaded.predict(row)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("one text", "expected a column of texts, got str"),
        ([1, 2], "row 0 holds 1"),
        (["a", 2], "row 1 holds 2"),
        (["", 2], "row 1 holds 2"),
        (np.ones((2, 3)), "must have the 8 features"),
        (7, "expected a column of texts, got int"),
    ],
)
def test_what_are_no_rows_is_one_clear_line(rows, said, tmp_path):
    loaded, _ = load_kind("plain", tmp_path)
    with pytest.raises(InvalidInput, match=said):
        loaded.predict_batch(rows)


def test_texts_of_no_text_and_series(tmp_path):
    import pandas as pd

    loaded, texts = load_texts(tmp_path)
    assert [p.reason for p in loaded.predict_batch(["", None])] == ["empty text", "missing text"]
    assert loaded.predict(float("nan")) == Prediction(None, None, None, "missing text")
    column = pd.Series(texts, index=[5] * len(texts))
    assert loaded.predict_batch(column) == loaded.predict_batch(texts)
    with pytest.raises(InvalidInput, match="features are made by"):
        loaded.predict(texts[0], features=np.ones(40))
    with pytest.raises(InvalidInput, match="go beside a text"):
        loaded.predict(np.ones(40), features=np.ones(40))


def test_costs_are_needed_where_they_decide(tmp_path):
    loaded, X = load_kind("cost-aware", tmp_path)
    with pytest.raises(InvalidInput, match="vectors do not tell"):
        loaded.predict(X[0])
    # One row may cost far more than the mean.
    assert loaded.predict("a text", features=X[0], cost=1e4).score is not None
    with pytest.raises(InvalidInput, match=r"target 0\.5 was not certified"):
        loaded.predict(X[0], cost=1.0, target=0.5)
