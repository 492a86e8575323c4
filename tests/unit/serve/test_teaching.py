"""Deferred rows go to a teacher under a cap, nothing is asked twice, and handled ones are audited."""

from __future__ import annotations

import asyncio
import json
import threading

import numpy as np
import pytest

from tests.unit.serve.running import serving
from tests.unit.serve.test_reload import replace, until
from tracer_nb import load
from tracer_nb.__main__ import main
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Answer, Caps
from tracer_nb.serve import app, routers, teaching
from tracer_nb.serve.limits import Limits
from tracer_nb.serve.teaching import Teachings
from tracer_nb.standin import serve
from tracer_nb.store import LabelStore

# Halfway between two labels: deferred, and not far from what was fitted on.
BETWEEN = [0.52, 0.48, 0.0]


class Asked:
    """A teacher at a cent a text, which notes what it is asked."""

    name, batch_size, concurrency = "asked", 1, 8
    identity = {"kind": "asked"}  # noqa: RUF012

    def __init__(self, world, answer=None, delay=0.0):
        self.texts, self.labels, self.delay = [], tuple(world.labels), delay
        self.answer = answer or (lambda _text: self.labels[0])
        self.gate = threading.Event()
        self.gate.set()

    def cost_bound(self, _text):
        return 0.01

    def token_bound(self, _text):
        return 10

    def cost_estimate(self, _text):
        return 5, 5, 0.01

    async def label(self, texts):
        self.texts += texts
        assert await asyncio.to_thread(self.gate.wait, 30)
        await asyncio.sleep(self.delay)
        return [self.one(text) for text in texts]

    def one(self, text):
        try:
            return Answer(self.answer(text), cost=0.01)
        except RuntimeError as error:
            return Answer(None, str(error), cost=0.0, keep=False)

    async def close(self):
        pass


@pytest.fixture
def store(tmp_path):
    return tmp_path / "labels.sqlite"


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(teaching, "_PAUSE", 0.02)
    monkeypatch.setattr(routers, "_PAUSE", 0.05)


def teachings(teach, store, caps=None, **options):
    return Teachings({"teacher": teach, "store": store}, caps or Caps(), **options)


def deferred(vector_file, world, n):
    """Vectors that are deferred, each with a text of its own."""
    routing = load(vector_file).router.route(world.X)
    rows = np.flatnonzero(~routing.handled & ~routing.far)
    picked = world.X[np.resize(rows, n)]
    return {"texts": [f"new text {i}" for i in range(n)], "vectors": picked.tolist()}


def test_deferred_texts_are_answered_by_the_teacher_once_and_for_all(
    vector_file, vector_world, store
):
    teach = Asked(vector_world)
    body = deferred(vector_file, vector_world, 30)
    with serving({"a": vector_file}, teachings=teachings(teach, store)) as running:
        first = running.results(body)
        assert {r["source"] for r in first} == {"teacher"}
        assert {r["label"] for r in first} == {vector_world.labels[0]}
        assert all(r["reason"].startswith("deferred: score below 0.") for r in first)
        assert all(";" not in r["reason"] and 0 <= r["score"] <= 1 for r in first)
        assert sorted(teach.texts) == sorted(body["texts"])
        assert running.results(body) == first
        one = {"text": "new text 3", "vector": body["vectors"][3]}
        assert running.results(one, "/predict")[0]["source"] == "teacher"
        # What was paid is summed up when nobody waits any more.
        paid = until(lambda: (said := running.get("/health")[1]["teacher"])["asked"] and said)
        assert paid == {"asked": 30, "dollars": pytest.approx(0.3)}
    with serving({"a": vector_file}, teachings=teachings(teach, store)) as running:
        assert running.results(body) == first  # by the store, in another process
    assert len(teach.texts) == 30


def test_what_many_ask_for_at_once_is_asked_once(vector_file, vector_world, store):
    teach = Asked(vector_world)
    teach.gate.clear()
    body = deferred(vector_file, vector_world, 4)
    row = {"text": body["texts"][0], "vector": body["vectors"][0]}
    got = []
    with serving({"a": vector_file}, teachings=teachings(teach, store)) as running:
        threads = [
            threading.Thread(target=lambda: got.extend(running.results(row, "/predict")))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        until(lambda: running.service.gate.n_open == 12)
        teach.gate.set()
        for thread in threads:
            thread.join(30)
    assert [r["source"] for r in got] == ["teacher"] * 12
    assert teach.texts == [row["text"]]


def test_no_cap_is_passed_by_several_routers_together(vector_file, vector_world, store):
    teach = Asked(vector_world)
    body = deferred(vector_file, vector_world, 40)
    other = {**body, "texts": [f"other {text}" for text in body["texts"]]}
    hands = teachings(teach, store, Caps(max_rows=25))
    got = {}
    with serving({"a": vector_file, "b": vector_file}, teachings=hands) as running:

        def ask(name, rows):
            got[name] = running.results(rows, f"/predict_batch?router={name}")

        threads = [threading.Thread(target=ask, args=pair) for pair in (("a", body), ("b", other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        late = running.results(
            {"texts": ["one more"], "vectors": body["vectors"][:1]}, "/predict_batch?router=a"
        )
    assert len(teach.texts) == len(set(teach.texts)) == 25
    results = [*got["a"], *got["b"]]
    assert sum(r["source"] == "teacher" for r in results) == 25
    unasked = [r["reason"] for r in [*results, *late] if r["source"] == "deferred"]
    assert len(unasked) == 56
    assert all("cap" in reason or "max_rows" in reason for reason in unasked), set(unasked)
    assert all(r.startswith("deferred: score") and "; not asked: " in r for r in unasked)


def test_without_a_bound_or_with_a_wrong_option_it_does_not_begin(
    vector_file, vector_world, capsys
):
    options = {"teacher": "openai:m", "base_url": "http://127.0.0.1:9/v1", "store": ":memory:"}
    with (  # nobody knows what its tokens cost
        pytest.raises(InvalidInput, match=r"max_cost|price"),
        serving({"a": vector_file}, teachings=Teachings(options, Caps())),
    ):
        pass
    for rate in (0, 1.5, float("nan"), True):
        with pytest.raises(InvalidInput, match="rate must be"):
            teachings(Asked(vector_world), ":memory:", rate=rate)
    for words, why in (
        (["--audit", "0.1"], "--audit is about a teacher"),
        (["--max-cost", "1"], "--max-cost is about a teacher"),
        (["--teacher", "x", "--on-alarm", "tell"], "add --audit"),
        (["--teacher", "standin:support", "--max-cost", "-1"], "max_cost must be dollars"),
    ):
        assert main(["serve", str(vector_file), *words]) == 1
        assert why in capsys.readouterr().err


def test_a_slow_teacher_is_not_waited_for_beyond_the_time_and_its_answer_is_kept(
    vector_file, vector_world, store, monkeypatch
):
    monkeypatch.setattr(app, "_PATIENCE", 0.01)
    teach = Asked(vector_world)
    teach.gate.clear()
    body = deferred(vector_file, vector_world, 3)
    hands, limits = teachings(teach, store), Limits(seconds=20.0)
    with serving({"a": vector_file}, teachings=hands, limits=limits) as running:
        results = running.results(body)
        assert [r["source"] for r in results] == ["deferred"] * 3
        assert all("has not answered within 0.2 seconds" in r["reason"] for r in results)
        teach.gate.set()
        until(
            lambda: (
                running.service._teachings._asides and not hands.gauges()["teacher_waiting"][0]()
            )
        )
        assert [r["source"] for r in running.results(body)] == ["teacher"] * 3
    assert len(teach.texts) == 3


def test_what_is_under_way_at_the_end_is_stored(vector_file, vector_world, store, monkeypatch):
    teach = Asked(vector_world, delay=0.3)
    body = deferred(vector_file, vector_world, 2)
    monkeypatch.setattr(app, "_PATIENCE", 0.001)
    with serving({"a": vector_file}, teachings=teachings(teach, store)) as running:
        assert {r["source"] for r in running.results(body)} == {"deferred"}
        until(lambda: teach.texts)
    with LabelStore(store) as kept:
        (n,) = kept.select("SELECT COUNT(*) FROM answers", [])[0]
    assert n == len(teach.texts) > 0


def test_failures_of_the_teacher_are_told_and_cost_no_other_row(vector_file, vector_world, store):
    def answer(text):
        if text.endswith("1"):
            raise RuntimeError("the model is away")
        return vector_world.labels[1]

    body = deferred(vector_file, vector_world, 2)
    handled = vector_world.X[load(vector_file).router.route(vector_world.X).handled][:1]
    body = {"texts": [*body["texts"], "easy"], "vectors": [*body["vectors"], handled[0].tolist()]}
    hands = teachings(Asked(vector_world, answer), store)
    with serving({"a": vector_file}, teachings=hands) as running:
        results = running.results(body)
    assert [r["source"] for r in results] == ["teacher", "deferred", "surrogate"]
    assert "the model is away" in results[1]["reason"]


def test_vectors_alone_and_rows_without_text_are_not_asked_about(vector_file, vector_world, store):
    teach = Asked(vector_world)
    body = deferred(vector_file, vector_world, 2)
    with serving({"a": vector_file}, teachings=teachings(teach, store)) as running:
        results = running.results({"vectors": body["vectors"]})
        assert "; not asked: the teacher reads texts" in results[0]["reason"]
        results = running.results({"texts": [None, " "], "vectors": body["vectors"]})
        assert [r["reason"] for r in results] == ["missing text", "empty text"]
    assert teach.texts == []


def test_a_text_on_its_way_is_not_asked_about_again_by_the_router_that_comes_next(
    vector_file, vector_world, store, tmp_path
):
    file = tmp_path / "a.tracer"
    file.write_bytes(vector_file.read_bytes())
    teach = Asked(vector_world)
    teach.gate.clear()
    body = deferred(vector_file, vector_world, 2)
    got = []
    with serving({"a": file}, teachings=teachings(teach, store)) as running:
        threads = [threading.Thread(target=lambda: got.append(running.results(body))) for _ in "ab"]
        threads[0].start()
        until(lambda: teach.texts)
        replace(file, vector_file.read_bytes())
        until(lambda: running.get("/health")[1]["routers"]["a"]["loads"] == 2)
        threads[1].start()
        until(lambda: running.service.gate.n_open == 2)
        teach.gate.set()
        for thread in threads:
            thread.join(30)
    assert got[0] == got[1]
    assert sorted(teach.texts) == sorted(body["texts"])


def test_a_key_is_nowhere(vector_file, vector_world, store, capfd, monkeypatch):
    import pandas as pd

    key = "sk-very-secret-0123456789abcdef"
    monkeypatch.setenv("TRACER_NB_API_KEY", key)
    body = deferred(vector_file, vector_world, 5)
    table = pd.DataFrame({"text": body["texts"], "label": vector_world.labels[0]})
    for expected in (key, "another-key"):
        with serve(table, api_key=expected) as server:
            options = {
                "teacher": "openai:m",
                "base_url": server.base_url,
                "price": "1,2",
                "store": store,
            }
            hands = Teachings(options, Caps(max_cost=1.0))
            with serving({"a": vector_file}, teachings=hands) as running:
                results = running.results(body)
                pages = [running.get(p) for p in ("/health", "/certificate", "/metrics")]
        store.unlink()
        assert {r["source"] for r in results} == {"teacher" if expected == key else "deferred"}
        assert key not in json.dumps([results, str(pages)])
    assert key not in "".join(capfd.readouterr())


# --- audits -----------------------------------------------------------------------------------


def handled_rows(vector_file, world, n):
    routing = load(vector_file).router.route(world.X)
    rows = np.resize(np.flatnonzero(routing.handled), n)
    body = {"texts": [f"live {i}" for i in range(n)], "vectors": world.X[rows].tolist()}
    return body, dict(zip(body["texts"], routing.labels[rows], strict=True))


def test_audits_of_live_traffic_are_stored_and_found_again(vector_file, vector_world, store):
    body, labels = handled_rows(vector_file, vector_world, 200)
    teach = Asked(vector_world, labels.__getitem__)
    hands = teachings(teach, store, rate=0.3)
    with serving({"a": vector_file}, teachings=hands) as running:
        results = running.results(body)
        assert {r["source"] for r in results} == {"surrogate"}
        running.results(body)  # the same texts are no new evidence
    assert 30 < len(teach.texts) == len(set(teach.texts)) < 95
    again = load(vector_file, teacher=teach, store=store)
    again.route(body["texts"], features=np.array(body["vectors"]), ask_teacher=False)
    watch = again.watch()
    assert (watch.n_audits, watch.n_disagree) == (len(teach.texts), 0)


def test_an_alarm_defers_what_follows_and_is_told(vector_file, vector_world, store, capfd):
    body, labels = handled_rows(vector_file, vector_world, 300)
    wrong = {text: next(x for x in vector_world.labels if x != labels[text]) for text in labels}
    teach = Asked(vector_world, lambda text: wrong.get(text, vector_world.labels[0]))
    hands = teachings(teach, store, rate=0.5)
    with serving({"a": vector_file}, teachings=hands) as running:
        assert {r["source"] for r in running.results(body)} == {"surrogate"}
        until(lambda: running.get("/health")[1]["routers"]["a"]["alarm"])
        fresh = {"texts": ["fresh"], "vectors": body["vectors"][:1]}
        assert running.results(fresh)[0]["source"] == "teacher"
        (result,) = running.results({"vectors": body["vectors"][:1]})
        assert result["source"] == "deferred"
        assert "an audit raised an alarm" in result["reason"]
        assert b"tracer_nb_alarms 1.0" in running.get("/metrics")[1]
    assert '"event":"alarm"' in capfd.readouterr().err


def test_audits_spend_no_more_than_the_cap(vector_file, vector_world, store):
    body, labels = handled_rows(vector_file, vector_world, 200)
    teach = Asked(vector_world, labels.__getitem__)
    hands = teachings(teach, store, Caps(max_cost=0.1), rate=1.0)
    with serving({"a": vector_file}, teachings=hands) as running:
        running.results(body)
        until(lambda: running.get("/health")[1]["teacher"].get("audits_stopped"))
    assert len(teach.texts) == 10
